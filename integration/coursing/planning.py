"""The best course, exactly: every dose with its sessions where that is possible, the most of them where it is not. Pure.

First the doses are tried where they are wanted: when every session finds its time there, nothing is better. Otherwise one
whole-number problem chooses their beginnings over every time of every session at once (`choosing`). The sessions' own times are
then the exact planner's, around those doses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from time import perf_counter
from zoneinfo import ZoneInfo

from integration.coursing.choosing import choose
from integration.coursing.problem import DOSE, Asked, Course, CourseProblem, wanted_sessions
from integration.coursing.rules import Slot, Talk
from kapclinic.scheduling.planner import Placement, make_plan
from kapclinic.scheduling.planner.columns import Finder
from kapclinic.scheduling.planner.moments import moment_of
from kapclinic.scheduling.spans import Span

# Of the time allowed, the share for choosing when doses begin; the rest places their sessions.
_CHOOSING = 0.7
# Beginnings of one dose that are tried for each that is offered.
_TRIES_EACH = 3
_SECONDS_PER_TRY = 1.0


def plan_course(problem: CourseProblem, *, time_limit_seconds: float) -> Course:
    """The best course for `problem`; past `time_limit_seconds` (elapsed) the best that was found."""
    deadline = perf_counter() + time_limit_seconds
    wanted = {slot.number: slot.wanted for slot in problem.slots if slot.wanted in slot.starts}
    simple = Course(unplaced=frozenset(problem.slot_of), is_proven=False)
    if _in_order(wanted) and problem.shape.spacing.allows(wanted.values()):
        simple = _around(problem, wanted, seconds=deadline - perf_counter())
        if simple.is_whole:
            return simple
    chosen = choose(problem, deadline=perf_counter() + _CHOOSING * (deadline - perf_counter()))
    if chosen is None:
        return replace(_with_integration(problem, simple), is_proven=False)
    exact = _around(
        problem,
        chosen.starts,
        left_out=chosen.missing,
        alone=chosen.alone,
        seconds=deadline - perf_counter(),
    )
    if exact.worth == chosen.worth and exact.starts == chosen.starts:
        return replace(exact, is_proven=exact.is_proven and chosen.is_proven)
    # Time ran out while the sessions were placed.
    either = (_with_integration(problem, each) for each in (exact, simple))
    return replace(max(either, key=lambda each: each.worth), is_proven=False)


def other_starts(
    problem: CourseProblem, course: Course, number: int, *, most: int, deadline: float
) -> tuple[datetime, ...]:
    """Up to `most` other beginnings of a dose for which nothing that has a time loses it, in order of time.

    Its own sessions and those of the dose before may move for it; the rest of the course stays. Past `deadline` (on the
    stopwatch `time.perf_counter`) no more are tried.
    """
    slot, starts = problem.slot_of[number], course.starts
    now_at = starts.get(number, slot.wanted)
    near = sorted(
        _free_starts(problem, slot) - {starts.get(number)},
        key=lambda start: (problem.wishes.distance(now_at, start), start),
    )
    before = max((each for each in starts if starts[each] < now_at and each != number), default=None)
    staying = {f"{DOSE} {each}": placed for each, placed in course.doses.items() if each != number} | {
        asked.key: placed for asked, placed in course.sessions.items() if asked.number not in (number, before)
    }
    found: list[datetime] = []
    for start in _day_by_day(near, problem.wishes.zone)[: _TRIES_EACH * most]:
        moved = {**starts, number: start}
        if not (_in_order(moved) and problem.shape.spacing.allows(moved.values())):
            continue
        tried = _around(problem, moved, left_out=course.missing, staying=staying, seconds=_SECONDS_PER_TRY)
        if len(tried.doses) == len(moved) and tried.missing <= course.missing:
            found.append(start)
        if len(found) == most or perf_counter() > deadline:
            break
    return tuple(sorted(found))


def _in_order(starts: Mapping[int, datetime]) -> bool:
    """Whether doses begin in the order of their numbers."""
    return sorted(starts, key=starts.__getitem__) == sorted(starts)


def _free_starts(problem: CourseProblem, slot: Slot) -> set[datetime]:
    """The possible beginnings of a dose at which patient, room and therapist are free, whatever becomes of its sessions."""
    if not slot.starts:
        return set()
    hull = Span(min(slot.starts), slot.span_at(max(slot.starts)).ends_at)
    finder = Finder(replace(problem.base, sessions=(problem.dose_session(slot, hull),)))
    return {moment_of(int(at)) for at in finder.columns(finder.open).start} & set(slot.starts)


def _around(
    problem: CourseProblem,
    starts: Mapping[int, datetime],
    *,
    left_out: Collection[Asked] = frozenset(),
    alone: Collection[int] = frozenset(),
    staying: Mapping[str, Placement] | None = None,
    seconds: float,
) -> Course:
    """The sessions around doses at `starts`; `staying` keeps its times, by the planner's key."""
    staying = staying or {}
    impaired = tuple(problem.slot_of[number].impaired_at(start) for number, start in starts.items())
    visits = [
        problem.dose_session(
            problem.slot_of[number],
            problem.slot_of[number].span_at(start),
            staying.get(f"{DOSE} {number}"),
        )
        for number, start in starts.items()
    ]
    wanted = {
        each.asked.key: each for each in wanted_sessions(problem, starts, left_out=left_out, alone=alone)
    }
    talks = [
        problem.talk_session(
            each.asked,
            each.window,
            start=starts[each.asked.number],
            impaired=impaired,
            following=min((at for at in starts.values() if at > starts[each.asked.number]), default=None),
            promise=_still_fits(staying.get(key), each.window),
        )
        for key, each in wanted.items()
    ]
    plan = make_plan(replace(problem.base, sessions=(*visits, *talks)), time_limit_seconds=max(seconds, 0.0))
    placed = plan.placement_of
    doses = {number: placed[f"{DOSE} {number}"] for number in starts if f"{DOSE} {number}" in placed}
    return Course(
        doses=doses,
        sessions={each.asked: placed[key] for key, each in wanted.items() if key in placed},
        prepares={
            each.asked.number: each.prepares
            for key, each in wanted.items()
            if each.prepares is not None and key in placed
        },
        missing=frozenset(left_out) | {each.asked for key, each in wanted.items() if key not in placed},
        unplaced=frozenset(problem.slot_of) - doses.keys(),
        is_proven=plan.is_proven,
    )


def _still_fits(placement: Placement | None, window: Span) -> Placement | None:
    if placement is None or not window.covers(Span(placement.starts_at, placement.ends_at)):
        return None
    return placement


def _with_integration(problem: CourseProblem, course: Course) -> Course:
    """The same without the doses whose integration has no time, nor anything that belongs to them."""
    lost = {asked.number for asked in course.missing if asked.talk is Talk.INTEGRATION} | course.unplaced
    starts = {number: start for number, start in course.starts.items() if number not in lost}
    if len(starts) == len(course.doses) and not lost - course.unplaced:
        return course
    return _around(
        problem,
        starts,
        left_out={asked for asked in course.missing if asked.number not in lost},
        seconds=_SECONDS_PER_TRY,
    )


def _day_by_day(starts: Iterable[datetime], zone: str) -> list[datetime]:
    """The nearest of each day, then the second nearest of each: few of them show different days."""
    info, seen, ranked = ZoneInfo(zone), dict[object, int](), []
    for position, start in enumerate(starts):
        day = start.astimezone(info).date()
        seen[day] = seen.get(day, 0) + 1
        ranked.append((seen[day], position, start))
    return [start for _, _, start in sorted(ranked)]
