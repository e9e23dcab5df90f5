"""When somebody is alarmed about a window: pure arithmetic, at each instant and a second to both sides of it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from integration.escalation import AlarmTimes, Step, WatchedNeed, alarms, due_instants, last_staffed_start
from integration.windows import NeedState, Part, primary_window, secondary_window
from kapclinic.scheduling.hours import WeeklyHours, weekly_spans
from kapclinic.scheduling.spans import Span

DENVER = "America/Denver"
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
TIMES = AlarmTimes(
    coordinator_after=20 * HOUR,
    manager_after=36 * HOUR,
    last_call_before=6 * HOUR,
    staffed_lead=HOUR,
    grace=15 * MINUTE,
)
# Monday 8 June 2026, 13:00 in Denver.
MONDAY = datetime(2026, 6, 8, 19, tzinfo=UTC)


def weekdays(t0: datetime, *, first: int = 1, last: int = 5):
    """09:00-17:00 in Denver from `first` to `last` (ISO weekdays), over the window of a dose that ended at `t0`."""
    weekly = [WeeklyHours(day, 9 * 60, 17 * 60, DENVER) for day in range(first, last + 1)]
    return weekly_spans(weekly, Span(t0, t0 + 72 * HOUR))


def need_of(t0: datetime = MONDAY, **changes) -> WatchedNeed:
    fields = {
        "state": NeedState.OPEN,
        "part": Part.PRIMARY,
        "is_planned_here": True,
        "t0": t0,
        "window": primary_window(t0),
        "duration_minutes": 60,
        "staffed": dict.fromkeys(Step, weekdays(t0)),
        **changes,
    }
    return WatchedNeed(**fields)


def local(day: date, hour: int, minute: int = 0) -> datetime:
    from zoneinfo import ZoneInfo

    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(DENVER)).astimezone(UTC)


@pytest.mark.parametrize("step", [Step.COORDINATOR, Step.MANAGER, Step.LAST_CALL])
@pytest.mark.parametrize(("offset", "is_due"), [(-SECOND, False), (0 * SECOND, True), (SECOND, True)])
def test_each_step_comes_at_its_instant(step, offset, is_due):
    need = need_of()
    at = {
        Step.COORDINATOR: MONDAY + 20 * HOUR,
        Step.MANAGER: MONDAY + 36 * HOUR,
        # Thursday 07:00 in Denver, 6 h before 13:00, and a staffed hour is left from 11:00 on.
        Step.LAST_CALL: MONDAY + 66 * HOUR,
    }[step]
    assert due_instants(need, TIMES)[step] == at
    found = alarms(need, TIMES, at + offset)
    assert (step in found.raised) is is_due
    if not is_due:
        assert found.look_at == at


@pytest.mark.parametrize(
    ("ended", "coordinator", "manager", "last_call"),
    [
        pytest.param(
            # Thursday 13:00: the window is Friday 13:00 to Sunday 13:00, and nobody works at the weekend.
            local(date(2026, 6, 11), 13), local(date(2026, 6, 12), 9), local(date(2026, 6, 12), 16),
            local(date(2026, 6, 12), 16), id="the window ends at the weekend",
        ),
        pytest.param(
            # Friday 13:00: the window is Saturday 13:00 to Monday 13:00; Monday's hours come before it is too late.
            local(date(2026, 6, 12), 13), local(date(2026, 6, 13), 9), local(date(2026, 6, 14), 1),
            local(date(2026, 6, 15), 7), id="the window ends on Monday",
        ),
        pytest.param(
            # Friday 10:15: too late is Monday 09:15; a quarter hour of Monday and three quarters of Friday are the hour.
            local(date(2026, 6, 12), 10, 15), local(date(2026, 6, 12), 16, 15), local(date(2026, 6, 12), 16, 15),
            local(date(2026, 6, 12), 16, 15), id="Monday is too short",
        ),
        pytest.param(
            # The clocks go forward on Sunday 8 March 2026: T0+20 h is an hour later on the wall, the staffed hour is not.
            local(date(2026, 3, 6), 13), local(date(2026, 3, 7), 9), local(date(2026, 3, 8), 1),
            local(date(2026, 3, 9), 8), id="clocks forward",
        ),
        pytest.param(
            # The clocks go back on Sunday 1 November 2026.
            local(date(2026, 10, 30), 13), local(date(2026, 10, 31), 9), local(date(2026, 11, 1), 1),
            local(date(2026, 11, 2), 6), id="clocks back",
        ),
        pytest.param(
            # Clocks forward, Thursday's dose: the last staffed hour is Friday's on the wall.
            local(date(2026, 3, 5), 13), local(date(2026, 3, 6), 9), local(date(2026, 3, 6), 16),
            local(date(2026, 3, 6), 16), id="clocks forward in an unstaffed window",
        ),
    ],
)  # fmt: skip
def test_steps_come_at_the_last_staffed_hour_when_that_is_earlier(ended, coordinator, manager, last_call):
    due = due_instants(need_of(ended), TIMES)
    assert due == {Step.COORDINATOR: coordinator, Step.MANAGER: manager, Step.LAST_CALL: last_call}
    for step, at in due.items():
        assert step not in alarms(need_of(ended), TIMES, at - SECOND).raised
        assert step in alarms(need_of(ended), TIMES, at).raised
        assert step in alarms(need_of(ended), TIMES, at + SECOND).raised


def test_hours_of_one_step_do_not_move_another():
    thursday = local(date(2026, 6, 11), 13)
    need = need_of(thursday, staffed={Step.COORDINATOR: weekdays(thursday, last=7)})
    due = due_instants(need, TIMES)
    assert due[Step.COORDINATOR] == thursday + 20 * HOUR
    assert due[Step.MANAGER] == thursday + 36 * HOUR


def test_stated_times_hold_when_nobody_has_hours():
    assert due_instants(need_of(staffed={}), TIMES)[Step.LAST_CALL] == MONDAY + 66 * HOUR


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ((), None),
        ((Span(MONDAY, MONDAY + HOUR),), MONDAY),
        ((Span(MONDAY, MONDAY + 30 * MINUTE),), MONDAY),
        ((Span(MONDAY + 10 * HOUR, MONDAY + 11 * HOUR),), None),
        ((Span(MONDAY, MONDAY + 20 * HOUR),), MONDAY + 9 * HOUR),
        (
            (Span(MONDAY, MONDAY + 2 * HOUR), Span(MONDAY + 10 * HOUR - 20 * MINUTE, MONDAY + 12 * HOUR)),
            MONDAY + 80 * MINUTE,
        ),
    ],
    ids=["none", "just enough", "too little", "too late", "clipped", "in two pieces"],
)
def test_a_staffed_hour_is_counted_back_from_too_late(spans, expected):
    assert last_staffed_start(spans, MONDAY + 10 * HOUR, HOUR) == expected


def test_nothing_is_due_before_t0_when_nobody_works_after_it():
    saturday = local(date(2026, 6, 13), 0)
    early = (Span(saturday - 10 * HOUR, saturday - 7 * HOUR),)
    assert set(due_instants(need_of(saturday, staffed=dict.fromkeys(Step, early)), TIMES).values()) == {
        saturday
    }


@pytest.mark.parametrize(
    "state",
    [NeedState.MET, NeedState.MISSED, NeedState.SUPERSEDED, NeedState.WITHDRAWN, NeedState.PROVISIONAL],
)
def test_nothing_is_said_when_nothing_is_owed(state):
    assert alarms(need_of(state=state), TIMES, MONDAY + 71 * HOUR) == alarms(
        need_of(state=state), TIMES, MONDAY
    )
    assert alarms(need_of(state=state), TIMES, MONDAY + 71 * HOUR).raised == ()
    assert alarms(need_of(state=state), TIMES, MONDAY).look_at is None


def booked(starts_after: float, **changes) -> WatchedNeed:
    starts_at = MONDAY + starts_after * HOUR
    return need_of(state=NeedState.PLACED, booking=Span(starts_at, starts_at + HOUR), **changes)


def test_appointment_answers_the_first_steps_and_the_last_call_waits_for_it():
    need = booked(70)
    assert alarms(need, TIMES, MONDAY + 40 * HOUR) == alarms(need, TIMES, MONDAY + 66 * HOUR)
    waiting = alarms(need, TIMES, MONDAY + 67 * HOUR)
    assert waiting.raised == ()
    assert waiting.look_at == MONDAY + 71 * HOUR + 15 * MINUTE
    assert alarms(need, TIMES, waiting.look_at - SECOND).raised == ()
    assert alarms(need, TIMES, waiting.look_at).raised == (Step.LAST_CALL,)


def test_session_that_was_over_long_before_is_asked_for_at_the_last_call():
    assert alarms(booked(26), TIMES, MONDAY + 30 * HOUR).look_at == MONDAY + 66 * HOUR
    assert alarms(booked(26), TIMES, MONDAY + 66 * HOUR).raised == (Step.LAST_CALL,)


def test_session_at_the_very_end_is_left_to_the_closed_window():
    assert alarms(booked(71), TIMES, MONDAY + 71.5 * HOUR).look_at is None


def test_appointment_outside_the_window_does_not_answer_the_last_call():
    assert alarms(booked(71.5), TIMES, MONDAY + 66 * HOUR).raised == (Step.LAST_CALL,)


@pytest.mark.parametrize(
    "changes", [{"part": Part.SECONDARY, "window": secondary_window(MONDAY)}, {"is_planned_here": False}]
)
def test_only_the_last_call_goes_for_secondary_needs_and_outside_therapists(changes):
    need = need_of(**changes)
    assert set(due_instants(need, TIMES)) == {Step.LAST_CALL}


def test_first_steps_wait_for_nothing_after_the_last_one():
    everything = alarms(need_of(), TIMES, MONDAY + 72 * HOUR)
    assert set(everything.raised) == set(Step)
    assert everything.look_at is None
    assert (
        alarms(need_of(), replace(TIMES, last_call_before=0 * HOUR), MONDAY + 40 * HOUR).look_at is not None
    )
