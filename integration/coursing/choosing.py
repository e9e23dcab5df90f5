"""When the doses of a course begin, chosen exactly on HiGHS over every beginning and every time of every session at once.

Columns are the planner's own (clinician, start, place), with its rows for clinicians, rooms, buffers and days. A course adds:

* a dose begins only where its integration lies in the window of that beginning; a preparation or secondary session may be
  missing, at a price;
* the patient does one thing at a time, and nothing within four hours after a dose;
* doses follow each other in their order, no nearer than the limit, no more in seven days than the limit.

Worth, each level dominating the next: doses; preparations and secondary sessions that are not missing; nearness to what was
wanted; as few extra visits as possible.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import scipy.sparse as sp

from integration.coursing.problem import DOSE, Asked, CourseProblem
from integration.coursing.rules import Preparing, Slot, Talk
from kapclinic.scheduling.planner import Session
from kapclinic.scheduling.planner.columns import WISHES, Columns, Finder
from kapclinic.scheduling.planner.exact import Rows, whole_choice
from kapclinic.scheduling.planner.moments import Ints, inner, moment_of, seconds_down
from kapclinic.scheduling.planner.rows import build, clique_rows, room_groups
from kapclinic.scheduling.spans import Span

_WEEK_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class Choice:
    """When doses begin, by number; sessions for which there is no time; doses that have a preparation of their own."""

    starts: dict[int, datetime]
    missing: frozenset[Asked]
    alone: frozenset[int]
    is_proven: bool

    @property
    def worth(self) -> tuple[int, int]:
        """The greater, the better."""
        return len(self.starts), -len(self.missing)


@dataclass
class _Rows:
    """Rows that are gathered one by one."""

    rows: list[int] = field(default_factory=list)
    cols: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)

    def add(self, most: float, *terms: tuple[Ints, float]) -> None:
        """A row: the sum of each term's columns times its factor is at most `most`."""
        for columns, factor in terms:
            self.cols += columns.tolist()
            self.values += [factor] * len(columns)
            self.rows += [len(self.upper)] * len(columns)
        self.upper.append(most)

    def matrix(self, width: int) -> sp.csr_matrix:
        return sp.csr_matrix((self.values, (self.rows, self.cols)), shape=(len(self.upper), width))


def choose(problem: CourseProblem, *, deadline: float) -> Choice | None:
    """The best beginnings; None when none were found before `deadline` (on the stopwatch `time.perf_counter`)."""
    slots = [slot for slot in problem.slots if slot.starts]
    if not slots:
        return Choice({}, frozenset(), frozenset(), is_proven=True)
    sessions, asked = _sessions(problem, slots)
    finder = Finder(replace(problem.base, sessions=tuple(sessions)))
    found = finder.columns(finder.open)
    model = build(finder, _useful(found, problem, slots), room_groups(finder))
    return _Chooser(problem, slots, asked, model.columns, model.matrix, model.upper).solve(deadline)


def _sessions(problem: CourseProblem, slots: list[Slot]) -> tuple[list[Session], list[Asked]]:
    """The visits, then every session that a dose may ask for, each with the hull of its windows."""
    shape = problem.shape
    visits = [
        problem.dose_session(slot, _hull(slot.span_at(min(slot.starts)), slot.span_at(max(slot.starts))))
        for slot in slots
    ]
    asked = [
        Asked(slot.number, talk)
        for slot in slots
        for talk, is_wanted in (
            (Talk.PREPARATION, slot.wants_preparation),
            (Talk.INTEGRATION, slot.owes_integration),
            (Talk.SECONDARY, slot.owes_integration and shape.profile.owes_secondary),
        )
        if is_wanted
    ]
    talks = []
    for each in asked:
        starts = problem.slot_of[each.number].starts
        hull = _hull(shape.window(each.talk, min(starts)), shape.window(each.talk, max(starts)))
        talks.append(problem.talk_session(each, hull))
    return [*visits, *talks], asked


