"""One rule of the planner at a time, at its edges."""

from datetime import UTC, date, datetime, timedelta

import pytest

from kapclinic.scheduling.hours import (
    Holiday,
    Place,
    Roster,
    WeeklyHours,
    availability,
)
from kapclinic.scheduling.planner import (
    Busy,
    Candidate,
    Clinician,
    FreeTime,
    Placement,
    Plan,
    Problem,
    Promise,
    Session,
    Tier,
    Wish,
    check,
    first_come,
    make_plan,
    place_among,
    score_of,
)
from kapclinic.scheduling.planner.columns import Finder
from kapclinic.scheduling.planner.rows import build, room_groups
from kapclinic.scheduling.planner.solving import shared_rooms
from kapclinic.scheduling.spans import Span
from tests.scheduling.planner.builders import (
    DENVER,
    after,
    clinician,
    problem,
    room,
    session,
    span,
    starts,
)

SECOND = timedelta(seconds=1)


def planned(case: Problem) -> Plan:
    """The plan, after the checker and the proof agreed with it."""
    plan = make_plan(case)
    assert check(case, plan) == []
    assert plan.is_proven
    assert plan.gap == 0
    return plan


@pytest.mark.parametrize(
    ("opens_late", "closes_late", "fits"),
    [
        (-1, 0, True),
        (0, 0, True),
        (1, 0, False),
        (0, -1, False),
        (0, 1, True),
        (-1, -1, False),
        (1, 1, False),
    ],
)
def test_whole_session_lies_in_its_window_both_ends_included(opens_late, closes_late, fits):
    window = Span(after(60) + opens_late * SECOND, after(120) + closes_late * SECOND)
    case = problem([session("s", window, "x")], [clinician("x", (0, 480))])
    plan = planned(case)
    assert starts(plan) == ({"s": 60} if fits else {})


@pytest.mark.parametrize(("shift", "fits"), [(-1, True), (0, True), (1, False)])
def test_preferred_part_counts_a_start_at_both_its_ends(shift, fits):
    part = Span(after(60) + shift * SECOND, after(90))
    case = problem(
        [session("s", (60, 120), "x", preferred=part)],
        [clinician("x", (0, 480))],
    )
    assert planned(case).score.part_points == (0 if fits else 1)


@pytest.mark.parametrize(("late", "fits"), [(-1, False), (0, True), (1, True)])
def test_free_time_holds_the_session_to_the_second(late, fits):
    worker = Clinician("x", (FreeTime(Span(after(0), after(60) + late * SECOND)),))
    assert planned(problem([session("s", (0, 480), "x")], [worker])).score.placed == fits


@pytest.mark.parametrize(
    ("before", "fits"),
    [(-1, True), (0, True), (1, False)],
)
def test_past_is_not_planned(before, fits):
    case = problem(
        [session("s", (0, 60), "x", not_before=after(0) + before * SECOND)], [clinician("x", (0, 60))]
    )
    assert planned(case).score.placed == fits


@pytest.mark.parametrize(("buffer", "second"), [(0, 60), (10, 75), (15, 75), (16, 90)])
def test_buffer_is_kept_between_two_sessions(buffer, second):
    case = problem(
        [session("a", (0, 60), "x"), session("b", (0, 480), "x")],
        [clinician("x", (0, 480), buffer_minutes=buffer)],
    )
    plan = planned(case)
    assert plan.score.placed == 2
    assert starts(plan)["b"] >= second
    tight = problem(
        [session("a", (0, 60), "x"), session("b", (0, second + 60 - 15), "x")],
        [clinician("x", (0, 480), buffer_minutes=buffer)],
    )
    assert planned(tight).score.placed == 1


def test_longer_buffer_of_a_session_counts_after_it_alone():
    sessions = [session("a", (0, 60), "x", buffer_minutes=30), session("b", (60, 150), "x")]
    assert starts(planned(problem(sessions, [clinician("x", (0, 480))])))["b"] == 90
    turned = [session("a", (60, 120), "x", buffer_minutes=30), session("b", (0, 60), "x")]
    assert planned(problem(turned, [clinician("x", (0, 480))])).score.placed == 2


