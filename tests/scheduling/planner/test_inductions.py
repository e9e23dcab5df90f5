"""How many courses can start, against counting by hand, and what is named as the bottleneck."""

from datetime import timedelta

import pytest

from kapclinic.scheduling.planner import (
    Candidate,
    Limit,
    Step,
    Tier,
    capacity,
    induction,
    make_plan,
)
from tests.scheduling.planner.builders import NINE, clinician, problem, room, session

DAY = 24 * 60
HOUR = 60
# A dose of two hours in the morning, and an hour of integration 24-72 h after it.
COURSE = (
    Step("dose", 0, 2 * HOUR, 120, room_kind="dosing"),
    Step("integration", 26 * HOUR, 74 * HOUR, 60),
)


def courses(count: int, *names: str, steps=COURSE, apart: int = 0):
    """That many courses, the first on Monday, 09:00, each `apart` minutes after the one before."""
    return [
        induction(
            f"course {number}",
            starts_at=NINE + timedelta(minutes=apart * number),
            steps=steps,
            candidates=tuple(Candidate(name, Tier.OWN) for name in names),
        )
        for number in range(count)
    ]


def week(hours: int) -> tuple[tuple[float, float], ...]:
    return tuple((day * DAY, day * DAY + hours * HOUR) for day in range(5))


def test_windows_of_a_course_are_elapsed_time_after_its_start():
    (course,) = courses(1, "x")
    dose, integration = course.sessions
    assert dose.window.starts_at == NINE
    assert integration.window.starts_at == NINE + timedelta(hours=26)
    assert integration.window.ends_at == NINE + timedelta(hours=74)
    assert dose.patient == integration.patient


def test_all_that_are_asked_start_where_there_is_room():
    case = problem([], [clinician("x", *week(8))], [room("d", *week(8), kind="dosing")])
    found = capacity(case, courses(3, "x", apart=2 * HOUR))
    assert len(found.started) == found.bound == 3
    assert found.is_proven
    assert found.bottlenecks == ()


def test_clinicians_hours_are_named_and_by_name():
    # y could give the doses, but has no hour in the windows; x has one for integration.
    case = problem(
        [],
        [clinician("x", (DAY + 2 * HOUR, DAY + 3 * HOUR)), clinician("y", (0, 8 * HOUR))],
        [room("d", *week(8), kind="dosing")],
    )
    found = capacity(case, courses(3, "x", "y", apart=2 * HOUR))
    assert len(found.started) == found.bound == 1
    named = {each.limit: each for each in found.bottlenecks}
    assert set(named) == {Limit.CLINICIAN_HOURS}
    assert named[Limit.CLINICIAN_HOURS].gain == 2
    assert named[Limit.CLINICIAN_HOURS].keys == ("x", "y")


def test_rooms_are_named():
    people = [clinician(name, *week(8)) for name in "xyz"]
    case = problem([], people, [room("d", *week(8), kind="dosing")])
    found = capacity(case, courses(3, "x", "y", "z"))
    assert found.bound == 1
    assert [(each.limit, each.gain) for each in found.bottlenecks] == [(Limit.ROOMS, 2)]


def test_day_limits_are_named():
    case = problem([], [clinician("x", *week(8), most_per_day=1)], [room("d", *week(8), kind="dosing")])
    found = capacity(case, courses(2, "x", apart=2 * HOUR))
    assert found.bound == 1
    assert Limit.DAY_LIMITS in {each.limit for each in found.bottlenecks}


def test_course_starts_whole_or_not_at_all():
    # There is a room and an hour for every dose, and no hour for any integration.
    case = problem([], [clinician("x", (0, 8 * HOUR))], [room("d", *week(8), kind="dosing")])
    found = capacity(case, courses(3, "x", apart=2 * HOUR))
    assert (found.started, found.bound) == ((), 0)


def test_out_of_time_nothing_is_claimed_that_was_not_shown():
    case = problem(
        [],
        [clinician("x", (DAY + 2 * HOUR, DAY + 3 * HOUR)), clinician("y", (0, 8 * HOUR))],
        [room("d", *week(8), kind="dosing")],
    )
    found = capacity(case, courses(3, "x", "y", apart=2 * HOUR), time_limit_seconds=0.0)
    assert len(found.started) <= 1 <= found.bound
    assert not found.is_explained
    assert Limit.WINDOWS not in {each.limit for each in found.bottlenecks}


def test_sessions_that_are_placed_now_keep_a_time():
    case = problem(
        [session("now", (26 * HOUR, 28 * HOUR), "x")],
        [clinician("x", (0, 2 * HOUR), (26 * HOUR, 28 * HOUR))],
        [room("d", *week(8), kind="dosing")],
    )
    assert make_plan(case).score.placed == 1
    assert capacity(case, courses(1, "x")).bound == 1
    narrow = problem([session("now", (26 * HOUR, 28 * HOUR), "x", minutes=120)], case.clinicians, case.rooms)
    assert capacity(narrow, courses(1, "x")).bound == 0


def test_nothing_helps_a_course_whose_windows_hold_no_start():
    case = problem([], [clinician("x", *week(8))], [room("d", *week(8), kind="dosing")])
    late = induction(
        "late", starts_at=NINE + timedelta(minutes=5), steps=COURSE, candidates=(Candidate("x"),)
    )
    found = capacity(case, [late])
    assert found.bound == 0
    assert [each.limit for each in found.bottlenecks] == [Limit.WINDOWS]


def test_no_courses_are_no_question():
    assert capacity(problem([], []), []).started == ()


def test_step_longer_than_its_window_is_refused():
    with pytest.raises(ValueError, match="no longer than its window"):
        Step("dose", 0, 60, 90)
