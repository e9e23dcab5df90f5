"""Pages of process notes. Each fetches through kapclinic/process_notes/access.py: what is not yours does not exist."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes.access import episode_for
from episodes.models import Episode
from kapclinic.accounts import policy
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.versions import carry_on_from
from kapclinic.process_notes import services
from kapclinic.process_notes.access import (
    note_for,
    own_notes,
    release_of_own_note_for,
    release_to_for,
    transfer_for,
    transfer_to_for,
)
from kapclinic.process_notes.forms import (
    OpenForm,
    ProcessAddendumForm,
    ProcessNoteForm,
    ReleaseForm,
    RevokeReleaseForm,
    TransferForm,
)
from kapclinic.process_notes.models import (
    ProcessNote,
    ProcessNoteRelease,
    ProcessNoteTransfer,
    TransferState,
)


def _status(form: forms.Form) -> int:
    return 422 if form.errors else 200


@page("process-note.list", methods=("GET", "HEAD"))
def mine(request: ActorRequest) -> HttpResponse:
    """The person's own notes, transfers that name them, and what was released to them."""
    actor = request.actor
    waiting = ProcessNoteTransfer.objects.filter(
        clinic=actor.clinic, custodian=actor.user, state=TransferState.STARTED
    ).select_related("author")
    released = (
        ProcessNoteRelease.objects.of_clinic(actor.clinic)
        .open_on(timezone.localdate())
        .filter(receiver=actor.user)
        .select_related("note__episode__patient", "created_by")
        .defer("note__text", "note__seal")
    )
    holds = policy.can(actor, "process-note.hold")
    notes = list(own_notes(actor)) if holds else []
    return render(
        request,
        "process_notes/mine.html",
        {
            "notes": notes,
            "waiting": waiting if holds else [],
            "released": released,
            # Who writes none has some as a custodian only.
            "may_hold": bool(notes) or policy.can(actor, "process-note.write"),
        },
    )


@page("process-note.write", fetch=episode_for, methods=("GET", "HEAD"))
def of_episode(request: ActorRequest, episode: Episode) -> HttpResponse:
    """The person's own notes about one episode."""
    notes = own_notes(request.actor).filter(episode=episode)
    return render(request, "process_notes/of_episode.html", {"episode": episode, "notes": notes})


@page("process-note.write", fetch=episode_for)
def create(request: ActorRequest, episode: Episode) -> HttpResponse:
    """A new process note."""
    form = ProcessNoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            note = services.create_note(
                episode=episode,
                about_on=form.cleaned_data["about_on"],
                text=form.cleaned_data["text"],
                request_key=form.cleaned_data["request_key"],
                actor=request.actor.user,
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, "Saved as a draft. Nobody else sees it.")
            return redirect("process_notes:detail", pk=note.pk)
    return render(
        request, "process_notes/form.html", {"episode": episode, "form": form}, status=_status(form)
    )


@page("process-note.hold", fetch=note_for)
def detail(request: ActorRequest, note: ProcessNote) -> HttpResponse:
    """A draft to write, the signed note, or the seal that a custodian has not broken."""
    user = request.actor.user
    if services.is_sealed_for(note, user):
        return _sealed_page(request, note, OpenForm())
    is_final = note.is_signed or note.is_struck
    # What was typed while another window signed comes back with the refusal.
    if note.created_by_id != user.pk or (is_final and not request.POST):
        return _note_page(request, note, ProcessAddendumForm())
    form = ProcessNoteForm(request.POST or None, note=note)
    other = ""
    if request.method == "POST" and form.is_valid():
        try:
            saved = services.save_note(
                note=note,
                version=form.cleaned_data["version"] or 0,
                about_on=form.cleaned_data["about_on"],
                text=form.cleaned_data["text"],
                actor=user,
            )
            if request.POST.get("then") == "sign":
                services.sign_note(note=saved, version=saved.version, actor=user)
                messages.success(request, "Signed. From now on there are addenda only.")
            else:
                messages.success(request, "Saved as a draft. Nobody else sees it.")
            return redirect("process_notes:detail", pk=note.pk)
        except Refused as refused:
            if any(reason.code in {"changed", "signed"} for reason in refused.reasons):
                note.refresh_from_db()
                other = note.text
                # Saving again is then a decision between two texts that were both read.
                carry_on_from(form, note.version)
            refused.add_to(form)
    return render(
        request,
        "process_notes/form.html",
        {"episode": note.episode, "note": note, "form": form, "other": other},
        status=_status(form),
    )


def _note_page(request: ActorRequest, note: ProcessNote, form: ProcessAddendumForm) -> HttpResponse:
    today = timezone.localdate()
    releases = note.releases.select_related("receiver")
    return render(
        request,
        "process_notes/note.html",
        {
            "episode": note.episode,
            "note": note,
            "addenda": note.addenda.all(),
            "openings": note.openings.select_related("created_by"),
            "releases": [(release, release.is_open_on(today)) for release in releases],
            "form": form,
            "is_author": note.created_by_id == request.actor.user.pk,
        },
        status=_status(form),
    )


