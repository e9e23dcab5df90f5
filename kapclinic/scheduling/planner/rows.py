"""The constraints of a plan as a sparse matrix over its columns.

Sessions that overlap are kept apart by cliques: intervals overlap pairwise exactly where they share the start of one of
them, so one row per such start is exact, and a row whose columns are all in another one is left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from kapclinic.scheduling.planner.columns import (
    CLINICIAN,
    HELD,
    PART,
    SIZE,
    TOLD,
    WISHES,
    Columns,
    Finder,
)
from kapclinic.scheduling.planner.moments import Floats, Interval, Ints, Mask


@dataclass(frozen=True)
class RoomGroup:
    """Rooms of one kind that are free at the same times, so that any of them will do."""

    kind: int
    rooms: tuple[str, ...]
    free: tuple[Interval, ...]
    buffer_seconds: int

    def fits(self, start: Ints, end: Ints) -> Mask:
        """Which of the stretches lie wholly in the free time."""
        starts = np.array([a for a, _ in self.free], np.int64)
        ends = np.array([b for _, b in self.free], np.int64)
        at = np.searchsorted(starts, start, "right") - 1
        return (at >= 0) & (ends[at] >= end) if len(starts) else np.zeros(len(start), bool)


def room_groups(finder: Finder) -> list[RoomGroup]:
    """The rooms of every kind, those alike together."""
    alike: dict[tuple[int, tuple[Interval, ...], int], list[str]] = defaultdict(list)
    for kind, name in enumerate(finder.kinds):
        for room, free in finder.free_of_rooms[name]:
            alike[kind, tuple(free), room.buffer_minutes * 60].append(room.key)
    return [
        RoomGroup(kind, tuple(sorted(rooms)), free, gap)
        for (kind, free, gap), rooms in sorted(alike.items(), key=lambda item: item[1])
    ]


@dataclass
class Model:
    """Rows `matrix @ x <= upper` over the session columns and, after them, the columns that choose a room group.

    `choice_session`, `choice_start`, `choice_group`: the session (position in the problem), start and room group that
    each of the latter stands for.
    `settled`: the one group that a kind of room needs no choice about.
    """

    columns: Columns
    matrix: sp.csr_matrix
    upper: Floats
    choice_session: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    choice_start: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    choice_group: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    settled: dict[int, int] = field(default_factory=dict)


def clique_rows(owner: Ints, start: Ints, until: Ints) -> tuple[Ints, Ints, int]:
    """First row and row past the last of each interval [start, until), and how many rows there are.

    Intervals of one owner exclude each other. Rows are numbered by owner, then by time.
    """
    if not len(owner):
        empty = np.zeros(0, np.int64)
        return empty, empty, 0
    origin = start.min()
    width = int(until.max() - origin) + 1
    begin = owner * width + (start - origin)
    end = begin + (until - start)
    points = np.unique(begin)
    ends = np.unique(end)
    following = np.append(points[1:], np.iinfo(np.int64).max)
    # A point after which nothing ends before the next point is part of the next point's clique.
    kept = points[np.searchsorted(ends, following, "right") > np.searchsorted(ends, points, "right")]
    return np.searchsorted(kept, begin), np.searchsorted(kept, end), len(kept)


def undominated(columns: Columns, exempt: Mask) -> Columns:
    """The columns without those for which another start of the same session and clinician is as good and in no more rows.

    Exempt columns stay: more than their clinician's rows decides about them.
    """
    gains = columns.gains
    worth = gains[:, CLINICIAN]
    for level, room_for in ((PART, 4), (WISHES, 1024), (TOLD, 2), (HELD, 2), (SIZE, 512)):
        worth = worth * room_for + np.minimum(gains[:, level], room_for - 1)
    alone = np.where(exempt, np.arange(1, len(columns) + 1), 0)
    while True:
        low, high, _ = clique_rows(columns.clinician, columns.start, columns.taken_until)
        keys = (alone, columns.day, worth, columns.in_person, columns.clinician, columns.session)
        order = np.lexsort((columns.start, *keys))
        same = np.ones(max(0, len(order) - 1), bool)
        for values in keys:
            ordered = values[order]
            same &= ordered[1:] == ordered[:-1]
        first, last = low[order], high[order]
        drop = np.zeros(len(order), bool)
        # Later starts take rows from a later first to a later last one, so neighbours tell all.
        drop[:-1] |= same & (last[1:] == last[:-1])
        drop[1:] |= same & (first[1:] == first[:-1]) & ~drop[:-1]
        if not drop.any():
            return columns
        keep = np.sort(order[~drop])
        columns, worth, alone = columns.only(keep), worth[keep], alone[keep]


class _Builder:
    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.count = len(columns)
        self._rows: list[Ints] = []
        self._cols: list[Ints] = []
        self._values: list[Floats] = []
        self._upper: list[Floats] = []
        self.height = 0

    def add(self, rows: Ints, cols: Ints, upper: Floats, values: Floats | None = None) -> None:
        """Entries of a block of rows, numbered from 0."""
        self._rows.append(rows + self.height)
        self._cols.append(cols)
        self._values.append(np.ones(len(rows)) if values is None else values)
        self._upper.append(upper)
        self.height += len(upper)

    def add_binding(self, sessions: Ints, rows: Ints, cols: Ints, upper: Floats) -> None:
        """The same, without rows that cannot bind: those with no more sessions than they allow."""
        pairs = np.unique(rows * (int(sessions.max(initial=0)) + 1) + sessions)
        distinct = np.bincount(pairs // (int(sessions.max(initial=0)) + 1), minlength=len(upper))
        binds = distinct > upper
        number = np.cumsum(binds) - 1
        mine = binds[rows]
        self.add(number[rows[mine]], cols[mine], upper[binds])

    def ranges(self, cols: Ints, low: Ints, high: Ints) -> tuple[Ints, Ints]:
        """Row and column of each entry where column `cols[i]` is in the rows low[i] to high[i]."""
        count = high - low
        which = np.repeat(np.arange(len(cols)), count)
        rows = low[which] + np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        return rows, cols[which]

    def finish(self) -> tuple[sp.csr_matrix, Floats]:
        rows, cols, values = (
            np.concatenate(parts) if parts else np.zeros(0)
            for parts in (self._rows, self._cols, self._values)
        )
        upper = np.concatenate(self._upper) if self._upper else np.zeros(0)
        return sp.csr_matrix((values, (rows, cols)), shape=(self.height, self.count)), upper


def build(finder: Finder, columns: Columns, groups: list[RoomGroup] | None) -> Model:
    """The model of `columns` with every constraint that can bind; columns that others dominate are left out.

    `groups` None: rooms are left out of account.
    """
    settled = ample_groups(columns, groups or [])
    unsettled = (columns.room_kind >= 0) & ~np.isin(columns.room_kind, list(settled))
    if groups is None:
        unsettled[:] = False
    patients = Counter(finder.problem.sessions[at].patient for at in np.unique(columns.session))
    crowded = np.array([patients[session.patient] > 1 for session in finder.problem.sessions], bool)
    columns = undominated(columns, unsettled | crowded[columns.session] if len(columns) else unsettled)
    builder = _Builder(columns)
    everyone = np.arange(len(columns))
    sessions, local = np.unique(columns.session, return_inverse=True)
    builder.add(local, everyone, np.ones(len(sessions)))
    low, high, height = clique_rows(columns.clinician, columns.start, columns.taken_until)
    rows, cols = builder.ranges(everyone, low, high)
    builder.add_binding(columns.session[cols], rows, cols, np.ones(height))
    _add_patients(builder, finder, crowded)
    _add_days(builder, finder)
    chosen, start, group = _add_rooms(builder, groups or [], settled)
    matrix, upper = builder.finish()
    return Model(
        columns,
        matrix,
        upper,
        choice_session=chosen,
        choice_start=start,
        choice_group=group,
        settled=settled,
    )


def ample_groups(columns: Columns, groups: list[RoomGroup]) -> dict[int, int]:
    """The kinds of which one group always has room: as many rooms as sessions or clinicians could be there at once."""
    found: dict[int, int] = {}
    for number, group in enumerate(groups):
        mine = np.flatnonzero(columns.room_kind == group.kind)
        if group.kind in found or not len(mine):
            continue
        most = len(np.unique(columns.session[mine]))
        if group.buffer_seconds <= (columns.taken_until[mine] - columns.end[mine]).min():
            most = min(most, len(np.unique(columns.clinician[mine])))
        if len(group.rooms) >= most and group.fits(columns.start[mine], columns.end[mine]).all():
            found[group.kind] = number
    return found


def _add_patients(builder: _Builder, finder: Finder, crowded: Mask) -> None:
    columns = builder.columns
    cols = np.flatnonzero(crowded[columns.session]) if len(columns) else np.zeros(0, np.int64)
    names = {s.patient: at for at, s in enumerate(finder.problem.sessions)}
    owner = np.array([names[finder.problem.sessions[at].patient] for at in columns.session[cols]], np.int64)
    low, high, height = clique_rows(owner, columns.start[cols], columns.end[cols])
    rows, entries = builder.ranges(cols, low, high)
    builder.add_binding(columns.session[entries], rows, entries, np.ones(height))


def _add_days(builder: _Builder, finder: Finder) -> None:
    columns = builder.columns
    limited = np.array([c.most_per_day is not None for c in finder.problem.clinicians], bool)
    cols = np.flatnonzero(limited[columns.clinician]) if len(columns) else np.zeros(0, np.int64)
    pairs, rows = np.unique(
        np.stack([columns.clinician[cols], columns.day[cols]], axis=1), axis=0, return_inverse=True
    )
    left = [finder.fixed.left_of_day(finder.problem.clinicians[c].key, int(day)) for c, day in pairs]
    upper = np.array([float(most or 0) for most in left])
    builder.add_binding(columns.session[cols], rows.reshape(-1), cols, upper)


def _add_rooms(
    builder: _Builder, groups: list[RoomGroup], settled: dict[int, int]
) -> tuple[Ints, Ints, Ints]:
    """Rows for the kinds of room that may run short; returns session, start and group of each choice of a group.

    A kind whose rooms are all alike needs no choice. Otherwise a column says in which group a session at a start is, and a row
    binds it to whichever clinician holds the session then.
    """
    columns = builder.columns
    chosen: list[Ints] = []
    chosen_start: list[Ints] = []
    chosen_group: list[Ints] = []
    for kind in sorted({group.kind for group in groups}):
        mine = np.flatnonzero(columns.room_kind == kind)
        numbers = [number for number, group in enumerate(groups) if group.kind == kind]
        if kind in settled or not len(mine):
            continue
        if len(numbers) == 1:
            group = groups[numbers[0]]
            _add_group(builder, group, mine, columns.session[mine], columns.start[mine], columns.end[mine])
            settled[kind] = numbers[0]
            continue
        stretches, link = np.unique(
            np.stack([columns.session[mine], columns.start[mine], columns.end[mine]], axis=1),
            axis=0,
            return_inverse=True,
        )
        rows, cols, values = [link.reshape(-1)], [mine], [np.ones(len(mine))]
        for number in numbers:
            fits = np.flatnonzero(groups[number].fits(stretches[:, 1], stretches[:, 2]))
            new = builder.count + np.arange(len(fits))
            builder.count += len(fits)
            rows.append(fits)
            cols.append(new)
            values.append(-np.ones(len(fits)))
            chosen.append(stretches[fits, 0])
            chosen_start.append(stretches[fits, 1])
            chosen_group.append(np.full(len(fits), number))
            _add_group(builder, groups[number], new, *stretches[fits].T)
        builder.add(
            np.concatenate(rows), np.concatenate(cols), np.zeros(len(stretches)), np.concatenate(values)
        )
    empty = np.zeros(0, np.int64)
    return (
        np.concatenate([empty, *chosen]),
        np.concatenate([empty, *chosen_start]),
        np.concatenate([empty, *chosen_group]),
    )


def _add_group(
    builder: _Builder, group: RoomGroup, cols: Ints, session: Ints, start: Ints, end: Ints
) -> None:
    low, high, height = clique_rows(np.zeros(len(cols), np.int64), start, end + group.buffer_seconds)
    position = np.repeat(np.arange(len(cols)), high - low)
    rows, entries = builder.ranges(cols, low, high)
    builder.add_binding(session[position], rows, entries, np.full(height, float(len(group.rooms))))
