"""A whole course before it is booked: when its doses may begin, how far apart, and which sessions each brings. Pure.

Instants are UTC. Windows count from D0 (the planned beginning of a dose) and T0 (its last administration's planned end), as
everywhere; spacing from T0 to the next D0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from integration.courses import dose_days
from integration.windows import (
    WindowProfile,
    impaired_span,
    planning_window,
    preparation_window,
    secondary_window,
    supersedes_secondary,
)
from kapclinic.scheduling.hours import instant
from kapclinic.scheduling.spans import Span, Spans

_WEEK = timedelta(days=7)


class Preparing(StrEnum):
    """Which doses of a course have a preparation of their own."""

    FIRST = "first"
    # An integration session that lies in the next dose's preparation window counts as its preparation (rule book 8).
    SHARED = "shared"
    EVERY = "every"


class Talk(StrEnum):
    """What a session of a course is for."""

    PREPARATION = "preparation"
    INTEGRATION = "integration"
    SECONDARY = "secondary"


@dataclass(frozen=True, slots=True)
class Spacing:
    """How near two doses may be. `others`: doses besides the course, given or planned, each from D0 to T0."""

    planned_minutes: int
    hours_between: int
    most_in_seven_days: int
    others: Spans = ()

    @property
    def gap(self) -> timedelta:
        """From the beginning of a dose to the earliest beginning of the next one."""
        return timedelta(minutes=self.planned_minutes, hours=self.hours_between)

    def span_of(self, start: datetime) -> Span:
        """From D0 to the planned T0 of a dose of the course."""
        return Span(start, start + timedelta(minutes=self.planned_minutes))

    def allows(self, starts: Iterable[datetime]) -> bool:
        """Whether doses at `starts` keep their distance among themselves and from the others; exactly the limit does."""
        doses = sorted([*map(self.span_of, starts), *self.others])
        least = timedelta(hours=self.hours_between)
        if any(later.starts_at - earlier.ends_at < least for earlier, later in pairwise(doses)):
            return False
        begins = [dose.starts_at for dose in doses]
        return all(
            sum(first <= each < first + _WEEK for each in begins) <= self.most_in_seven_days
            for first in begins
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """What the protocol and the clinic ask of every dose of a course; lengths in minutes."""

    profile: WindowProfile
    spacing: Spacing
    preparing: Preparing
    preparation_minutes: int
    integration_minutes: int
    margin_minutes: int = 0

    def t0_of(self, start: datetime) -> datetime:
        """The planned end of the last administration."""
        return self.spacing.span_of(start).ends_at

    def window(self, talk: Talk, start: datetime) -> Span:
        """Where such a session of a dose at `start` lies wholly, as far as the program chooses by itself."""
        match talk:
            case Talk.PREPARATION:
                return preparation_window(start, self.profile)
            case Talk.INTEGRATION:
                return planning_window(self.t0_of(start), self.profile)
            case Talk.SECONDARY:
                return secondary_window(self.t0_of(start), self.profile)

    def minutes(self, talk: Talk) -> int:
        """How long such a session takes."""
        return self.preparation_minutes if talk is Talk.PREPARATION else self.integration_minutes

    def serves_both(self, start: datetime, following: datetime) -> Span | None:
        """Where one session is integration after `start` and preparation for `following`; None when it cannot be."""
        if self.preparing is not Preparing.SHARED:
            return None
        part = self.window(Talk.INTEGRATION, start).meet(self.window(Talk.PREPARATION, following))
        return part if part and part.minutes >= self.integration_minutes else None

    def overtakes(self, start: datetime, following: datetime) -> bool:
        """Whether a dose at `following` takes the place of the secondary session of a dose at `start`."""
        return supersedes_secondary(self.t0_of(start), following, self.profile)


@dataclass(frozen=True, slots=True)
class Slot:
    """One dose of a course. `wanted`: when the pace and the wishes put it; `starts`: every beginning that is possible.

    `number` counts in the running course, from 1. `minutes`: how long patient, people and room are taken.
    """

    number: int
    wanted: datetime
    starts: tuple[datetime, ...]
    minutes: int
    owes_integration: bool
    wants_preparation: bool

    def span_at(self, start: datetime) -> Span:
        """The visit, when the dose begins at `start`."""
        return Span(start, start + timedelta(minutes=self.minutes))

    def impaired_at(self, start: datetime) -> Span:
        """No other session lies in the visit, nor in the hours after it in which the patient is impaired."""
        return impaired_span(start, self.span_at(start).ends_at)


@dataclass(frozen=True, slots=True)
class Wishes:
    """When doses should be: ISO weekdays (none: any), minutes of the clinic's day, and how far a dose may leave its day.

    A dose begins at `wanted_minute` where it can, no earlier than `earliest_minute`, and is over by `latest_minute`.
    """

    first: date
    weekdays: frozenset[int]
    earliest_minute: int
    latest_minute: int
    wanted_minute: int
    zone: str
    step_minutes: int
    shift_days: int

    def is_day(self, day: date) -> bool:
        """Whether doses are wished on that weekday."""
        return not self.weekdays or day.isoweekday() in self.weekdays

    def starts_on(self, day: date, minutes: int, open_time: Spans) -> Iterator[datetime]:
        """Beginnings on `day` of a visit of `minutes` that lies in `open_time` and in the wished part of the day."""
        if not self.is_day(day) or day < self.first:
            return
        for minute in range(self.earliest_minute, self.latest_minute - minutes + 1):
            if minute % self.step_minutes and minute != self.wanted_minute:
                continue
            start = instant(day, minute, self.zone)
            visit = Span(start, start + timedelta(minutes=minutes))
            if any(span.covers(visit) for span in open_time):
                yield start

    def distance(self, wanted: datetime, start: datetime) -> int:
        """How far `start` is from `wanted`, in steps; a day weighs more than any hour of it."""
        zone = ZoneInfo(self.zone)
        here, there = wanted.astimezone(zone), start.astimezone(zone)
        days = abs((there.date() - here.date()).days)
        clock = abs((there.hour - here.hour) * 60 + there.minute - here.minute)
        return days * (24 * 60 // self.step_minutes) + -(-clock // self.step_minutes)


@dataclass(frozen=True, slots=True)
class Dose:
    """What is asked of one dose before days are looked for."""

    number: int
    minutes: int
    owes_integration: bool
    wants_preparation: bool


def slots_of(
    doses: Sequence[Dose],
    wishes: Wishes,
    *,
    per_week: float,
    open_time: Spans,
    spacing: Spacing,
    now: datetime,
) -> tuple[Slot, ...]:
    """The doses with their wanted and their possible beginnings, none where nobody could give one around that day.

    `open_time`: when everybody works who must be there. Beginnings too near to doses besides the course are left out.
    """
    possible: dict[date, bool] = {}

    def is_possible(day: date) -> bool:
        if day not in possible:
            possible[day] = any(
                start > now for start in wishes.starts_on(day, max(dose.minutes for dose in doses), open_time)
            )
        return possible[day]

    days = dose_days(wishes.first, count=len(doses), per_week=per_week, is_possible=is_possible)
    # Where not every dose finds a day, those that do are shown all the same, on the days that the pace gives.
    days = days or dose_days(wishes.first, count=len(doses), per_week=per_week, is_possible=lambda _: True)
    found = []
    for dose, day in zip(doses, days, strict=True):
        near = (day + timedelta(days=shift) for shift in range(-wishes.shift_days, wishes.shift_days + 1))
        starts = tuple(
            start
            for each in near
            for start in wishes.starts_on(each, dose.minutes, open_time)
            if start > now and spacing.allows([start])
        )
        wanted = instant(day, wishes.wanted_minute, wishes.zone)
        nearest = min(starts, key=lambda start: (wishes.distance(wanted, start), start), default=wanted)
        # On its own day another hour is as good as the wanted one when people work no earlier.
        if nearest.astimezone(ZoneInfo(wishes.zone)).date() == day:
            wanted = nearest
        found.append(
            Slot(dose.number, wanted, starts, dose.minutes, dose.owes_integration, dose.wants_preparation)
        )
    return tuple(found)
