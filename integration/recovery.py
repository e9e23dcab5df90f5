"""When patients are impaired by a dose, and when their next ones are planned; a query each, for however many episodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from integration.windows import IMPAIRED_AFTER_MINUTES, impaired_span
from kapclinic.scheduling.hours import Booking
from kapclinic.scheduling.spans import Span
from sessions.models import DosingSession, SessionState

_RECENT = timedelta(days=2)


def impaired_spans(episodes: Collection[UUID], *, now: datetime) -> Mapping[UUID, tuple[Span, ...]]:
    """From the first administration to four hours after the last of every recent, running and planned dose, by episode.

    A dose that runs is taken to end no earlier than now; a planned one at its planned end.
    """
    doses = (
        DosingSession.objects.expected()
        .filter(episode__in=episodes, planned_until__gte=now - _RECENT)
        .with_anchors()
        .order_by("planned_at")
    )
    found: dict[UUID, tuple[Span, ...]] = defaultdict(tuple)
    for dose in doses:
        if dose.d0_at is None:
            span = impaired_span(dose.planned_at, dose.planned_until)
        else:
            ended_at = None if dose.running_count > 0 else dose.last_end_at
            span = impaired_span(dose.d0_at, max(now, dose.d0_at) if ended_at is None else ended_at)
        found[dose.episode_id] += (span,)
    return found


def impaired_bookings(episode: Any, *, now: datetime) -> list[Booking]:
    """The same for one episode, with the words for a clash."""
    words = f"recovering until {IMPAIRED_AFTER_MINUTES // 60} h after a dose"
    return [Booking(span, words) for span in impaired_spans([episode.pk], now=now)[episode.pk]]


def next_doses(episodes: Collection[UUID]) -> Mapping[UUID, tuple[datetime, ...]]:
    """When doses that were not given yet are planned, soonest first, by episode."""
    planned = (
        DosingSession.objects.expected()
        .filter(episode__in=episodes, state__in=[SessionState.PLANNED, SessionState.CHECKED_IN])
        .order_by("planned_at")
        .values_list("episode_id", "planned_at")
    )
    found: dict[UUID, tuple[datetime, ...]] = defaultdict(tuple)
    for episode, planned_at in planned:
        found[episode] += (planned_at,)
    return found


def next_dose_at(episode: Any, *, after: datetime) -> datetime | None:
    """When the next dose that was not given yet is planned, later than `after`."""
    return next((at for at in next_doses([episode.pk])[episode.pk] if at > after), None)
