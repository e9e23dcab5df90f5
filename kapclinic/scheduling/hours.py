"""Working hours as they are written (weekly, on a wall clock) turned into hours as they happen (instants in UTC).

Rules, all of them pure:

* Weekly hours are wall-clock times in a zone, from `valid_from` to `valid_until`, both days included.
* A clock that jumps forward has no 02:30: a boundary that falls into the gap becomes the instant of the jump, so hours
  inside the gap vanish and hours across it are shorter by the gap. A clock that falls back has two 01:30: the first is
  meant, at both ends, so that a half hour stays a half hour; hours across the whole repetition are longer by it.
* Open time = (weekly hours - clinic holidays + extra hours) - time off. Extra hours are written for a day by hand and so
  count on a holiday too; time off beats everything.
* A booking takes its own span and the buffer on both sides. The buffer need not lie inside working hours.
* Sessions start on a grid of the clinic's wall clock (15 minutes: POLICY, a clinic setting).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from kapclinic.scheduling.spans import Span, Spans, clip, intersect, longest, require_utc, subtract, union

MINUTES_PER_DAY = 24 * 60


class Place(StrEnum):
    """Where a stretch of working time can be used."""

    IN_PERSON = "in_person"
    TELEHEALTH = "telehealth"
    EITHER = "either"

    def serves(self, wanted: Place) -> bool:
        """True when time of this kind can hold a session of the `wanted` kind."""
        return self is Place.EITHER or wanted is Place.EITHER or self is wanted


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """One weekly stretch: ISO weekday (Monday 1), minutes of the wall-clock day (end up to 1440), zone and validity."""

    weekday: int
    starts_minute: int
    ends_minute: int
    zone: str
    place: Place = Place.EITHER
    valid_from: date | None = None
    valid_until: date | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.weekday <= 7:
            raise ValueError("weekday is ISO: Monday 1 to Sunday 7")
        if not 0 <= self.starts_minute < self.ends_minute <= MINUTES_PER_DAY:
            raise ValueError("hours start before they end, within one day")

    def is_valid_on(self, day: date) -> bool:
        return (
            day.isoweekday() == self.weekday
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day <= self.valid_until)
        )


@dataclass(frozen=True, slots=True)
class ExtraHours:
    """Working time on one occasion, on top of the weekly hours."""

    span: Span
    place: Place = Place.EITHER


@dataclass(frozen=True, slots=True)
class Absence:
    """Time off; `label` is what a colleague may read ("away"), never the medical reason."""

    span: Span
    label: str = "away"


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day on which the clinic is closed, in the clinic's zone."""

    on: date
    name: str
    zone: str

    @property
    def span(self) -> Span:
        return Span(instant(self.on, 0, self.zone), instant(self.on, MINUTES_PER_DAY, self.zone))


@dataclass(frozen=True, slots=True)
class Booking:
    """An appointment that takes a person or a room; `label` is how a clash is told."""

    span: Span
    label: str = "booked"

    def with_buffer(self, minutes: int) -> Span:
        pad = timedelta(minutes=minutes)
        return self.span.widened(before=pad, after=pad)


