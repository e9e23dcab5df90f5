"""The calendar's grid: what stands where on a page, in quarter hours of the wall clock. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kapclinic.scheduling.spans import Span

ROW_MINUTES = 15
MOST_LANES = 4


@dataclass(frozen=True)
class Block:
    """Something drawn in a column: first row (0 is the grid's first), rows it takes, lane of lanes."""

    row: int
    rows: int
    item: Any
    lane: int = 1
    lanes: int = 1


@dataclass(frozen=True)
class Column:
    """One day of one person or room, layers from back to front."""

    title: str
    day: date
    is_today: bool
    # Whose it is, and when and whose in words.
    key: str = ""
    is_room: bool = False
    words: str = ""
    closed: tuple[Block, ...] = ()
    windows: tuple[Block, ...] = ()
    items: tuple[Block, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Hours:
    """The hours of the wall clock that a grid shows."""

    first: int
    last: int

    @property
    def rows(self) -> int:
        return (self.last - self.first) * 60 // ROW_MINUTES

    @property
    def labels(self) -> list[tuple[int, str]]:
        """First row and text of each hour."""
        return [
            ((hour - self.first) * 60 // ROW_MINUTES, f"{hour:02d}:00")
            for hour in range(self.first, self.last)
        ]


def day_span(day: date, zone: ZoneInfo) -> Span:
    """From midnight to midnight on the wall clock."""
    return Span(
        datetime.combine(day, time(0), tzinfo=zone),
        datetime.combine(day + timedelta(days=1), time(0), tzinfo=zone),
    )


def hours_shown(spans: Iterable[Span], zone: ZoneInfo, *, first: int = 8, last: int = 18) -> Hours:
    """The default hours, stretched so that every span of a day fits."""
    for span in spans:
        starts, ends = span.starts_at.astimezone(zone), span.ends_at.astimezone(zone)
        if starts.date() != (ends - timedelta(microseconds=1)).date():
            return Hours(0, 24)
        first = min(first, starts.hour)
        last = max(last, 24 if ends.date() > starts.date() else ends.hour + (1 if ends.minute else 0))
    return Hours(first, last)


def block_of(span: Span, item: Any, *, day: date, zone: ZoneInfo, hours: Hours) -> Block | None:
    """Where `span` stands in the column of `day`; None when nothing of it shows. Never less than one row high."""
    part = span.meet(day_span(day, zone))
    if part is None:
        return None
    starts, ends = _minute(part.starts_at, day, zone), _minute(part.ends_at, day, zone)
    top = max(starts - hours.first * 60, 0) // ROW_MINUTES
    bottom = -(-min(ends - hours.first * 60, hours.rows * ROW_MINUTES) // ROW_MINUTES)
    if bottom <= 0 or top >= hours.rows:
        return None
    return Block(row=top, rows=max(1, bottom - top), item=item)


def _minute(moment: datetime, day: date, zone: ZoneInfo) -> int:
    local = moment.astimezone(zone)
    return 24 * 60 if local.date() > day else local.hour * 60 + local.minute


def in_lanes(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Blocks that overlap stand side by side; touching ones do not count as overlapping."""
    done: list[Block] = []
    group: list[tuple[Block, int]] = []
    group_end = 0
    for block in sorted(blocks, key=lambda each: (each.row, -each.rows)):
        if group and block.row >= group_end:
            done += _spread(group)
            group, group_end = [], 0
        taken = {lane for other, lane in group if other.row + other.rows > block.row}
        lane = next(number for number in range(1, len(group) + 2) if number not in taken)
        group.append((block, lane))
        group_end = max(group_end, block.row + block.rows)
    return tuple(done + _spread(group))


def _spread(group: list[tuple[Block, int]]) -> list[Block]:
    lanes = min(max((lane for _, lane in group), default=1), MOST_LANES)
    return [
        Block(row=block.row, rows=block.rows, item=block.item, lane=min(lane, MOST_LANES), lanes=lanes)
        for block, lane in group
    ]
