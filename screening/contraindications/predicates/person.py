"""Age, pregnancy, breastfeeding, support."""

from __future__ import annotations

import datetime as dt

from screening.contraindications.cutoffs import ADULT_AGE_YEARS, Cutoffs
from screening.contraindications.facts import Answer, Facts, PregnancyStatus, Sex, TestResult
from screening.contraindications.predicates._history import recorded
from screening.contraindications.predicates._registry import predicate
from screening.contraindications.verdicts import (
    Evidence,
    MissingFact,
    Verdict,
    does_not_fire,
    fires,
    unknown,
)

NO_BIRTH_DATE = MissingFact("patient:date_of_birth", "Date of birth")
NO_STATUS = "Whether the patient is or could be pregnant"


def age_on(date_of_birth: dt.date, on: dt.date) -> int:
    """Completed years on a calendar day. Who is born on 29 February is a year older from 1 March."""
    before_birthday = (on.month, on.day) < (date_of_birth.month, date_of_birth.day)
    return on.year - date_of_birth.year - before_birthday


@predicate("CI-AGE-UNDER-18")
def under_age(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Younger than 18 completed years on the day of the dose; the birthday itself does not fire."""
    if facts.date_of_birth is None:
        return unknown(NO_BIRTH_DATE)
    if age_on(facts.date_of_birth, facts.on) < ADULT_AGE_YEARS:
        return fires(
            Evidence("patient", "date_of_birth", f"Born {facts.date_of_birth:%d %b %Y}", facts.date_of_birth)
        )
    return does_not_fire()


def _is_of_childbearing_age(facts: Facts, cutoffs: Cutoffs) -> bool | None:
    if facts.date_of_birth is None:
        return None
    age = age_on(facts.date_of_birth, facts.on)
    return cutoffs.childbearing_age_from <= age <= cutoffs.childbearing_age_to


def could_be_pregnant(facts: Facts, cutoffs: Cutoffs) -> bool | None:
    """Whether pregnancy is possible: self-reported at any age, else female sex at birth and the age range.

    ``None`` when sex or date of birth is missing and nothing else settles it. A status of "cannot
    become pregnant" and a male sex without a self-report settle it with no.
    """
    if facts.pregnancy.status in (PregnancyStatus.COULD_BE, PregnancyStatus.PREGNANT):
        return True
    if facts.pregnancy.status is PregnancyStatus.CANNOT_BE:
        return False
    if facts.sex is Sex.MALE:
        return False
    in_range = _is_of_childbearing_age(facts, cutoffs)
    if in_range is False:
        return False
    if in_range is None or facts.sex is None or facts.sex is Sex.UNKNOWN:
        return None
    return facts.sex is Sex.FEMALE


def _missing_for_childbearing(facts: Facts) -> list[MissingFact]:
    missing = []
    if facts.date_of_birth is None:
        missing.append(NO_BIRTH_DATE)
    if facts.sex is None or facts.sex is Sex.UNKNOWN:
        missing.append(MissingFact("patient:sex_at_birth", "Sex at birth", asked=facts.sex is Sex.UNKNOWN))
    return missing


def _status_is_owed(facts: Facts, cutoffs: Cutoffs) -> bool:
    """Whether a pregnancy status must be recorded: not for men, nor outside the age range."""
    return facts.sex is not Sex.MALE and _is_of_childbearing_age(facts, cutoffs) is not False


@predicate("CI-PREGNANCY")
def pregnancy(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Recorded as pregnant, or the latest test is positive."""
    record = facts.pregnancy
    evidence = []
    if record.status is PregnancyStatus.PREGNANT:
        evidence.append(Evidence("pregnancy", record.ref, "Recorded as pregnant"))
    if record.test_result is TestResult.POSITIVE:
        evidence.append(
            Evidence("pregnancy-test", record.test_ref, "Pregnancy test positive", record.tested_on)
        )
    if evidence:
        return fires(*evidence)
    if record.status in (None, PregnancyStatus.UNKNOWN) and _status_is_owed(facts, cutoffs):
        return unknown(
            MissingFact("pregnancy:status", NO_STATUS, asked=record.status is PregnancyStatus.UNKNOWN)
        )
    return does_not_fire()


def _test_is_in_force(facts: Facts, cutoffs: Cutoffs) -> bool:
    """A negative test counts from its day up to and including the last day of the limit."""
    record = facts.pregnancy
    if record.test_result is not TestResult.NEGATIVE or record.tested_on is None:
        return False
    return 0 <= (facts.on - record.tested_on).days <= cutoffs.pregnancy_test_days


@predicate("CI-CHILDBEARING")
def childbearing(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Pregnancy is possible and no negative test lies within the limit before the first dose.

    An unclear test, an older one and a day in the future count as no test. After the first dose of the
    episode the rule rests: from then on only a pregnancy itself stops treatment.
    """
    if facts.has_had_a_dose:
        return does_not_fire()
    possible = could_be_pregnant(facts, cutoffs)
    if possible is None:
        if _test_is_in_force(facts, cutoffs):
            return does_not_fire()
        return unknown(*_missing_for_childbearing(facts))
    if not possible or _test_is_in_force(facts, cutoffs):
        return does_not_fire()
    record = facts.pregnancy
    if record.test_result is None:
        words = "No pregnancy test on record"
    elif record.test_result is TestResult.NEGATIVE:
        words = f"Negative test is not within {cutoffs.pregnancy_test_days} days before the dose"
    else:
        words = f"Latest pregnancy test: {record.test_result.value}"
    return fires(Evidence("pregnancy-test", record.test_ref, words, record.tested_on))


@predicate("CI-BREASTFEEDING")
def breastfeeding(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Recorded as breastfeeding."""
    record = facts.pregnancy
    if record.breastfeeding is Answer.YES:
        return fires(Evidence("pregnancy", record.ref, "Recorded as breastfeeding"))
    if record.breastfeeding is Answer.NO or not _status_is_owed(facts, cutoffs):
        return does_not_fire()
    return unknown(
        MissingFact(
            "pregnancy:breastfeeding",
            "Whether the patient is breastfeeding",
            asked=record.breastfeeding is Answer.UNKNOWN,
        )
    )


@predicate("CI-NO-SUPPORT")
def no_support(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """No stable support system."""
    return recorded(facts, question="no_support")


@predicate("CI-NO-THERAPY-ENGAGEMENT")
def no_engagement(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Unable to engage in therapy."""
    return recorded(facts, question="no_engagement")
