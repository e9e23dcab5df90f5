"""Placing one session after the other, as a clinic does by hand: the plan to compare with and to fall back on."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from time import perf_counter

import numpy as np

from kapclinic.scheduling.planner.columns import (
    HELD,
    PART,
    PLACED,
    TOLD,
    Columns,
    Finder,
)
from kapclinic.scheduling.planner.moments import Interval, Ints, Mask
from kapclinic.scheduling.planner.problem import Placement, Plan, Problem
from kapclinic.scheduling.planner.score import score_of


def first_come(problem: Problem) -> Plan:
    """Promised times that still fit stay; then every session takes the first candidate who has any time left.

    Of that person's times one with the fewest points for the part of the window is taken, then the earliest. `bound` is no
    proof: every session that is not outside its window might be placed.
    """
    began = perf_counter()
    finder = Finder(problem)
    taker = Taker(finder)
    taker.place_all(finder.columns(finder.open))
    placements = tuple(
        sorted(
            (*finder.fixed.placements, *taker.placements),
            key=lambda each: (each.starts_at, each.session),
        )
    )
    score = score_of(problem, placements)
    placed = {placement.session for placement in placements}
    unplaced = tuple(s.key for s in problem.sessions if s.key not in placed)
    return Plan(
        placements,
        unplaced,
        score,
        bound=score.placed + len(unplaced),
        is_proven=False,
        seconds=perf_counter() - began,
    )


class Taker:
    """Takes columns one by one and remembers what they use up."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._clinicians: dict[int, list[Interval]] = defaultdict(list)
        self._patients: dict[str, list[Interval]] = defaultdict(list)
        self._rooms: dict[str, list[Interval]] = defaultdict(list)
        self._days: dict[tuple[int, int], int] = defaultdict(int)
        self.placements: list[Placement] = []
        self.chosen: list[int] = []

    def place_all(self, columns: Columns) -> None:
        """Place every session of `columns` that can be; `chosen` holds positions in it."""
        pieces = np.split(np.arange(len(columns)), np.flatnonzero(np.diff(columns.session)) + 1)
        waiting = []
        for piece in pieces if len(columns) else ():
            promised = piece[(columns.gains[piece, TOLD] + columns.gains[piece, HELD]) > 0]
            if not len(promised) or not self._take_one(columns, promised):
                waiting.append(piece)
        for piece in waiting:
            for position in np.unique(columns.position[piece]):
                if self._take_one(columns, piece[columns.position[piece] == position]):
                    break

    def _take_one(self, columns: Columns, offered: Ints) -> bool:
        """Take the best of the columns offered, all of one session and clinician, that is still possible."""
        free = offered[self._is_free(columns, offered)]
        order = np.lexsort((~columns.in_person[free], columns.start[free], -columns.gains[free, PART]))
        for at in free[order]:
            room = self._room(columns, int(at))
            if columns.room_kind[at] >= 0 and room is None:
                continue
            self._take(columns, int(at), room)
            return True
        return False

    def _is_free(self, columns: Columns, offered: Ints) -> Mask:
        start, end, until = columns.start[offered], columns.end[offered], columns.taken_until[offered]
        clinician = int(columns.clinician[offered[0]])
        session = self._finder.problem.sessions[columns.session[offered[0]]]
        fits = columns.gains[offered, PLACED] > 0
        for begin, ends in self._clinicians[clinician]:
            fits &= (until <= begin) | (start >= ends)
        for begin, ends in self._patients[session.patient]:
            fits &= (end <= begin) | (start >= ends)
        key = self._finder.problem.clinicians[clinician].key
        for day in np.unique(columns.day[offered]):
            left = self._finder.fixed.left_of_day(key, int(day))
            if left is not None and self._days[clinician, int(day)] >= left:
                fits &= columns.day[offered] != day
        return fits

    def _room(self, columns: Columns, at: int) -> str | None:
        if columns.room_kind[at] < 0:
            return None
        start, end = int(columns.start[at]), int(columns.end[at])
        for room, free in self._finder.free_of_rooms[columns.kinds[columns.room_kind[at]]]:
            gap = room.buffer_minutes * 60
            if any(a <= start and end <= b for a, b in free) and all(
                end + gap <= a or start >= b for a, b in self._rooms[room.key]
            ):
                return room.key
        return None

    def _take(self, columns: Columns, at: int, room: str | None) -> None:
        start, end = int(columns.start[at]), int(columns.end[at])
        clinician = int(columns.clinician[at])
        problem = self._finder.problem
        insort(self._clinicians[clinician], (start, int(columns.taken_until[at])))
        insort(self._patients[problem.sessions[columns.session[at]].patient], (start, end))
        if room is not None:
            gap = problem.room_of[room].buffer_minutes * 60
            insort(self._rooms[room], (start, end + gap))
        self._days[clinician, int(columns.day[at])] += 1
        self.placements.append(columns.placement(problem, at, room))
        self.chosen.append(at)