@pytest.mark.parametrize(
    ("window", "expected"),
    [((60, 135), {"s": 75}), ((60, 120), {}), ((0, 60), {}), ((300, 360), {}), ((285, 345), {"s": 285})],
)
def test_buffer_is_kept_around_fixed_bookings(window, expected):
    booked = (Busy(span(0, 60)), Busy(span(360, 420)))
    worker = clinician("x", (0, 480), buffer_minutes=10, busy=booked)
    assert starts(planned(problem([session("s", window, "x")], [worker]))) == expected


@pytest.mark.parametrize(
    ("most", "busy_counts", "placed"), [(None, True, 3), (3, True, 2), (3, False, 3), (1, True, 0)]
)
def test_most_sessions_of_a_day_count_what_is_booked(most, busy_counts, placed):
    worker = clinician("x", (0, 480), most_per_day=most, busy=(Busy(span(420, 480), is_session=busy_counts),))
    case = problem([session(key, (0, 480), "x") for key in "abc"], [worker])
    assert planned(case).score.placed == placed


def test_day_of_the_limit_is_the_local_one():
    # 18:00 in Denver is midnight in UTC: one local day, two in UTC.
    worker = clinician("x", (0, 24 * 60), most_per_day=1)
    evening = session("a", (8 * 60, 9 * 60), "x")
    night = session("b", (9 * 60, 10 * 60), "x")
    assert planned(problem([evening, night], [worker])).score.placed == 1
    assert planned(problem([evening, night], [worker], zone="UTC")).score.placed == 2


def test_patient_has_one_session_at_a_time():
    same = {"patient": "p"}
    case = problem(
        [session("a", (0, 90), "x", **same), session("b", (0, 90), "y", **same)],
        [clinician("x", (0, 480)), clinician("y", (0, 480))],
    )
    assert planned(case).score.placed == 1


def test_rooms_of_a_kind_are_shared_and_buffered():
    sessions = [session(key, (0, 120), key, room_kind="therapy") for key in "xyz"]
    people = [clinician(key, (0, 480)) for key in "xyz"]
    assert planned(problem(sessions, people, [room("1", (0, 480))])).score.placed == 2
    assert planned(problem(sessions, people, [room("1", (0, 480), buffer_minutes=5)])).score.placed == 1
    assert planned(problem(sessions, people, [room("1", (0, 480), kind="dosing")])).score.placed == 0
    assert planned(problem(sessions, people)).score.placed == 0


def test_session_is_never_split_over_two_rooms():
    # One room is free at every moment, but none for an hour.
    rooms = [room("1", (0, 30)), room("2", (30, 60))]
    case = problem([session("s", (0, 60), "x", room_kind="therapy")], [clinician("x", (0, 60))], rooms)
    assert planned(case).score.placed == 0


def test_rooms_that_are_free_at_different_times_are_chosen_together():
    # The first to start could take the long room and leave the second without one.
    rooms = [room("long", (0, 180)), room("short", (0, 60))]
    sessions = [
        session("a", (0, 60), "x", room_kind="therapy"),
        session("b", (0, 120), "y", room_kind="therapy", minutes=120),
        session("c", (120, 180), "z", room_kind="therapy"),
    ]
    plan = planned(problem(sessions, [clinician(key, (0, 480)) for key in "xyz"], rooms))
    assert {each.session: each.room for each in plan.placements} == {"a": "short", "b": "long", "c": "long"}


def test_room_is_of_the_group_that_was_chosen_for_the_start():
    # A choice for another start costs nothing, so the solver may leave one standing.
    rooms = [room("early", (0, 60)), room("late", (60, 120))]
    case = problem([session("s", (0, 120), "x", room_kind="therapy")], [clinician("x", (0, 120))], rooms)
    finder = Finder(case)
    groups = room_groups(finder)
    model = build(finder, finder.columns(finder.open), groups)
    late = int(model.columns.start.argmax())
    group_of = {
        (0, int(start)): next(number for number, group in enumerate(groups) if group.rooms == (name,))
        for name, start in (("late", model.columns.start.max()), ("early", model.columns.start.min()))
    }
    assert shared_rooms(model, groups, [late], group_of) == {late: "late"}


