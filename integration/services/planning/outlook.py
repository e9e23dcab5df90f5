"""Before a dose is booked: can its integration be placed, and which other times of the dose would do?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from uuid import UUID

from episodes.models import Episode
from integration.models import IntegrationNeed
from integration.services.ahead import expected_need
from integration.services.placing import situation_of
from integration.services.planning.gathering import Gathered, gather, waiting_needs
from kapclinic.scheduling.planner import make_plan
from sessions.models import DosingSession

# The form waits for the answer.
_PLAN_SECONDS = 3.0
_SEARCH_SECONDS = 4.0
_DAYS_AROUND = 7
MOST_ALTERNATIVES = 3
# What is said where the explanation of one session alone finds no reason.
_TOGETHER = "Every time that would do is needed by another session whose window closes too."


@dataclass(frozen=True)
class Outlook:
    """Whether a dose at that time keeps its window (`need` None: it owes nothing), why not, and starts (UTC) that would."""

    need: IntegrationNeed | None
    is_placeable: bool
    reasons: tuple[str, ...] = ()
    alternatives: tuple[datetime, ...] = ()


def outlook_for(
    episode: Episode, planned_at: datetime, *, moved: DosingSession | None = None, now: datetime
) -> Outlook:
    """Look ahead for a dose planned for `planned_at` (UTC); `moved` is the session that would be moved there.

    Placeable means: beside every other session that the clinic owes, so none of them loses its window for it.
    """
    need = expected_need(episode, planned_at, dose=moved)
    if need is None:
        return Outlook(None, True)
    others = [
        each for each in waiting_needs(episode.clinic, now=now) if moved is None or each.dose_id != moved.pk
    ]
    before = _placed(others, now=now)
    if _placed([*others, need], now=now) > before:
        return Outlook(need, True)
    began = perf_counter()
    found: list[datetime] = []
    for other_start in _other_starts(episode, planned_at, now=now):
        if len(found) == MOST_ALTERNATIVES or perf_counter() - began > _SEARCH_SECONDS:
            break
        shifted = expected_need(episode, other_start, dose=moved)
        if shifted is not None and _placed([*others, shifted], now=now) > before:
            found.append(other_start)
    return Outlook(need, False, why_alone(need, now=now), tuple(sorted(found)))


def why_alone(need: IntegrationNeed, *, leave_out: tuple[UUID, ...] = (), now: datetime) -> tuple[str, ...]:
    """Why a need has no time beside what is booked now; bookings in `leave_out` count as free."""
    return situation_of(need, now=now, leave_out=leave_out).place().reasons or (_TOGETHER,)


def why_unplaced(found: Gathered, key: str, *, now: datetime) -> tuple[str, ...]:
    """Why the plan has no time for the need `key`."""
    booking = found.bookings.get(key)
    return why_alone(found.needs[key], leave_out=() if booking is None else (booking.pk,), now=now)


def _placed(needs: list[IntegrationNeed], *, now: datetime) -> int:
    if not needs:
        return 0
    problem = gather(needs[0].clinic, needs, now=now).problem
    return make_plan(problem, time_limit_seconds=_PLAN_SECONDS).score.placed


def _other_starts(episode: Episode, planned_at: datetime, *, now: datetime) -> Iterator[datetime]:
    """The same time of day on the days around, the nearest first."""
    local = planned_at.astimezone(episode.clinic.zone)
    for distance in range(1, _DAYS_AROUND + 1):
        for days in (distance, -distance):
            start = (local + timedelta(days=days)).astimezone(planned_at.tzinfo)
            if start > now:
                yield start
