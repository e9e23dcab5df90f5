"""Each of the 62 rules fires, does not, cannot tell, and keeps to its boundary."""

import datetime as dt
import re
from dataclasses import fields, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from screening.contraindications import (
    TAKES_PLACE_OF,
    Cutoffs,
    Outcome,
    Severity,
    Standing,
    ask,
    catalogue,
    evaluate,
)
from screening.contraindications.facts import Answer, Facts, ItemNineFact, RiskOutcome, Route
from screening.contraindications.predicates import PREDICATES
from screening.contraindications.predicates._registry import predicate
from screening.contraindications.predicates.medication import CLASSES_OF_CODE
from screening.contraindications.predicates.person import age_on
from screening.contraindications.verdicts import Verdict
from screening.medications import medication_classes
from screening.questions import KIND_BY_KEY, QUESTION_BY_KEY, QUESTIONS, SYSTEMS, questions_of
from tests.screening.contraindication_cases import (
    CASES,
    NOON,
    READY_DAY,
    TODAY,
    WELL,
    condition,
    days,
    history,
    minutes,
    on_the_day,
    reading,
    risk,
    takes,
)

CODES = catalogue().codes


def _cases(kind):
    return [
        pytest.param(code, facts, id=f"{code}-{number}")
        for code, cases in CASES.items()
        for number, facts in enumerate(getattr(cases, kind))
    ]


def test_every_code_has_a_predicate_and_four_kinds_of_case():
    assert len(CODES) == 62
    assert set(PREDICATES) == set(CODES)
    assert set(CASES) == set(CODES)
    for code, cases in CASES.items():
        for field in fields(cases):
            assert getattr(cases, field.name), f"{code} has no case for {field.name}"
        assert {fires for _, fires in cases.boundary} == {True, False}, f"{code}: one side of the boundary"


def test_every_predicate_is_a_named_function_of_its_own():
    names = [function.__name__ for function in PREDICATES.values()]
    assert len(set(names)) == len(CODES)
    assert all(function.__doc__ for function in PREDICATES.values())


def test_a_second_predicate_for_a_code_is_refused():
    with pytest.raises(ValueError, match="CI-AVM has a predicate already"):
        predicate("CI-AVM")(lambda facts, cutoffs: Verdict(Outcome.DOES_NOT_FIRE))


@pytest.mark.parametrize(("code", "facts"), _cases("fires"))
def test_the_rule_fires_and_names_its_evidence(code, facts):
    verdict = ask(code, facts)
    assert verdict.outcome is Outcome.FIRES
    assert all(entry.text and entry.kind for entry in verdict.evidence)


@pytest.mark.parametrize(("code", "facts"), _cases("does_not"))
def test_the_rule_does_not_fire(code, facts):
    assert ask(code, facts).outcome is Outcome.DOES_NOT_FIRE


@pytest.mark.parametrize(("code", "facts"), _cases("unknown"))
def test_the_rule_cannot_tell_and_says_what_is_missing(code, facts):
    verdict = ask(code, facts)
    assert verdict.outcome is Outcome.UNKNOWN
    assert all(fact.key and fact.text for fact in verdict.missing)


@pytest.mark.parametrize(
    ("code", "facts", "fires"),
    [
        pytest.param(code, facts, fires, id=f"{code}-{number}")
        for code, cases in CASES.items()
        for number, (facts, fires) in enumerate(cases.boundary)
    ],
)
def test_the_rule_keeps_to_its_boundary(code, facts, fires):
    assert ask(code, facts).fires is fires


@pytest.mark.parametrize("code", CODES)
def test_the_rule_never_clears_anybody_when_nothing_is_known(code):
    verdict = ask(code, Facts(on=TODAY, day=replace(READY_DAY.__class__())))
    assert verdict.outcome in (Outcome.UNKNOWN, Outcome.FIRES)


def test_a_person_without_findings_is_clear():
    result = evaluate(WELL)
    assert result.findings == ()
    assert result.open_rules == ()
    assert result.standing() is Standing.CLEAR


def test_nothing_known_is_incomplete_and_never_clear():
    result = evaluate(Facts(on=TODAY))
    assert result.standing() is Standing.INCOMPLETE
    assert {fact.key for fact in result.missing} >= {
        "patient:date_of_birth",
        "medications:list",
        "phq9:item9",
    }