def _hull(first: Span, last: Span) -> Span:
    return Span(first.starts_at, last.ends_at)


def _useful(columns: Columns, problem: CourseProblem, slots: list[Slot]) -> Columns:
    """Visits at possible beginnings alone; of a session's two places by telehealth where both do: it needs no room."""
    kept = np.ones(len(columns), bool)
    for number, slot in enumerate(slots):
        mine = columns.session == number
        kept[mine] = np.isin(columns.start[mine], [seconds_down(start) for start in slot.starts])
    talks = columns.session >= len(slots)
    keys = np.stack([columns.session, columns.clinician, columns.start], axis=1)
    remote = talks & ~columns.in_person
    doubled = {tuple(key) for key in keys[remote].tolist()}
    for at in np.flatnonzero(talks & columns.in_person):
        kept[at] = tuple(keys[at].tolist()) not in doubled
    useful = columns.only(kept)
    # No two columns are alike to the planner: what tells them apart is this problem's own worth.
    gains = useful.gains.copy()
    gains[:, WISHES] = np.arange(len(useful)) % 1000
    return replace(useful, gains=gains)


class _Chooser:
    def __init__(
        self,
        problem: CourseProblem,
        slots: list[Slot],
        asked: list[Asked],
        columns: Columns,
        matrix: sp.csr_matrix,
        upper: np.ndarray,
    ) -> None:
        self.problem, self.slots, self.asked = problem, slots, asked
        self.columns, self.matrix, self.upper = columns, matrix, upper
        self.rows = _Rows()
        self.of = {
            key: np.flatnonzero(columns.session == number)
            for number, key in enumerate(
                [*(f"{DOSE} {slot.number}" for slot in slots), *(each.key for each in asked)]
            )
        }
        first = int(matrix.shape[1])
        soft = [each for each in asked if each.talk is not Talk.INTEGRATION]
        self.slack = {each: first + number for number, each in enumerate(soft)}
        self.width = first + len(soft)

    def solve(self, deadline: float) -> Choice | None:
        self._sessions_follow_doses()
        self._patient_does_one_thing()
        self._doses_keep_their_distance()
        extra = self.rows.matrix(self.width)
        base = sp.hstack([self.matrix, sp.csr_matrix((self.matrix.shape[0], len(self.slack)))])
        every = Rows(
            sp.vstack([base, extra]).tocsr(),
            np.full(self.matrix.shape[0] + extra.shape[0], -np.inf),
            np.concatenate([self.upper, self.rows.upper]),
        )
        value = self._worth()
        chosen, bound = whole_choice(value, every, np.arange(self.width), deadline)
        if chosen is None:
            return None
        starts = {
            slot.number: moment_of(int(self.columns.start[at]))
            for slot in self.slots
            for at in self._doses(slot)
            if chosen[at]
        }
        return Choice(
            starts,
            frozenset(each for each, at in self.slack.items() if chosen[at]),
            frozenset(
                each.number
                for each in self.asked
                if each.talk is Talk.PREPARATION and chosen[self.of[each.key]].any()
            ),
            is_proven=int(value[chosen].sum()) == bound,
        )

    def _doses(self, slot: Slot) -> Ints:
        return self.of[f"{DOSE} {slot.number}"]

    def _inside(self, asked: Asked, window: Span) -> Ints:
        """The columns of a session that lie wholly in `window`."""
        mine = self.of.get(asked.key, np.zeros(0, np.int64))
        begin, end = inner(window)
        return mine[(self.columns.start[mine] >= begin) & (self.columns.end[mine] <= end)]

    def _sessions_follow_doses(self) -> None:
        shape = self.problem.shape
        before: dict[int, Slot] = {
            later.number: earlier for earlier, later in zip(self.slots, self.slots[1:], strict=False)
        }
        for each in self.asked:
            slot = self.problem.slot_of[each.number]
            doses = self._doses(slot)
            self.rows.add(0.0, (self.of[each.key], 1.0), (doses, -1.0))
            for at in doses:
                start = moment_of(int(self.columns.start[at]))
                window = shape.window(each.talk, start)
                terms = [(np.array([at]), 1.0), (self._inside(each, window), -1.0)]
                if each in self.slack:
                    terms.append((np.array([self.slack[each]]), -1.0))
                earlier = before.get(each.number)
                if (
                    each.talk is Talk.PREPARATION
                    and shape.preparing is Preparing.SHARED
                    and earlier is not None
                ):
                    shared = Asked(earlier.number, Talk.INTEGRATION)
                    terms.append((self._inside(shared, window), -1.0))
                if each.talk is Talk.SECONDARY:
                    terms.append((self._overtaking(slot, start), -1.0))
                self.rows.add(0.0, *terms)

    def _overtaking(self, slot: Slot, start: datetime) -> Ints:
        """Beginnings of later doses that take the place of the secondary session of one at `start`."""
        low = seconds_down(self.problem.shape.t0_of(start))
        high = seconds_down(self.problem.shape.window(Talk.SECONDARY, start).starts_at)
        later = [self._doses(each) for each in self.slots if each.number > slot.number]
        found = np.concatenate([np.zeros(0, np.int64), *later])
        return found[(self.columns.start[found] > low) & (self.columns.start[found] < high)]

    def _patient_does_one_thing(self) -> None:
        columns = self.columns
        until = columns.end.copy()
        for slot in self.slots:
            mine = self._doses(slot)
            after = slot.impaired_at(slot.wanted).ends_at - slot.wanted
            until[mine] = columns.start[mine] + int(after.total_seconds())
        low, high, height = clique_rows(np.zeros(len(columns), np.int64), columns.start, until)
        for row in range(height):
            members = np.flatnonzero((low <= row) & (row < high))
            if len(np.unique(columns.session[members])) > 1:
                self.rows.add(1.0, (members, 1.0))

    def _doses_keep_their_distance(self) -> None:
        start, spacing = self.columns.start, self.problem.shape.spacing
        gap = int(spacing.gap.total_seconds())
        for number, earlier in enumerate(self.slots):
            first = self._doses(earlier)
            for later in self.slots[number + 1 :]:
                second = self._doses(later)
                for at in np.unique(start[second]):
                    late, early = first[start[first] + gap > at], second[start[second] <= at]
                    if len(late):
                        self.rows.add(1.0, (late, 1.0), (early, 1.0))
        every = np.concatenate([np.zeros(0, np.int64), *map(self._doses, self.slots)])
        others = np.array([seconds_down(span.starts_at) for span in spacing.others], np.int64)
        for at in np.unique(np.concatenate([start[every], others])):
            week = every[(start[every] >= at) & (start[every] < at + _WEEK_SECONDS)]
            taken = int(((others >= at) & (others < at + _WEEK_SECONDS)).sum())
            most = max(0, spacing.most_in_seven_days - taken)
            if len(np.unique(self.columns.session[week])) > most:
                self.rows.add(float(most), (week, 1.0))

    def _worth(self) -> Ints:
        value = np.zeros(self.width, np.int64)
        for each in self.asked:
            is_extra = each.talk is not Talk.INTEGRATION
            value[self.of[each.key]] = -1 if is_extra else 0
        visits = len(self.asked) + 1
        farthest = 0
        for slot in self.slots:
            mine = self._doses(slot)
            away = np.array(
                [
                    self.problem.wishes.distance(slot.wanted, moment_of(int(at)))
                    for at in self.columns.start[mine]
                ],
                np.int64,
            )
            value[mine] = -away * visits
            farthest += int(away.max(initial=0)) * visits
        missing = farthest + visits
        value[list(self.slack.values())] = -missing
        for slot in self.slots:
            value[self._doses(slot)] += missing * (len(self.slack) + 1)
        return value
