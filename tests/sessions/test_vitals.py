"""Vital signs: only the impossible is refused; thresholds, freshness and the clock at their boundaries."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.vitals import (
    AlertLevel,
    DueState,
    HoldParameters,
    Reading,
    Sign,
    VitalsLimits,
    alerts_of,
    due_readings,
    impossibilities_of,
    next_due,
    predose_reading,
    schedule_for,
)

AT = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def reading(**changes):
    return Reading(**{"taken_at": AT, **changes})


def full(at, **changes):
    values = {"systolic": 124, "diastolic": 78, "heart_rate": 70, "spo2": 98}
    return Reading(taken_at=at, **{**values, **changes})


# -- impossible, implausible ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {("empty", "systolic")}),
        ({"systolic": 120}, {("half-pressure", "diastolic")}),
        ({"diastolic": 80}, {("half-pressure", "systolic")}),
        ({"systolic": 81, "diastolic": 80}, set()),
        ({"systolic": 80, "diastolic": 80}, {("pressure-order", "systolic")}),
        ({"systolic": 79, "diastolic": 80}, {("pressure-order", "systolic")}),
        ({"systolic": 205, "diastolic": 120}, set()),
        ({"systolic": 300, "diastolic": 180}, set()),
        ({"spo2": 100}, set()),
        ({"spo2": 101}, {("above-100", "spo2")}),
        ({"spo2": 40}, set()),
        ({"heart_rate": 0}, set()),
        ({"heart_rate": -1}, {("negative", "heart_rate")}),
        ({"respiratory_rate": 0}, set()),
        ({"sedation": 0}, set()),
        ({"sedation": 5}, set()),
        ({"sedation": 6}, {("off-scale", "sedation")}),
        ({"dissociation": 3}, set()),
        ({"dissociation": 4}, {("off-scale", "dissociation")}),
        ({"nausea": 4}, {("off-scale", "nausea")}),
        ({"signs": frozenset({Sign.SEIZURE})}, set()),
        ({"temperature_c": Decimal("36.8")}, set()),
        ({"spo2": 97, "taken_at": AT + SECOND}, {("future", "taken_at")}),
    ],
)
def test_only_impossible_values_are_refused(changes, expected):
    found = impossibilities_of(reading(**changes), AT)
    assert {(problem.code, problem.field) for problem in found} == expected


@given(
    st.integers(1, 400),
    st.integers(0, 399),
    st.integers(0, 400),
    st.integers(0, 100),
    st.integers(0, 5),
)
def test_every_possible_value_is_kept(systolic, diastolic, heart, spo2, sedation):
    if systolic <= diastolic:
        systolic, diastolic = diastolic + 1, systolic - 1
    taken = reading(
        systolic=systolic,
        diastolic=diastolic,
        heart_rate=heart,
        spo2=spo2,
        sedation=sedation,
    )
    assert impossibilities_of(taken, AT) == ()


# -- alerts ---------------------------------------------------------------------------------------------

CALL, EMERGENCY = AlertLevel.CALL, AlertLevel.EMERGENCY


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"systolic": 179, "diastolic": 109}, []),
        ({"systolic": 180, "diastolic": 90}, [("pressure-high", CALL)]),
        ({"systolic": 150, "diastolic": 110}, [("pressure-high", CALL)]),
        ({"spo2": 94}, []),
        ({"spo2": 93}, [("oxygen-low", CALL)]),
        ({"spo2": 90}, [("oxygen-low", CALL)]),
        ({"spo2": 89}, [("oxygen-emergency", EMERGENCY)]),
        ({"respiratory_rate": 10}, []),
        ({"respiratory_rate": 9}, [("breathing-slow", CALL)]),
        ({"respiratory_rate": 0}, [("breathing-stopped", EMERGENCY)]),
        ({"heart_rate": 120}, []),
        ({"heart_rate": 121}, [("heart-fast", CALL)]),
        ({"heart_rate": 50}, []),
        ({"heart_rate": 49}, [("heart-slow", CALL)]),
        ({"heart_rate": 0}, [("heart-stopped", EMERGENCY)]),
        ({"sedation": 4}, []),
        ({"sedation": 3}, [("sedation-deep", CALL)]),
        ({"sedation": 2}, [("sedation-deep", CALL)]),
        ({"sedation": 1}, [("sedation-emergency", EMERGENCY)]),
        ({"sedation": 0}, [("sedation-emergency", EMERGENCY)]),
        ({"signs": frozenset({Sign.CHEST_PAIN})}, [("emergency-sign", EMERGENCY)]),
        (
            {"spo2": 93, "sedation": 0},
            [("sedation-emergency", EMERGENCY), ("oxygen-low", CALL)],
        ),
    ],
)
def test_somebody_is_called_when_a_threshold_is_reached(changes, expected):
    assert [(alert.code, alert.level) for alert in alerts_of(reading(**changes))] == expected


@pytest.mark.parametrize(
    ("hold", "fires"),
    [
        (HoldParameters(), True),
        (HoldParameters(max_systolic=185, max_diastolic=112), False),
        (HoldParameters(max_systolic=184, max_diastolic=112), True),
        (HoldParameters(max_systolic=185, max_diastolic=111), True),
        (HoldParameters(max_systolic=200), True),
    ],
)
def test_nobody_is_called_when_the_order_allows_the_pressure(hold, fires):
    assert bool(alerts_of(reading(systolic=185, diastolic=112), hold=hold)) is fires


@pytest.mark.parametrize(
    ("changes", "hold", "fires"),
    [
        ({"spo2": 92}, HoldParameters(min_spo2=92), False),
        ({"spo2": 91}, HoldParameters(min_spo2=92), True),
        ({"spo2": 89}, HoldParameters(min_spo2=85), True),
        ({"heart_rate": 130}, HoldParameters(max_heart_rate=130), False),
        ({"heart_rate": 131}, HoldParameters(max_heart_rate=130), True),
        ({"heart_rate": 45}, HoldParameters(min_heart_rate=45), False),
        ({"heart_rate": 44}, HoldParameters(min_heart_rate=45), True),
    ],
)
def test_order_moves_the_call_but_never_an_emergency(changes, hold, fires):
    assert bool(alerts_of(reading(**changes), hold=hold)) is fires


def test_clinic_thresholds_win_when_they_are_set():
    assert alerts_of(reading(systolic=165, diastolic=90), VitalsLimits(alert_systolic=160))


# -- freshness ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "found"),
    [
        (timedelta(minutes=30) + SECOND, False),
        (timedelta(minutes=30), True),
        (timedelta(minutes=30) - SECOND, True),
        (timedelta(0), True),
        (-SECOND, False),
    ],
)
def test_reading_before_the_dose_is_fresh_for_half_an_hour(age, found):
    assert (predose_reading([full(AT - age)], AT) is not None) is found


@pytest.mark.parametrize("missing", ["systolic", "diastolic", "heart_rate", "spo2"])
def test_reading_does_not_count_before_the_dose_when_a_value_is_missing(missing):
    assert predose_reading([full(AT, **{missing: None})], AT) is None


def test_newer_reading_wins_when_there_are_several():
    high, calm = (
        full(AT - timedelta(minutes=20), systolic=150),
        full(AT - timedelta(minutes=5), systolic=132),
    )
    found = predose_reading([calm, high], AT)
    assert found is calm


# -- the clock ------------------------------------------------------------------------------------------

STANDARD = schedule_for(is_esketamine=False, offsets=(15, 30, 45, 60, 90))
ESKETAMINE = schedule_for(is_esketamine=True, offsets=(40, 120))


def states(schedule, readings, minute, *, seconds=0, left=None):
    now = AT + timedelta(minutes=minute, seconds=seconds)
    left_at = None if left is None else AT + timedelta(minutes=left)
    taken = [full(AT + timedelta(minutes=at)) for at in readings]
    return {
        entry.offset: entry.state
        for entry in due_readings(schedule, d0=AT, readings=taken, now=now, left_at=left_at)
    }


@pytest.mark.parametrize(
    ("minute", "seconds", "state"),
    [
        (14, 59, DueState.COMING),
        (15, 0, DueState.DUE),
        (20, 0, DueState.DUE),
        (20, 1, DueState.OVERDUE),
        (24, 59, DueState.OVERDUE),
        (25, 0, DueState.MISSED),
    ],
)
def test_reading_becomes_due_overdue_and_missed(minute, seconds, state):
    assert states(STANDARD, [], minute, seconds=seconds)[15] is state


@pytest.mark.parametrize(
    ("taken", "state"),
    [
        (9, DueState.MISSED),
        (10, DueState.TAKEN),
        (15, DueState.TAKEN),
        (20, DueState.TAKEN),
        (21, DueState.TAKEN_LATE),
        (24, DueState.TAKEN_LATE),
        (25, DueState.MISSED),
    ],
)
def test_reading_answers_its_slot_when_it_falls_inside(taken, state):
    assert states(STANDARD, [taken], 26)[15] is state


def test_each_reading_answers_one_slot():
    found = states(STANDARD, [15, 16, 31], 40)
    assert (found[15], found[30], found[45]) == (
        DueState.TAKEN,
        DueState.TAKEN,
        DueState.COMING,
    )


def test_reading_before_the_dose_answers_no_slot():
    assert states(STANDARD, [0], 16)[15] is DueState.DUE


def test_later_readings_are_not_owed_when_the_patient_has_left():
    found = states(STANDARD, [15, 30], 200, left=50)
    assert found[45] is DueState.MISSED
    assert found[60] is DueState.NOT_OWED
    assert found[90] is DueState.NOT_OWED


@pytest.mark.parametrize(
    ("taken", "state"),
    [
        (29, DueState.MISSED),
        (30, DueState.TAKEN),
        (50, DueState.TAKEN),
        (51, DueState.TAKEN_LATE),
        (119, DueState.TAKEN_LATE),
    ],
)
def test_forty_minutes_of_esketamine_accept_thirty_to_fifty(taken, state):
    assert states(ESKETAMINE, [taken], 121)[40] is state


@pytest.mark.parametrize(
    ("taken", "state"),
    [(119, DueState.DUE), (120, DueState.TAKEN), (150, DueState.TAKEN)],
)
def test_last_reading_of_esketamine_waits_for_two_hours(taken, state):
    minute = max(taken, 121)
    assert states(ESKETAMINE, [40, taken], minute)[120] is state


def test_next_due_is_the_latest_pressing_one_when_several_wait():
    due = due_readings(
        STANDARD,
        d0=AT,
        readings=[full(AT + timedelta(minutes=15))],
        now=AT + timedelta(minutes=17),
    )
    following = next_due(due)
    assert following is not None
    assert following.offset == 30
    due = due_readings(STANDARD, d0=AT, readings=[], now=AT + timedelta(minutes=16))
    following = next_due(due)
    assert following is not None
    assert following.offset == 15


def test_nothing_is_due_when_everything_was_taken():
    taken = [full(AT + timedelta(minutes=at)) for at in (15, 30, 45, 60, 90)]
    assert next_due(due_readings(STANDARD, d0=AT, readings=taken, now=AT + timedelta(minutes=95))) is None
