"""The plan against every possible plan, on whatever small clinic can be found."""

from collections import Counter
from datetime import timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kapclinic.scheduling.hours import Place
from kapclinic.scheduling.planner import (
    Busy,
    Candidate,
    Clinician,
    FreeTime,
    Placement,
    Plan,
    Problem,
    Promise,
    Room,
    Score,
    Session,
    Tier,
    Wish,
    check,
    exact,
    first_come,
    make_plan,
    score_of,
)
from kapclinic.scheduling.spans import Span
from tests.scheduling.planner.builders import DENVER, NINE, after

NOBODY = Score(placed=0)


def quarters(number: int) -> float:
    return number * 15.0


@st.composite
def stretches(draw, longest: int = 12) -> Span:
    first = draw(st.integers(0, 10))
    return Span(after(quarters(first)), after(quarters(first + draw(st.integers(2, longest)))))


@st.composite
def clinicians(draw, key: str) -> Clinician:
    free = draw(
        st.lists(
            st.builds(FreeTime, stretches(), st.sampled_from([Place.EITHER, Place.EITHER, Place.IN_PERSON])),
            min_size=1,
            max_size=2,
        )
    )
    busy = draw(st.lists(st.builds(Busy, stretches(longest=3), st.booleans()), max_size=1))
    return Clinician(
        key,
        tuple(free),
        buffer_minutes=draw(st.sampled_from([0, 10])),
        most_per_day=draw(st.sampled_from([None, None, 1, 2])),
        busy=tuple(busy),
    )


@st.composite
def sessions(draw, key: str, names: list[str], rooms: list[str]) -> Session:
    first = draw(st.integers(0, 8))
    nudge = draw(st.sampled_from([-1, 0, 0, 1]))
    window = Span(
        after(quarters(first)) + timedelta(seconds=nudge),
        after(quarters(first + draw(st.integers(3, 9))))
        + timedelta(seconds=draw(st.sampled_from([-1, 0, 1]))),
    )
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=len(names), unique=True))
    place = draw(st.sampled_from([Place.IN_PERSON, Place.IN_PERSON, Place.TELEHEALTH, Place.EITHER]))
    promise = None
    if draw(st.integers(0, 2)) == 0:
        promise = Promise(
            draw(st.sampled_from(names)),
            after(quarters(draw(st.integers(0, 12)))),
            draw(st.sampled_from([Place.IN_PERSON, Place.TELEHEALTH])),
            draw(st.sampled_from([None, *rooms])),
            is_told=draw(st.integers(0, 2)) == 0,
        )
    return Session(
        key=key,
        patient=draw(st.sampled_from(["a", "b", "c"])),
        window=window,
        minutes=draw(st.sampled_from([50, 60, 75])),
        candidates=tuple(
            Candidate(name, draw(st.sampled_from(Tier)), rank) for rank, name in enumerate(chosen)
        ),
        preferred=draw(st.none() | stretches(longest=4)),
        margin_minutes=draw(st.sampled_from([0, 0, 30])),
        place=place,
        room_kind="therapy" if rooms and draw(st.booleans()) else None,
        unavailable=tuple(draw(st.lists(stretches(longest=3), max_size=1))),
        wishes=tuple(
            draw(
                st.lists(
                    st.builds(
                        Wish,
                        st.tuples(stretches(longest=6)),
                        st.sampled_from([None, Place.IN_PERSON]),
                        st.integers(1, 3),
                    ),
                    max_size=1,
                )
            )
        ),
        promise=promise,
        buffer_minutes=draw(st.sampled_from([0, 0, 20])),
    )


@st.composite
def problems(draw) -> Problem:
    names = ["x", "y", "z"][: draw(st.integers(1, 3))]
    rooms = [
        Room(
            f"room {number}",
            "therapy",
            tuple(draw(st.lists(stretches(), min_size=1, max_size=2))),
            draw(st.sampled_from([0, 0, 15])),
        )
        for number in range(draw(st.integers(0, 2)))
    ]
    room_names = [each.key for each in rooms]
    return Problem(
        zone=DENVER,
        sessions=tuple(
            draw(sessions(f"s{number}", names, room_names)) for number in range(draw(st.integers(1, 4)))
        ),
        clinicians=tuple(draw(clinicians(name)) for name in names),
        rooms=tuple(rooms),
        is_proposal=draw(st.booleans()),
    )


@st.composite
def crowded_rooms(draw) -> Problem:
    """Everybody has a clinician of their own and all the time; only rooms, free at different times, are short."""
    names = ["w", "x", "y", "z"]
    rooms = tuple(
        Room(
            f"room {number}",
            "therapy",
            tuple(draw(st.lists(stretches(), min_size=1, max_size=2))),
            draw(st.sampled_from([0, 15])),
        )
        for number in range(draw(st.integers(2, 3)))
    )
    return Problem(
        zone=DENVER,
        sessions=tuple(
            Session(
                key=f"of {name}",
                patient=name,
                window=draw(stretches(longest=10)),
                minutes=draw(st.sampled_from([45, 60, 90])),
                candidates=(Candidate(name),),
                preferred=draw(st.none() | stretches(longest=4)),
                room_kind="therapy",
            )
            for name in names
        ),
        clinicians=tuple(Clinician(name, (FreeTime(Span(after(0), after(quarters(24)))),)) for name in names),
        rooms=rooms,
    )