@dataclass(frozen=True, slots=True)
class Roster:
    """All that decides when one person (or room) can be used. `weekly` None means always open (a room)."""

    weekly: tuple[WeeklyHours, ...] | None = ()
    extra: tuple[ExtraHours, ...] = ()
    absences: tuple[Absence, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    bookings: tuple[Booking, ...] = ()


@dataclass(frozen=True, slots=True)
class Availability:
    """A roster laid over one stretch of time: each layer clipped to `limits`, and what is left free.

    `rostered`: weekly and extra hours before anything is taken away. `worked`: after holidays and time off.
    `free`: after bookings with their buffers.
    """

    limits: Span
    rostered: Spans
    worked: Spans
    free: Spans
    absences: tuple[Absence, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    bookings: tuple[Booking, ...] = field(default=())

    @property
    def longest_free(self) -> Span | None:
        return longest(self.free)


def instant(day: date, minute: int, zone: str) -> datetime:
    """The UTC instant of `minute` (0-1440) of the wall-clock day `day` in `zone`; see the module's rule on clock changes."""
    if not 0 <= minute <= MINUTES_PER_DAY:
        raise ValueError("a minute of the day is 0 to 1440")
    info = ZoneInfo(zone)
    wall = datetime.combine(day, time(0)) + timedelta(minutes=minute)
    first = wall.replace(tzinfo=info, fold=0).astimezone(UTC)
    if first.astimezone(info).replace(tzinfo=None) == wall:
        return first
    return _end_of_gap(wall, info)


def _end_of_gap(wall: datetime, info: ZoneInfo) -> datetime:
    """The instant at which the clock jumps over `wall`, to the second."""
    before = wall.replace(tzinfo=info, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=info, fold=0).astimezone(UTC)
    old_offset = before.astimezone(info).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while low < high:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(info).utcoffset() == old_offset:
            low = middle + 1
        else:
            high = middle
    return before + timedelta(seconds=low)


def days_touching(limits: Span, zone: str) -> Iterator[date]:
    """The wall-clock days of `zone` that share an instant with `limits`, and the neighbours of the first and last."""
    info = ZoneInfo(zone)
    day = limits.starts_at.astimezone(info).date() - timedelta(days=1)
    last = limits.ends_at.astimezone(info).date() + timedelta(days=1)
    while day <= last:
        yield day
        day += timedelta(days=1)


def weekly_spans(weekly: Iterable[WeeklyHours], limits: Span, place: Place = Place.EITHER) -> Spans:
    """The weekly hours that serve `place`, as they happen inside `limits`."""
    found: list[Span] = []
    for hours in weekly:
        if not hours.place.serves(place):
            continue
        for day in days_touching(limits, hours.zone):
            if hours.is_valid_on(day):
                starts = instant(day, hours.starts_minute, hours.zone)
                ends = instant(day, hours.ends_minute, hours.zone)
                if starts < ends:
                    found.append(Span(starts, ends))
    return clip(found, limits)


def availability(
    roster: Roster, limits: Span, *, place: Place = Place.EITHER, buffer_minutes: int = 0
) -> Availability:
    """Lay `roster` over `limits` for sessions of kind `place`; bookings take `buffer_minutes` on both sides."""
    weekly = (limits,) if roster.weekly is None else weekly_spans(roster.weekly, limits, place)
    extra = clip((more.span for more in roster.extra if more.place.serves(place)), limits)
    closed = [holiday.span for holiday in roster.holidays]
    away = [absence.span for absence in roster.absences]
    worked = subtract(union((*subtract(weekly, closed), *extra)), away)
    free = subtract(worked, (booking.with_buffer(buffer_minutes) for booking in roster.bookings))
    return Availability(
        limits=limits,
        rostered=union((*weekly, *extra)),
        worked=worked,
        free=free,
        absences=tuple(absence for absence in roster.absences if absence.span.overlaps(limits)),
        holidays=tuple(holiday for holiday in roster.holidays if holiday.span.overlaps(limits)),
        bookings=tuple(booking for booking in roster.bookings if booking.span.overlaps(limits)),
    )


def next_on_grid(moment: datetime, *, zone: str, grid_minutes: int) -> datetime:
    """The first instant at or after `moment` whose wall-clock minute in `zone` is a multiple of `grid_minutes`."""
    if not 1 <= grid_minutes <= 60 or 60 % grid_minutes:
        raise ValueError("the grid divides an hour")
    info = ZoneInfo(zone)
    candidate = require_utc(moment)
    # A second round only where a change of clocks is no multiple of the grid.
    while past := _past_grid(candidate.astimezone(info), grid_minutes):
        candidate += timedelta(minutes=grid_minutes) - past
    return candidate


def _past_grid(local: datetime, grid_minutes: int) -> timedelta:
    return timedelta(
        minutes=local.minute % grid_minutes, seconds=local.second, microseconds=local.microsecond
    )


def free_starts(
    free: Iterable[Span],
    within: Span,
    *,
    duration_minutes: int,
    zone: str,
    grid_minutes: int = 15,
) -> Iterator[datetime]:
    """The starts, in order, at which a session of `duration_minutes` lies wholly in free time and in `within`.

    Both ends of `within` are included: a session may start at its first instant and end at its last.
    """
    if duration_minutes < 1:
        raise ValueError("a session lasts at least a minute")
    length = timedelta(minutes=duration_minutes)
    for span in intersect(free, (within,)):
        start = next_on_grid(span.starts_at, zone=zone, grid_minutes=grid_minutes)
        while start + length <= span.ends_at:
            yield start
            start = next_on_grid(start + timedelta(minutes=1), zone=zone, grid_minutes=grid_minutes)
