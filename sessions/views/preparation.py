"""Pages of preparation sessions."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes.access import episode_for, row_for
from episodes.models import Episode
from episodes.readers import eyes_of
from episodes.services import read_note
from episodes.sharing import Discipline
from kapclinic.accounts import policy
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.versions import Difference, carry_on_from, differences
from kapclinic.scheduling.models import Appointment, AppointmentKind
from sessions.forms.preparation import AddendumForm, PreparationForm
from sessions.models import PreparationSession
from sessions.services import add_preparation_addendum, save_preparation, sign_preparation
from sessions.wording import INSTRUCTIONS, words_of

_note = row_for(
    PreparationSession,
    "episode__patient",
    "episode__clinic",
    "episode__protocol_version__protocol",
    "therapist",
    "signed_by",
    "appointment",
)


def _appointment(actor: Actor, pk: Any) -> Appointment:
    found = (
        Appointment.objects.filter(clinic=actor.clinic, pk=pk, kind=AppointmentKind.PREPARATION)
        .select_related(
            "episode__patient", "episode__clinic", "episode__protocol_version__protocol", "clinic"
        )
        .first()
    )
    if found is None or found.episode is None:
        raise Http404
    return found


@page("preparation.read", fetch=episode_for, methods=("GET", "HEAD"))
def preparation_list(request: ActorRequest, episode: Episode) -> HttpResponse:
    """The preparation sessions of an episode, the newest first."""
    return render(
        request,
        "dosing/preparation_list.html",
        {
            "episode": episode,
            "notes": episode.preparations.select_related("therapist", "signed_by"),
            "sees_themes": eyes_of(request.actor, episode, now=timezone.now()).sees(
                ConsentCategory.THEMES, Discipline.THERAPY
            ),
            "may_write": policy.can(request.actor, "preparation.write", episode),
        },
    )


@page("preparation.write", fetch=episode_for)
def preparation_new(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Begin a preparation."""
    now = timezone.now()
    return _form_page(
        request, episode, None, None, now - timedelta(minutes=episode.protocol.preparation_minutes), now
    )


@page("preparation.write", fetch=_appointment)
def preparation_of_appointment(request: ActorRequest, appointment: Appointment) -> HttpResponse:
    """Write up the preparation that was booked."""
    assert appointment.episode is not None
    note = PreparationSession.objects.standing().filter(appointment=appointment).first()
    if note is not None:
        return redirect("dosing:preparation-detail", pk=note.pk)
    return _form_page(
        request, appointment.episode, None, appointment, appointment.starts_at, appointment.ends_at
    )


@page("preparation.write", fetch=_note)
def preparation_edit(request: ActorRequest, note: PreparationSession) -> HttpResponse:
    """Go on with a draft. What was typed while somebody else signed comes back with the refusal."""
    if note.is_signed and not request.POST:
        return redirect("dosing:preparation-detail", pk=note.pk)
    return _form_page(request, note.episode, note, None, note.held_from, note.held_until)


def _form_page(
    request: ActorRequest,
    episode: Episode,
    note: PreparationSession | None,
    appointment: Appointment | None,
    held_from: datetime,
    held_until: datetime,
) -> HttpResponse:
    patient = episode.patient
    initial: dict[str, Any] = {"held_from": held_from, "held_until": held_until}
    if note is None:
        initial |= {
            "escort_name": patient.support_name,
            "escort_phone": patient.support_phone,
            "escort_relation": patient.support_relation,
        }
    form = PreparationForm(request.POST or None, episode=episode, note=note, initial=initial)
    other: list[Difference] = []
    if request.method == "POST" and form.is_valid():
        if note is None:
            # Sent again after its signature was refused: the draft is there, what was typed since goes into it.
            note = PreparationSession.objects.filter(
                episode=episode, request_key=form.cleaned_data["request_key"]
            ).first()
            if note is not None and note.is_signed:
                return redirect("dosing:preparation-detail", pk=note.pk)
        try:
            note = saved = save_preparation(
                episode=episode,
                note=note,
                appointment=appointment,
                details=form.for_service(),
                expected_version=form.cleaned_data["version"],
                request_key=None if note is not None else form.cleaned_data["request_key"],
                actor=request.actor.user,
            )
            if "sign" in request.POST:
                sign_preparation(note=saved, actor=request.actor.user)
        except Refused as refused:
            if note is not None:
                note.refresh_from_db()
                if any(reason.code in {"stale", "signed"} for reason in refused.reasons):
                    other = differences(form, PreparationForm(episode=episode, note=note))
                carry_on_from(form, note.version)
            refused.add_to(form)
        else:
            messages.success(request, "Signed." if "sign" in request.POST else "Draft saved.")
            return redirect("dosing:preparation-detail", pk=saved.pk)
    return render(
        request,
        "dosing/preparation_form.html",
        {"episode": episode, "note": note, "form": form, "other": other},
        status=422 if request.method == "POST" else 200,
    )


@page("preparation.read", fetch=_note, methods=("GET", "HEAD"))
def preparation_detail(request: ActorRequest, note: PreparationSession) -> HttpResponse:
    """One preparation as it was written."""
    return _detail(request, note, AddendumForm())


def _detail(
    request: ActorRequest, note: PreparationSession, form: AddendumForm, status: int = 200
) -> HttpResponse:
    parts = note.body.get("parts", {})
    withheld = read_note(
        actor=request.actor,
        episode=note.episode,
        note_id=note.pk,
        what=f"Preparation note of {timezone.localtime(note.held_from):%Y-%m-%d}",
        categories={ConsentCategory.THEMES},
        origin=Discipline.THERAPY,
        now=timezone.now(),
    )
    return render(
        request,
        "dosing/preparation_detail.html",
        {
            "episode": note.episode,
            "note": note,
            "withheld": withheld,
            "parts": [
                {
                    "label": part.label,
                    "covered": parts.get(part.key, {}).get("covered", False),
                    "note": parts.get(part.key, {}).get("note", ""),
                }
                for part in note.episode.protocol.preparation_parts
            ],
            "instructions": words_of(note.instructions, INSTRUCTIONS),
            "addenda": note.addenda.select_related("created_by"),
            "form": form,
            "may_write": policy.can(request.actor, "preparation.write", note),
            "is_author": note.therapist_id == request.actor.user.pk,
        },
        status=status,
    )


@page("preparation.write", fetch=_note, methods=("POST",))
def preparation_sign(request: ActorRequest, note: PreparationSession) -> HttpResponse:
    """Sign a draft."""
    try:
        sign_preparation(note=note, actor=request.actor.user)
    except Refused as refused:
        for reason in refused.reasons:
            messages.error(request, reason.text)
    else:
        messages.success(request, "Signed.")
    return redirect("dosing:preparation-detail", pk=note.pk)


@page("preparation.write", fetch=_note, methods=("POST",))
def preparation_addendum(request: ActorRequest, note: PreparationSession) -> HttpResponse:
    """Add to a signed note."""
    form = AddendumForm(request.POST)
    if form.is_valid():
        try:
            add_preparation_addendum(note=note, text=form.cleaned_data["text"], actor=request.actor.user)
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, "Addendum added.")
            return redirect("dosing:preparation-detail", pk=note.pk)
    return _detail(request, note, form, status=422)