def options(problem: Problem, session: Session) -> list[Placement]:
    """Every placement of one session alone that the checker finds no fault with."""
    if problem.is_fixed(session):
        promise = session.promise
        return [
            Placement(
                session.key,
                promise.clinician,
                promise.starts_at,
                promise.starts_at + session.length,
                promise.place,
                promise.room,
                is_fixed=True,
            )
        ]
    rooms = [None, *(room.key for room in problem.rooms)]
    every = (
        Placement(session.key, candidate.clinician, start, start + session.length, place, room)
        for candidate in session.candidates
        for start in (NINE + timedelta(minutes=quarters(number)) for number in range(20))
        for place in (Place.IN_PERSON, Place.TELEHEALTH)
        for room in rooms
    )
    return [each for each in every if not faults(problem, each)]


def faults(problem: Problem, *placements: Placement) -> list[str]:
    """What the checker says to these placements alone; the day's limits are counted over the whole plan instead."""
    names = {placement.session for placement in placements}
    part = Problem(
        zone=problem.zone,
        sessions=tuple(session for session in problem.sessions if session.key in names),
        clinicians=tuple(
            Clinician(each.key, each.free, each.buffer_minutes, None, each.busy)
            for each in problem.clinicians
        ),
        rooms=problem.rooms,
        is_proposal=problem.is_proposal,
    )
    score = score_of(part, placements)
    return check(part, Plan(placements, (), score, bound=len(placements), is_proven=False))


def best_score(problem: Problem) -> Score:
    """The best of all plans, by trying them all."""
    choices = [options(problem, session) for session in problem.sessions]
    fits = {
        (one, other): not faults(problem, one, other)
        for number, mine in enumerate(choices)
        for theirs in choices[:number]
        for one, other in product(mine, theirs)
    }
    best = score_of(problem, ())
    zone = ZoneInfo(problem.zone)
    limits = {each.key: each.most_per_day for each in problem.clinicians}

    def keeps_limits(chosen: tuple[Placement, ...]) -> bool:
        days = Counter((each.clinician, each.starts_at.astimezone(zone).date()) for each in chosen)
        days.update(
            (each.key, busy.span.starts_at.astimezone(zone).date())
            for each in problem.clinicians
            for busy in each.busy
            if busy.is_session
        )
        return all(
            limits[each.clinician] is None
            or days[each.clinician, each.starts_at.astimezone(zone).date()] <= limits[each.clinician]
            for each in chosen
            if not each.is_fixed
        )

    def extend(number: int, chosen: tuple[Placement, ...]) -> None:
        nonlocal best
        if number == len(choices):
            if keeps_limits(chosen):
                best = max(best, score_of(problem, chosen), key=lambda score: score.rank)
            return
        if not problem.is_fixed(problem.sessions[number]):
            extend(number + 1, chosen)
        for option in choices[number]:
            if all(fits[option, other] for other in chosen):
                extend(number + 1, (*chosen, option))

    # What is told stands, so a plan without it is none.
    if any(problem.is_fixed(session) for session in problem.sessions):
        best = NOBODY
        best = score_of(problem, [each for choice in choices for each in choice if each.is_fixed])
    extend(0, ())
    return best


@pytest.mark.parametrize(
    ("direct_columns", "largest_weight"),
    [(1500, 2**17), (0, 2**17), (0, 1)],
    ids=["at once", "by prices", "level by level"],
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=problems())
def test_plan_is_the_best_of_all_plans(monkeypatch, direct_columns, largest_weight, case):
    # Small clinics take the way of the large ones too.
    monkeypatch.setattr(exact, "DIRECT_COLUMNS", direct_columns)
    monkeypatch.setattr(exact, "LARGEST_WEIGHT", largest_weight)
    plan = make_plan(case)
    assert check(case, plan) == []
    assert plan.score == best_score(case)
    assert plan.is_proven
    assert plan.gap == 0
    assert plan.score == score_of(case, plan.placements)


@settings(max_examples=100, deadline=None)
@given(case=crowded_rooms())
def test_short_rooms_are_shared_out_as_well_as_can_be(case):
    plan = make_plan(case)
    assert check(case, plan) == []
    assert plan.score == best_score(case)
    assert plan.is_proven


@settings(max_examples=80, deadline=None)
@given(case=problems())
def test_first_come_keeps_every_rule_and_is_never_better(case):
    by_hand = first_come(case)
    assert check(case, by_hand) == []
    assert by_hand.score.rank <= make_plan(case).score.rank