def test_telehealth_needs_no_room_and_only_time_that_allows_it():
    worker = clinician("x", (0, 60), place=Place.IN_PERSON)
    remote = session("s", (0, 120), "x", place=Place.TELEHEALTH, room_kind="therapy")
    assert planned(problem([remote], [worker])).score.placed == 0
    plan = planned(problem([remote], [clinician("x", (0, 60))]))
    assert plan.placements[0].room is None


def test_in_person_is_taken_where_either_will_do_and_a_room_is_free():
    either = session("s", (0, 60), "x", place=Place.EITHER, room_kind="therapy")
    worker = clinician("x", (0, 60))
    assert planned(problem([either], [worker], [room("1", (0, 60))])).placements[0].place is Place.IN_PERSON
    assert planned(problem([either], [worker])).placements[0].place is Place.TELEHEALTH


def test_more_sessions_count_more_than_the_own_therapist():
    case = problem(
        [session("a", (0, 60), "x", "y"), session("b", (0, 60), "x")],
        [clinician("x", (0, 60)), clinician("y", (0, 60))],
    )
    plan = planned(case)
    assert {each.session: each.clinician for each in plan.placements} == {"a": "y", "b": "x"}


def test_own_therapist_counts_more_than_the_preferred_part_and_cover_more_than_others():
    people = [clinician("x", (240, 300)), clinician("y", (0, 60)), clinician("z", (0, 60))]
    own = session("s", (0, 480), "x", "y", preferred=span(0, 120))
    assert planned(problem([own], people)).placements[0].clinician == "x"
    others = (Candidate("z", Tier.OTHER), Candidate("y", Tier.COVER))
    assert (
        planned(problem([session("s", (0, 480), candidates=others)], people)).placements[0].clinician == "y"
    )


def test_preferred_part_counts_more_than_wishes_and_wishes_more_than_a_promise():
    held = Promise("x", after(0))
    wish = (Wish((span(120, 240),), points=9),)
    case = problem(
        [session("s", (0, 480), "x", preferred=span(0, 60), wishes=wish, promise=held)],
        [clinician("x", (0, 480))],
    )
    assert starts(planned(case))["s"] == 0
    free = problem([session("s", (0, 480), "x", wishes=wish, promise=held)], [clinician("x", (0, 480))])
    assert starts(planned(free))["s"] == 120


def test_margin_is_kept_where_there_is_room():
    case = problem([session("s", (0, 300), "x", margin_minutes=120)], [clinician("x", (0, 480))])
    assert starts(planned(case))["s"] == 120
    narrow = problem([session("s", (0, 300), "x", margin_minutes=120)], [clinician("x", (0, 60))])
    assert planned(narrow).score.part_points == 1


def test_held_time_stays_where_nothing_better_asks_for_it():
    case = problem(
        [session("s", (0, 480), "x", promise=Promise("x", after(195)))], [clinician("x", (0, 480))]
    )
    plan = planned(case)
    assert starts(plan)["s"] == 195
    assert plan.score.held_changed == 0


def test_fewest_then_smallest_changes_are_made():
    # The newcomer needs 60-120; either move of the held one is possible, the nearer is taken.
    case = problem(
        [
            session("held", (0, 480), "x", promise=Promise("x", after(75))),
            session("new", (60, 120), "x"),
        ],
        [clinician("x", (0, 480))],
    )
    plan = planned(case)
    assert starts(plan) == {"held": 120, "new": 60}
    assert (plan.score.held_changed, plan.score.change_quarters) == (1, 3)


