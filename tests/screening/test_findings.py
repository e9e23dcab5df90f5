"""Findings follow the facts; absolute ones go only with evidence; answers hold for their evidence."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from episodes import guards
from episodes.models import EpisodeEvent
from episodes.services import add_allergy, resolve_allergy, strike_entry, update_patient
from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Refused
from kapclinic.jobs.models import Job
from kapclinic.jobs.services import ask_for_daily_work, run_due
from screening.contraindications import Standing
from screening.contraindications.facts import Answer, DayFacts, Intake, Route, VitalsReading
from screening.finding_selectors import overview_of
from screening.jobs import REFRESH_DAILY
from screening.models import (
    Condition,
    Correction,
    Finding,
    FindingAnswer,
    HistoryAnswer,
    PregnancyTest,
)
from screening.selectors import evaluate_day, findings_summary, medication_summary
from screening.services.facts import (
    answer_history,
    classify_medication,
    correct_allergy,
    record_condition,
    record_medication,
    record_pregnancy,
    record_pregnancy_test,
    record_rems_enrolment,
    record_vitals,
    retract_fact,
    review_medications,
)
from screening.services.findings import answer_findings, current_evaluation, store_findings
from tests.screening.screening_situations import accept, decide, evidence, local_today, screen

pytestmark = pytest.mark.django_db


def standing(episode):
    return overview_of(episode).standing


def codes(episode):
    return set(
        Finding.objects.filter(episode=episode, cleared_at__isnull=True, session_key=None).values_list(
            "code", flat=True
        )
    )


def hash_of(episode, code):
    return Finding.objects.get(episode=episode, code=code, cleared_at__isnull=True).evidence_hash


def refused(excinfo):
    return {reason.code for reason in excinfo.value.reasons}


def test_nothing_asked_is_incomplete_and_says_what_is_missing(episode):
    overview = overview_of(episode)
    assert overview.standing is Standing.INCOMPLETE
    assert {fact.key for fact in overview.missing} >= {"medications:list", "phq9:item9", "pregnancy:status"}


def test_a_person_is_clear_when_everything_was_asked_and_nothing_found(episode, nurse):
    screen(episode, nurse)
    assert standing(episode) is Standing.CLEAR
    assert codes(episode) == set()


def test_a_finding_is_stored_with_its_evidence_when_a_fact_makes_it(episode, nurse):
    screen(episode, nurse, sleep_apnoea="yes")
    row = Finding.objects.get(episode=episode, code="CI-SLEEP-APNEA")
    assert row.severity == "relative-needs-prescriber-decision"
    assert row.evidence[0]["text"] == "Yes: Sleep apnoea"
    assert HistoryAnswer.objects.get(pk=row.evidence[0]["ref"]).question == "sleep_apnoea"
    events = EpisodeEvent.objects.filter(episode=episode, kind="finding.found", data__code="CI-SLEEP-APNEA")
    assert events.count() == 1


def test_an_answer_is_superseded_and_not_edited(episode, nurse):
    screen(episode, nurse, sleep_apnoea="yes")
    answer_history(episode=episode, answers={"sleep_apnoea": "no"}, actor=nurse)
    rows = HistoryAnswer.objects.filter(episode=episode, question="sleep_apnoea").order_by("created_at")
    assert [row.answer for row in rows] == ["yes", "no"]
    assert rows[0].superseded_at is not None
    assert rows[1].supersedes == rows[0]
    assert codes(episode) == set()
    assert Finding.objects.get(code="CI-SLEEP-APNEA").cleared_at is not None


def test_the_same_answers_again_change_nothing(episode, nurse):
    answer_history(episode=episode, answers={"migraine": "no"}, actor=nurse)
    assert answer_history(episode=episode, answers={"migraine": "no"}, actor=nurse) == 0
    assert HistoryAnswer.objects.filter(episode=episode).count() == 1


def test_an_answer_that_does_not_exist_is_refused(episode, nurse):
    with pytest.raises(Refused):
        answer_history(episode=episode, answers={"migraine": "perhaps"}, actor=nurse)
    with pytest.raises(Refused):
        answer_history(episode=episode, answers={"nonsense": "yes"}, actor=nurse)


@pytest.mark.parametrize("who", ["nurse", "therapist", "coordinator"])
def test_an_absolute_finding_stays_when_anyone_but_a_prescriber_changes_the_fact(
    episode, nurse, who, request
):
    actor = request.getfixturevalue(who)
    screen(episode, nurse, aneurysm="yes")
    with pytest.raises(Refused) as excinfo:
        answer_history(episode=episode, answers={"aneurysm": "no"}, actor=actor, evidence=evidence())
    assert refused(excinfo) == {"absolute-needs-prescriber"}
    assert codes(episode) == {"CI-ANEURYSM"}
    assert HistoryAnswer.objects.current().get(episode=episode, question="aneurysm").answer == "yes"


def test_a_prescriber_needs_a_reason_and_a_paper_to_correct_an_absolute_finding(episode, nurse, prescriber):
    screen(episode, nurse, aneurysm="yes")
    with pytest.raises(Refused) as excinfo:
        answer_history(episode=episode, answers={"aneurysm": "no"}, actor=prescriber)
    assert refused(excinfo) == {"no-reason", "no-evidence"}
    answer_history(episode=episode, answers={"aneurysm": "no"}, actor=prescriber, evidence=evidence())
    assert codes(episode) == set()
    correction = Correction.objects.get(episode=episode)
    assert correction.codes == ["CI-ANEURYSM"]
    assert correction.evidence.subject_id == episode.pk


def test_striking_the_fact_under_an_absolute_finding_is_refused_but_retracting_it_with_evidence_is_not(
    episode, nurse, prescriber
):
    screen(episode, nurse)
    fact = record_condition(episode=episode, values={"kind": "avm", "status": "active"}, actor=nurse)
    for actor in (nurse, prescriber):
        with pytest.raises(Refused) as excinfo:
            strike_entry(entry=fact, reason="wrong patient", actor=actor)
        assert refused(excinfo) == {"absolute-needs-evidence"}
    with pytest.raises(Refused):
        retract_fact(fact=fact, evidence=evidence(), actor=nurse)
    retract_fact(fact=fact, evidence=evidence(), actor=prescriber)
    assert codes(episode) == set()
    assert Condition.objects.get().is_struck


def test_striking_an_answer_brings_back_the_one_before_it(episode, nurse):
    screen(episode, nurse, migraine="yes")
    answer_history(episode=episode, answers={"migraine": "no"}, actor=nurse)
    newest = HistoryAnswer.objects.current().get(episode=episode, question="migraine")
    strike_entry(entry=newest, reason="meant another patient", actor=nurse)
    assert HistoryAnswer.objects.current().get(episode=episode, question="migraine").answer == "yes"
    assert codes(episode) == {"CI-MIGRAINE"}


def test_a_positive_pregnancy_test_counts_until_a_prescriber_corrects_it(episode, nurse, prescriber):
    screen(episode, nurse)
    today = local_today(episode)
    positive = record_pregnancy_test(
        episode=episode, values={"result": "positive", "tested_on": today}, actor=nurse
    )
    record_pregnancy_test(episode=episode, values={"result": "negative", "tested_on": today}, actor=nurse)
    assert "CI-PREGNANCY" in codes(episode)
    record_pregnancy_test(
        episode=episode,
        values={"result": "negative", "tested_on": today},
        actor=prescriber,
        supersedes=positive,
        evidence=evidence(),
    )
    assert codes(episode) == set()
    assert PregnancyTest.objects.filter(episode=episode).count() == 4


def test_a_ketamine_allergy_counts_when_it_was_resolved_without_a_prescriber(episode, nurse, prescriber):
    screen(episode, nurse)
    allergy = add_allergy(
        patient=episode.patient, substance="Ketamine", kind="allergy", reaction="hives", actor=nurse
    )
    resolve_allergy(allergy=allergy, on=local_today(episode), actor=nurse)
    assert standing(episode) is Standing.BLOCKED
    with pytest.raises(Refused):
        correct_allergy(episode=episode, allergy=allergy, evidence=evidence(), actor=nurse)
    correct_allergy(episode=episode, allergy=allergy, evidence=evidence(), actor=prescriber)
    assert standing(episode) is Standing.CLEAR


def test_findings_follow_when_an_allergy_is_recorded_resolved_or_struck(episode, nurse):
    screen(episode, nurse)
    intolerance = add_allergy(
        patient=episode.patient, substance="Ketamine", kind="intolerance", reaction="panic", actor=nurse
    )
    assert codes(episode) == {"CI-PRIOR-REACTION"}
    strike_entry(entry=intolerance, reason="Another patient", actor=nurse)
    assert codes(episode) == {"CI-PRIOR-REACTION"}, "only a prescriber takes it away"
    add_allergy(patient=episode.patient, substance="Ketamine", kind="allergy", reaction="hives", actor=nurse)
    assert "CI-HYPERSENS" in codes(episode)


def test_findings_follow_when_the_date_of_birth_changes(episode, nurse):
    screen(episode, nurse)
    born = local_today(episode) - timedelta(days=12 * 365)
    update_patient(patient=episode.patient, actor=nurse, details={"date_of_birth": born})
    assert any(code.startswith("CI-") for code in codes(episode))


def test_findings_follow_in_the_night_when_only_time_has_passed(episode, nurse):
    long_ago = timezone.now() - timedelta(days=400)
    screen(episode, nurse, now=long_ago)
    before = codes(episode)
    three = timezone.localtime(timezone=episode.clinic.zone).replace(hour=3, minute=0)
    ask_for_daily_work(three)
    ask_for_daily_work(three + timedelta(minutes=1))
    assert Job.objects.filter(kind=REFRESH_DAILY).count() == 1
    assert run_due() >= 2
    assert codes(episode) != before
    assert codes(episode) == {
        found.code for found in current_evaluation(episode, now=timezone.now()).findings
    }


def test_a_relative_finding_waits_until_a_prescriber_accepts_it(episode, nurse, prescriber):
    screen(episode, nurse, sleep_apnoea="yes")
    assert standing(episode) is Standing.NEEDS_PRESCRIBER
    answer = accept("CI-SLEEP-APNEA", hash_of(episode, "CI-SLEEP-APNEA"))
    with pytest.raises(Refused) as excinfo:
        answer_findings(episode=episode, answers=[answer], actor=nurse)
    assert refused(excinfo) == {"not-a-prescriber"}
    answer_findings(episode=episode, answers=[answer], actor=prescriber)
    assert standing(episode) is Standing.CLEAR


def test_several_findings_are_answered_and_signed_together_or_not_at_all(episode, nurse, prescriber):
    screen(episode, nurse, sleep_apnoea="yes", migraine="yes", aneurysm="yes")
    good = accept("CI-SLEEP-APNEA", hash_of(episode, "CI-SLEEP-APNEA"))
    bad = [
        accept("CI-MIGRAINE", "0" * 64),
        accept("CI-ANEURYSM", hash_of(episode, "CI-ANEURYSM")),
    ]
    with pytest.raises(Refused) as excinfo:
        answer_findings(episode=episode, answers=[good, *bad], actor=prescriber)
    assert refused(excinfo) == {"finding-changed", "not-answerable"}
    assert not FindingAnswer.objects.exists()
    answers = [good, accept("CI-MIGRAINE", hash_of(episode, "CI-MIGRAINE"), outcome="defer")]
    signed = answer_findings(episode=episode, answers=answers, actor=prescriber)
    assert len(signed) == 2
    assert len({answer.content_hash for answer in signed}) == 2


def test_an_answer_without_a_rationale_is_refused_at_its_field(episode, nurse, prescriber):
    screen(episode, nurse, sleep_apnoea="yes")
    answer = accept("CI-SLEEP-APNEA", hash_of(episode, "CI-SLEEP-APNEA"), rationale=" ", outcome="perhaps")
    with pytest.raises(Refused) as excinfo:
        answer_findings(episode=episode, answers=[answer], actor=prescriber)
    assert {reason.field for reason in excinfo.value.reasons} == {
        "outcome-CI-SLEEP-APNEA",
        "rationale-CI-SLEEP-APNEA",
    }


def test_signing_twice_with_the_same_key_makes_one_answer(episode, nurse, prescriber):
    screen(episode, nurse, sleep_apnoea="yes")
    answer = accept("CI-SLEEP-APNEA", hash_of(episode, "CI-SLEEP-APNEA"))
    key = uuid.uuid4()
    for _ in range(2):
        answer_findings(episode=episode, answers=[answer], actor=prescriber, request_key=key)
    assert FindingAnswer.objects.count() == 1


def test_new_evidence_reopens_an_accepted_finding(episode, nurse, prescriber):
    screen(episode, nurse, sleep_apnoea="yes")
    answer_findings(
        episode=episode,
        answers=[accept("CI-SLEEP-APNEA", hash_of(episode, "CI-SLEEP-APNEA"))],
        actor=prescriber,
    )
    record_condition(episode=episode, values={"kind": "sleep_apnoea", "status": "unstable"}, actor=nurse)
    overview = overview_of(episode)
    assert overview.standing is Standing.NEEDS_PRESCRIBER
    assert overview.relative[0].answer is None
    assert overview.relative[0].earlier.outcome == "accept"


def test_a_signed_answer_cannot_be_changed_in_the_database(episode, nurse, prescriber):
    screen(episode, nurse, sleep_apnoea="yes")
    answer_findings(
        episode=episode,
        answers=[accept("CI-SLEEP-APNEA", hash_of(episode, "CI-SLEEP-APNEA"))],
        actor=prescriber,
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        FindingAnswer.objects.update(outcome="decline")


def test_an_unclassified_medication_holds_until_a_prescriber_has_looked(episode, nurse, prescriber):
    screen(episode, nurse)
    row = record_medication(episode=episode, values={"name": "Zyxotriptin 5 mg"}, actor=nurse)
    assert row.classification == "unclassified"
    overview = overview_of(episode)
    assert overview.standing is Standing.INCOMPLETE
    assert [fact.text for fact in overview.missing] == ["Unclassified medication: Zyxotriptin 5 mg"]
    assert medication_summary(episode).unclassified == (row,)
    with pytest.raises(Refused):
        classify_medication(medication=row, classes=[], reason="looked up", actor=nurse)
    with pytest.raises(Refused):
        classify_medication(medication=row, classes=["nonsense"], reason="looked up", actor=prescriber)
    classify_medication(medication=row, classes=[], reason="A triptan, looked up.", actor=prescriber)
    assert standing(episode) is Standing.CLEAR


def test_a_classified_medication_makes_its_finding(episode, nurse, prescriber):
    screen(episode, nurse)
    row = record_medication(episode=episode, values={"name": "Foreign sleeping pill"}, actor=nurse)
    new = classify_medication(
        medication=row, classes=["benzodiazepine"], reason="Contains lormetazepam.", actor=prescriber
    )
    assert codes(episode) == {"MED-BENZO"}
    stopped = record_medication(
        episode=episode,
        values={"name": new.name, "stopped_on": local_today(episode) - timedelta(days=1)},
        supersedes=new,
        actor=nurse,
    )
    assert stopped.classification == "classified"
    assert codes(episode) == set()


def test_a_medication_is_recognised_by_its_name(episode, nurse):
    screen(episode, nurse)
    row = record_medication(episode=episode, values={"name": "Xanax 0.5 mg"}, actor=nurse)
    assert row.classes == ["benzodiazepine"]
    assert codes(episode) == {"MED-BENZO"}
    assert medication_summary(episode).lines[0].classes == ("Benzodiazepine",)


def test_nothing_taken_is_refused_while_the_list_holds_active_medications(episode, nurse):
    record_medication(episode=episode, values={"name": "sertraline"}, actor=nurse)
    with pytest.raises(Refused) as excinfo:
        review_medications(episode=episode, takes_none=True, reviewed_on=local_today(episode), actor=nurse)
    assert refused(excinfo) == {"list-not-empty"}


def test_two_people_changing_the_same_fact_do_not_overwrite_each_other(episode, nurse, therapist):
    row = record_condition(episode=episode, values={"kind": "renal", "status": "active"}, actor=nurse)
    record_condition(
        episode=episode, values={"kind": "renal", "status": "stable"}, supersedes=row, actor=nurse
    )
    with pytest.raises(Refused) as excinfo:
        record_condition(
            episode=episode, values={"kind": "renal", "status": "resolved"}, supersedes=row, actor=therapist
        )
    assert refused(excinfo) == {"fact-changed"}


def test_the_same_request_makes_one_fact(episode, nurse):
    key = uuid.uuid4()
    for _ in range(2):
        record_condition(
            episode=episode, values={"kind": "renal", "status": "active"}, request_key=key, actor=nurse
        )
    assert Condition.objects.count() == 1


def test_impossible_vitals_are_refused_and_implausible_ones_kept(episode, nurse):
    now = timezone.now()
    for values in (
        {"systolic": 80, "diastolic": 120},
        {"systolic": 120},
        {"spo2": 101},
        {},
    ):
        with pytest.raises(Refused):
            record_vitals(episode=episode, values={"taken_at": now, **values}, actor=nurse)
    row = record_vitals(
        episode=episode, values={"taken_at": now, "systolic": 265, "diastolic": 150}, actor=nurse
    )
    assert str(row) == "Blood pressure 265/150 mmHg"


def test_a_month_counts_to_its_last_day(episode, nurse):
    row = record_condition(
        episode=episode,
        values={
            "kind": "stroke",
            "status": "resolved",
            "event_on": local_today(episode).replace(year=2024, month=2, day=1),
            "event_precision": "month",
        },
        actor=nurse,
    )
    assert row.latest_event_on.day == 29


def test_cannot_become_pregnant_needs_a_why(episode, nurse):
    values = {"status": "cannot-be", "breastfeeding": "no", "note": ""}
    with pytest.raises(Refused):
        record_pregnancy(episode=episode, values=values, actor=nurse)


def test_the_banner_says_what_matters(episode, nurse, prescriber):
    screen(episode, nurse, aneurysm="yes", sleep_apnoea="yes", migraine="yes", renal="yes")
    answer_findings(
        episode=episode,
        answers=[accept("CI-MIGRAINE", hash_of(episode, "CI-MIGRAINE"))],
        actor=prescriber,
    )
    summary = findings_summary(episode)
    assert [entry.code for entry in summary.absolute] == ["CI-ANEURYSM"]
    assert [entry.code for entry in summary.unanswered] == ["CI-SLEEP-APNEA"]
    assert [entry.code for entry in summary.accepted] == ["CI-MIGRAINE"]
    assert summary.needs_a_person


def test_the_overview_asks_a_bounded_number_of_queries(episode, nurse, django_assert_max_num_queries):
    screen(episode, nurse, sleep_apnoea="yes")
    for number in range(20):
        record_condition(
            episode=episode, values={"kind": "other", "name": f"c{number}", "status": "active"}, actor=nurse
        )
    with django_assert_max_num_queries(20):
        overview_of(episode)
    with django_assert_max_num_queries(3):
        findings_summary(episode)


# The day of a dose


def check_in(now, **changes):
    reading = VitalsReading("v1", now - timedelta(minutes=5), 124, 80, 70, 98, True)
    return DayFacts(
        **{
            "dose_at": now,
            "readings": (reading,),
            "intoxication_suspected": Answer.NO,
            "escort_confirmed": Answer.YES,
            "escort_name": "Sam",
            "escort_phone": "555",
            "last_food": Intake(None),
            "last_drink": Intake(None),
            **changes,
        }
    )


def test_the_day_is_held_without_consent_and_decision(episode):
    now = timezone.now()
    result = evaluate_day(episode, check_in(now), now=now, route=Route.RACEMIC_IV)
    assert {reason.code for reason in result.reasons} == {
        "finding-DAY-CONSENT-MISSING",
        "finding-DAY-CLEARANCE-MISSING",
    }
    assert result.standing is Standing.BLOCKED


def test_a_ready_day_holds_nothing(episode, nurse, prescriber, make_ready):
    make_ready()
    now = timezone.now()
    result = evaluate_day(episode, check_in(now), now=now, route=Route.RACEMIC_IV)
    assert result.reasons == ()
    assert result.standing is Standing.CLEAR


def test_esketamine_needs_rems(episode, nurse, make_ready):
    make_ready()
    now = timezone.now()
    held = evaluate_day(episode, check_in(now), now=now, route=Route.ESKETAMINE_INTRANASAL)
    assert {reason.code for reason in held.reasons} == {"finding-DAY-REMS-ENROL"}
    episode.clinic.rems_site_id = "S-1"
    episode.clinic.rems_certified_until = local_today(episode) + timedelta(days=1)
    record_rems_enrolment(
        episode=episode,
        values={"enrolment_number": "R-1", "enrolled_on": local_today(episode)},
        actor=nurse,
    )
    free = evaluate_day(episode, check_in(now), now=now, route=Route.ESKETAMINE_INTRANASAL)
    assert free.reasons == ()


def test_a_finding_of_the_day_is_answered_for_its_session_alone(episode, nurse, prescriber, make_ready):
    make_ready()
    now = timezone.now()
    high = VitalsReading("v2", now - timedelta(minutes=2), 150, 92, 70, 98, True)
    session_key = uuid.uuid4()
    facts = check_in(now, readings=(high,))
    held = evaluate_day(episode, facts, now=now, route=Route.RACEMIC_IV, session_key=session_key)
    assert {reason.code for reason in held.reasons} == {"finding-DAY-BP-HOLD"}
    store_findings(
        episode=episode, found=held.evaluation.findings, actor=nurse, now=now, session_key=session_key
    )
    finding = held.evaluation.findings[0]
    answer_findings(
        episode=episode,
        answers=[accept("DAY-BP-HOLD", finding.evidence_hash)],
        actor=prescriber,
        session_key=session_key,
    )
    free = evaluate_day(episode, facts, now=now, route=Route.RACEMIC_IV, session_key=session_key)
    assert free.reasons == ()
    other = evaluate_day(episode, facts, now=now, route=Route.RACEMIC_IV, session_key=uuid.uuid4())
    assert other.reasons
    higher = VitalsReading("v3", now - timedelta(minutes=1), 158, 95, 70, 98, True)
    again = evaluate_day(
        episode,
        check_in(now, readings=(high, higher)),
        now=now,
        route=Route.RACEMIC_IV,
        session_key=session_key,
    )
    assert {reason.code for reason in again.reasons} == {"finding-DAY-BP-HOLD"}


# Guards


def dose_reasons(episode, action="dose.start"):
    context = guards.GuardContext(
        action=action, episode=episode, now=timezone.now(), actor_roles=frozenset({Role.PRESCRIBER})
    )
    return {reason.code for reason in guards.reasons(context)}


@pytest.mark.parametrize("action", ["dose.order", "dose.start"])
def test_a_dose_is_refused_while_findings_wait(episode, nurse, prescriber, action):
    screen(episode, nurse)
    decide(episode, prescriber)
    assert not {code for code in dose_reasons(episode, action) if code.startswith(("finding", "missing"))}
    record_medication(episode=episode, values={"name": "lorazepam"}, actor=nurse)
    assert {"finding-MED-BENZO", "eligibility-lapsed"} <= dose_reasons(episode, action)
    record_medication(episode=episode, values={"name": "something odd"}, actor=nurse)
    assert any(code.startswith("missing-medication:") for code in dose_reasons(episode, action))


def test_preparation_is_refused_without_a_decision(episode):
    assert "no-eligibility" in dose_reasons(episode, "stage.start-preparation")
