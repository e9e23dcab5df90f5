"""The rules of a course, and its exact choice against trying everything; nothing here touches a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from time import perf_counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integration.coursing import (
    Asked,
    CourseProblem,
    Dose,
    Preparing,
    Shape,
    Slot,
    Spacing,
    Talk,
    Wishes,
    other_starts,
    plan_course,
    slots_of,
)
from integration.windows import DEFAULT, WindowProfile
from kapclinic.scheduling.planner import Candidate, Clinician, FreeTime, Problem
from kapclinic.scheduling.spans import Span, subtract

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2026, 6, 15, tzinfo=UTC)
SECONDARY = WindowProfile(owes_secondary=True)
NOW = MONDAY - 7 * DAY


def at(day: int, hour: float) -> datetime:
    return MONDAY + day * DAY + hour * HOUR


def spacing(**changes) -> Spacing:
    return replace(Spacing(planned_minutes=60, hours_between=24, most_in_seven_days=3), **changes)


def shape(**changes) -> Shape:
    plain = Shape(DEFAULT, spacing(), Preparing.FIRST, preparation_minutes=60, integration_minutes=60)
    return replace(plain, **changes)


def wishes(**changes) -> Wishes:
    plain = Wishes(
        first=MONDAY.date(),
        weekdays=frozenset(),
        earliest_minute=9 * 60,
        latest_minute=17 * 60,
        wanted_minute=10 * 60,
        zone="UTC",
        step_minutes=60,
        shift_days=3,
    )
    return replace(plain, **changes)


@pytest.mark.parametrize(
    ("starts", "is_allowed"),
    [
        ([at(0, 9), at(1, 10)], True),
        ([at(0, 9), at(1, 10) - timedelta(seconds=1)], False),
        ([at(0, 9), at(2, 9), at(4, 9)], True),
        ([at(0, 9), at(2, 9), at(4, 9), at(6, 9)], False),
        # A dose exactly seven days ago does not count among those of the seven days.
        ([at(0, 9), at(2, 9), at(4, 9), at(7, 9)], True),
        ([at(0, 9), at(2, 9), at(4, 9), at(7, 9) - timedelta(seconds=1)], False),
        ([], True),
    ],
)
def test_doses_keep_their_distance_to_the_second(starts, is_allowed):
    assert spacing().allows(starts) is is_allowed
    # Doses besides the course count like its own.
    if starts:
        first, *rest = starts
        others = (Span(first, first + HOUR),)
        assert spacing(others=others).allows(rest) is is_allowed


def test_one_session_serves_two_doses_only_where_it_lies_in_both_windows():
    shared = shape(preparing=Preparing.SHARED)
    # T0 is Monday 10:00: integration Tuesday 10:00 to Thursday 10:00; preparation for Thursday 9:00 ends Wednesday 9:00.
    assert shared.serves_both(at(0, 9), at(3, 9)) == Span(at(1, 10), at(2, 9))
    assert shared.serves_both(at(0, 9), at(7, 9)) is None
    assert shape(preparing=Preparing.EVERY).serves_both(at(0, 9), at(3, 9)) is None
    # Just long enough for one session, and one second too short.
    following = at(2, 11)
    assert shared.serves_both(at(0, 9), following).length == HOUR
    assert shared.serves_both(at(0, 9), following - timedelta(seconds=1)) is None


@pytest.mark.parametrize(("hours", "is_overtaken"), [(96, True), (97, False), (96.99, True)])
def test_dose_before_the_secondary_window_takes_its_place(hours, is_overtaken):
    assert shape(profile=SECONDARY).overtakes(at(0, 9), at(0, 9) + hours * HOUR) is is_overtaken


def test_slots_follow_pace_weekdays_and_hours_across_a_change_of_clocks():
    # The clocks of Denver go back on 1 November 2026: nine in the morning stays nine in the morning.
    asked = wishes(
        first=date(2026, 10, 26), weekdays=frozenset({1, 4}), zone="America/Denver", wanted_minute=540
    )
    begin = datetime(2026, 10, 1, tzinfo=UTC)
    open_time = (Span(begin, begin + 60 * DAY),)
    doses = [Dose(number, 120, True, True) for number in (1, 2, 3)]
    found = slots_of(doses, asked, per_week=2, open_time=open_time, spacing=spacing(), now=begin)
    assert [slot.wanted for slot in found] == [
        datetime(2026, 10, 26, 15, tzinfo=UTC),
        datetime(2026, 10, 29, 15, tzinfo=UTC),
        datetime(2026, 11, 2, 16, tzinfo=UTC),
    ]
    assert all(start.minute == 0 for slot in found for start in slot.starts)
    # From nine to three, so that a visit of two hours is over by five.
    assert len([start for start in found[0].starts if start < found[1].wanted - DAY]) == 7


def test_slot_is_without_beginnings_where_nobody_could_give_the_dose():
    open_time = (Span(at(0, 9), at(0, 17)),)
    doses = [Dose(number, 120, True, True) for number in (1, 2)]
    first, second = slots_of(
        doses, wishes(shift_days=1), per_week=2, open_time=open_time, spacing=spacing(), now=NOW
    )
    assert first.wanted == at(0, 10)
    assert len(first.starts) == 7
    assert second.starts == ()


def problem(
    free: list[Span],
    slots: tuple[Slot, ...],
    *,
    form: Shape | None = None,
    unavailable: tuple[Span, ...] = (),
) -> CourseProblem:
    """One therapist, nobody else's time, starts on the hour."""
    clinicians = (
        Clinician("x", tuple(FreeTime(span) for span in free)),
        Clinician("nobody", (FreeTime(Span(NOW, NOW + 60 * DAY)),)),
    )
    return CourseProblem(
        base=Problem(zone="UTC", sessions=(), clinicians=clinicians, grid_minutes=60),
        slots=slots,
        shape=form or shape(),
        wishes=wishes(),
        candidates=(Candidate("x"),),
        dose_candidates=(Candidate("nobody"),),
        now=NOW,
        unavailable=unavailable,
    )