def test_one_change_is_made_rather_than_two_smaller_ones():
    case = problem(
        [
            session("a", (0, 480), "x", promise=Promise("x", after(60))),
            session("b", (0, 480), "x", promise=Promise("x", after(120))),
            session("new", (60, 120), "x"),
        ],
        [
            clinician(
                "x",
                (0, 420),
            )
        ],
    )
    plan = planned(case)
    assert plan.score.held_changed == 1
    assert starts(plan)["b"] == 120


def test_told_time_stands_even_where_it_fits_nothing():
    told = Promise("x", after(600), is_told=True)
    case = problem([session("s", (0, 120), "x", promise=told)], [clinician("x", (0, 480))])
    plan = planned(case)
    assert plan.placements == (
        Placement("s", "x", after(600), after(660), Place.IN_PERSON, None, is_fixed=True),
    )
    assert plan.score.placed == 0


def test_told_time_moves_in_a_proposal_only():
    sessions = [
        session("told", (0, 480), "x", promise=Promise("x", after(0), is_told=True)),
        session("new", (0, 60), "x"),
    ]
    people = [clinician("x", (0, 480))]
    assert planned(problem(sessions, people)).unplaced == ("new",)
    proposed = planned(problem(sessions, people, is_proposal=True))
    assert starts(proposed) == {"new": 0, "told": 60}
    assert proposed.score.told_changed == 1


def test_told_time_is_kept_rather_than_two_held_ones():
    sessions = [
        session("told", (0, 120), "x", minutes=120, promise=Promise("x", after(0), is_told=True)),
        session("a", (0, 480), "x", promise=Promise("x", after(0))),
        session("b", (0, 480), "x", promise=Promise("x", after(60))),
    ]
    plan = planned(problem(sessions, [clinician("x", (0, 480))], is_proposal=True))
    assert (plan.score.told_changed, plan.score.held_changed) == (0, 2)


def test_told_time_takes_its_clinician_its_room_its_patient_and_its_place_in_the_day():
    told = session(
        "told",
        (0, 60),
        "x",
        patient="p",
        room_kind="therapy",
        promise=Promise("x", after(0), Place.IN_PERSON, "1", is_told=True),
    )
    rooms = [room("1", (0, 60))]
    for other, people in (
        (session("s", (0, 60), "x"), [clinician("x", (0, 60))]),
        (session("s", (0, 60), "y", patient="p"), [clinician("x"), clinician("y", (0, 60))]),
        (session("s", (0, 60), "y", room_kind="therapy"), [clinician("x"), clinician("y", (0, 60))]),
        (session("s", (120, 180), "x"), [clinician("x", (0, 480), most_per_day=1)]),
    ):
        assert planned(problem([told, other], people, rooms)).unplaced == ("s",)
    free = problem(
        [told, session("s", (60, 120), "y", patient="p")], [clinician("x"), clinician("y", (0, 120))]
    )
    assert planned(free).score.placed == 2


def test_nobody_and_nothing_make_an_empty_plan():
    assert planned(problem([], [clinician("x", (0, 480))])).placements == ()
    assert planned(problem([], [])).components == 0
    alone = planned(problem([session("s", (0, 480))], []))
    assert (alone.unplaced, alone.bound) == (("s",), 0)
    assert planned(problem([session("s", (0, 480), "x")], [clinician("x")])).bound == 0


def test_session_longer_than_its_window_is_unplaced_and_proven_so():
    plan = planned(problem([session("s", (0, 45), "x")], [clinician("x", (0, 480))]))
    assert (plan.unplaced, plan.bound) == (("s",), 0)


def test_only_what_is_connected_is_one_part():
    sessions = [session("a", (0, 120), "x"), session("b", (0, 120), "x"), session("c", (0, 120), "y")]
    people = [clinician("x", (0, 120)), clinician("y", (0, 120))]
    assert planned(problem(sessions, people)).components == 2
    shared = [*sessions, session("d", (0, 120), "x", "y")]
    assert planned(problem(shared, people)).components == 1


