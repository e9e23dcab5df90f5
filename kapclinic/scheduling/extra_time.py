"""Time that a person could be asked to work in addition: stretches of daytime beside their hours. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kapclinic.scheduling.hours import Roster, availability, days_touching, instant, next_on_grid
from kapclinic.scheduling.spans import Span, subtract


def extra_stretches(
    roster: Roster,
    limits: Span,
    *,
    lengths: Sequence[int],
    from_hour: int,
    until_hour: int,
    zone: str,
    grid_minutes: int,
) -> tuple[Span, ...]:
    """Stretches inside `limits` that the person does not work now, in the order in which one would ask for them.

    First right before and right after the hours of a working day, day by day, for each of `lengths` (minutes) in turn; then,
    as long as the first of `lengths`, on days without hours, at the time at which the person usually begins. All lie between
    `from_hour` and `until_hour` of the wall clock in `zone`, none in time off or on a holiday.
    """
    worked = availability(roster, limits.widened(before=timedelta(days=2), after=timedelta(days=2))).worked
    barred = [off.span for off in roster.absences] + [holiday.span for holiday in roster.holidays]
    usual = min((weekly.starts_minute for weekly in roster.weekly or ()), default=from_hour * 60)
    beside: list[_Place] = []
    other: list[_Place] = []
    for day in days_touching(limits, zone):
        daytime = Span(instant(day, from_hour * 60, zone), instant(day, until_hour * 60, zone))
        is_working_day = any(span.overlaps(daytime) for span in worked)
        for gap in subtract((daytime,), (*worked, *barred)):
            open_part = gap.meet(limits)
            if open_part is None:
                continue
            if not is_working_day:
                other.append(_Place(open_part, max(open_part.starts_at, instant(day, usual, zone))))
                continue
            if any(span.ends_at == gap.starts_at for span in worked):
                beside.append(_Place(open_part, open_part.starts_at))
            if any(span.starts_at == gap.ends_at for span in worked):
                beside.append(_Place(open_part, None))
    wanted = [(place, length) for length in lengths for place in beside]
    wanted += [(place, lengths[0]) for place in other]
    found = (place.stretch(timedelta(minutes=length), zone, grid_minutes) for place, length in wanted)
    return tuple(dict.fromkeys(span for span in found if span is not None))


@dataclass(frozen=True, slots=True)
class _Place:
    """Time that is open, and where a stretch in it begins; None: at its end."""

    open_part: Span
    begins_at: datetime | None

    def stretch(self, length: timedelta, zone: str, grid_minutes: int) -> Span | None:
        begins = self.open_part.ends_at - length if self.begins_at is None else self.begins_at
        start = next_on_grid(begins, zone=zone, grid_minutes=grid_minutes)
        span = Span(start, start + length)
        return span if self.open_part.covers(span) else None