def slot(number: int, *starts: datetime, wants: bool = False, owes: bool = True) -> Slot:
    return Slot(number, starts[0], tuple(sorted(starts)), 120, owes, wants)


def days(*numbers: int, begin: float = 9, end: float = 17) -> list[Span]:
    return [Span(at(number, begin), at(number, end)) for number in numbers]


def test_doses_stay_where_they_are_wanted_when_everything_fits():
    slots = (slot(1, at(0, 10), at(0, 9), wants=True), slot(2, at(3, 10), at(3, 9)))
    found = plan_course(problem(days(-3, 1, 4), slots), time_limit_seconds=10)
    assert found.starts == {1: at(0, 10), 2: at(3, 10)}
    assert found.is_whole
    assert found.is_proven
    assert set(found.sessions) == {
        Asked(1, Talk.PREPARATION),
        Asked(1, Talk.INTEGRATION),
        Asked(2, Talk.INTEGRATION),
    }


def test_dose_moves_to_the_nearest_beginning_that_keeps_its_window():
    # Nobody works from Tuesday to Thursday: a dose on Monday has no integration, one on Wednesday has.
    slots = (slot(1, at(0, 10), *(at(day, 10) for day in (1, 2, 3))),)
    found = plan_course(problem(days(4), slots), time_limit_seconds=10)
    # T0 is 11:00; on Tuesday the window closes Friday 11:00, so that is near enough.
    assert found.starts == {1: at(1, 10)}
    assert found.sessions[Asked(1, Talk.INTEGRATION)].starts_at in (at(4, 9), at(4, 10))
    assert found.is_proven


def test_most_doses_are_kept_where_not_all_can_be():
    # One hour for two doses: they cannot share it, for integration of both is owed as a session each.
    slots = (slot(1, at(0, 10)), slot(2, at(1, 12)))
    found = plan_course(problem([Span(at(3, 9), at(3, 10))], slots), time_limit_seconds=10)
    assert len(found.doses) == 1
    assert len(found.unplaced) == 1
    assert found.is_proven


def test_missing_preparation_costs_no_dose():
    slots = (slot(1, at(0, 10), wants=True),)
    found = plan_course(problem(days(1), slots), time_limit_seconds=10)
    assert found.starts == {1: at(0, 10)}
    assert found.missing == {Asked(1, Talk.PREPARATION)}


def test_integration_prepares_the_next_dose_and_else_there_is_a_session_of_its_own():
    form = shape(preparing=Preparing.SHARED)
    slots = (slot(1, at(0, 10)), slot(2, at(3, 10), wants=True))
    shared = plan_course(problem(days(1, 2, 4), slots, form=form), time_limit_seconds=10)
    assert shared.prepares == {1: 2}
    assert len(shared.sessions) == 2
    # From Tuesday 11:00 to Wednesday 10:00 nobody is there for both: two sessions.
    free = [*days(1, end=10), Span(at(2, 12), at(2, 17)), *days(4)]
    apart = plan_course(problem(free, slots, form=form), time_limit_seconds=10)
    assert apart.prepares == {}
    assert apart.is_whole
    assert apart.sessions[Asked(2, Talk.PREPARATION)].starts_at == at(1, 9)


