"""What is answered at the door: which rules it feeds, who answers them, and what clears them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from episodes.services import strike_entry
from kapclinic.clinics.refusals import Refused
from screening.contraindications import ask
from screening.contraindications.facts import Route
from screening.gathering import gather_facts
from screening.models import Finding, FindingAnswer
from screening.services.facts import record_pregnancy_test, review_medications
from screening.services.findings import AnswerInput
from sessions.checkin import DoorAnswers, door_findings
from sessions.models import Administration
from sessions.services import record_administration
from sessions.services.findings import answer_day_findings, day_evaluation
from tests.sessions.situations import NURSE, PRESCRIBER, passed_with, set_for

AT = datetime(2026, 3, 10, 15, 10, tzinfo=UTC)


def codes(refused):
    return {reason.code for reason in refused.value.reasons}


def held_by(room, minute=10):
    return {reason.code for reason in day_evaluation(room.fresh(), now=room.at(minute)).reasons}


def noted(room, minute=10):
    return [finding.code for finding in day_evaluation(room.fresh(), now=room.at(minute)).noted]


# -- the rules, without a database ----------------------------------------------------------------------


@pytest.mark.parametrize("route", [Route.ESKETAMINE_INTRANASAL, None])
@pytest.mark.parametrize(("seconds", "fires"), [(-1, True), (0, False), (1, False)])
def test_nasal_medicine_is_noted_when_used_less_than_the_span_before_esketamine(route, seconds, fires):
    answers = DoorAnswers(nasal_medicine_at=AT - timedelta(minutes=60, seconds=seconds))
    found = door_findings(answers, at=AT, route=route, nasal_minutes=60, tested_negative_since=False)
    assert [finding.code for finding in found] == (["MED-NASAL"] if fires else [])


@pytest.mark.parametrize("route", [each for each in Route if each is not Route.ESKETAMINE_INTRANASAL])
def test_nasal_medicine_says_nothing_before_racemic_ketamine(route):
    answers = DoorAnswers(nasal_medicine_at=AT - timedelta(minutes=5))
    assert not door_findings(answers, at=AT, route=route, nasal_minutes=60, tested_negative_since=False)


def test_nasal_medicine_says_nothing_when_used_after_the_dose():
    answers = DoorAnswers(nasal_medicine_at=AT + timedelta(seconds=1))
    assert not door_findings(answers, at=AT, route=None, nasal_minutes=60, tested_negative_since=False)


@pytest.mark.parametrize(
    ("answer", "tested", "fires"),
    [("yes", False, True), ("yes", True, False), ("no", False, False), ("", False, False)],
)
def test_possible_pregnancy_waits_for_a_prescriber_until_a_newer_negative_test(answer, tested, fires):
    answers = DoorAnswers(pregnancy_possible=answer)
    found = door_findings(answers, at=AT, route=None, nasal_minutes=60, tested_negative_since=tested)
    assert [finding.code for finding in found] == (["CI-CHILDBEARING"] if fires else [])


def test_nothing_follows_when_nobody_was_asked():
    assert door_findings(None, at=AT, route=None, nasal_minutes=60, tested_negative_since=False) == ()


# -- in the record ----------------------------------------------------------------------------------------


@pytest.fixture
def arrived(room):
    """Everything for the dose but the check-in."""
    room.clear()
    room.prepare()
    room.plan()
    return room


def come_in(room, **answers):
    room.check_in(**answers)
    room.order()
    room.vitals(5)


@pytest.mark.django_db
def test_dose_starts_when_nothing_was_said_at_the_door(arrived):
    come_in(arrived)
    assert held_by(arrived) == set()
    arrived.begin()


@pytest.mark.django_db
def test_possible_pregnancy_holds_the_dose_until_a_prescriber_has_answered(arrived):
    come_in(arrived, pregnancy_possible="yes")
    with pytest.raises(Refused) as refused:
        arrived.begin()
    assert codes(refused) == {"finding-CI-CHILDBEARING"}
    (waiting,) = day_evaluation(arrived.fresh(), now=arrived.at(10)).waiting
    answer = AnswerInput(
        waiting.code, waiting.evidence_hash, "accept", "Sterilised in 2019, told to me today"
    )
    with pytest.raises(Refused) as refused:
        answer_day_findings(
            session=arrived.session, answers=[answer], actor=arrived.nurse, now=arrived.at(11)
        )
    assert codes(refused) == {"not-a-prescriber"}
    answer_day_findings(
        session=arrived.session, answers=[answer], actor=arrived.prescriber, now=arrived.at(11)
    )
    assert FindingAnswer.objects.get().scope == "session"
    assert Finding.objects.filter(code="CI-CHILDBEARING", session_key=arrived.session.pk).exists()
    arrived.begin(12)


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "holds"), [(-1, True), (0, False)])
def test_possible_pregnancy_is_cleared_by_a_negative_test_of_the_day_not_by_an_older_one(
    arrived, days, holds
):
    come_in(arrived, pregnancy_possible="yes")
    tested_on = arrived.start.astimezone(arrived.clinic.zone).date() + timedelta(days=days)
    record_pregnancy_test(
        episode=arrived.episode,
        values={"result": "negative", "tested_on": tested_on, "note": ""},
        actor=arrived.nurse,
        now=arrived.at(8),
    )
    assert ("finding-CI-CHILDBEARING" in held_by(arrived)) is holds


@pytest.mark.django_db
def test_possible_pregnancy_holds_later_doses_too_and_marks_one_that_was_given_all_the_same(arrived):
    come_in(arrived)
    arrived.stop(arrived.begin())
    arrived.start += timedelta(days=3)
    arrived.plan()
    come_in(arrived, pregnancy_possible="yes")
    assert "finding-CI-CHILDBEARING" in held_by(arrived)
    record_administration(
        session=arrived.session,
        details=arrived.given(10, ended_at=arrived.at(50), amount_mg=Decimal(34)),
        actor=arrived.nurse,
        now=arrived.at(51),
    )
    given = Administration.objects.get(session=arrived.session)
    assert "finding-CI-CHILDBEARING" in {entry["code"] for entry in given.deviations}


@pytest.mark.django_db
def test_answer_to_the_door_lapses_when_the_check_in_says_otherwise(arrived):
    come_in(arrived, pregnancy_possible="yes")
    arrived.check_in(6, pregnancy_possible="no")
    assert held_by(arrived) == set()


@pytest.mark.django_db
def test_changed_medicines_hold_the_dose_until_the_list_was_gone_through(arrived):
    come_in(arrived, medicines_changed="yes")
    with pytest.raises(Refused) as refused:
        arrived.begin(passing={"medicines-changed": "She says it is a vitamin"}, roles=NURSE)
    assert codes(refused) == {"medicines-changed"}
    review_medications(
        episode=arrived.episode,
        takes_none=True,
        reviewed_on=arrived.start.astimezone(arrived.clinic.zone).date(),
        actor=arrived.nurse,
        now=arrived.at(9),
    )
    assert held_by(arrived) == set()


@pytest.mark.django_db
def test_changed_medicines_yield_to_a_prescribers_reason(arrived):
    come_in(arrived, medicines_changed="yes")
    reason = {"medicines-changed": "Vitamin D alone, I will enter it"}
    arrived.begin(passing=reason, roles=PRESCRIBER, actor=arrived.prescriber)
    passed = passed_with(arrived.fresh(), "medicines-changed")
    assert passed["reason"] == reason["medicines-changed"]


@pytest.mark.django_db
def test_nasal_medicine_is_shown_before_esketamine_for_the_minutes_that_the_clinic_set(arrived):
    set_for(arrived.clinic, arrived.prescriber, dosing__nasal_minutes=90)
    arrived.check_in(nasal_medicine_at=arrived.at(-70))
    assert noted(arrived) == ["MED-NASAL"]
    assert noted(arrived, 20) == []
    arrived.order()
    assert noted(arrived) == []
    assert "finding-MED-NASAL" not in held_by(arrived)


@pytest.mark.django_db
def test_page_shows_what_the_door_means_and_takes_the_prescribers_answer(client, arrived):
    arrived.check_in(pregnancy_possible="yes", medicines_changed="yes")
    address = reverse("dosing:session-detail", kwargs={"pk": arrived.session.pk})
    client.force_login(arrived.prescriber)
    page = client.get(address).content.decode()
    assert "Could be pregnant, said at check-in; no negative test since" in page
    assert "nobody has gone through the medication list" in page
    assert reverse("screening:medications", kwargs={"public_id": arrived.episode.public_id}) in page
    typed = {"outcome-CI-CHILDBEARING": "defer", "rationale-CI-CHILDBEARING": "Test first"}
    client.post(reverse("dosing:day-findings", kwargs={"pk": arrived.session.pk}), typed)
    answer = FindingAnswer.objects.get(finding__code="CI-CHILDBEARING")
    assert (answer.outcome, answer.rationale, answer.signed_by) == ("defer", "Test first", arrived.prescriber)
    assert "finding-CI-CHILDBEARING" in held_by(arrived)


# -- doses that screening hears of --------------------------------------------------------------------------


def childbearing(room, days):
    """Whether "could be pregnant, no test" stands for a dose so many days after the room's start."""
    now = room.start + timedelta(days=days)
    return ask("CI-CHILDBEARING", gather_facts(room.episode, now=now)).fires


@pytest.mark.django_db
def test_test_before_the_first_dose_is_not_asked_again_once_a_dose_was_given(arrived):
    come_in(arrived)
    assert childbearing(arrived, 10)
    given = arrived.begin()
    assert not childbearing(arrived, 10)
    strike_entry(entry=given, reason="Another patient", actor=arrived.nurse, now=arrived.at(20))
    assert childbearing(arrived, 10)
