"""The eligibility decision: a prescriber's, complete, signed, and lapsing when a fact changes."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from episodes import guards
from episodes.services import close_episode, move_stage, strike_entry
from episodes.stages import CloseReason, Stage
from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Refused
from kapclinic.notices.models import Task
from screening.finding_selectors import overview_of
from screening.models import DecisionLapse, EligibilityDecision, Finding, FindingAnswer
from screening.services.facts import record_condition, record_medication
from screening.services.findings import refresh_findings
from tests.factories import make_episode
from tests.screening.screening_situations import accept, decide, local_today, screen

pytestmark = pytest.mark.django_db


def hash_of(episode, code):
    return Finding.objects.get(episode=episode, code=code, cleared_at__isnull=True).evidence_hash


def refused(excinfo):
    return {reason.code for reason in excinfo.value.reasons}


def test_a_prescriber_signs_when_nothing_stands_against_it(episode, nurse, prescriber):
    screen(episode, nurse)
    decision = decide(episode, prescriber)
    assert decision.clears
    assert decision.content_hash == decision.expected_hash()
    assert overview_of(episode).decision_in_force


@pytest.mark.parametrize("who", ["nurse", "therapist", "coordinator", "manager"])
def test_nobody_else_decides(episode, nurse, who, request):
    screen(episode, nurse)
    with pytest.raises(Refused) as excinfo:
        decide(episode, request.getfixturevalue(who))
    assert refused(excinfo) == {"not-a-prescriber"}


@pytest.mark.parametrize(
    ("outcome", "conditions"), [("eligible", ""), ("conditions", "Weekly blood pressure.")]
)
def test_missing_answers_never_mean_eligible(episode, prescriber, outcome, conditions):
    with pytest.raises(Refused) as excinfo:
        decide(episode, prescriber, outcome=outcome, conditions=conditions)
    assert refused(excinfo) == {"incomplete", "unanswered-CI-CHILDBEARING"}
    assert not EligibilityDecision.objects.exists()


@pytest.mark.parametrize("outcome", ["deferred", "ineligible"])
def test_deferring_and_declining_do_not_wait_for_answers(episode, prescriber, outcome):
    refresh_findings(episode=episode)
    answer = accept("CI-CHILDBEARING", hash_of(episode, "CI-CHILDBEARING"), outcome="defer")
    decision = decide(episode, prescriber, outcome=outcome, answers=[answer])
    assert not decision.clears
    assert decision.snapshot["missing"]


def test_an_absolute_finding_is_never_overridden(episode, nurse, prescriber):
    screen(episode, nurse, aneurysm="yes")
    with pytest.raises(Refused) as excinfo:
        decide(episode, prescriber)
    assert refused(excinfo) == {"absolute-CI-ANEURYSM"}
    assert decide(episode, prescriber, outcome="ineligible").outcome == "ineligible"


def test_every_relative_finding_needs_an_answer(episode, nurse, prescriber):
    screen(episode, nurse, sleep_apnoea="yes", migraine="yes")
    for outcome in ("eligible", "deferred", "ineligible"):
        with pytest.raises(Refused) as excinfo:
            decide(episode, prescriber, outcome=outcome)
        assert refused(excinfo) == {"unanswered-CI-SLEEP-APNEA", "unanswered-CI-MIGRAINE"}


def test_a_finding_that_is_not_accepted_makes_nobody_eligible(episode, nurse, prescriber):
    screen(episode, nurse, sleep_apnoea="yes")
    answer = accept("CI-SLEEP-APNEA", hash_of(episode, "CI-SLEEP-APNEA"), outcome="defer")
    with pytest.raises(Refused) as excinfo:
        decide(episode, prescriber, answers=[answer])
    assert refused(excinfo) == {"not-accepted-CI-SLEEP-APNEA"}
    assert not FindingAnswer.objects.exists()
    assert decide(episode, prescriber, outcome="deferred", answers=[answer]).outcome == "deferred"


def test_answers_and_decision_are_signed_together(episode, nurse, prescriber):
    screen(episode, nurse, sleep_apnoea="yes", migraine="yes", renal="yes")
    answers = [accept(code, hash_of(episode, code)) for code in ("CI-SLEEP-APNEA", "CI-MIGRAINE")]
    decision = decide(
        episode, prescriber, answers=answers, outcome="conditions", conditions="CPAP every night."
    )
    assert {
        entry["code"]: (entry["answer"] or {}).get("outcome") for entry in decision.snapshot["findings"]
    } == {
        "CI-SLEEP-APNEA": "accept",
        "CI-MIGRAINE": "accept",
        "CI-RENAL": None,
    }


def test_every_reason_comes_at_once(episode, nurse, prescriber):
    screen(episode, nurse, sleep_apnoea="yes", aneurysm="yes")
    with pytest.raises(Refused) as excinfo:
        decide(
            episode,
            prescriber,
            outcome="conditions",
            rationale=" ",
            valid_until=local_today(episode) - timedelta(days=1),
            answers=[accept("CI-SLEEP-APNEA", hash_of(episode, "CI-SLEEP-APNEA"), rationale="")],
        )
    assert refused(excinfo) == {
        "no-rationale",
        "no-conditions",
        "valid-in-the-past",
        "absolute-CI-ANEURYSM",
    } | {"no-rationale"}
    assert {reason.field for reason in excinfo.value.reasons} >= {"rationale", "rationale-CI-SLEEP-APNEA"}


@pytest.mark.parametrize(
    ("days", "is_refused"), [(-1, True), (0, False), (89, False), (90, False), (91, True)]
)
def test_validity_keeps_to_the_clinic_s_setting(episode, nurse, prescriber, days, is_refused):
    screen(episode, nurse)
    valid_until = local_today(episode) + timedelta(days=days)
    if is_refused:
        with pytest.raises(Refused):
            decide(episode, prescriber, valid_until=valid_until)
    else:
        assert decide(episode, prescriber, valid_until=valid_until).is_in_force_on(valid_until)


def test_a_decision_is_over_on_the_day_after_its_last(episode, nurse, prescriber):
    screen(episode, nurse)
    decision = decide(episode, prescriber)
    assert decision.is_in_force_on(decision.valid_until)
    assert not decision.is_in_force_on(decision.valid_until + timedelta(days=1))


def test_signing_twice_with_the_same_key_signs_once(episode, nurse, prescriber):
    screen(episode, nurse)
    key = uuid.uuid4()
    first = decide(episode, prescriber, request_key=key)
    assert decide(episode, prescriber, request_key=key) == first
    assert EligibilityDecision.objects.count() == 1


def test_a_decision_lapses_when_a_fact_changes(episode, nurse, prescriber):
    screen(episode, nurse)
    decide(episode, prescriber)
    record_medication(episode=episode, values={"name": "Klonopin"}, actor=nurse)
    overview = overview_of(episode)
    assert overview.decision.has_lapsed
    assert not overview.decision_in_force
    assert DecisionLapse.objects.get().codes == ["MED-BENZO"]
    task = Task.objects.get(kind="eligibility-decision")
    assert task.is_open
    assert task.person == prescriber


def test_a_decision_holds_when_the_new_finding_is_for_information(episode, nurse, prescriber):
    screen(episode, nurse)
    decide(episode, prescriber)
    record_medication(episode=episode, values={"name": "lamotrigine"}, actor=nurse)
    assert overview_of(episode).decision_in_force


def test_an_accepted_finding_reopened_by_new_evidence_lapses_the_decision(episode, nurse, prescriber):
    screen(episode, nurse, sleep_apnoea="yes")
    answers = [accept("CI-SLEEP-APNEA", hash_of(episode, "CI-SLEEP-APNEA"))]
    decide(episode, prescriber, answers=answers)
    record_condition(episode=episode, values={"kind": "sleep_apnoea", "status": "unstable"}, actor=nurse)
    assert overview_of(episode).decision.has_lapsed


def test_an_older_pregnancy_test_waits_for_its_own_answer_and_does_not_lapse_the_decision(
    episode, nurse, prescriber
):
    now = timezone.now()
    screen(episode, nurse, now=now - timedelta(days=8))
    decide(episode, prescriber, now=now - timedelta(days=8))
    overview = overview_of(episode, now=now)
    assert [view.rule.code for view in overview.unanswered] == ["CI-CHILDBEARING"]
    assert overview.decision_in_force
    context = guards.GuardContext(action="dose.start", episode=episode, now=now)
    assert "finding-CI-CHILDBEARING" in {reason.code for reason in guards.reasons(context)}


def test_a_signed_decision_cannot_be_changed_but_struck(episode, nurse, prescriber):
    screen(episode, nurse)
    decision = decide(episode, prescriber)
    with pytest.raises(IntegrityError), transaction.atomic():
        EligibilityDecision.objects.update(outcome="ineligible")
    strike_entry(entry=decision, reason="wrong patient", actor=prescriber)
    assert overview_of(episode).decision is None


def test_preparation_begins_only_with_a_decision_in_favour(patient, nurse, therapist, prescriber):
    episode = make_episode(
        patient, prescriber=prescriber, therapist=therapist, nurse=nurse, stage=Stage.SCREENING
    )
    screen(episode, nurse)
    assert Task.objects.get(kind="eligibility-decision").is_open
    move = {
        "episode": episode,
        "target": Stage.PREPARATION,
        "actor": nurse,
        "roles": frozenset({Role.NURSE}),
    }
    with pytest.raises(Refused) as excinfo:
        move_stage(**move)
    assert refused(excinfo) == {"no-eligibility"}
    decide(episode, prescriber, outcome="deferred")
    with pytest.raises(Refused) as excinfo:
        move_stage(**move)
    assert refused(excinfo) == {"not-eligible"}
    decide(episode, prescriber)
    assert move_stage(**move).stage == Stage.PREPARATION
    assert not Task.objects.get(kind="eligibility-decision").is_open


def test_no_decision_is_owed_when_the_episode_is_closed(patient, nurse, therapist, prescriber):
    episode = make_episode(
        patient, prescriber=prescriber, therapist=therapist, nurse=nurse, stage=Stage.SCREENING
    )
    screen(episode, nurse)
    assert Task.objects.get(kind="eligibility-decision").is_open
    close_episode(
        episode=episode,
        reason=CloseReason.DECLINED,
        insights="",
        next_steps="",
        actor=prescriber,
        roles=frozenset({Role.PRESCRIBER}),
    )
    task = Task.objects.get(kind="eligibility-decision")
    assert task.withdrawn_at is not None
    assert task.done_at is None
