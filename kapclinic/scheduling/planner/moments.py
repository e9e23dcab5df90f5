"""Instants as whole seconds since 1970 in UTC, stretches of them, and the clinic's grid of starts as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from kapclinic.scheduling.hours import next_on_grid
from kapclinic.scheduling.planner.problem import Problem, Session
from kapclinic.scheduling.spans import Span, require_utc

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Interval = tuple[int, int]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def seconds_down(moment: datetime) -> int:
    """Whole seconds since 1970 at or before `moment`."""
    return (require_utc(moment) - EPOCH) // SECOND


def seconds_up(moment: datetime) -> int:
    """Whole seconds since 1970 at or after `moment`."""
    return -((EPOCH - require_utc(moment)) // SECOND)


def moment_of(seconds: int) -> datetime:
    return EPOCH + timedelta(seconds=int(seconds))


def inner(span: Span) -> Interval:
    """The whole seconds inside a stretch that may be used."""
    return seconds_up(span.starts_at), seconds_down(span.ends_at)


def outer(span: Span) -> Interval:
    """The whole seconds around a stretch that is taken."""
    return seconds_down(span.starts_at), seconds_up(span.ends_at)


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Sorted, none empty, none touching another."""
    out: list[Interval] = []
    for start, end in sorted(pair for pair in intervals if pair[0] < pair[1]):
        if out and start <= out[-1][1]:
            if end > out[-1][1]:
                out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


def without(intervals: Iterable[Interval], taken: Iterable[Interval]) -> list[Interval]:
    """The time of `intervals` that is not `taken`."""
    holes = merged(taken)
    left: list[Interval] = []
    first = 0
    for begin, end in merged(intervals):
        start = begin
        while first < len(holes) and holes[first][1] <= start:
            first += 1
        at = first
        while at < len(holes) and holes[at][0] < end:
            if holes[at][0] > start:
                left.append((start, holes[at][0]))
            start = max(start, holes[at][1])
            at += 1
        if start < end:
            left.append((start, end))
    return left


@dataclass(frozen=True)
class Grid:
    """The possible starts in order, and the local day (ordinal) of each."""

    starts: Ints
    days: Ints

    @classmethod
    def of(cls, problem: Problem, sessions: Iterable[Session]) -> Grid:
        usable = [span for session in sessions if (span := session.usable) is not None]
        if not usable:
            return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))
        # Weeks apart are not walked: only the time that some window covers has a grid.
        whole = merged(outer(span) for span in usable)
        info = ZoneInfo(problem.zone)
        starts: list[int] = []
        days: list[int] = []
        for begin, end in whole:
            at = next_on_grid(moment_of(begin), zone=problem.zone, grid_minutes=problem.grid_minutes)
            while (seconds := seconds_down(at)) < end:
                starts.append(seconds)
                days.append(at.astimezone(info).toordinal())
                at = next_on_grid(
                    at + timedelta(minutes=1), zone=problem.zone, grid_minutes=problem.grid_minutes
                )
        return cls(np.array(starts, np.int64), np.array(days, np.int64))

    def reach(self, intervals: Sequence[Interval]) -> Ints:
        """For each start the end of the interval that it lies in; 0 where it lies in none."""
        found = np.zeros(len(self.starts), np.int64)
        for begin, end in intervals:
            a, b = np.searchsorted(self.starts, (begin, end))
            found[a:b] = end
        return found