def test_day_rules_do_not_apply_when_there_is_no_dose_that_day():
    result = evaluate(replace(WELL, day=None))
    outcomes = {code: verdict.outcome for code, verdict in result.verdicts.items()}
    assert {code for code, outcome in outcomes.items() if outcome is Outcome.NOT_APPLICABLE} == {
        code for code in CODES if code.startswith("DAY-")
    }


@pytest.mark.parametrize("route", [route for route in Route if route is not Route.ESKETAMINE_INTRANASAL])
@pytest.mark.parametrize("code", ["MED-NASAL", "DAY-REMS-ENROL"])
def test_rules_of_the_nasal_spray_rest_when_another_route_is_chosen(code, route):
    facts = replace(takes("nasal-corticosteroid"), route=route)
    assert ask(code, facts).outcome is Outcome.NOT_APPLICABLE


def test_a_nasal_product_is_shown_before_a_route_is_chosen():
    assert ask("MED-NASAL", replace(takes("nasal-corticosteroid"), route=None)).fires


SEVERER = {
    "DAY-BP-CRISIS": on_the_day(readings=(reading(190, 110),)),
    "CI-CVA-RECENT": condition("stroke", event_on=TODAY - days(10)),
    "CI-PSYCHOSIS-ACTIVE": condition("psychosis", facts=history("psychosis_past")),
    "CI-CVD-UNSTABLE": history("heart_unstable", Answer.YES),
    "CI-SUICIDE-IMMINENT": risk(RiskOutcome.IMMINENT, item_nine=3),
}


@pytest.mark.parametrize(("severe", "mild"), list(TAKES_PLACE_OF.items()))
def test_the_severer_rule_takes_the_place_of_the_milder(severe, mild):
    result = evaluate(SEVERER[severe])
    assert result.finding(severe)
    assert result.finding(mild) is None
    assert catalogue()[severe].severity.rank > catalogue()[mild].severity.rank


def test_a_newer_reading_clears_a_finding_of_the_day():
    high = reading(165, 98, ago=minutes(20), ref="v1")
    calm = reading(134, 84, ago=minutes(5), ref="v2")
    assert evaluate(on_the_day(readings=(high,))).finding("DAY-BP-HOLD")
    assert evaluate(on_the_day(readings=(high, calm))).finding("DAY-BP-HOLD") is None
    assert evaluate(on_the_day(readings=(calm, high))).finding("DAY-BP-HOLD") is None


def test_an_absolute_finding_blocks_whatever_was_accepted():
    result = evaluate(history("aneurysm"))
    finding = result.finding("CI-ANEURYSM")
    assert result.standing({"CI-ANEURYSM": finding.evidence_hash}) is Standing.BLOCKED


def test_a_relative_finding_waits_until_it_is_accepted_on_the_same_evidence():
    first = evaluate(condition("sleep_apnoea"))
    finding = first.finding("CI-SLEEP-APNEA")
    assert first.standing() is Standing.NEEDS_PRESCRIBER
    assert first.standing({"CI-SLEEP-APNEA": finding.evidence_hash}) is Standing.CLEAR
    changed = evaluate(condition("sleep_apnoea", facts=history("sleep_apnoea")))
    assert changed.standing({"CI-SLEEP-APNEA": finding.evidence_hash}) is Standing.NEEDS_PRESCRIBER


def test_an_informational_finding_never_stops_treatment():
    result = evaluate(takes("lamotrigine"))
    assert [finding.code for finding in result.of(Severity.INFORMATIONAL)] == ["MED-LAMOTRIGINE"]
    assert result.standing() is Standing.CLEAR


def test_a_missing_answer_comes_before_a_relative_finding():
    facts = replace(history("sleep_apnoea"), audit_c=None)
    assert evaluate(facts).standing() is Standing.INCOMPLETE


def test_an_unasked_question_holds_but_an_unknown_family_history_does_not():
    assert evaluate(history("psychosis_family", None)).standing() is Standing.INCOMPLETE
    unknown = evaluate(history("psychosis_family", Answer.UNKNOWN))
    assert unknown.standing() is Standing.CLEAR
    assert [entry.rule.code for entry in unknown.open_rules] == ["CI-PSYCHOSIS-FHX"]
    assert evaluate(history("sleep_apnoea", Answer.UNKNOWN)).standing() is Standing.INCOMPLETE


def test_an_unclassified_medication_is_one_missing_fact_until_it_is_settled():
    result = evaluate(takes(settled=False))
    assert result.standing() is Standing.INCOMPLETE
    assert [fact.key for fact in result.missing] == ["medication:m1"]


