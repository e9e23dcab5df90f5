"""Pages that list handoffs, and the papers beside them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from episodes.access import episode_for, row_for
from episodes.models import Episode
from episodes.readers import eyes_of
from kapclinic.accounts import policy
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.audit.access import note_rows
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.selectors import documents_of
from kapclinic.documents.views import url_name
from kapclinic.handoffs import owing, selectors, sheets
from kapclinic.handoffs.claims import divergences_of
from kapclinic.handoffs.models import HandoffKind, TeamDecision
from kapclinic.handoffs.owing import WRITE_ACTION
from sessions.models import DosingSession

fetch_session = row_for(
    DosingSession, "episode__patient", "episode__clinic", "episode__protocol_version__protocol"
)


@page("handoff.list", methods=("GET", "HEAD"))
def handoff_list(request: ActorRequest) -> HttpResponse:
    """To write, to read, and (for everyone who sees the status) what waits for others."""
    now = timezone.now()
    owed, unread = selectors.clinic_status(request.actor, now)
    mine = selectors.to_write(request.actor, now)
    reading = selectors.to_read(request.actor)
    known = {row.key for row in mine}
    read_keys = {handoff.pk for handoff in reading}
    note_rows(request, len(owed) + len(unread))
    return render(
        request,
        "handoffs/list.html",
        {
            "to_write": mine,
            "to_read": reading,
            "others_owe": [row for row in owed if row.key not in known],
            "others_read": [handoff for handoff in unread if handoff.pk not in read_keys],
            "may_confer": policy.can(request.actor, "conference.view"),
            "now": now,
        },
    )


@page("handoff.status", fetch=episode_for, methods=("GET", "HEAD"))
def of_episode(request: ActorRequest, episode: Episode) -> HttpResponse:
    """What was written about the episode, and each dose with its two handoffs."""
    now = timezone.now()
    may_read = policy.can(request.actor, "handoff.read", episode)
    eyes = eyes_of(request.actor, episode, now=now)
    writes = {kind: policy.can(request.actor, action, episode) for kind, action in WRITE_ACTION.items()}
    return render(
        request,
        "handoffs/of_episode.html",
        {
            "episode": episode,
            "rows": selectors.rows_of(episode),
            "of_all": selectors.handoffs_of_episode(episode),
            "owes_a_loop": owing.owes_a_loop(episode, now),
            "divergences": [each for each in divergences_of(episode, now) if eyes.sees(each.category)]
            if may_read
            else [],
            "decisions": TeamDecision.objects.filter(episode=episode).select_related("created_by", "meeting")
            if may_read
            else [],
            "may_read": may_read,
            "may_strike": policy.can(request.actor, "entry.strike", episode),
            "writes_before": writes[HandoffKind.TO_PRESCRIBER],
            "writes_after": writes[HandoffKind.TO_THERAPIST],
            "writes_coordination": writes[HandoffKind.COORDINATION],
            "writes_emergency": writes[HandoffKind.EMERGENCY],
            "may_close": not episode.is_open and policy.can(request.actor, "episode.close", episode),
            "may_print": policy.can(request.actor, "document.instructions", episode),
            "papers": _papers(request.actor, episode),
        },
    )


def _papers(actor: Actor, episode: Episode) -> list[dict[str, Any]]:
    """Papers of the episode in force that this person may open, newest first."""
    keys = [kind.key for kind in (sheets.SHEET, sheets.CLOSING) if policy.can(actor, kind.action, episode)]
    found = documents_of(clinic=episode.clinic, subject_id=episode.pk).standing()
    found = found.filter(kind__in=keys, superseded_by__isnull=True)
    return [
        {"document": each, "url": reverse(url_name(each, "detail"), args=[each.pk])} for each in found[:20]
    ]


@page("document.instructions", fetch=fetch_session, methods=("POST",))
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
    try:
        document = sheets.issue_closing_summary(episode=episode, actor=request.actor.user, now=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("handoffs:of-episode", public_id=episode.public_id)
    return redirect(url_name(document, "detail"), pk=document.pk)