def _sealed_page(request: ActorRequest, note: ProcessNote, form: OpenForm) -> HttpResponse:
    return render(
        request,
        "process_notes/sealed.html",
        {"episode": note.episode, "note": note, "form": form},
        status=_status(form),
    )


@page("process-note.hold", fetch=note_for, methods=("POST",))
def open_sealed(request: ActorRequest, note: ProcessNote) -> HttpResponse:
    """A custodian breaks the seal."""
    form = OpenForm(request.POST)
    if form.is_valid():
        try:
            services.open_note(note=note, actor=request.actor.user, **form.cleaned_data)
        except Refused as refused:
            refused.add_to(form)
        else:
            return redirect("process_notes:detail", pk=note.pk)
    return _sealed_page(request, note, form)


@page("process-note.hold", fetch=note_for, methods=("POST",))
def strike(request: ActorRequest, note: ProcessNote) -> HttpResponse:
    """Mark it as entered in error."""
    try:
        services.strike_note(note=note, actor=request.actor.user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "Marked as entered in error. It stays with you, and no release shows it.")
    return redirect("process_notes:detail", pk=note.pk)


@page("process-note.hold", fetch=note_for, methods=("POST",))
def addendum(request: ActorRequest, note: ProcessNote) -> HttpResponse:
    """Add text to a signed note."""
    if services.is_sealed_for(note, request.actor.user):
        return _sealed_page(request, note, OpenForm())
    form = ProcessAddendumForm(request.POST)
    if form.is_valid():
        try:
            services.add_addendum(note=note, actor=request.actor.user, **form.cleaned_data)
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, "Added.")
            return redirect("process_notes:detail", pk=note.pk)
    return _note_page(request, note, form)


@page("process-note.hold", fetch=note_for, confirm=("POST",))
def release(request: ActorRequest, note: ProcessNote) -> HttpResponse:
    """Release this one note to one person, as the patient's authorization says."""
    form = ReleaseForm(request.POST or None, note=note)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.release_note(
                note=note,
                receiver=form.cleaned_data["receiver"],
                details=form.details(),
                request_key=form.cleaned_data["request_key"],
                actor=request.actor.user,
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, f"Released to {made.receiver} until {made.expires_on:%Y-%m-%d}.")
            return redirect("process_notes:detail", pk=note.pk)
    return render(
        request,
        "process_notes/release.html",
        {"episode": note.episode, "note": note, "form": form},
        status=_status(form),
    )


@page("process-note.hold", fetch=release_of_own_note_for, about=lambda release: release.note)
def release_revoke(request: ActorRequest, release: ProcessNoteRelease) -> HttpResponse:
    """The patient revoked the authorization."""
    form = RevokeReleaseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.revoke_release(release=release, how=form.cleaned_data["how"], actor=request.actor.user)
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, "Revoked: it is shown to nobody but you from now on.")
            return redirect("process_notes:detail", pk=release.note_id)
    return render(
        request,
        "process_notes/release_revoke.html",
        {"episode": release.note.episode, "release": release, "form": form},
        status=_status(form),
    )


@page("process-note.read-released", fetch=release_to_for, methods=("GET", "HEAD"))
def released(request: ActorRequest, release: ProcessNoteRelease) -> HttpResponse:
    """A note that was released to this person, while the authorization holds."""
    context: dict[str, object] = {"release": release}
    try:
        note, addenda = services.read_released(release=release, actor=request.actor.user)
        context |= {"note": note, "addenda": addenda}
    except Refused as refused:
        context["reasons"] = refused.reasons
    return render(request, "process_notes/released.html", context)


@page("process-note.transfer", confirm=("POST",))
def transfers(request: ActorRequest) -> HttpResponse:
    """Managers name a custodian for the notes of somebody who left; they learn neither what nor how many there are."""
    actor = request.actor
    form = TransferForm(request.POST or None, clinic=actor.clinic, starter=actor.user)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.start_transfer(clinic=actor.clinic, actor=actor.user, **form.cleaned_data)
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, f"{made.custodian} is named custodian and has been told.")
            return redirect("process_notes:transfers")
    rows = ProcessNoteTransfer.objects.of_clinic(actor.clinic).select_related(
        "author", "custodian", "created_by"
    )
    return render(request, "process_notes/transfers.html", {"form": form, "rows": rows}, status=_status(form))


@page("process-note.transfer", fetch=transfer_for, methods=("POST",))
def transfer_withdraw(request: ActorRequest, transfer: ProcessNoteTransfer) -> HttpResponse:
    """Take back a transfer that nobody received yet."""
    try:
        services.withdraw_transfer(transfer=transfer, actor=request.actor.user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "Taken back.")
    return redirect("process_notes:transfers")


@page("process-note.receive", fetch=transfer_to_for, methods=("POST",), confirm=("POST",))
def transfer_receive(request: ActorRequest, transfer: ProcessNoteTransfer) -> HttpResponse:
    """The custodian takes the notes, sealed."""
    try:
        count = services.receive_transfer(transfer=transfer, actor=request.actor.user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"Received, sealed: {count} process note{'' if count == 1 else 's'}.")
    return redirect("process_notes:mine")
