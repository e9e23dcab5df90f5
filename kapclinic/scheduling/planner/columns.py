"""Every possible time of every session as arrays: one column per (session, clinician, start, place).

The whole calculation is in seconds since 1970 in UTC. Starts lie on the grid of the clinic's wall clock, so a change of clocks
moves the grid with the clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from kapclinic.scheduling.hours import Place
from kapclinic.scheduling.planner.moments import (
    Grid,
    Interval,
    Ints,
    Mask,
    inner,
    moment_of,
    outer,
    seconds_down,
    seconds_up,
    without,
)
from kapclinic.scheduling.planner.problem import Placement, Problem, Room, Session, Tier
from kapclinic.scheduling.planner.score import CLINICIAN_QUARTERS, FARTHEST_QUARTERS, LOST_QUARTERS
from kapclinic.scheduling.planner.settled import Fixed, shortlist

QUARTER_SECONDS = 15 * 60
# Sessions whose starts are tried in one go; bounds the memory of the search for columns.
_CHUNK = 400

PLACED, CLINICIAN, PART, WISHES, TOLD, HELD, SIZE = range(7)
LEVELS = 7


@dataclass(frozen=True)
class Columns:
    """Aligned arrays: `session` and `clinician` are positions in the problem, `position` is the candidate's in its list.

    `taken_until`: end and buffer. `room_kind`: position in `kinds`, -1 where no room is needed. `gains`: what the column is
    worth on each level (N x LEVELS), never negative, the more the better.
    """

    session: Ints
    clinician: Ints
    position: Ints
    start: Ints
    end: Ints
    taken_until: Ints
    day: Ints
    in_person: Mask
    room_kind: Ints
    gains: Ints
    kinds: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.session)

    def only(self, chosen: Ints | Mask) -> Columns:
        """The columns at these positions."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _ARRAYS})

    def placement(self, problem: Problem, at: int, room: str | None) -> Placement:
        return Placement(
            session=problem.sessions[self.session[at]].key,
            clinician=problem.clinicians[self.clinician[at]].key,
            starts_at=moment_of(self.start[at]),
            ends_at=moment_of(self.end[at]),
            place=Place.IN_PERSON if self.in_person[at] else Place.TELEHEALTH,
            room=room,
        )


_ARRAYS = (
    "session",
    "clinician",
    "position",
    "start",
    "end",
    "taken_until",
    "day",
    "in_person",
    "room_kind",
    "gains",
)