def test_candidates_beyond_the_limit_are_the_busiest():
    others = tuple(Candidate(key, Tier.OTHER) for key in "xyz")
    sessions = [session("s", (0, 60), candidates=others), session("own", (60, 120), "x")]
    case = problem(sessions, [clinician(key, (0, 120)) for key in "xyz"], most_candidates=2)
    assert planned(case).placement_of["s"].clinician in {"y", "z"}
    promised = session("s", (0, 60), candidates=others, promise=Promise("x", after(0)))
    kept = problem([promised, sessions[1]], [clinician(key, (0, 120)) for key in "xyz"], most_candidates=2)
    assert planned(kept).placement_of["s"].clinician == "x"


def test_one_session_is_placed_among_others_without_moving_them():
    held = session("held", (0, 480), "x", preferred=span(0, 60), promise=Promise("x", after(120)))
    case = problem(
        [held, session("new", (0, 480), "x"), session("later", (0, 480), "x")], [clinician("x", (0, 480))]
    )
    plan = place_among(case, {"new"})
    assert starts(plan)["held"] == 120
    assert {each.session for each in plan.placements} == {"held", "new"}
    full = problem([held, session("new", (120, 180), "x")], [clinician("x", (0, 480))])
    moved = place_among(full, {"new"})
    assert check(full, moved) == []
    assert starts(moved) == {"held": 60, "new": 120}


