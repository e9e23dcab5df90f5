"""An induction course on the calendar: which days its doses fall on, and which sessions each dose asks for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from episodes.protocols import ProtocolSpec
from integration.profiles import profile_of
from integration.windows import (
    impaired_span,
    planning_window,
    preparation_window,
    secondary_window,
    supersedes_secondary,
)
from kapclinic.scheduling.hours import Place
from kapclinic.scheduling.planner import Candidate, Induction, Step, induction
from kapclinic.scheduling.spans import Span

# A dose moves at most this far from the day that the cadence gives, to one on which doses are given.
_MOST_SHIFT_DAYS = 6
PREPARATION, INTEGRATION, SECONDARY = "preparation", "integration", "secondary"


def dose_days(
    first: date, *, count: int, per_week: float, is_possible: Callable[[date], bool]
) -> tuple[date, ...]:
    """The days of `count` doses from `first` on, as near to `per_week` as possible days allow, the later of two as near.

    Empty when some dose finds no possible day within six days of its own.
    """
    days: list[date] = []
    for number in range(count):
        wanted = first + timedelta(days=int(number * 7 / per_week))
        near = [
            day
            for shift in sorted(range(-_MOST_SHIFT_DAYS, _MOST_SHIFT_DAYS + 1), key=lambda n: (abs(n), -n))
            if (day := wanted + timedelta(days=shift)) > (days[-1] if days else first - timedelta(days=1))
            and is_possible(day)
        ]
        if not near:
            return ()
        days.append(near[0])
    return tuple(days)


def spread(starts: Sequence[Sequence[datetime]], count: int) -> tuple[datetime, ...]:
    """`count` starts, day by day in turn, each day's in their order and from the first again when they run out."""
    days = [day for day in starts if day]
    if not days:
        return ()
    return tuple(
        days[number % len(days)][number // len(days) % len(days[number % len(days)])]
        for number in range(count)
    )


def course_of(
    key: str,
    spec: ProtocolSpec,
    doses: Sequence[datetime],
    *,
    planned_minutes: int,
    candidates: tuple[Candidate, ...],
    room_kind: str | None,
    now: datetime,
) -> Induction:
    """The sessions that a course with doses at these starts (UTC) asks for; the doses themselves are not among them.

    Preparation before the first dose, integration where a dose owes it, secondary integration unless the next dose takes its
    place. `planned_minutes`: from the start of a dose to its last administration's end. Raises ValueError where a session is
    longer than its window.
    """
    made = induction(
        key,
        starts_at=doses[0],
        steps=[
            Step(
                name,
                opens_minutes=_minutes(window.starts_at - doses[0]),
                closes_minutes=_minutes(window.ends_at - doses[0]),
                minutes=spec.preparation_minutes if name == PREPARATION else spec.integration_minutes,
                place=Place.EITHER,
                room_kind=room_kind,
            )
            for name, window in _windows(spec, doses, planned_minutes)
        ],
        candidates=candidates,
    )
    ends = [start + timedelta(minutes=planned_minutes) for start in doses]
    impaired = tuple(impaired_span(start, end) for start, end in zip(doses, ends, strict=True))
    return replace(
        made,
        sessions=tuple(replace(each, unavailable=impaired, not_before=now) for each in made.sessions),
    )


def _windows(
    spec: ProtocolSpec, doses: Sequence[datetime], planned_minutes: int
) -> Iterator[tuple[str, Span]]:
    profile = profile_of(spec)
    yield PREPARATION, preparation_window(doses[0], profile)
    for number, start in enumerate(doses, 1):
        if not spec.owes_integration(number, in_maintenance=False):
            continue
        t0 = start + timedelta(minutes=planned_minutes)
        yield f"{INTEGRATION} {number}", planning_window(t0, profile)
        following = doses[number] if number < len(doses) else None
        if profile.owes_secondary and (following is None or not supersedes_secondary(t0, following, profile)):
            yield f"{SECONDARY} {number}", secondary_window(t0, profile)


def _minutes(offset: timedelta) -> int:
    return int(offset // timedelta(minutes=1))
