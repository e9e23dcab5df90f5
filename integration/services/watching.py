"""Watching windows that nobody serves yet: a job for each need looks, alarms who is to hear of it, and names its next look."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from episodes.models import CareTeamMember, TeamPart
from episodes.services.locking import lock_episode
from integration.clinical_settings import (
    ALARM_COORDINATOR,
    ALARM_GRACE,
    ALARM_MANAGER,
    LAST_CALL,
    STAFFED_LEAD,
)
from integration.escalation import AlarmTimes, Step, WatchedNeed, alarms
from integration.models import IntegrationNeed
from integration.services import tasks
from integration.windows import NeedState, Part
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.services import setting, settings_for
from kapclinic.jobs.services import enqueue
from kapclinic.scheduling.spans import Span, Spans
from kapclinic.scheduling.staffing import staffed_by_role

WATCH_JOB = "watch_integration_window"
WATCH_AGAIN_JOB = "watch_integration_windows_again"
# Whose hours decide when an alarm is heard.
_HEARD_BY = {
    Step.COORDINATOR: Role.COORDINATOR,
    Step.MANAGER: Role.MANAGER,
    Step.LAST_CALL: Role.COORDINATOR,
}


def ask_to_watch(need: IntegrationNeed, *, now: datetime) -> None:
    """Write the job that watches a need, in the caller's transaction; asked again, it looks again.

    The first look waits for the grace (setting), so that the planner comes first. A need without a T0 is not watched.
    """
    if need.t0 is None:
        return
    _look_at(need, now + timedelta(minutes=setting(need.clinic, ALARM_GRACE)), now=now)


def ask_to_watch_again(clinic: Clinic, *, now: datetime) -> None:
    """Write the job that looks at every watched window of the clinic again: who hears an alarm works at other hours now."""
    enqueue(
        kind=WATCH_AGAIN_JOB,
        key=f"{WATCH_AGAIN_JOB}:{clinic.pk}",
        payload={"clinic": str(clinic.pk)},
        clinic=clinic,
        now=now,
    )


def watch_all_again(*, clinic: Clinic, now: datetime) -> None:
    """Let every open window's own watch look at once, and name its next look by the hours as they are now. Idempotent."""
    with transaction.atomic():
        for need in (
            IntegrationNeed.objects.awaiting_integration(now).filter(clinic=clinic).select_related("clinic")
        ):
            _look_at(need, now, now=now)


def _look_at(need: IntegrationNeed, due_at: datetime, *, now: datetime) -> None:
    enqueue(
        kind=WATCH_JOB,
        key=f"{WATCH_JOB}:{need.pk}",
        payload={"need": str(need.pk)},
        clinic=need.clinic,
        due_at=due_at,
        deadline_at=need.closes_at,
        now=now,
    )


def watch_window(*, need: IntegrationNeed, now: datetime) -> datetime | None:
    """Open the tasks that are due for a need at `now`; gives back when to look again, or None. Idempotent."""
    with transaction.atomic():
        episode = lock_episode(need.episode)
        need = (
            IntegrationNeed.objects.select_for_update(of=("self",))
            .select_related("appointment", "clinic")
            .get(pk=need.pk)
        )
        need.episode = episode
        watched = _watched(need, now=now)
        if watched is None:
            return None
        found = alarms(watched, _alarm_times(need.clinic), now)
        for step in found.raised:
            _raise(step, need, now=now)
        return found.look_at


def _raise(step: Step, need: IntegrationNeed, *, now: datetime) -> None:
    if step is Step.COORDINATOR:
        tasks.alarm_coordinator(need, now=now)
    elif step is Step.MANAGER:
        tasks.alarm_manager(need, now=now)
    else:
        tasks.call_last(need, therapist=_therapist_of(need, now=now), now=now)


def _watched(need: IntegrationNeed, *, now: datetime) -> WatchedNeed | None:
    state = need.state_at(now)
    if need.t0 is None or need.is_ahead or state not in (NeedState.OPEN, NeedState.PLACED):
        return None
    booking = need.live_appointment
    return WatchedNeed(
        state=state,
        part=Part(need.part),
        is_planned_here=need.is_planned_here,
        t0=need.t0,
        window=need.window,
        duration_minutes=need.duration_minutes,
        booking=None if booking is None else booking.span,
        staffed=staffed_hours(need.clinic, Span(need.t0, need.closes_at)),
    )


def _alarm_times(clinic: Clinic) -> AlarmTimes:
    values = settings_for(clinic, ALARM_COORDINATOR, ALARM_MANAGER, LAST_CALL, STAFFED_LEAD, ALARM_GRACE)
    return AlarmTimes(
        coordinator_after=timedelta(hours=values[ALARM_COORDINATOR]),
        manager_after=timedelta(hours=values[ALARM_MANAGER]),
        last_call_before=timedelta(hours=values[LAST_CALL]),
        staffed_lead=timedelta(minutes=values[STAFFED_LEAD]),
        grace=timedelta(minutes=values[ALARM_GRACE]),
    )


def staffed_hours(clinic: Clinic, limits: Span) -> dict[Step, Spans]:
    """When somebody works who would hear of each step; where none of them works in `limits`, when anybody does."""
    heard = staffed_by_role(clinic, set(_HEARD_BY.values()), limits)
    return {step: heard[role] for step, role in _HEARD_BY.items()}


def _therapist_of(need: IntegrationNeed, *, now: datetime) -> User | None:
    """The therapist of the episode's team who has an account here."""
    member = (
        CareTeamMember.objects.in_force(now)
        .filter(episode=need.episode, part=TeamPart.THERAPIST, user__is_active=True)
        .select_related("user")
        .order_by("rank", "starts_at")
        .first()
    )
    return None if member is None else member.user
