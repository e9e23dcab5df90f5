"""Stretches of time as half-open UTC intervals, and the arithmetic on lists of them.

Everything here is pure. A list of spans is *normal* when it is sorted, its spans are not empty, and no two of them
touch or overlap; every function that returns a list returns a normal one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


def require_utc(moment: datetime) -> datetime:
    """Return `moment` converted to UTC; raise ValueError for a naive one, which could mean two instants."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError("a naive datetime names no instant")
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The half-open stretch [starts_at, ends_at) between two instants, kept in UTC. May be empty, never reversed."""

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts_at", require_utc(self.starts_at))
        object.__setattr__(self, "ends_at", require_utc(self.ends_at))
        if self.ends_at < self.starts_at:
            raise ValueError("a span ends before it starts")

    @property
    def is_empty(self) -> bool:
        return self.ends_at == self.starts_at

    @property
    def length(self) -> timedelta:
        return self.ends_at - self.starts_at

    @property
    def minutes(self) -> int:
        """Whole minutes in the span, rounded down."""
        return int(self.length // timedelta(minutes=1))

    def overlaps(self, other: Span) -> bool:
        """True when the two share time; spans that only touch do not, and an empty span overlaps nothing."""
        return max(self.starts_at, other.starts_at) < min(self.ends_at, other.ends_at)

    def covers(self, other: Span) -> bool:
        """True when `other` lies wholly inside this span, both ends included."""
        return self.starts_at <= other.starts_at and other.ends_at <= self.ends_at

    def meet(self, other: Span) -> Span | None:
        """The shared part, or None when there is none."""
        if not self.overlaps(other):
            return None
        return Span(max(self.starts_at, other.starts_at), min(self.ends_at, other.ends_at))

    def widened(self, *, before: timedelta = timedelta(0), after: timedelta = timedelta(0)) -> Span:
        return Span(self.starts_at - before, self.ends_at + after)


Spans = tuple[Span, ...]


def union(spans: Iterable[Span]) -> Spans:
    """All time that is in at least one of `spans`."""
    merged: list[Span] = []
    for span in sorted(span for span in spans if not span.is_empty):
        if merged and span.starts_at <= merged[-1].ends_at:
            if span.ends_at > merged[-1].ends_at:
                merged[-1] = Span(merged[-1].starts_at, span.ends_at)
        else:
            merged.append(span)
    return tuple(merged)


def subtract(spans: Iterable[Span], taken: Iterable[Span]) -> Spans:
    """The time of `spans` that is in none of `taken`."""
    left: list[Span] = []
    holes = union(taken)
    for span in union(spans):
        start = span.starts_at
        for hole in holes:
            if hole.ends_at <= start:
                continue
            if hole.starts_at >= span.ends_at:
                break
            if hole.starts_at > start:
                left.append(Span(start, hole.starts_at))
            start = max(start, hole.ends_at)
        if start < span.ends_at:
            left.append(Span(start, span.ends_at))
    return tuple(left)


def intersect(spans: Iterable[Span], others: Iterable[Span]) -> Spans:
    """The time that both lists share."""
    first, second = union(spans), union(others)
    shared: list[Span] = []
    i = j = 0
    while i < len(first) and j < len(second):
        part = first[i].meet(second[j])
        if part is not None:
            shared.append(part)
        if first[i].ends_at < second[j].ends_at:
            i += 1
        else:
            j += 1
    return tuple(shared)


def clip(spans: Iterable[Span], limits: Span) -> Spans:
    """The time of `spans` inside `limits`."""
    return intersect(spans, (limits,))


def longest(spans: Iterable[Span]) -> Span | None:
    """The longest span, the earliest of equals; None for an empty list."""
    normal = union(spans)
    return max(normal, key=lambda span: span.length) if normal else None


def busiest(spans: Iterable[Span], within: Span) -> tuple[int, Span]:
    """How many of `spans` there are at once at most in `within`, and the first stretch where they are; none: all of it."""
    parts = [part for part in (span.meet(within) for span in spans) if part is not None]
    most, where = 0, within
    for at in sorted({part.starts_at for part in parts}):
        there = [part for part in parts if part.starts_at <= at < part.ends_at]
        if len(there) > most:
            most, where = len(there), Span(at, min(part.ends_at for part in there))
    return most, where