class Finder:
    """Finds the columns of sessions of one problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.fixed = Fixed(problem)
        self._index = {clinician.key: at for at, clinician in enumerate(problem.clinicians)}
        self.open = [at for at, each in enumerate(problem.sessions) if not problem.is_fixed(each)]
        self.shortlist = shortlist(problem, (problem.sessions[at] for at in self.open))
        self._rooms: dict[str, list[Room]] = defaultdict(list)
        for room in problem.rooms:
            self._rooms[room.kind].append(room)
        kinds = {each.room_kind for each in problem.sessions if each.room_kind is not None}
        self.kinds = tuple(sorted(kinds))
        self._most_wishes = max(
            (sum(w.points for w in s.wishes) + (s.place is Place.EITHER) for s in problem.sessions), default=0
        )

    @cached_property
    def free_of_rooms(self) -> dict[str, list[tuple[Room, list[Interval]]]]:
        """Rooms by kind with the time that they have left."""
        return {
            kind: [(room, self.fixed.free_of_room(room)) for room in self._rooms[kind]] for kind in self.kinds
        }

    def columns(self, sessions: Sequence[int]) -> Columns:
        """Every column of the sessions at these positions, in order of session, candidate, place and start."""
        # An empty chunk gives the arrays their shape where there is no session.
        firsts = range(0, max(1, len(sessions)), _CHUNK)
        parts = [self._chunk(sessions[first : first + _CHUNK]) for first in firsts]
        if len(parts) == 1:
            return parts[0]
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS
        }
        return replace(parts[0], **joined)

    def _chunk(self, chosen: Sequence[int]) -> Columns:
        sessions = [self.problem.sessions[at] for at in chosen]
        grid = Grid.of(self.problem, sessions)
        rosters: dict[tuple[str, Place, int], int] = {}
        reaches: list[Ints] = []
        pairs: list[tuple[int, int, int, int, int, int, int, int]] = []
        for number, session in enumerate(sessions):
            usable = session.usable
            if usable is None:
                continue
            begin, end = inner(usable)
            low = int(np.searchsorted(grid.starts, begin))
            high = int(np.searchsorted(grid.starts, end - session.minutes * 60, "right"))
            if low >= high:
                continue
            for position, candidate in enumerate(self.shortlist[session.key]):
                key = candidate.clinician
                gap = 60 * max(session.buffer_minutes, self.problem.clinician_of[key].buffer_minutes)
                for place in _places(session):
                    roster = rosters.get((key, place, gap))
                    if roster is None:
                        roster = rosters[key, place, gap] = len(reaches)
                        reaches.append(grid.reach(self.fixed.free_of(key, place, gap)))
                    pairs.append(
                        (
                            number,
                            self._index[key],
                            position,
                            int(candidate.tier),
                            # The complement marks telehealth, so that one array holds both.
                            roster if place is Place.IN_PERSON else ~roster,
                            gap,
                            low,
                            high,
                        )
                    )
        return self._laid_out(
            chosen, sessions, grid, np.array(reaches), np.array(pairs, np.int64).reshape(-1, 8)
        )

    def _laid_out(
        self, chosen: Sequence[int], sessions: list[Session], grid: Grid, reach: Ints, pairs: Ints
    ) -> Columns:
        count = pairs[:, 7] - pairs[:, 6]
        pair = np.repeat(np.arange(len(pairs)), count)
        at = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count) + pairs[pair, 6]
        number = pairs[pair, 0]
        length = np.array([session.minutes * 60 for session in sessions], np.int64)
        signed = pairs[:, 4]
        roster = np.where(signed >= 0, signed, ~signed)[pair]
        end = grid.starts[at] + length[number]
        fits = reach[roster, at] >= end if len(pairs) else np.zeros(0, bool)
        patients = self._patient_reach(sessions, grid)
        for which, table in patients.items():
            mine = np.flatnonzero(number == which)
            fits[mine] &= table[at[mine]] >= end[mine]
        pair, at, number, end = pair[fits], at[fits], number[fits], end[fits]
        in_person: Mask = pairs[pair, 4] >= 0
        kind_of = np.array(
            [-1 if s.room_kind is None else self.kinds.index(s.room_kind) for s in sessions], np.int64
        )
        kind = np.where(in_person, kind_of[number], -1) if len(number) else np.zeros(0, np.int64)
        has_room = self._has_room(grid, kind, at, end)
        pair, at, number, end, kind = (values[has_room] for values in (pair, at, number, end, kind))
        in_person = in_person[has_room]
        clinician = pairs[pair, 1]
        start = grid.starts[at]
        return Columns(
            session=np.asarray(chosen, np.int64)[number],
            clinician=clinician,
            position=pairs[pair, 2],
            start=start,
            end=end,
            taken_until=end + pairs[pair, 5],
            day=grid.days[at],
            in_person=in_person,
            room_kind=kind,
            gains=self._gains(sessions, number, clinician, pairs[pair, 3], start, end, in_person),
            kinds=self.kinds,
        )

    def _patient_reach(self, sessions: list[Session], grid: Grid) -> dict[int, Ints]:
        """By session, how far each start reaches before the patient cannot; only where something is in the way."""
        found = {}
        for number, session in enumerate(sessions):
            taken = [*map(outer, session.unavailable), *self.fixed.of_patient.get(session.patient, ())]
            usable = session.usable
            if taken and usable is not None:
                found[number] = grid.reach(without((inner(usable),), taken))
        return found

    def _has_room(self, grid: Grid, kind: Ints, at: Ints, end: Ints) -> Mask:
        """True where no room is needed or one of the kind has the whole time free."""
        fits = kind < 0
        for number, name in enumerate(self.kinds):
            mine = np.flatnonzero(kind == number)
            for _, free in self.free_of_rooms[name] if len(mine) else ():
                fits[mine] |= grid.reach(free)[at[mine]] >= end[mine]
        return fits

    def _gains(
        self,
        sessions: list[Session],
        number: Ints,
        clinician: Ints,
        tier: Ints,
        start: Ints,
        end: Ints,
        in_person: Mask,
    ) -> Ints:
        gains = np.zeros((len(number), LEVELS), np.int64)
        gains[:, PLACED] = 1
        gains[:, CLINICIAN] = Tier.OTHER - tier
        preferred = np.array([_preferred(s) for s in sessions], np.int64).reshape(-1, 2)
        roomy = np.array([_with_margin(s) for s in sessions], np.int64).reshape(-1, 2)
        gains[:, PART] = (
            ((start >= preferred[number, 0]) & (start <= preferred[number, 1])).astype(np.int64)
            + ((start >= roomy[number, 0]) & (end <= roomy[number, 1]))
            if len(number)
            else 0
        )
        either = np.array([s.place is Place.EITHER for s in sessions], bool)
        gains[:, WISHES] = self._most_wishes - (either[number] & ~in_person if len(number) else 0)
        for which, session in enumerate(sessions):
            promise = session.promise
            if not session.wishes and promise is None:
                continue
            mine = np.flatnonzero(number == which)
            for wish in session.wishes:
                met = np.ones(len(mine), bool)
                if wish.spans:
                    met = np.zeros(len(mine), bool)
                    for begin, until in map(inner, wish.spans):
                        met |= (start[mine] >= begin) & (end[mine] <= until)
                if wish.place is not None:
                    met &= in_person[mine] == (wish.place is Place.IN_PERSON)
                gains[mine[~met], WISHES] -= wish.points
            if promise is not None:
                same = clinician[mine] == self._index[promise.clinician]
                away = np.abs(start[mine] - seconds_down(promise.starts_at))
                kept = same & (away == 0) & (in_person[mine] == (promise.place is Place.IN_PERSON))
                gains[mine, TOLD if promise.is_told else HELD] = kept
                moved = np.minimum(-(-away // QUARTER_SECONDS), FARTHEST_QUARTERS)
                gains[mine, SIZE] = LOST_QUARTERS - moved - CLINICIAN_QUARTERS * ~same
        return gains


def _places(session: Session) -> tuple[Place, ...]:
    return (Place.IN_PERSON, Place.TELEHEALTH) if session.place is Place.EITHER else (session.place,)


def _preferred(session: Session) -> Interval:
    """First and last second at which a preferred start may lie."""
    part = session.window if session.preferred is None else session.preferred
    return seconds_up(part.starts_at), seconds_down(part.ends_at)


def _with_margin(session: Session) -> Interval:
    begin, end = inner(session.window)
    return begin + 60 * session.margin_minutes, end - 60 * session.margin_minutes
