"""Orders, vital signs, leaving, events: what the verbs refuse, keep, and set in motion."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Refused
from kapclinic.jobs.registry import handler_of
from kapclinic.notices.models import Task, Urgency
from sessions import selectors
from sessions.discharge import Ending, Item
from sessions.models import DoseOrder, Incident, SessionState, VitalsReading
from sessions.services import (
    answer_challenge,
    complete_session,
    countersign_order,
    record_administration,
    record_challenge,
    report_adverse_event,
    review_adverse_event,
    write_log,
)
from sessions.vitals import HoldParameters
from tests.sessions.situations import NURSE, PRESCRIBER, THERAPIST

pytestmark = pytest.mark.django_db


def codes(refused):
    return {reason.code for reason in refused.value.reasons}


@pytest.fixture
def arrived(room):
    """A cleared patient at the door, nothing ordered."""
    room.clear()
    room.prepare()
    room.plan()
    room.check_in()
    return room


@pytest.fixture
def dosed(room):
    """A dose recorded afterwards, without order or clearance: ended at minute 50."""
    room.plan()
    room.check_in()
    record_administration(
        session=room.session,
        details=room.given(10, ended_at=room.at(50), amount_mg=Decimal("34.0")),
        actor=room.nurse,
        now=room.at(51),
    )
    room.fresh()
    return room


# -- orders ---------------------------------------------------------------------------------------------


def test_order_keeps_its_arithmetic_and_is_superseded_with_a_reason(arrived):
    first = arrived.order()
    assert (first.dose_mg, first.weight_kg) == (Decimal("34.0"), Decimal("68.0"))
    assert first.steps[0] == "0.5 mg/kg × 68 kg = 34 mg"
    with pytest.raises(Refused) as refused:
        arrived.order(4, amount=Decimal("0.6"))
    assert codes(refused) == {"change-reason"}
    second = arrived.order(4, amount=Decimal("0.6"), change_reason="Little effect last time")
    first.refresh_from_db()
    assert first.superseded_at is not None
    assert selectors.active_order(arrived.session) == second
    with pytest.raises(IntegrityError), transaction.atomic():
        DoseOrder.objects.filter(pk=second.pk).update(dose_mg=Decimal("50.0"))


def test_order_names_every_reason_when_several_speak_against_it(arrived):
    with pytest.raises(Refused) as refused:
        arrived.order(
            amount=Decimal("1.5"),
            infusion_minutes=20,
            hold=HoldParameters(max_systolic=180, max_diastolic=100),
            roles=NURSE,
            actor=arrived.nurse,
        )
    assert {"dose-above-limit", "warnings-unanswered", "hold-crisis", "prescriber-only"} <= codes(refused)


def test_telephone_order_waits_for_its_prescriber(arrived):
    values = {"actor": arrived.nurse, "roles": NURSE, "telephone_from": arrived.prescriber}
    with pytest.raises(Refused) as refused:
        arrived.order(**values)
    assert codes(refused) == {"read-back"}
    order = arrived.order(read_back=True, **values)
    task = Task.objects.get(key=f"dosing-countersign:{order.pk}")
    assert task.person == arrived.prescriber
    with pytest.raises(Refused):
        countersign_order(order=order, actor=arrived.nurse, now=arrived.at(5))
    countersign_order(order=order, actor=arrived.prescriber, now=arrived.at(6))
    task.refresh_from_db()
    assert not task.is_open


# -- vital signs ----------------------------------------------------------------------------------------


def test_high_reading_calls_the_prescriber_and_a_newer_one_takes_it_back(dosed):
    dosed.vitals(20, systolic=205, diastolic=120)
    task = Task.objects.get(key=f"dosing-vitals:{dosed.session.pk}")
    assert (task.person, task.urgency) == (dosed.prescriber, Urgency.NOW)
    dosed.vitals(26)
    task.refresh_from_db()
    assert not task.is_open


def test_late_entry_calls_nobody_at_once(dosed):
    dosed.vitals(20, systolic=190, diastolic=100, now=dosed.at(200))
    assert Task.objects.get(key=f"dosing-vitals:{dosed.session.pk}").urgency == Urgency.ROUTINE


def test_emergency_opens_an_incident(dosed):
    reading = dosed.vitals(20, spo2=84)
    assert Incident.objects.get(subject=f"vitals:{reading.pk}").kind == "emergency"


def test_reading_is_corrected_by_a_new_row(dosed):
    wrong = dosed.vitals(20, systolic=142)
    with pytest.raises(Refused) as refused:
        dosed.vitals(20, supersedes=wrong, now=dosed.at(30))
    assert codes(refused) == {"correction-reason"}
    dosed.vitals(20, systolic=124, supersedes=wrong, correction_reason="Typed wrongly", now=dosed.at(30))
    assert [row.systolic for row in dosed.session.vitalsreadings.current()] == [124]
    with pytest.raises(IntegrityError), transaction.atomic():
        VitalsReading.objects.filter(pk=wrong.pk).update(systolic=120)


@pytest.mark.parametrize("values", [{"systolic": 70, "diastolic": 80}, {"spo2": 101}, {"sedation": 6}])
def test_impossible_readings_are_refused_by_verb_and_database(dosed, values):
    with pytest.raises(Refused):
        dosed.vitals(20, **values)
    good = dosed.vitals(20)
    fields = {name: getattr(good, name) for name in ("clinic", "session", "taken_at", "taken_by")}
    with pytest.raises(IntegrityError), transaction.atomic():
        VitalsReading.objects.create(**fields, **values)


def test_log_line_sent_twice_is_one(dosed):
    key = uuid.uuid4()
    for _ in range(2):
        write_log(
            session=dosed.session,
            at=dosed.at(20),
            actor=dosed.therapist,
            kind="tearful",
            request_key=key,
            now=dosed.at(21),
        )
    assert dosed.session.log.count() == 1


# -- leaving --------------------------------------------------------------------------------------------


def test_discharge_names_what_is_missing_and_other_endings_do_not_ask(dosed):
    with pytest.raises(Refused) as refused:
        dosed.leave(60)
    assert {"gate-stay", "gate-vitals", "gate-oriented", "gate-escort", "gate-instructions"} <= codes(refused)
    ending = dosed.leave(60, Ending.LEFT_AGAINST_ADVICE, reason="Walked out; told of the risks.")
    assert {entry["item"] for entry in ending.checklist if not entry["met"]} >= {"stay", "escort"}
    assert dosed.fresh().state == SessionState.ENDED
    assert Incident.objects.filter(kind="against-advice").exists()
    assert Task.objects.get(key=f"dosing-call:{dosed.session.pk}").urgency == Urgency.NOW


def test_discharge_passes_the_gate_and_the_record_is_completed(dosed):
    for minute in (90, 110):
        dosed.vitals(minute)
    dosed.look(111)
    dosed.leave(112)
    complete_session(session=dosed.session, actor=dosed.nurse, roles=NURSE, now=dosed.at(120))
    assert dosed.fresh().state == SessionState.COMPLETED


def test_prescriber_overrides_with_a_reason_but_never_the_escort(dosed):
    for minute in (90, 110):
        dosed.vitals(minute)
    dosed.look(111, nausea=2, escort_seen_at=None)
    prescriber = {"actor": dosed.prescriber, "roles": PRESCRIBER}
    overrides = {Item.NAUSEA: "Usual for her", Item.ESCORT: "She lives next door"}
    with pytest.raises(Refused) as refused:
        dosed.leave(112, overrides=overrides, **prescriber)
    assert {"gate-escort", "override-escort"} == codes(refused)
    ending = dosed.leave(
        112,
        Ending.OTHER_TRANSPORT,
        overrides={Item.NAUSEA: "Usual for her"},
        transport="Clinic car with a nurse",
        reason="The escort fell ill",
        **prescriber,
    )
    assert ending.overrides == {"nausea": "Usual for her"}


def test_record_is_not_completed_while_something_is_missing(dosed):
    with pytest.raises(Refused) as refused:
        complete_session(session=dosed.session, actor=dosed.nurse, roles=NURSE, now=dosed.at(120))
    assert codes(refused) == {"no-ending", "no-vitals"}


@pytest.mark.parametrize(("offset", "is_task"), [(-1, False), (0, True), (1, True)])
def test_session_is_a_task_when_not_completed_four_hours_after_t0(dosed, offset, is_task):
    now = dosed.at(50) + timedelta(hours=4, seconds=offset)
    handler_of("dosing_completion")({"session": str(dosed.session.pk)}, now=now)
    assert Task.objects.filter(key=f"dosing-completion:{dosed.session.pk}").exists() is is_task


# -- events ---------------------------------------------------------------------------------------------


def test_challenging_experience_is_answered_before_the_next_dose(dosed):
    challenge = record_challenge(
        session=dosed.session,
        details={"kind": "trauma", "began_at": dosed.at(20), "steps_taken": ["grounding"]},
        actor=dosed.therapist,
        now=dosed.at(30),
    )
    assert Task.objects.get(key=f"dosing-challenge:{challenge.pk}").person == dosed.therapist
    assert selectors.unanswered_challenges(dosed.episode) == [challenge]
    with pytest.raises(Refused):
        answer_challenge(
            challenge=challenge, continuation="modify", answer="x", actor=dosed.nurse, roles=NURSE
        )
    answer_challenge(
        challenge=challenge,
        continuation="modify",
        answer="Slower, more preparation",
        actor=dosed.therapist,
        roles=THERAPIST,
        now=dosed.at(300),
    )
    assert selectors.unanswered_challenges(dosed.episode) == []


def event(room, **changes):
    details = {
        "term": "Vomiting",
        "began_at": room.at(30),
        "grade": 2,
        "is_serious": False,
        "serious_criteria": [],
        **changes,
    }
    return report_adverse_event(session=room.session, details=details, actor=room.nurse, now=room.at(40))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"grade": 5}, {"death-serious"}),
        ({"is_serious": True}, {"criteria"}),
        ({"serious_criteria": ["death"]}, {"not-serious"}),
    ],
)
def test_grade_and_seriousness_agree_where_they_must(dosed, changes, expected):
    with pytest.raises(Refused) as refused:
        event(dosed, **changes)
    assert codes(refused) == expected


def test_serious_event_is_reviewed_by_a_prescriber(dosed):
    made = event(dosed, grade=2, is_serious=True, serious_criteria=["hospitalisation"])
    assert selectors.unreviewed_serious_events(dosed.episode) == [made]
    with pytest.raises(Refused):
        review_adverse_event(event=made, review="Seen", actor=dosed.nurse, roles=frozenset({Role.NURSE}))
    review_adverse_event(event=made, review="Seen, dose halved", actor=dosed.prescriber, roles=PRESCRIBER)
    assert selectors.unreviewed_serious_events(dosed.episode) == []


# -- what others ask ------------------------------------------------------------------------------------


def test_doses_are_numbered_and_told_in_one_line(dosed):
    (dose,) = selectors.doses_of_episode(dosed.episode)
    assert (dose.number, dose.summary, dose.d0, dose.t0) == (
        1,
        "IV ketamine 34 mg",
        dosed.at(10),
        dosed.at(50),
    )
    assert dose.is_deviating
    report = selectors.dose_report(dosed.session)
    assert report is not None
    assert report.dose.total_mg == Decimal("34.0")
