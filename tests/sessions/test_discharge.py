"""The gate of discharge, and every ending that passes it or does not need to."""

from datetime import UTC, datetime, timedelta

import pytest

from sessions.discharge import (
    FIRM_ITEMS,
    DischargeFacts,
    DischargeLimits,
    Ending,
    EndingRequest,
    Item,
    check_ending,
    gate,
)
from sessions.dose import Drug
from sessions.vitals import HoldParameters, Reading

D0 = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
T0 = D0 + timedelta(minutes=40)
SECOND = timedelta(seconds=1)


def full(at, **changes):
    values = {"systolic": 124, "diastolic": 78, "heart_rate": 70, "spo2": 98}
    return Reading(taken_at=at, **{**values, **changes})


def facts(**changes):
    now = changes.get("now", T0 + timedelta(minutes=65))
    values = {
        "now": now,
        "drug": Drug.KETAMINE,
        "d0": D0,
        "t0": T0,
        "readings": [
            full(now - timedelta(minutes=25)),
            full(now - timedelta(minutes=5)),
        ],
        "baseline": full(D0 - timedelta(minutes=10)),
        "is_oriented": True,
        "walks_steadily": True,
        "nausea": 1,
        "dissociation": 0,
        "escort_name": "Rosa Demo",
        "escort_seen_at": now,
        "instructions_given": True,
        "phone_given": True,
    }
    return DischargeFacts(**{**values, **changes})


def unmet(**changes):
    return {entry.item for entry in gate(facts(**changes)).unmet}


def test_gate_opens_when_everything_is_met():
    opened = gate(facts())
    assert opened.is_open
    assert [entry.item for entry in opened.items] == [
        Item.DOSE_ENDED,
        Item.STAY,
        Item.VITALS,
        Item.ORIENTED,
        Item.WALKS,
        Item.NAUSEA,
        Item.DISSOCIATION,
        Item.ESCORT,
        Item.INSTRUCTIONS,
    ]


@pytest.mark.parametrize(
    ("since_t0", "stays"),
    [
        (timedelta(minutes=60) - SECOND, True),
        (timedelta(minutes=60), False),
        (timedelta(minutes=60) + SECOND, False),
    ],
)
def test_racemic_ketamine_waits_an_hour_after_the_end(since_t0, stays):
    assert (Item.STAY in unmet(now=T0 + since_t0)) is stays


@pytest.mark.parametrize(
    ("since_d0", "stays"),
    [
        (timedelta(minutes=120) - SECOND, True),
        (timedelta(minutes=120), False),
        (timedelta(minutes=120) + SECOND, False),
    ],
)
def test_esketamine_waits_two_hours_from_the_first_device(since_d0, stays):
    t0 = D0 + timedelta(minutes=10)
    found = unmet(now=D0 + since_d0, drug=Drug.ESKETAMINE, t0=t0)
    assert (Item.REMS_TIME in found) is stays


def test_rems_time_has_a_floor_when_a_clinic_sets_less():
    now = D0 + timedelta(minutes=119)
    opened = gate(
        facts(now=now, drug=Drug.ESKETAMINE),
        DischargeLimits(esketamine_minutes_after_first_device=60),
    )
    assert Item.REMS_TIME in {entry.item for entry in opened.unmet}


def test_waiting_time_says_how_long_and_until_when():
    opened = gate(facts(now=T0 + timedelta(minutes=30, seconds=30)))
    stay = next(entry for entry in opened.items if entry.item is Item.STAY)
    assert stay.detail == "30 min to go"
    assert stay.met_at == T0 + timedelta(minutes=60)


