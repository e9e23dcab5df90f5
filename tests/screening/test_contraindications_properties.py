"""What must hold for the contraindication rules whatever the facts."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.contraindications import (
    TAKES_PLACE_OF,
    Facts,
    Outcome,
    Severity,
    Standing,
    catalogue,
    evaluate,
)
from screening.contraindications.facts import (
    AllergyFact,
    Answer,
    AuditCFact,
    ConditionFact,
    ConditionStatus,
    DayFacts,
    Intake,
    ItemNineFact,
    LiverGrade,
    MedicationFact,
    PregnancyStatus,
    RiskFact,
    RiskOutcome,
    Sex,
    TestResult,
)
from screening.contraindications.predicates.medication import CLASSES_OF_CODE
from screening.contraindications.verdicts import Verdict
from screening.questions import CONDITION_KINDS, QUESTIONS
from tests.screening.contraindication_cases import NOON, READY_DAY, TODAY, WELL, days, minutes, reading

HARMFUL_CLASSES = sorted({name for classes in CLASSES_OF_CODE.values() for name in classes})
RANK_OF = {code: catalogue()[code].severity.rank for code in catalogue().codes}


@st.composite
def starting_points(draw):
    """People of whom anything between everything and nothing is known."""
    facts = replace(
        WELL,
        sex=draw(st.sampled_from([None, *Sex])),
        date_of_birth=draw(st.none() | st.dates(dt.date(1940, 1, 1), dt.date(2012, 1, 1))),
        history={
            question.key: draw(st.sampled_from(Answer))
            for question in QUESTIONS
            if draw(st.integers(0, 3)) > 0
        },
        medications_listed=draw(st.booleans()),
        item_nine=draw(
            st.none() | st.builds(ItemNineFact, st.just("p"), st.none() | st.integers(0, 3), st.just(NOON))
        ),
        audit_c=draw(st.none() | st.builds(AuditCFact, st.just("a"), st.none() | st.integers(0, 12))),
        day=draw(st.sampled_from([None, READY_DAY, DayFacts()])),
    )
    for harm in draw(st.lists(harms(), max_size=4)):
        facts = harm(facts)
    return facts


def _answer(key):
    return lambda facts: replace(facts, history={**facts.history, key: Answer.YES})


def _add(field, entry):
    return lambda facts: replace(facts, **{field: (*getattr(facts, field), entry)})


def _on_the_day(**changes):
    def change(facts):
        return facts if facts.day is None else replace(facts, day=replace(facts.day, **changes))

    return change


def _pregnancy(**changes):
    return lambda facts: replace(facts, pregnancy=replace(facts.pregnancy, **changes))


def _readings(entry):
    def change(facts):
        return (
            facts
            if facts.day is None
            else replace(facts, day=replace(facts.day, readings=(*facts.day.readings, entry)))
        )

    return change


@st.composite
def harms(draw):
    """One more fact of harm: a "yes", a condition, a medication, an allergy, a worse score, a worse day."""
    kind = draw(st.integers(0, 8))
    if kind == 0:
        return _answer(draw(st.sampled_from([question.key for question in QUESTIONS])))
    if kind == 1:
        return _add(
            "conditions",
            ConditionFact(
                "x",
                draw(st.sampled_from([entry.key for entry in CONDITION_KINDS])),
                "condition",
                draw(st.sampled_from(ConditionStatus)),
                draw(st.none() | st.just(TODAY - days(draw(st.integers(0, 200))))),
                draw(st.none() | st.sampled_from(LiverGrade)),
            ),
        )
    if kind == 2:
        classes = frozenset(draw(st.sets(st.sampled_from(HARMFUL_CLASSES), min_size=1, max_size=3)))
        return _add("medications", MedicationFact("m", "medication", True, classes, draw(st.booleans())))
    if kind == 3:
        return _add("allergies", AllergyFact("al", "ketamine", draw(st.sampled_from([True, False, None]))))
    if kind == 4:
        return lambda facts: replace(facts, item_nine=ItemNineFact("p", 3, NOON))
    if kind == 5:
        outcome = draw(st.sampled_from([RiskOutcome.INTENT_OR_PLAN, RiskOutcome.IMMINENT]))
        return lambda facts: (
            facts
            if facts.risk and facts.risk.outcome is RiskOutcome.IMMINENT
            else replace(facts, risk=RiskFact("k", outcome, NOON))
        )
    if kind == 6:
        return draw(
            st.sampled_from(
                [
                    _pregnancy(status=PregnancyStatus.PREGNANT),
                    _pregnancy(test_result=TestResult.POSITIVE, tested_on=TODAY),
                    _pregnancy(breastfeeding=Answer.YES),
                ]
            )
        )
    if kind == 7:
        return draw(
            st.sampled_from(
                [
                    _on_the_day(intoxication_suspected=Answer.YES),
                    _on_the_day(escort_confirmed=Answer.NO),
                    _on_the_day(last_food=Intake(NOON)),
                    _on_the_day(consents=()),
                    _on_the_day(clearances=()),
                ]
            )
        )
    return _readings(
        reading(draw(st.integers(180, 240)), draw(st.integers(100, 140)), ago=minutes(0), spo2=80)
    )


def worst(facts):
    """The rank of the severest finding, -1 without one."""
    return max((RANK_OF[finding.code] for finding in evaluate(facts).findings), default=-1)


@settings(max_examples=150, deadline=None)
@given(starting_points(), harms())
def test_one_more_fact_of_harm_never_makes_a_person_look_safer(facts, harm):
    before, after = evaluate(facts), evaluate(harm(facts))
    assert worst(harm(facts)) >= worst(facts)
    replaced = set(TAKES_PLACE_OF.values())
    lost = {entry.code for entry in before.findings} - {entry.code for entry in after.findings}
    # A pregnancy takes the place of "could be"; a bad reading is no missing reading any more.
    assert lost <= replaced | {"CI-CHILDBEARING", "DAY-VITALS-MISSING"}
    if before.standing() is not Standing.CLEAR:
        assert after.standing() is not Standing.CLEAR
    if before.standing() is Standing.BLOCKED:
        assert after.standing() is Standing.BLOCKED


@settings(max_examples=80, deadline=None)
@given(starting_points())
def test_the_standing_follows_from_findings_and_open_rules(facts):
    result = evaluate(facts)
    assert (result.standing() is Standing.BLOCKED) == bool(result.of(Severity.ABSOLUTE))
    if result.standing() is Standing.CLEAR:
        assert not result.missing
        assert not result.of(Severity.RELATIVE)
    accepted = {finding.code: finding.evidence_hash for finding in result.findings}
    if result.missing:
        assert result.standing(accepted) in (Standing.BLOCKED, Standing.INCOMPLETE)
    for verdict in result.verdicts.values():
        assert bool(verdict.missing) == (verdict.outcome is Outcome.UNKNOWN)


@settings(max_examples=80, deadline=None)
@given(starting_points())
def test_a_severe_and_its_milder_rule_never_stand_side_by_side(facts):
    codes = {finding.code for finding in evaluate(facts).findings}
    assert not any(severe in codes and mild in codes for severe, mild in TAKES_PLACE_OF.items())


@settings(max_examples=50, deadline=None)
@given(starting_points(), st.randoms(use_true_random=False))
def test_the_order_of_the_facts_does_not_matter(facts, random):
    conditions, medications = list(facts.conditions), list(facts.medications)
    random.shuffle(conditions)
    random.shuffle(medications)
    shuffled = replace(facts, conditions=tuple(conditions), medications=tuple(medications))
    assert {entry.code: entry.evidence_hash for entry in evaluate(facts).findings} == {
        entry.code: entry.evidence_hash for entry in evaluate(shuffled).findings
    }


def test_verdicts_without_evidence_or_missing_facts_are_refused():
    for outcome in (Outcome.FIRES, Outcome.UNKNOWN):
        with pytest.raises(ValueError, match="names"):
            Verdict(outcome)


def test_facts_have_no_answer_by_default():
    facts = Facts(on=TODAY)
    assert evaluate(facts).standing() is Standing.INCOMPLETE
