"""Pages of handoffs: what is owed, writing one, reading one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from episodes.access import episode_for, row_for
from episodes.models import Episode
from kapclinic.accounts import policy
from kapclinic.accounts.models import Role
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.audit.access import note_rows
from kapclinic.clinics.refusals import Refused
from kapclinic.documents import snapshots
from kapclinic.documents.selectors import documents_of
from kapclinic.documents.views import document_status, url_name
from kapclinic.handoffs import record, selectors, services, sheets
from kapclinic.handoffs.fields import FIELDS
from kapclinic.handoffs.forms import AcknowledgeForm, AmendForm, HandoffForm
from kapclinic.handoffs.models import Handoff, HandoffKind
from kapclinic.handoffs.selectors import WRITE_ACTION
from sessions.models import DosingSession
from sessions.selectors import dose_number

_session = row_for(
    DosingSession, "episode__patient", "episode__clinic", "episode__protocol_version__protocol"
)
_RELATED = ("episode__patient", "episode__clinic", "session__clinic", "signed_by", "document", "supersedes")


@page("handoff.list", methods=("GET", "HEAD"))
def handoff_list(request: ActorRequest) -> HttpResponse:
    """To write, to read, and (for everyone who sees the status) what waits for others."""
    now = timezone.now()
    owed, unread = selectors.clinic_status(request.actor, now)
    mine = selectors.to_write(request.actor, now)
    reading = selectors.to_read(request.actor)
    known = {(row.session.pk, row.kind) for row in mine}
    read_keys = {handoff.pk for handoff in reading}
    note_rows(request, len(owed) + len(unread))
    return render(
        request,
        "handoffs/list.html",
        {
            "to_write": mine,
            "to_read": reading,
            "others_owe": [row for row in owed if (row.session.pk, row.kind) not in known],
            "others_read": [handoff for handoff in unread if handoff.pk not in read_keys],
            "now": now,
        },
    )


@page("handoff.status", fetch=episode_for, methods=("GET", "HEAD"))
def of_episode(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Each dose of an episode with its two handoffs."""
    return render(
        request,
        "handoffs/of_episode.html",
        {
            "episode": episode,
            "rows": selectors.rows_of(episode),
            "may_read": policy.can(request.actor, "handoff.read", episode),
            "writes_before": policy.can(request.actor, WRITE_ACTION[HandoffKind.TO_PRESCRIBER], episode),
            "may_close": not episode.is_open and policy.can(request.actor, "episode.close", episode),
            "may_print": policy.can(request.actor, "document.instructions", episode),
            "papers": _papers(request.actor, episode),
            "writes_after": policy.can(request.actor, WRITE_ACTION[HandoffKind.TO_THERAPIST], episode),
        },
    )