@pytest.mark.parametrize(
    ("changes", "item"),
    [
        ({"is_oriented": None}, Item.ORIENTED),
        ({"is_oriented": False}, Item.ORIENTED),
        ({"walks_steadily": False}, Item.WALKS),
        ({"nausea": None}, Item.NAUSEA),
        ({"nausea": 2}, Item.NAUSEA),
        ({"dissociation": 1}, Item.DISSOCIATION),
        ({"dissociation": None}, Item.DISSOCIATION),
        ({"escort_seen_at": None}, Item.ESCORT),
        ({"escort_name": ""}, Item.ESCORT),
        ({"instructions_given": False}, Item.INSTRUCTIONS),
        ({"phone_given": False}, Item.INSTRUCTIONS),
        ({"t0": None}, Item.DOSE_ENDED),
        ({"needs_risk_recheck": True}, Item.RISK),
        ({"needs_risk_recheck": True, "risk_rechecked": False}, Item.RISK),
    ],
)
def test_gate_stays_shut_when_one_thing_is_missing(changes, item):
    assert item in unmet(**changes)


def test_risk_is_not_asked_when_item_nine_was_zero():
    assert Item.RISK not in {entry.item for entry in gate(facts()).items}


def test_risk_is_met_when_it_was_asked_again():
    assert gate(facts(needs_risk_recheck=True, risk_rechecked=True)).is_open


NOW = T0 + timedelta(minutes=65)


@pytest.mark.parametrize(
    ("readings", "met"),
    [
        ([full(NOW)], False),
        ([full(NOW - timedelta(minutes=20)), full(NOW, systolic=None)], False),
        ([full(NOW - timedelta(minutes=50)), full(NOW - timedelta(minutes=30))], True),
        (
            [
                full(NOW - timedelta(minutes=50)),
                full(NOW - timedelta(minutes=30) - SECOND),
            ],
            False,
        ),
        ([full(NOW - timedelta(minutes=20), systolic=144), full(NOW)], True),
        ([full(NOW - timedelta(minutes=20), systolic=145), full(NOW)], False),
        ([full(NOW - timedelta(minutes=20), diastolic=98), full(NOW)], True),
        ([full(NOW - timedelta(minutes=20), diastolic=99), full(NOW)], False),
        (
            [
                full(NOW - timedelta(minutes=40), systolic=190),
                full(NOW - timedelta(minutes=20)),
                full(NOW),
            ],
            True,
        ),
        ([full(NOW - timedelta(minutes=20)), full(NOW, spo2=93)], False),
        ([full(D0 - timedelta(minutes=5)), full(NOW)], False),
    ],
)
def test_vitals_settle_when_the_last_two_readings_do(readings, met):
    # The reading before the dose was 124/78, so 144/98 is the most that counts as settled.
    assert (Item.VITALS not in unmet(readings=readings)) is met


def test_settled_pressure_is_absolute_when_there_is_no_baseline():
    high = [full(NOW - timedelta(minutes=10), systolic=141), full(NOW)]
    assert Item.VITALS in unmet(readings=high, baseline=None)


def test_order_allows_a_lower_oxygen_when_it_says_so():
    low = [full(NOW - timedelta(minutes=10), spo2=92), full(NOW, spo2=92)]
    assert Item.VITALS in unmet(readings=low)
    assert Item.VITALS not in unmet(readings=low, hold=HoldParameters(min_spo2=92))


# -- endings --------------------------------------------------------------------------------------------


def problems(ending, *, request=None, **changes):
    known = facts(**changes)
    wanted = EndingRequest(ending, known.now, **(request or {}))
    return {problem.code for problem in check_ending(wanted, known, gate(known))}


def test_discharge_is_recorded_when_the_gate_is_open():
    assert problems(Ending.DISCHARGED) == set()


def test_discharge_names_every_reason_when_the_gate_is_shut():
    assert problems(Ending.DISCHARGED, is_oriented=False, nausea=3) == {
        "gate-oriented",
        "gate-nausea",
    }


def test_prescriber_overrides_when_a_reason_is_given():
    request = {
        "is_by_prescriber": True,
        "overrides": {Item.NAUSEA: "Usual for her; antiemetic given."},
    }
    assert problems(Ending.DISCHARGED, request=request, nausea=2) == set()


