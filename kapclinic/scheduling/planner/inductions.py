"""How many courses can start so that every session of each keeps its window, and what stands in the way of one more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from time import perf_counter

import numpy as np
import scipy.sparse as sp

from kapclinic.scheduling.hours import Place
from kapclinic.scheduling.planner.columns import Finder
from kapclinic.scheduling.planner.exact import Rows, whole_choice
from kapclinic.scheduling.planner.greedy import first_come
from kapclinic.scheduling.planner.problem import Candidate, FreeTime, Plan, Problem, Session
from kapclinic.scheduling.planner.rows import build, room_groups
from kapclinic.scheduling.planner.solving import NO_LIMIT, make_plan
from kapclinic.scheduling.spans import Span, require_utc

# Clinicians of whom it is tried one by one whether they are the bottleneck.
MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class Step:
    """One session of a course: its window in minutes of elapsed time after the course's start, both ends included.

    The step is a dose, a preparation (negative minutes) or an integration; what it needs is as for any session.
    """

    key: str
    opens_minutes: int
    closes_minutes: int
    minutes: int
    place: Place = Place.IN_PERSON
    room_kind: str | None = None
    buffer_minutes: int = 0

    def __post_init__(self) -> None:
        if self.opens_minutes + self.minutes > self.closes_minutes:
            raise ValueError("a step is no longer than its window")


@dataclass(frozen=True, slots=True)
class Induction:
    """A course that might start: all its sessions are placed, or none."""

    key: str
    sessions: tuple[Session, ...]


def induction(
    key: str, *, starts_at: datetime, steps: Iterable[Step], candidates: tuple[Candidate, ...]
) -> Induction:
    """The sessions of a course that starts at `starts_at`, with these clinicians for every step."""
    start = require_utc(starts_at)
    return Induction(
        key,
        tuple(
            Session(
                key=f"{key}/{step.key}",
                patient=key,
                window=Span(
                    start + timedelta(minutes=step.opens_minutes),
                    start + timedelta(minutes=step.closes_minutes),
                ),
                minutes=step.minutes,
                candidates=candidates,
                place=step.place,
                room_kind=step.room_kind,
                buffer_minutes=step.buffer_minutes,
            )
            for step in steps
        ),
    )


class Limit(StrEnum):
    """What keeps one more course from starting."""

    CLINICIAN_HOURS = "clinician_hours"
    DAY_LIMITS = "day_limits"
    ROOMS = "rooms"
    PATIENTS = "patients"
    WINDOWS = "windows"


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """`gain` more courses could start without this limit. `keys`: the clinicians of whom one alone would do."""

    limit: Limit
    gain: int
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Capacity:
    """`started` can start together, and no more than `bound`; without a bottleneck all that were asked about can.

    `is_explained` False: time ran out before it was known of every limit whether it is a bottleneck.
    """

    started: tuple[str, ...]
    bound: int
    bottlenecks: tuple[Bottleneck, ...]
    is_explained: bool = True

    @property
    def is_proven(self) -> bool:
        return len(self.started) == self.bound


def capacity(
    problem: Problem, inductions: Sequence[Induction], *, time_limit_seconds: float = NO_LIMIT
) -> Capacity:
    """The most of `inductions` that can start while as many sessions of `problem` as now keep their windows.

    Every session that is placed now stays placed, possibly at another time unless the patient was told. A bottleneck is named
    by taking one limit away and solving again; WINDOWS, when no single one suffices.
    """
    deadline = perf_counter() + time_limit_seconds
    base = make_plan(problem, time_limit_seconds=time_limit_seconds / 2)
    started, bound = _most(problem, base, inductions, deadline)
    bottlenecks: list[Bottleneck] = []
    is_explained = True
    if len(started) < len(inductions):
        for limit in (Limit.CLINICIAN_HOURS, Limit.DAY_LIMITS, Limit.ROOMS, Limit.PATIENTS):
            freer, more = _without(limit, problem, inductions)
            possible, most = _most(freer, base, more, deadline)
            gain = len(possible) - len(started)
            is_explained &= gain > 0 or most <= len(started)
            if gain > 0:
                keys = (
                    _scarce(problem, base, inductions, len(started), deadline)
                    if limit is Limit.CLINICIAN_HOURS
                    else ()
                )
                bottlenecks.append(Bottleneck(limit, gain, keys))
        if not bottlenecks and is_explained:
            bottlenecks.append(Bottleneck(Limit.WINDOWS, 0))
    return Capacity(started, bound, tuple(bottlenecks), is_explained)


def _scarce(
    problem: Problem, base: Plan, inductions: Sequence[Induction], reached: int, deadline: float
) -> tuple[str, ...]:
    """Clinicians with whose hours alone unlimited more courses could start."""
    named = sorted({c.clinician for each in inductions for s in each.sessions for c in s.candidates})
    return tuple(
        key
        for key in named[:MOST_NAMED]
        if len(
            _most(
                _unlimited_hours(problem, inductions, {key}), base, inductions, deadline, enough=reached + 1
            )[0]
        )
        > reached
    )


def _without(
    limit: Limit, problem: Problem, inductions: Sequence[Induction]
) -> tuple[Problem, Sequence[Induction]]:
    """The question with one limit taken away, for everybody."""
    if limit is Limit.CLINICIAN_HOURS:
        return _unlimited_hours(problem, inductions, {each.key for each in problem.clinicians}), inductions
    if limit is Limit.DAY_LIMITS:
        free = tuple(replace(each, most_per_day=None) for each in problem.clinicians)
        return replace(problem, clinicians=free), inductions

    def freed(session: Session) -> Session:
        return replace(session, room_kind=None) if limit is Limit.ROOMS else replace(session, unavailable=())

    return (
        replace(problem, sessions=tuple(map(freed, problem.sessions))),
        [replace(each, sessions=tuple(map(freed, each.sessions))) for each in inductions],
    )


def _unlimited_hours(problem: Problem, inductions: Sequence[Induction], keys: set[str]) -> Problem:
    """The same clinicians free all the time that the courses take, with no booking in the way."""
    windows = [session.window for each in inductions for session in each.sessions]
    if not windows:
        return problem
    always = FreeTime(Span(min(span.starts_at for span in windows), max(span.ends_at for span in windows)))
    return replace(
        problem,
        clinicians=tuple(
            replace(each, free=(*each.free, always), busy=()) if each.key in keys else each
            for each in problem.clinicians
        ),
    )


def _most(
    problem: Problem,
    base: Plan,
    inductions: Sequence[Induction],
    deadline: float,
    *,
    enough: int | None = None,
) -> tuple[tuple[str, ...], int]:
    """The courses of a largest choice (or of one as large as `enough`), and the bound."""
    most = len(inductions) if enough is None else enough
    asked = [session for each in inductions for session in each.sessions]
    whole = replace(problem, sessions=(*problem.sessions, *asked))
    # Where there is room for everybody first-come shows it at once; past the deadline it is all that is known.
    simple = _first_come(whole, base, inductions)
    if len(simple) >= most or perf_counter() >= deadline:
        return simple, len(inductions)
    finder = Finder(whole)
    columns = finder.columns(finder.open)
    offset = len(problem.sessions)
    course_of = np.full(len(whole.sessions), -1)
    at = offset
    for number, each in enumerate(inductions):
        course_of[at : at + len(each.sessions)] = number
        at += len(each.sessions)
    model = build(finder, columns, room_groups(finder))
    width = model.matrix.shape[1]
    session = model.columns.session
    # A column per course; each of its sessions has a time exactly when the course starts, and who is placed now stays placed.
    asked_rows = sp.csr_matrix(
        (
            np.ones((session >= offset).sum()),
            (session[session >= offset] - offset, np.flatnonzero(session >= offset)),
        ),
        shape=(len(asked), width),
    )
    starts = sp.csr_matrix(
        (-np.ones(len(asked)), (np.arange(len(asked)), course_of[offset:])),
        shape=(len(asked), len(inductions)),
    )
    kept = [
        at
        for at, each in enumerate(problem.sessions)
        if each.key in base.placement_of and not problem.is_fixed(each)
    ]
    row_of = np.full(len(whole.sessions), -1)
    row_of[kept] = np.arange(len(kept))
    stays = np.flatnonzero(row_of[session] >= 0)
    kept_rows = sp.csr_matrix(
        (np.ones(len(stays)), (row_of[session[stays]], stays)), shape=(len(kept), width)
    )
    rows = Rows(
        sp.bmat(
            [
                [model.matrix, sp.csr_matrix((model.matrix.shape[0], len(inductions)))],
                [asked_rows, starts],
                [kept_rows, sp.csr_matrix((len(kept), len(inductions)))],
                [None, sp.csr_matrix(np.ones((1, len(inductions))))],
            ]
        ).tocsr(),
        np.concatenate([np.full(len(model.upper), -np.inf), np.zeros(len(asked)), np.ones(len(kept)), [0.0]]),
        np.concatenate([model.upper, np.zeros(len(asked)), np.ones(len(kept)), [float(most)]]),
    )
    value = np.concatenate([np.zeros(width, np.int64), np.ones(len(inductions), np.int64)])
    chosen, bound = whole_choice(value, rows, np.arange(len(value)), deadline)
    if chosen is None:
        return simple, min(max(bound, len(simple)), len(inductions))
    exact = tuple(each.key for each, starts_now in zip(inductions, chosen[width:], strict=True) if starts_now)
    return max(exact, simple, key=len), min(bound, len(inductions))


def _first_come(whole: Problem, base: Plan, inductions: Sequence[Induction]) -> tuple[str, ...]:
    """The courses that are placed whole when everybody is placed in turn; none when somebody falls out who has a time now."""
    placed = first_come(whole).placement_of
    if not base.placement_of.keys() <= placed.keys():
        return ()
    return tuple(each.key for each in inductions if all(session.key in placed for session in each.sessions))