@page("handoff.write-to-prescriber", fetch=_session)
def write_to_prescriber(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """The therapist writes before a dose."""
    return _write(request, session, HandoffKind.TO_PRESCRIBER)


@page("handoff.write-to-therapist", fetch=_session)
def write_to_therapist(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """The prescriber writes after a dose."""
    return _write(request, session, HandoffKind.TO_THERAPIST)


def _write(request: ActorRequest, session: DosingSession, kind: HandoffKind) -> HttpResponse:
    newest = (
        Handoff.objects.standing()
        .filter(session=session, kind=kind)
        .select_related("author")
        .order_by("-edition")
        .first()
    )
    if newest is not None and newest.is_signed:
        return redirect("handoffs:detail", pk=newest.pk)
    if newest is None:
        offered = record.suggestions(session, kind)
        sources = {key: suggestion.source for key, suggestion in offered.items()}
        initial: dict[str, Any] = {key: suggestion.text for key, suggestion in offered.items()}
    else:
        sources, initial = newest.sources, dict(newest.body)
    initial["version"] = newest.version if newest else 0
    form = HandoffForm(kind, request.POST or None, initial=initial, sources=sources)
    stored: list[tuple[str, str]] = []
    if request.method == "POST" and form.is_valid():
        wants_signature = request.POST.get("intent") == "sign"
        try:
            handoff = _save(request, session, kind, form, sign=wants_signature)
        except Refused as refusal:
            refusal.add_to(form)
            if any(reason.code == "changed-meanwhile" for reason in refusal.reasons):
                stored = _stored(session, kind)
        else:
            if handoff.is_signed:
                messages.success(
                    request, "Signed. The PDF is being made, and the receiver is asked to read it."
                )
                return redirect("handoffs:detail", pk=handoff.pk)
            messages.success(request, "Draft kept.")
            return redirect(f"handoffs:write-{kind}", pk=session.pk)
    context = {
        "episode": session.episode,
        "session": session,
        "kind": kind,
        "number": dose_number(session),
        "form": form,
        "draft": newest,
        "stored": stored,
        "sections": services.preview_sections(session, kind),
        "receiver": selectors.receiver_name(session.episode, kind, timezone.now()),
    }
    return render(request, "handoffs/write.html", context, status=422 if form.errors else 200)


def _save(
    request: ActorRequest, session: DosingSession, kind: HandoffKind, form: HandoffForm, *, sign: bool
) -> Handoff:
    """Keep the text; sign it too where asked. What cannot be signed stays as a draft."""
    actor, now = request.actor.user, timezone.now()
    draft = services.save_draft(
        session=session,
        kind=kind,
        body=form.body(),
        version=form.cleaned_data["version"],
        actor=actor,
        now=now,
    )
    if not sign:
        return draft
    # The text is kept even when signing is refused, so the form must carry on from what is stored.
    shown = request.POST.copy()
    shown["version"] = str(draft.version)
    form.data = shown
    return services.sign_handoff(handoff=draft, version=draft.version, actor=actor, now=now)


def _stored(session: DosingSession, kind: HandoffKind) -> list[tuple[str, str]]:
    """The text that somebody else saved meanwhile, by title."""
    newest = Handoff.objects.standing().filter(session=session, kind=kind).order_by("-edition").first()
    return [] if newest is None else [(field.title, newest.body.get(field.key, "")) for field in FIELDS[kind]]


def _handoff(actor: Actor, pk: uuid.UUID) -> Handoff:
    handoff = row_for(Handoff, *_RELATED)(actor, pk)
    if not handoff.is_signed:
        # A draft belongs to its writer's page; nobody reads it before it is signed.
        raise Http404
    return handoff


@page("handoff.read", fetch=_handoff, methods=("GET", "HEAD"))
def detail(request: ActorRequest, handoff: Handoff) -> HttpResponse:
    """One signed handoff: its text, its document, whether it was read."""
    return _detail(request, handoff)


def _detail(
    request: ActorRequest,
    handoff: Handoff,
    *,
    amend: AmendForm | None = None,
    acknowledge: AcknowledgeForm | None = None,
) -> HttpResponse:
    document = handoff.document
    if document is None:
        raise Http404
    editions = selectors.editions_of(handoff)
    newest = next((edition for edition in editions if not edition.is_struck), handoff)
    may_write = policy.can(request.actor, WRITE_ACTION[HandoffKind(handoff.kind)], handoff)
    failed = bool((amend and amend.errors) or (acknowledge and acknowledge.errors))
    context = {
        "episode": handoff.episode,
        "handoff": handoff,
        "snapshot": document.snapshot,
        "sections": list(snapshots.shown_sections(document.snapshot)),
        "editions": editions,
        "newer": newest if newest.pk != handoff.pk else None,
        "signature_holds": handoff.signature_holds(),
        "may_acknowledge": selectors.may_acknowledge(request.actor, handoff),
        "may_amend": may_write and newest.pk == handoff.pk and not handoff.is_struck,
        "amend_form": amend or AmendForm(),
        "acknowledge_form": acknowledge or AcknowledgeForm(),
        "receiver": selectors.receiver_name(handoff.episode, handoff.kind, timezone.now()),
        **document_status(document),
    }
    return render(request, "handoffs/detail.html", context, status=422 if failed else 200)


def _amend(request: ActorRequest, handoff: Handoff) -> HttpResponse:
    form = AmendForm(request.POST)
    if not form.is_valid():
        return _detail(request, handoff, amend=form)
    try:
        services.amend_handoff(
            handoff=handoff, reason=form.cleaned_data["reason"], actor=request.actor.user, now=timezone.now()
        )
    except Refused as refusal:
        refusal.add_to(form)
        return _detail(request, handoff, amend=form)
    return redirect(f"handoffs:write-{handoff.kind}", pk=handoff.session_id)


def _of_kind(kind: HandoffKind) -> Callable[[Actor, uuid.UUID], Handoff]:
    def fetch(actor: Actor, pk: uuid.UUID) -> Handoff:
        handoff = _handoff(actor, pk)
        if handoff.kind != kind:
            raise Http404
        return handoff

    return fetch


amend_to_prescriber = page(
    "handoff.write-to-prescriber", fetch=_of_kind(HandoffKind.TO_PRESCRIBER), methods=("POST",)
)(_amend)
amend_to_therapist = page(
    "handoff.write-to-therapist", fetch=_of_kind(HandoffKind.TO_THERAPIST), methods=("POST",)
)(_amend)


@page("handoff.acknowledge", fetch=_handoff, methods=("POST",))
def acknowledge(request: ActorRequest, handoff: Handoff) -> HttpResponse:
    """The receiver says that this edition was read."""
    form = AcknowledgeForm(request.POST)
    if not form.is_valid():
        return _detail(request, handoff, acknowledge=form)
    if not handoff.is_read and not selectors.may_acknowledge(request.actor, handoff):
        messages.error(request, "Only its receiver acknowledges a handoff, in its newest edition.")
        return redirect("handoffs:detail", pk=handoff.pk)
    try:
        services.acknowledge_handoff(
            handoff=handoff, reply=form.cleaned_data["reply"], actor=request.actor.user, now=timezone.now()
        )
    except Refused as refusal:
        refusal.add_to(form)
        return _detail(request, handoff, acknowledge=form)
    messages.success(request, "Marked as read.")
    return redirect("handoffs:detail", pk=handoff.pk)


def _papers(actor: Actor, episode: Episode) -> list[dict[str, Any]]:
    """Papers of the episode in force that this person may open, newest first."""
    keys = [kind.key for kind in (sheets.SHEET, sheets.CLOSING) if policy.can(actor, kind.action, episode)]
    found = documents_of(clinic=episode.clinic, subject_id=episode.pk).standing()
    found = found.filter(kind__in=keys, superseded_by__isnull=True)
    return [
        {"document": each, "url": reverse(url_name(each, "detail"), args=[each.pk])} for each in found[:20]
    ]


@page("document.instructions", fetch=_session, methods=("POST",))
def instruction_sheet(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """Make the sheet for the way home, or its next version when the integration time has changed."""
    try:
        document = sheets.issue_instruction_sheet(
            session=session, actor=request.actor.user, now=timezone.now()
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("handoffs:of-episode", public_id=session.episode.public_id)
    return redirect(url_name(document, "detail"), pk=document.pk)


@page("episode.close", fetch=episode_for, methods=("POST",))
def closing_summary(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Make the closing summary of a closed episode."""
    role = Role.PRESCRIBER if request.actor.has(Role.PRESCRIBER) else Role.THERAPIST
    try:
        document = sheets.issue_closing_summary(
            episode=episode, actor=request.actor.user, role=role.label, now=timezone.now()
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("handoffs:of-episode", public_id=episode.public_id)
    return redirect(url_name(document, "detail"), pk=document.pk)
