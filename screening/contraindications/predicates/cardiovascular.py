"""Heart, vessels and blood pressure at screening."""

from __future__ import annotations

import datetime as dt

from screening.contraindications.cutoffs import Cutoffs
from screening.contraindications.facts import (
    Answer,
    ConditionFact,
    ConditionStatus,
    Facts,
    VitalsReading,
)
from screening.contraindications.predicates._history import (
    condition_evidence,
    matching,
    missing_answer,
    recorded,
    yes_evidence,
)
from screening.contraindications.predicates._registry import predicate
from screening.contraindications.verdicts import (
    Evidence,
    MissingFact,
    Verdict,
    does_not_fire,
    fires,
    unknown,
)
from screening.questions import HEART_DISEASE_KINDS


@predicate("CI-ANEURYSM")
def aneurysm(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Any aneurysm, active or historical."""
    return recorded(facts, question="aneurysm", kinds=("aneurysm",))


@predicate("CI-AVM")
def arteriovenous_malformation(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Any arteriovenous malformation, treated or not."""
    return recorded(facts, question="avm", kinds=("avm",))


@predicate("CI-BP-ICP-HAZARD")
def pressure_hazard(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """A condition named as hazardous, or a hypertensive encephalopathy that still has symptoms."""

    def counts(entry: ConditionFact) -> bool:
        if entry.kind == "encephalopathy":
            return entry.status in (ConditionStatus.ACTIVE, ConditionStatus.UNSTABLE)
        return entry.status is not ConditionStatus.RESOLVED

    return recorded(
        facts, question="pressure_hazard", kinds=("pressure_hazard", "encephalopathy"), counts=counts
    )


def _is_recent_infarction(entry: ConditionFact, facts: Facts, cutoffs: Cutoffs) -> bool:
    """A heart attack counts as recent up to and including the last day of the limit."""
    return (
        entry.kind == "infarction"
        and entry.event_on is not None
        and (facts.on - entry.event_on).days <= cutoffs.recent_infarction_days
    )


@predicate("CI-CVD-UNSTABLE")
def unstable_heart_disease(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Heart disease called severe or unstable, or a heart attack within the limit.

    A heart attack without a day, and a heart disease of which nobody has said whether it is stable,
    leave the rule open even when the question was answered "no".
    """
    entries = matching(facts, HEART_DISEASE_KINDS, lambda entry: True)
    evidence = [
        condition_evidence(entry)
        for entry in entries
        if entry.status is ConditionStatus.UNSTABLE or _is_recent_infarction(entry, facts, cutoffs)
    ]
    answer = facts.history.get("heart_unstable")
    if answer is Answer.YES:
        evidence.append(yes_evidence(facts, "heart_unstable"))
    if evidence:
        return fires(*evidence)
    missing = [
        MissingFact(f"condition:{entry.ref}:event_on", f"{entry.name}: the day of the heart attack")
        for entry in entries
        if entry.kind == "infarction" and entry.event_on is None
    ] + [
        MissingFact(f"condition:{entry.ref}:status", f"{entry.name}: stable or unstable")
        for entry in entries
        if entry.kind != "infarction" and entry.status is ConditionStatus.ACTIVE
    ]
    if answer is not Answer.NO:
        missing.append(missing_answer(facts, "heart_unstable"))
    return unknown(*missing) if missing else does_not_fire()


@predicate("CI-CVD-STABLE")
def stable_heart_disease(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Any heart disease; the unstable rule takes its place where that one fires."""
    return recorded(facts, question="heart_disease", kinds=HEART_DISEASE_KINDS)


def high_days(facts: Facts, cutoffs: Cutoffs) -> tuple[VitalsReading, ...]:
    """The last screening pressure of each day on which it was above the limit, oldest first.

    Days are the clinic's; only the look-back counts. 140/90 exactly is not above.
    """
    return tuple(reading for reading in _last_of_each_day(facts, cutoffs) if _is_high(reading, cutoffs))


def _is_high(reading: VitalsReading, cutoffs: Cutoffs) -> bool:
    return reading.is_above(cutoffs.pressure_systolic, cutoffs.pressure_diastolic)


def _last_of_each_day(facts: Facts, cutoffs: Cutoffs) -> tuple[VitalsReading, ...]:
    by_day: dict[dt.date, VitalsReading] = {}
    for reading in sorted(facts.screening_readings, key=lambda entry: entry.taken_at):
        age = (facts.on - reading.taken_at.date()).days
        if reading.has_pressure and age <= cutoffs.pressure_lookback_days:
            by_day[reading.taken_at.date()] = reading
    return tuple(by_day.values())


def pressure_evidence(reading: VitalsReading, day: dt.date | None = None) -> Evidence:
    """A blood pressure reading as evidence, in mmHg."""
    return Evidence("vitals", reading.ref, f"Blood pressure {reading.systolic}/{reading.diastolic} mmHg", day)


@predicate("CI-HTN-UNCONTROLLED")
def uncontrolled_hypertension(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Hypertension called uncontrolled, or two screening days above the limit (two days: POLICY).

    The last reading of a day counts for that day, so that a repeat after rest can lower it. One day
    above the limit asks for a reading on another day.
    """
    entries = matching(facts, ("hypertension",), lambda entry: True)
    evidence = [condition_evidence(entry) for entry in entries if entry.status is ConditionStatus.UNSTABLE]
    answer = facts.history.get("hypertension_uncontrolled")
    if answer is Answer.YES:
        evidence.append(yes_evidence(facts, "hypertension_uncontrolled"))
    days = _last_of_each_day(facts, cutoffs)
    high = high_days(facts, cutoffs)
    if len(high) >= 2:
        evidence.extend(pressure_evidence(reading, reading.taken_at.date()) for reading in high)
    if evidence:
        return fires(*evidence)
    missing = [
        MissingFact(f"condition:{entry.ref}:status", f"{entry.name}: controlled or not")
        for entry in entries
        if entry.status is ConditionStatus.ACTIVE
    ]
    if answer is not Answer.NO:
        missing.append(missing_answer(facts, "hypertension_uncontrolled"))
    if not days:
        missing.append(MissingFact("vitals:pressure", "A blood pressure reading at screening"))
    elif high and len(days) < 2:
        missing.append(MissingFact("vitals:second_pressure", "A second blood pressure on another day"))
    return unknown(*missing) if missing else does_not_fire()