def test_first_come_loses_a_window_that_the_plan_keeps():
    case = problem(
        [session("early", (0, 120), "x"), session("tight", (0, 60), "x")], [clinician("x", (0, 120))]
    )
    assert first_come(case).score.placed == 1
    assert planned(case).score.placed == 2


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
        ("America/New_York", datetime(2027, 3, 14, 7, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2027, 3, 28, 1, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize(("nudge", "fits"), [(-1, True), (0, True), (1, False)])
def test_window_over_a_change_of_clocks_is_elapsed_hours(zone, change, nudge, fits):
    """T0 lies 48 h before the only free hour ends at T0+72 h, the change of clocks in between."""
    closes = change + timedelta(hours=30)
    t0 = closes - timedelta(hours=72) + nudge * SECOND
    window = Span(t0 + timedelta(hours=24), t0 + timedelta(hours=72))
    hour = FreeTime(Span(closes - timedelta(hours=1), closes))
    case = Problem(
        zone=zone,
        sessions=(Session("s", "p", window, 60, (Candidate("x"),)),),
        clinicians=(Clinician("x", (hour,)),),
    )
    # A window that closes a second later still holds the hour; one that closes a second earlier does not.
    assert planned(case).score.placed == (nudge >= 0)
    opens = problem_that_opens(zone, change, nudge)
    assert planned(opens).score.placed == fits


def problem_that_opens(zone: str, change: datetime, nudge: int) -> Problem:
    """The only free hour starts at T0+24 h, the change of clocks in between; T0 lies `nudge` seconds later."""
    first = change + timedelta(hours=6)
    t0 = first - timedelta(hours=24) + nudge * SECOND
    window = Span(t0 + timedelta(hours=24), t0 + timedelta(hours=72))
    hour = FreeTime(Span(first, first + timedelta(hours=1)))
    return Problem(
        zone=zone,
        sessions=(Session("s", "p", window, 60, (Candidate("x"),)),),
        clinicians=(Clinician("x", (hour,)),),
    )


def test_hour_that_happens_twice_holds_two_sessions():
    # 01:00-02:00 in New York on 1 November happens twice.
    night = Span(datetime(2026, 11, 1, 5, tzinfo=UTC), datetime(2026, 11, 1, 7, tzinfo=UTC))
    case = Problem(
        zone="America/New_York",
        sessions=tuple(Session(key, key, night, 60, (Candidate("x"),)) for key in "ab"),
        clinicians=(Clinician("x", (FreeTime(night),), most_per_day=2),),
    )
    assert planned(case).score.placed == 2


def test_grid_follows_the_wall_clock_of_the_zone():
    # Kathmandu is 5:45 ahead of UTC: on a grid of hours sessions start at a quarter past in UTC.
    day = Span(datetime(2026, 6, 8, 3, tzinfo=UTC), datetime(2026, 6, 8, 5, tzinfo=UTC))
    case = Problem(
        zone="Asia/Kathmandu",
        sessions=(Session("s", "p", day, 60, (Candidate("x"),)),),
        clinicians=(Clinician("x", (FreeTime(day),)),),
        grid_minutes=60,
    )
    assert planned(case).placements[0].starts_at == datetime(2026, 6, 8, 3, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("t0", "holiday", "expected"),
    [
        # Friday 10:00: the window is Saturday 10:00 to Monday 10:00, of which one working hour is left.
        (datetime(2026, 6, 5, 16, tzinfo=UTC), None, datetime(2026, 6, 8, 15, tzinfo=UTC)),
        (datetime(2026, 6, 5, 16, tzinfo=UTC), date(2026, 6, 8), None),
        # Thursday 16:00: Friday 16:00 to Sunday 16:00 holds Friday's last hour.
        (datetime(2026, 6, 4, 22, tzinfo=UTC), None, datetime(2026, 6, 5, 22, tzinfo=UTC)),
    ],
)
def test_window_over_a_weekend_uses_what_is_worked(t0, holiday, expected):
    window = Span(t0 + timedelta(hours=24), t0 + timedelta(hours=72))
    weekly = tuple(WeeklyHours(day, 9 * 60, 17 * 60, DENVER) for day in range(1, 6))
    closed = () if holiday is None else (Holiday(holiday, "closed", DENVER),)
    free = availability(Roster(weekly=weekly, holidays=closed), window).free
    case = Problem(
        zone=DENVER,
        sessions=(Session("s", "p", window, 60, (Candidate("x"),)),),
        clinicians=(Clinician("x", tuple(FreeTime(each) for each in free)),),
    )
    plan = planned(case)
    assert [each.starts_at for each in plan.placements] == ([] if expected is None else [expected])


def test_time_limit_returns_a_plan_no_worse_than_first_come():
    people = [clinician(f"c{number}", (0, 480)) for number in range(6)]
    sessions = [
        session(
            f"s{number}",
            (15 * (number % 7), 480 - 15 * (number % 5)),
            *(f"c{(number + step) % 6}" for step in range(4)),
            minutes=60 + 15 * (number % 5),
        )
        for number in range(40)
    ]
    case = problem(sessions, people)
    plan = make_plan(case, time_limit_seconds=0.0)
    assert check(case, plan) == []
    assert plan.score.rank >= first_come(case).score.rank
    assert plan.bound >= make_plan(case).score.placed
    assert plan.gap >= 0


def test_checker_names_what_is_wrong():
    case = problem(
        [session("a", (0, 120), "x", room_kind="therapy"), session("b", (0, 120), "x")],
        [clinician("x", (0, 480), most_per_day=1)],
        [room("1", (0, 60))],
    )
    placements = (
        Placement("a", "x", after(60), after(120), Place.IN_PERSON, "1"),
        Placement("b", "x", after(65), after(125), Place.IN_PERSON),
    )
    plan = Plan(placements, (), score_of(case, placements), bound=0, is_proven=True)
    found = " ".join(check(case, plan))
    for words in (
        "a: its room is not free",
        "b: lies outside its window",
        "b: starts off the grid",
        "a and b are too close",
        "2 sessions on 2026-06-08, at most 1",
        "more than the bound",
    ):
        assert words in found


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: problem([session("s", (0, 60), "nobody")], []),
        lambda: problem([session("s", (0, 60)), session("s", (0, 60))], []),
        lambda: session("s", (0, 60), minutes=0),
        lambda: Wish(points=0),
        lambda: Wish(place=Place.EITHER),
        lambda: session("s", (0, 60), promise=Promise("x", after(0), Place.EITHER)),
    ],
)
def test_contradictions_are_refused(wrong):
    with pytest.raises(ValueError, match=r".+"):
        wrong()