def test_the_evidence_hash_follows_the_evidence_and_not_the_calendar():
    facts = condition("sleep_apnoea")
    hashes = {
        evaluate(replace(facts, on=day)).finding("CI-SLEEP-APNEA").evidence_hash
        for day in (TODAY, TODAY + days(1), TODAY + days(400))
    }
    assert len(hashes) == 1
    other = evaluate(replace(facts, conditions=(replace(facts.conditions[0], ref="x2"),)))
    assert other.finding("CI-SLEEP-APNEA").evidence_hash not in hashes


def test_the_clinic_s_own_limits_are_used():
    facts = on_the_day(readings=(reading(150, 95),))
    assert evaluate(facts).finding("DAY-BP-HOLD")
    assert not evaluate(facts, Cutoffs(pressure_systolic=155, pressure_diastolic=99)).finding("DAY-BP-HOLD")


def test_a_positive_item_nine_counts_whatever_a_nurse_found():
    result = evaluate(risk(RiskOutcome.NONE, item_nine=1))
    assert result.finding("CI-SUICIDE-IDEATION")


def test_a_zero_does_not_take_back_what_a_clinician_recorded():
    later_zero = replace(
        risk(RiskOutcome.PASSIVE, ago=days(9)), item_nine=ItemNineFact("p2", 0, NOON - days(1))
    )
    assert evaluate(later_zero).finding("CI-SUICIDE-IDEATION")


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        (dt.date(2008, 2, 29), dt.date(2026, 2, 28), 17),
        (dt.date(2008, 2, 29), dt.date(2026, 3, 1), 18),
        (dt.date(2008, 2, 29), dt.date(2028, 2, 28), 19),
        (dt.date(2008, 2, 29), dt.date(2028, 2, 29), 20),
        (dt.date(2008, 12, 31), dt.date(2026, 12, 30), 17),
        (dt.date(2008, 12, 31), dt.date(2026, 12, 31), 18),
        (dt.date(2009, 1, 1), dt.date(2026, 12, 31), 17),
    ],
)
def test_age_in_completed_years(born, on, age):
    assert age_on(born, on) == age


def test_pressure_days_are_the_clinic_s_days():
    late = reading(150, 80, ago=dt.timedelta(hours=13))  # 05:00 UTC, 23:00 the day before in Denver
    early = reading(150, 80, ago=dt.timedelta(hours=1))
    in_denver = [
        replace(entry, taken_at=entry.taken_at.astimezone(ZoneInfo("America/Denver")))
        for entry in (late, early)
    ]
    assert not ask("CI-HTN-UNCONTROLLED", replace(WELL, screening_readings=(late, early))).fires
    assert ask("CI-HTN-UNCONTROLLED", replace(WELL, screening_readings=tuple(in_denver))).fires


def test_every_question_and_condition_leads_to_a_rule():
    read = {code for question in QUESTIONS for code in question.codes}
    assert read <= set(CODES)
    assert len(QUESTION_BY_KEY) == len(QUESTIONS)
    assert all(kind in KIND_BY_KEY for question in QUESTIONS for kind in question.kinds)
    assert all(questions_of(system.key) for system in SYSTEMS)
    for question in QUESTIONS:
        verdicts = evaluate(history(question.key)).verdicts
        assert any(verdicts[code].fires for code in question.codes), question.key
    for kind in KIND_BY_KEY.values():
        if kind.key != "other":
            facts = condition(kind.key, facts=Facts(on=TODAY), event_on=TODAY)
            touched = [code for code in CODES if ask(code, facts) != ask(code, Facts(on=TODAY))]
            assert touched, kind.key


def test_every_class_that_a_rule_reads_is_on_the_list_of_medications():
    listed = {entry.key: entry.code for entry in medication_classes()}
    for code, classes in CLASSES_OF_CODE.items():
        assert {listed[key] for key in classes} == {code}
    assert {code for code in listed.values() if code} == set(CLASSES_OF_CODE)


def test_every_rule_says_in_plain_words_what_it_means_and_what_resolves_it():
    for rule in catalogue().rules:
        assert rule.plain.endswith(".")
        assert rule.resolve
        assert rule.sources
        assert not any(source.startswith("guide ") for source in rule.sources)


def test_the_rules_are_pure():
    folder = Path(__file__).parents[2] / "screening" / "contraindications"
    for module in folder.rglob("*.py"):
        text = module.read_text(encoding="utf-8")
        assert not re.search(r"\bdjango\b|\.now\(|\btoday\(|\bobjects\b", text), module