def test_secondary_session_is_owed_unless_the_next_dose_comes_before():
    form = shape(profile=SECONDARY)
    slots = (slot(1, at(0, 10)), slot(2, at(3, 10)))
    found = plan_course(problem(days(1, 4, 7, 8), slots, form=form), time_limit_seconds=10)
    assert {asked for asked in found.sessions if asked.talk is Talk.SECONDARY} == {Asked(2, Talk.SECONDARY)}
    window = form.window(Talk.SECONDARY, at(3, 10))
    placed = found.sessions[Asked(2, Talk.SECONDARY)]
    assert window.covers(Span(placed.starts_at, placed.ends_at))


def test_no_session_lies_between_a_dose_and_four_hours_after_it():
    # The window of Monday's dose ends Thursday 11:00; Wednesday's dose impairs until 16:00.
    slots = (slot(1, at(0, 10)), slot(2, at(2, 10)))
    found = plan_course(problem([Span(at(2, 9), at(2, 17)), *days(4)], slots), time_limit_seconds=10)
    first = found.sessions[Asked(1, Talk.INTEGRATION)]
    assert first.starts_at in (at(2, 9), at(2, 16))


def test_other_beginnings_lose_nothing():
    slots = (slot(1, at(0, 10), at(0, 9), at(1, 10), at(2, 10)), slot(2, at(4, 10)))
    course = plan_course(problem(days(1, 2, 6), slots), time_limit_seconds=10)
    case = problem(days(1, 2, 6), slots)
    # A dose on Tuesday has its integration on Wednesday, 11:00 or later; one on Wednesday none before the next dose is over.
    soon = perf_counter() + 10
    assert other_starts(case, course, 1, most=5, deadline=soon) == (at(0, 9), at(1, 10))
    assert other_starts(case, course, 2, most=5, deadline=soon) == ()


def everything(case: CourseProblem) -> tuple[int, int]:
    """Most doses, and the least distance with them, found by trying every beginning and every hour of every session."""
    best = (0, 0)
    choices = [(None, *each.starts) for each in case.slots]
    for combination in product(*choices):
        doses = [
            (each, start) for each, start in zip(case.slots, combination, strict=True) if start is not None
        ]
        starts = [start for _, start in doses]
        if starts != sorted(starts) or not case.shape.spacing.allows(starts):
            continue
        blocked = [each.impaired_at(start) for each, start in doses]
        free = subtract([time.span for time in case.base.clinicians[0].free], [*blocked, *case.unavailable])
        if any(each.span_at(start).overlaps(span) for each, start in doses for span in case.unavailable):
            continue
        if _fits([case.shape.window(Talk.INTEGRATION, start) for start in starts], free, []):
            distance = sum(case.wishes.distance(each.wanted, start) for each, start in doses)
            best = max(best, (len(doses), -distance))
    return best


def _fits(windows: list[Span], free, taken: list[Span]) -> bool:
    if not windows:
        return True
    window, *rest = windows
    for span in free:
        start = span.starts_at
        while start + HOUR <= span.ends_at:
            session = Span(start, start + HOUR)
            clear = window.covers(session) and not any(session.overlaps(other) for other in taken)
            if clear and _fits(rest, free, [*taken, session]):
                return True
            start += HOUR
    return False


@settings(max_examples=40, deadline=None)
@given(
    hours=st.lists(st.tuples(st.integers(0, 9), st.integers(9, 14), st.integers(1, 2)), max_size=5),
    beginnings=st.lists(
        st.lists(st.tuples(st.integers(0, 6), st.integers(9, 12)), min_size=1, max_size=4, unique=True),
        min_size=1,
        max_size=3,
    ),
    away=st.lists(st.tuples(st.integers(0, 8), st.integers(8, 14)), max_size=2),
)
# Wanted the wrong way round: the second dose never comes before the first.
@example(hours=[(2, 9, 1), (3, 9, 1)], beginnings=[[(1, 10)], [(0, 9)]], away=[])
def test_choice_is_as_good_as_trying_everything(hours, beginnings, away):
    free = [Span(at(day, hour), at(day, hour + length)) for day, hour, length in hours]
    slots = tuple(
        slot(number, *(at(day, hour) for day, hour in each)) for number, each in enumerate(beginnings, 1)
    )
    case = problem(
        free, slots, unavailable=tuple(Span(at(day, hour), at(day, hour + 2)) for day, hour in away)
    )
    found = plan_course(case, time_limit_seconds=30)
    assert found.is_proven
    distance = sum(case.wishes.distance(case.slot_of[n].wanted, start) for n, start in found.starts.items())
    assert (len(found.doses), -distance) == everything(case)
    for number, start in found.starts.items():
        placed = found.sessions[Asked(number, Talk.INTEGRATION)]
        session = Span(placed.starts_at, placed.ends_at)
        assert case.shape.window(Talk.INTEGRATION, start).covers(session)
        assert not any(
            case.slot_of[n].impaired_at(each).overlaps(session) for n, each in found.starts.items()
        )
    assert case.shape.spacing.allows(found.starts.values())
