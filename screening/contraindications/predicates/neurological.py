"""Brain and nerves."""

from __future__ import annotations

from screening.contraindications.cutoffs import Cutoffs
from screening.contraindications.facts import Answer, Facts
from screening.contraindications.predicates._history import (
    condition_evidence,
    is_present,
    matching,
    missing_answer,
    recorded,
    yes_evidence,
)
from screening.contraindications.predicates._registry import predicate
from screening.contraindications.verdicts import MissingFact, Verdict, does_not_fire, fires, unknown


@predicate("CI-ICH")
def intracerebral_haemorrhage(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Any history of bleeding in the brain."""
    return recorded(facts, question="haemorrhage", kinds=("haemorrhage",))


@predicate("CI-CVA-RECENT")
def recent_stroke(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Stroke, TIA or significant head injury up to and including the last day of the limit.

    An event without a day leaves the rule open, whatever the question's answer.
    """
    entries = matching(facts, ("stroke", "head_injury"), lambda entry: True)
    evidence = [
        condition_evidence(entry)
        for entry in entries
        if entry.event_on is not None and (facts.on - entry.event_on).days <= cutoffs.recent_stroke_days
    ]
    answer = facts.history.get("stroke_recent")
    if answer is Answer.YES:
        evidence.append(yes_evidence(facts, "stroke_recent"))
    if evidence:
        return fires(*evidence)
    missing = [
        MissingFact(f"condition:{entry.ref}:event_on", f"{entry.name}: the day it happened")
        for entry in entries
        if entry.event_on is None
    ]
    if answer is not Answer.NO:
        missing.append(missing_answer(facts, "stroke_recent"))
    return unknown(*missing) if missing else does_not_fire()


@predicate("CI-CVA-REMOTE")
def remote_stroke(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Any stroke or TIA; the recent rule takes its place where that one fires."""
    return recorded(facts, question="stroke_ever", kinds=("stroke",))


@predicate("CI-HTN-ENCEPH-HX")
def hypertensive_encephalopathy(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Any history of hypertensive encephalopathy."""
    return recorded(facts, question="encephalopathy", kinds=("encephalopathy",))


@predicate("CI-MIGRAINE")
def chronic_migraine(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Chronic migraine that has not resolved."""
    return recorded(facts, question="migraine", kinds=("migraine",), counts=is_present)


@predicate("CI-SEIZURE")
def seizure_disorder(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """A seizure disorder, also one without recent seizures: the last seizure's day is for the prescriber."""
    return recorded(facts, question="seizure", kinds=("seizure",))
