"""When a patient is impaired by a dose, and when the next one is planned."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from integration.windows import IMPAIRED_AFTER_MINUTES, impaired_span
from kapclinic.scheduling.hours import Booking
from sessions.models import DosingSession, SessionState

_RECENT = timedelta(days=2)


def impaired_bookings(episode: Any, *, now: datetime) -> list[Booking]:
    """From the first administration to four hours after the last of every recent, running and planned dose.

    A dose that runs is taken to end no earlier than now; a planned one at its planned end.
    """
    doses = (
        DosingSession.objects.expected()
        .filter(episode=episode, planned_until__gte=now - _RECENT)
        .with_anchors()
        .order_by("planned_at")
    )
    found = []
    for dose in doses:
        if dose.d0_at is None:
            span = impaired_span(dose.planned_at, dose.planned_until)
        else:
            ended_at = None if dose.running_count > 0 else dose.last_end_at
            span = impaired_span(dose.d0_at, max(now, dose.d0_at) if ended_at is None else ended_at)
        found.append(Booking(span, f"recovering until {IMPAIRED_AFTER_MINUTES // 60} h after a dose"))
    return found


def next_dose_at(episode: Any, *, after: datetime) -> datetime | None:
    """When the next dose that was not given yet is planned, later than `after`."""
    planned = (
        DosingSession.objects.expected()
        .filter(
            episode=episode,
            planned_at__gt=after,
            state__in=[SessionState.PLANNED, SessionState.CHECKED_IN],
        )
        .order_by("planned_at")
        .first()
    )
    return None if planned is None else planned.planned_at
