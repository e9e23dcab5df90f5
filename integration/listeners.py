"""What integration does when a dose, an appointment or an entry changes; registered once at start."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.urls import reverse

from episodes.models import CareTeamMember, TeamPart
from episodes.services.striking import takes_back
from integration.kinds import PART_OF_KIND
from integration.models import IntegrationNeed, IntegrationSession, NeedPart, PlanProposal, ProposalState
from integration.services import needs
from integration.services.ahead import follow_planned_dose
from integration.services.notes import open_note_for
from integration.services.planning import drop_proposal
from integration.services.planning.losing import ask_for_repair, is_lost_by, loss_key
from integration.services.watching import ask_to_watch_again
from integration.services.yielding import holds_in_the_way, relink_booking
from kapclinic.accounts import policy
from kapclinic.administration.hooks import on_room
from kapclinic.jobs.services import enqueue
from kapclinic.scheduling import hooks
from kapclinic.scheduling.hooks import Backdrop, BookingWindow, Change
from kapclinic.scheduling.models import (
    INTEGRATION_KINDS,
    LIVE_STATES,
    AppointmentKind,
    PlanningLimits,
    RoomClosure,
    TimeOff,
)
from kapclinic.scheduling.spans import Span
from kapclinic.scheduling.wording import moment_words
from sessions import followups


def register() -> None:
    """Take part in doses and appointments."""
    followups.on_anchors_changed(needs.follow_anchors)
    for kind in INTEGRATION_KINDS:
        hooks.on_change(kind, _follow_appointment)
        hooks.window_for(kind, _window_finder(kind))
        hooks.completion_page(kind, _page_to_hold)
    hooks.on_change(AppointmentKind.DOSING, follow_planned_dose)
    hooks.makes_way_for(AppointmentKind.DOSING, holds_in_the_way)
    hooks.on_change(AppointmentKind.DOSING, _follow_moved_dose)
    hooks.on_roster(_follow_roster)
    hooks.on_patient_time(_follow_patient)
    on_room(_follow_room)
    hooks.backdrop(_open_windows)
    takes_back(IntegrationSession)(_take_back)


def _follow_roster(row: Any, now: datetime) -> None:
    """Hours, time off, closed rooms, holidays or limits changed: plan anew, repair, and watch at the hours as they are."""
    if isinstance(row, TimeOff | RoomClosure) and row.withdrawn_at is None:
        # An absence moves nothing by itself, not even what only the program holds.
        ask_for_repair(row, now=now)
    elif is_lost_by(row):
        # Plans first, then repairs.
        ask_for_repair(row, now=now)
        _ask_for_new_plan(row.clinic, now=now)
    else:
        _ask_for_new_plan(row.clinic, now=now)
    if isinstance(row, TimeOff | RoomClosure) and row.withdrawn_at is not None:
        _drop_repair(row, now=now)
    is_watched = IntegrationNeed.objects.awaiting_integration(now).filter(clinic=row.clinic)
    if not isinstance(row, RoomClosure | PlanningLimits) and is_watched.exists():
        ask_to_watch_again(row.clinic, now=now)


def _drop_repair(row: Any, *, now: datetime) -> None:
    """An absence was taken back: its repair waits for no decision any more."""
    for proposal in PlanProposal.objects.filter(key=loss_key(row), state=ProposalState.OPEN):
        drop_proposal(proposal=proposal, actor=row.withdrawn_by, now=now)


def _follow_room(room: Any, now: datetime) -> None:
    """A room was added or has another use: plan anew, and look at what is booked in it."""
    ask_for_repair(room, now=now)
    _ask_for_new_plan(room.clinic, now=now)


def _follow_patient(patient: Any, now: datetime) -> None:
    """What the patient was not told yet may lie better now; only where a session of theirs is still to be planned."""
    _ask_for_new_plan(patient.clinic, now=now, episode__patient=patient)


def _ask_for_new_plan(clinic: Any, *, now: datetime, **which: Any) -> None:
    """One job a clinic, however many changes; none where nothing is still to be planned."""
    if IntegrationNeed.objects.plannable(now).filter(clinic=clinic, **which).exists():
        enqueue(
            kind=needs.REPLAN_JOB,
            key=f"{needs.REPLAN_JOB}:{clinic.pk}",
            payload={"clinic": str(clinic.pk)},
            clinic=clinic,
            now=now,
        )


def _follow_moved_dose(change: Change) -> None:
    """What stands around a dose may not fit its new time, and not all of it may the program move."""
    was = change.before.get("starts_at")
    if change.what != "moved" or was == change.appointment.starts_at:
        return
    need = (
        IntegrationNeed.objects.ahead()
        .select_related("clinic")
        .filter(dose__appointment=change.appointment, part=NeedPart.PRIMARY)
        .first()
    )
    if need is not None:
        ask_for_repair(need, was=was, now=change.now)


def _follow_appointment(change: Change) -> None:
    appointment = change.appointment
    if change.what in ("booked", "moved"):
        needs.link_booking(appointment, now=change.now)
    elif change.what == "restored":
        relink_booking(appointment, now=change.now)
    elif change.what == "cancelled":
        needs.unlink_booking(appointment, "The booking was cancelled.", now=change.now)
    elif change.what == "no-show":
        needs.unlink_booking(appointment, "The patient did not come.", now=change.now)
    elif change.what == "completed":
        open_note_for(appointment, actor=change.actor, now=change.now)
        needs.unlink_booking(appointment, "The session was held outside the window.", now=change.now)


def _window_finder(kind: str) -> hooks.WindowFinder:
    def find(episode: Any, starts_at: datetime, ends_at: datetime, now: datetime) -> BookingWindow | None:
        """The window that such a booking is for: one that holds it, else the one that closes soonest."""
        rows = list(
            IntegrationNeed.objects.unmet()
            .filter(
                episode=episode,
                part=PART_OF_KIND[AppointmentKind(kind)],
                t0__isnull=False,
                closes_at__gte=now,
            )
            .order_by("closes_at")
        )
        if not rows:
            return None
        wanted = Span(starts_at, ends_at) if starts_at < ends_at else None
        need = next((row for row in rows if wanted is not None and row.window.covers(wanted)), rows[0])
        zone = episode.clinic.time_zone
        words = f"{need}: wholly inside {moment_words(need.opens_at, zone)} to {moment_words(need.closes_at, zone)}"
        return BookingWindow(need.window, Span(need.preferred_from, need.preferred_until), words)

    return find


def _page_to_hold(appointment: Any) -> str:
    return reverse("integration:session-hold", args=[appointment.pk])


def _open_windows(*, actor: policy.Actor, span: Span, person: Any | None, now: datetime) -> list[Backdrop]:
    """Windows that have not closed, of patients that the actor may know; with `person`, of their care team alone."""
    rows = (
        IntegrationNeed.objects.unmet()
        .filter(
            clinic=actor.clinic,
            part=NeedPart.PRIMARY,
            t0__isnull=False,
            closes_at__gte=now,
            opens_at__lt=span.ends_at,
            closes_at__gt=span.starts_at,
        )
        .select_related("episode__patient", "appointment")
        .order_by("closes_at")
    )
    if person is not None:
        rows = rows.filter(
            episode__team__in=CareTeamMember.objects.not_ended(now).filter(user=person)
        ).distinct()
    teams = defaultdict(set)
    members = CareTeamMember.objects.not_ended(now).filter(
        part=TeamPart.THERAPIST, episode__in=[need.episode_id for need in rows]
    )
    for episode_id, user_id in members.values_list("episode", "user"):
        teams[episode_id].add(user_id)
    found = []
    for need in rows:
        if not policy.can(actor, "appointment.view", need.episode):
            continue
        placed = need.appointment is not None and need.appointment.state in LIVE_STATES
        found.append(
            Backdrop(
                span=need.window,
                preferred=Span(need.preferred_from, need.preferred_until),
                label=f"{need.episode.patient}: {str(need).lower()}",
                url=reverse("integration:need-detail", args=[need.pk]),
                is_open=not placed,
                episode=need.episode,
                team=frozenset(teams[need.episode_id]),
            )
        )
    return found


def _take_back(entry: Any, *, actor: Any, now: datetime) -> None:
    """A struck session meets nothing any more."""
    needs.reassess_episode(entry.episode, now=now)
