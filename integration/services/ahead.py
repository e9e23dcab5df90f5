"""What a planned dose will owe: a provisional need and a held time for it, before the dose is given."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from episodes.models import Episode
from episodes.services.locking import lock_episode
from episodes.stages import Stage
from integration.clinical_settings import PLANNED_DOSE
from integration.models import IntegrationNeed, NeedPart
from integration.profiles import profile_of
from integration.services.needs import PLAN_JOB, set_window, withdraw
from kapclinic.clinics.services import setting
from kapclinic.jobs.services import enqueue
from kapclinic.scheduling.hooks import Change
from sessions.models import DosingSession, SessionState

# How far from the day that was asked for other days of a dose are looked at.
DAYS_AROUND = timedelta(days=7)
_TO_COME = (SessionState.PLANNED, SessionState.CHECKED_IN)


def follow_planned_dose(change: Change) -> None:
    """A dose was booked, moved or called off: hold a time for its integration, or give it back."""
    session = (
        DosingSession.objects.select_related("episode__clinic", "episode__protocol_version")
        .filter(appointment=change.appointment)
        .first()
    )
    if session is None:
        return
    if change.what in ("booked", "moved", "restored"):
        _expect(session, now=change.now)
    elif change.what in ("cancelled", "no-show"):
        withdraw(session, NeedPart.values, why="The dose does not take place.", now=change.now)


def _expect(session: DosingSession, *, now: datetime) -> None:
    episode = lock_episode(session.episode)
    need = (
        IntegrationNeed.objects.select_for_update(of=("self",))
        .select_related("appointment", "clinic")
        .filter(dose=session, part=NeedPart.PRIMARY)
        .first()
    )
    if need is not None and not need.is_ahead and need.withdrawn_at is None:
        # The dose has begun: what was really given decides.
        return
    expected = expected_need(episode, session.planned_at, dose=session)
    if expected is None:
        return
    if need is not None:
        expected.pk, expected.appointment, expected.created_at = need.pk, need.appointment, need.created_at
        expected._state.adding = False
    else:
        expected.created_at = now
    expected.save()
    _ask_for_a_hold(expected, now=now)
    _follow_secondary(session, expected, now=now)


def expect_secondary(primary: IntegrationNeed, *, now: datetime) -> IntegrationNeed:
    """Make, or bring up to date, the secondary need of a planned dose beside its primary one; for whole courses.

    It waits for its dose like the primary one, and gives way to a dose planned before its window.
    """
    found = (
        IntegrationNeed.objects.select_for_update(of=("self",))
        .select_related("appointment", "clinic")
        .filter(dose=primary.dose, part=NeedPart.SECONDARY)
        .first()
    )
    need = found or IntegrationNeed(
        clinic=primary.clinic, dose=primary.dose, part=NeedPart.SECONDARY, created_at=now
    )
    need.episode, need.dose_number, need.is_ahead = primary.episode, primary.dose_number, True
    need.d0, need.planned_t0 = primary.d0, primary.planned_t0
    spec = primary.episode.protocol
    set_window(need, profile_of(spec), spec)
    need.save()
    return need


def _follow_secondary(session: DosingSession, primary: IntegrationNeed, *, now: datetime) -> None:
    """The dose moved: what was held for its secondary session follows."""
    held = IntegrationNeed.objects.ahead().filter(dose=session, part=NeedPart.SECONDARY)
    if held.exists():
        _ask_for_a_hold(expect_secondary(primary, now=now), now=now)


def _ask_for_a_hold(need: IntegrationNeed, *, now: datetime) -> None:
    enqueue(
        kind=PLAN_JOB,
        key=f"{PLAN_JOB}:{need.pk}",
        payload={"need": str(need.pk)},
        clinic=need.clinic,
        now=now,
    )


def expected_need(
    episode: Episode, planned_at: datetime, *, dose: DosingSession | None = None
) -> IntegrationNeed | None:
    """What a dose planned for `planned_at` (UTC) will owe, not saved; None where the protocol owes or plans nothing for it."""
    spec = episode.protocol
    number = _number_of(episode, planned_at, dose)
    if not spec.plans_integration or not spec.owes_integration(
        number, in_maintenance=episode.stage == Stage.MAINTENANCE
    ):
        return None
    minutes = setting(episode.clinic, PLANNED_DOSE)
    need = IntegrationNeed(
        pk=uuid.uuid4(),
        clinic=episode.clinic,
        episode=episode,
        dose=dose,
        part=NeedPart.PRIMARY,
        dose_number=number,
        is_ahead=True,
        d0=planned_at,
        planned_t0=planned_at + timedelta(minutes=minutes),
    )
    set_window(need, profile_of(spec), spec)
    return need


def other_starts(planned_at: datetime, zone: ZoneInfo, *, now: datetime) -> Iterator[datetime]:
    """The same time of day on the days around `planned_at` (UTC), the nearest first, none that has passed."""
    local = planned_at.astimezone(zone)
    for distance in range(1, DAYS_AROUND.days + 1):
        for days in (distance, -distance):
            start = (local + timedelta(days=days)).astimezone(planned_at.tzinfo)
            if start > now:
                yield start


def _number_of(episode: Episode, planned_at: datetime, dose: DosingSession | None) -> int:
    """The number in the running course, counting what was given and what is planned before."""
    others = DosingSession.objects.expected().filter(episode=episode).with_anchors()
    if dose is not None:
        others = others.exclude(pk=dose.pk)
    count = 0
    for session in others:
        at = session.d0_at or (session.planned_at if session.state in _TO_COME else None)
        in_course = episode.stage != Stage.MAINTENANCE or (at is not None and at >= episode.stage_since)
        if at is not None and at < planned_at and in_course:
            count += 1
    return 1 + count
