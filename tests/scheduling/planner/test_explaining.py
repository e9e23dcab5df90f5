"""Why a session has no time, and what would help: every answer is proven again here by solving without it."""

from dataclasses import replace

import pytest

from kapclinic.scheduling.planner import (
    Candidate,
    Cover,
    DoseTime,
    ExtraHour,
    FreeTime,
    Plan,
    Problem,
    Promise,
    Remedies,
    RepairKind,
    Tier,
    check,
    make_plan,
    why_not,
)
from tests.scheduling.planner.builders import after, clinician, problem, room, session, span


def only(case: Problem, keys) -> Problem:
    """The problem with these sessions, nobody preferred and nothing promised but what was told."""
    return replace(
        case, sessions=tuple(each for each in case.sessions if each.key in keys or case.is_fixed(each))
    )


def assert_irreducible(case: Problem, keys: tuple[str, ...]) -> None:
    fixed = sum(case.is_fixed(each) for each in case.sessions)
    assert make_plan(only(case, keys)).score.placed == len(keys) - 1 + fixed
    for key in keys:
        rest = [other for other in keys if other != key]
        assert make_plan(only(case, rest)).score.placed == len(rest) + fixed


def crowd() -> Problem:
    """Five sessions need the four hours of x; three others have nothing to do with it."""
    return problem(
        [
            *(session(f"s{number}", (0, 240), "x") for number in range(5)),
            *(session(f"t{number}", (0, 480), "y") for number in range(3)),
        ],
        [clinician("x", (0, 240)), clinician("y", (0, 480)), clinician("z", (0, 60))],
    )


def unplaced(case: Problem) -> tuple[Plan, str]:
    plan = make_plan(case)
    (key,) = plan.unplaced
    return plan, key


def test_five_sessions_need_four_hours():
    plan, key = unplaced(crowd())
    found = why_not(crowd(), plan, key).competition
    assert found is not None
    assert sorted(found.sessions) == ["s0", "s1", "s2", "s3", "s4"]
    assert found.sessions[0] == key
    assert [(each.clinician, each.spans) for each in found.hours] == [("x", (span(0, 240),))]
    assert (found.minutes_needed, found.minutes_free) == (300, 240)
    assert_irreducible(crowd(), found.sessions)


def test_chain_over_two_clinicians_is_found_whole():
    # u wants x's hour; whoever has it can only go to y, whose hour is wanted by one who has nothing else.
    case = problem(
        [
            session("u", (0, 60), "x"),
            session("v", (0, 60), "x", "y"),
            session("w", (0, 60), "y"),
            session("far", (120, 300), "x"),
        ],
        [clinician("x", (0, 60), (120, 240)), clinician("y", (0, 60))],
    )
    plan, key = unplaced(case)
    found = why_not(case, plan, key).competition
    assert found is not None
    assert set(found.sessions) == {"u", "v", "w"}
    assert_irreducible(case, found.sessions)


def test_rooms_bring_sessions_of_different_clinicians_together():
    case = problem(
        [session(key, (0, 60), key, room_kind="therapy") for key in "xyz"],
        [clinician(key, (0, 60)) for key in "xyz"],
        [room("1", (0, 60)), room("2", (0, 60))],
    )
    plan, key = unplaced(case)
    found = why_not(case, plan, key).competition
    assert found is not None
    assert set(found.sessions) == {"x", "y", "z"}
    assert_irreducible(case, found.sessions)


def test_session_without_any_time_stands_alone():
    case = problem([session("s", (0, 45), "x"), session("t", (0, 60), "x")], [clinician("x", (0, 480))])
    plan, key = unplaced(case)
    found = why_not(case, plan, key).competition
    assert found is not None
    assert (key, found.sessions, found.hours) == ("s", ("s",), ())


def test_what_was_told_is_no_competitor_but_time_that_is_gone():
    told = session("told", (0, 60), "x", promise=Promise("x", after(0), is_told=True))
    case = problem([told, session("s", (0, 60), "x")], [clinician("x", (0, 60))])
    plan, key = unplaced(case)
    found = why_not(case, plan, key).competition
    assert found is not None
    assert found.sessions == ("s",)


def test_each_repair_works_when_it_is_solved_again():
    plan, key = unplaced(crowd())
    remedies = Remedies(
        extra_hours=(
            ExtraHour("x", FreeTime(span(240, 285))),
            ExtraHour("y", FreeTime(span(480, 540))),
            ExtraHour("x", FreeTime(span(-60, 0))),
            ExtraHour("x", FreeTime(span(180, 300))),
        ),
        covers=(Cover("y"), Cover("z")),
        dose_times=(
            DoseTime("an hour earlier", span(-60, 180)),
            DoseTime("an hour later", span(60, 300)),
            DoseTime("a day later", span(1440, 1680)),
        ),
    )
    # Nothing fits: x has no hour outside 0-240, so only a cover helps; y is free in the morning.
    found = why_not(crowd(), plan, key, remedies=remedies)
    assert [each.kind for each in found.repairs] == [RepairKind.COVER]
    cover = found.repairs[0]
    assert {each.session for each in cover.changes} >= {key}
    changed = replace(
        crowd(),
        sessions=tuple(
            replace(each, candidates=(*each.candidates, Candidate(cover.remedy.clinician, Tier.COVER)))
            if each.key == key
            else each
            for each in crowd().sessions
        ),
    )
    assert make_plan(changed).unplaced == ()


def test_extra_hour_and_other_dose_time_are_found_where_they_help():
    case = problem(
        [session(key, (-60, 60), "x") for key in "ab"],
        [clinician("x", (0, 60), (600, 660))],
    )
    plan, key = unplaced(case)
    remedies = Remedies(
        extra_hours=(ExtraHour("x", FreeTime(span(60, 120))), ExtraHour("x", FreeTime(span(-60, 0)))),
        dose_times=(DoseTime("too little", span(0, 120)), DoseTime("evening", span(570, 690))),
    )
    repairs = why_not(case, plan, key, remedies=remedies).repairs
    assert [each.remedy for each in repairs] == [
        ExtraHour("x", FreeTime(span(-60, 0))),
        DoseTime("evening", span(570, 690)),
    ]
    for repair in repairs:
        placements = {each.session: each for each in plan.placements} | {
            each.session: each for each in repair.changes
        }
        assert set(placements) == {"a", "b"}


def test_repair_keeps_everybody_else_where_they_are_planned():
    case = problem(
        [
            session("a", (0, 60), "x"),
            session("b", (0, 60), "x"),
            session("c", (60, 180), "x", promise=Promise("x", after(60))),
        ],
        [clinician("x", (0, 180))],
    )
    plan, key = unplaced(case)
    remedies = Remedies(dose_times=(DoseTime("into c", span(60, 120)), DoseTime("after c", span(60, 180))))
    (repair,) = why_not(case, plan, key, remedies=remedies).repairs
    assert repair.remedy == remedies.dose_times[1]
    assert {each.session for each in repair.changes} == {key}


def test_placed_session_has_no_why_not():
    plan, key = unplaced(crowd())
    placed = next(each.session for each in plan.placements if each.session != key)
    with pytest.raises(ValueError, match="has a time"):
        why_not(crowd(), plan, placed)


def test_session_that_does_fit_has_no_competition():
    case = problem([session("s", (0, 60), "x")], [clinician("x", (0, 60))])
    unfinished = replace(make_plan(case), placements=(), unplaced=("s",), is_proven=False)
    assert check(case, make_plan(case)) == []
    assert why_not(case, unfinished, "s").competition is None