@pytest.mark.parametrize(
    ("request_changes", "code"),
    [
        ({"overrides": {Item.NAUSEA: "fine"}}, "override-prescriber"),
        (
            {"is_by_prescriber": True, "overrides": {Item.NAUSEA: "  "}},
            "override-nausea",
        ),
        ({"is_by_prescriber": True}, "gate-nausea"),
    ],
)
def test_override_is_refused_when_it_is_not_a_prescribers_reason(request_changes, code):
    assert code in problems(Ending.DISCHARGED, request=request_changes, nausea=2)


@pytest.mark.parametrize("item", sorted(FIRM_ITEMS))
def test_firm_items_are_never_overridden(item):
    changes = {
        Item.ESCORT: {"escort_name": "", "escort_seen_at": None},
        Item.REMS_TIME: {"drug": Drug.ESKETAMINE, "now": D0 + timedelta(minutes=119)},
        Item.DOSE_ENDED: {"t0": None},
    }[item]
    request = {"is_by_prescriber": True, "overrides": {item: "A long and good reason."}}
    assert {f"gate-{item}", f"override-{item}"} <= problems(Ending.DISCHARGED, request=request, **changes)


@pytest.mark.parametrize(
    ("request_changes", "expected"),
    [
        (
            {
                "is_by_prescriber": True,
                "transport": "Clinic car",
                "reason": "Escort fell ill.",
            },
            set(),
        ),
        (
            {"transport": "Clinic car", "reason": "Escort fell ill."},
            {"prescriber-only"},
        ),
        (
            {"is_by_prescriber": True, "reason": "Escort fell ill."},
            {"transport-missing"},
        ),
        ({"is_by_prescriber": True, "transport": "Clinic car"}, {"reason-missing"}),
    ],
)
def test_other_transport_needs_a_prescriber(request_changes, expected):
    found = problems(
        Ending.OTHER_TRANSPORT,
        request=request_changes,
        escort_name="",
        escort_seen_at=None,
        other_transport_approved=True,
    )
    assert found == expected


def test_other_transport_does_not_open_the_rest_of_the_gate():
    request = {
        "is_by_prescriber": True,
        "transport": "Clinic car",
        "reason": "Escort fell ill.",
    }
    found = problems(
        Ending.OTHER_TRANSPORT,
        request=request,
        escort_name="",
        escort_seen_at=None,
        other_transport_approved=True,
        walks_steadily=False,
    )
    assert found == {"gate-walks"}


@pytest.mark.parametrize(
    ("ending", "request_changes", "expected"),
    [
        (
            Ending.LEFT_AGAINST_ADVICE,
            {"reason": "Walked out, was told of the risks."},
            set(),
        ),
        (Ending.LEFT_AGAINST_ADVICE, {}, {"reason-missing"}),
        (
            Ending.TRANSFERRED,
            {"reason": "Chest pain", "destination": "County hospital"},
            set(),
        ),
        (Ending.TRANSFERRED, {}, {"reason-missing", "destination-missing"}),
    ],
)
def test_leaving_is_never_refused_when_the_gate_is_shut(ending, request_changes, expected):
    shut = {
        "is_oriented": False,
        "t0": None,
        "escort_name": "",
        "escort_seen_at": None,
        "readings": [],
    }
    assert problems(ending, request=request_changes, **shut) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({"d0": None, "t0": None}, set()), ({}, {"was-dosed"})],
)
def test_going_home_without_a_dose_is_only_true_when_nothing_was_given(changes, expected):
    assert problems(Ending.NOT_DOSED, request={"reason": "Pressure too high."}, **changes) == expected


@pytest.mark.parametrize(
    ("shift", "expected"),
    [(SECOND, {"future"}), (timedelta(0), set()), (D0 - NOW - SECOND, {"before-dose"})],
)
def test_impossible_times_are_refused(shift, expected):
    known = facts(now=NOW)
    request = EndingRequest(Ending.LEFT_AGAINST_ADVICE, known.now + shift, reason="Left.")
    assert {problem.code for problem in check_ending(request, known, gate(known))} == expected
