"""Liver, kidneys, breathing, eyes, hormones, urinary tract, and reactions to ketamine itself."""

from __future__ import annotations

from screening.contraindications.cutoffs import Cutoffs
from screening.contraindications.facts import AllergyFact, Answer, Facts, LiverGrade
from screening.contraindications.predicates._history import (
    condition_evidence,
    is_present,
    is_present_untreated,
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

KETAMINE_WORDS = ("ketamin", "esketamin", "ketalar", "spravato", "benzethonium")
"""Substances of an allergy entry that concern this treatment; benzethonium chloride preserves ketamine."""


def _liver(facts: Facts, question: str, grades: frozenset[LiverGrade]) -> Verdict:
    entries = matching(facts, ("liver",), is_present)
    evidence = [condition_evidence(entry) for entry in entries if entry.liver_grade in grades]
    answer = facts.history.get(question)
    if answer is Answer.YES:
        evidence.append(yes_evidence(facts, question))
    if evidence:
        return fires(*evidence)
    missing = [
        MissingFact(f"condition:{entry.ref}:liver_grade", f"{entry.name}: Child-Pugh class")
        for entry in entries
        if entry.liver_grade is None
    ]
    if answer is not Answer.NO:
        missing.append(missing_answer(facts, question))
    return unknown(*missing) if missing else does_not_fire()


@predicate("CI-LIVER")
def severe_liver_disease(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Child-Pugh C or markedly raised liver tests. A liver disease without a class leaves it open."""
    return _liver(facts, "liver_severe", frozenset({LiverGrade.C, LiverGrade.MARKED}))


@predicate("CI-LIVER-MOD")
def moderate_liver_impairment(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Child-Pugh B."""
    return _liver(facts, "liver_moderate", frozenset({LiverGrade.B}))


@predicate("CI-RENAL")
def renal_impairment(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Kidney impairment or dialysis that has not resolved."""
    return recorded(facts, question="renal", kinds=("renal",), counts=is_present)


@predicate("CI-SLEEP-APNEA")
def sleep_apnoea(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Sleep apnoea, treated or not: CPAP is for the prescriber to weigh."""
    return recorded(facts, question="sleep_apnoea", kinds=("sleep_apnoea",), counts=is_present)


@predicate("CI-RESPIRATORY")
def respiratory_disorder(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """COPD, severe asthma or respiratory failure."""
    return recorded(facts, question="respiratory", kinds=("respiratory",), counts=is_present)


@predicate("CI-GLAUCOMA")
def glaucoma(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Glaucoma or raised intraocular pressure."""
    return recorded(facts, question="glaucoma", kinds=("glaucoma",), counts=is_present)


@predicate("CI-HYPERTHYROID")
def hyperthyroidism(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Hyperthyroidism that nobody has called treated or controlled."""
    return recorded(facts, question="hyperthyroid", kinds=("hyperthyroid",), counts=is_present_untreated)


@predicate("CI-PORPHYRIA")
def porphyria(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Acute porphyria, also between attacks."""
    return recorded(facts, question="porphyria", kinds=("porphyria",))


@predicate("CI-URINARY")
def urinary_symptoms(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Cystitis or lower urinary tract symptoms that have not resolved."""
    return recorded(facts, question="urinary", kinds=("urinary",), counts=is_present)


def names_ketamine(substance: str) -> bool:
    """Whether an allergy entry concerns ketamine, esketamine or an ingredient of theirs."""
    return any(word in substance.casefold() for word in KETAMINE_WORDS)


def _allergy_evidence(what: str, entry: AllergyFact) -> Evidence:
    reaction = f", {entry.reaction}" if entry.reaction else ""
    return Evidence("allergy", entry.ref, f"{what}: {entry.substance}{reaction}")


@predicate("CI-HYPERSENS")
def hypersensitivity(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """An allergy to ketamine, esketamine or an excipient.

    An entry of which nobody has said whether it is an allergy or an intolerance fires: the label
    gives no room for doubt, and a prescriber can correct it.
    """
    evidence = [
        _allergy_evidence("Allergy", entry)
        for entry in facts.allergies
        if names_ketamine(entry.substance) and entry.is_allergy is not False
    ]
    answer = facts.history.get("ketamine_allergy")
    if answer is Answer.YES:
        evidence.append(yes_evidence(facts, "ketamine_allergy"))
    if evidence:
        return fires(*evidence)
    if answer is Answer.NO:
        return does_not_fire()
    return unknown(missing_answer(facts, "ketamine_allergy"))


@predicate("CI-PRIOR-REACTION")
def prior_reaction(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """An earlier serious or distressing reaction to ketamine; a known intolerance to it counts."""
    intolerances = [
        _allergy_evidence("Intolerance", entry)
        for entry in facts.allergies
        if names_ketamine(entry.substance) and entry.is_allergy is False
    ]
    verdict = recorded(facts, question="ketamine_reaction", kinds=("ketamine_reaction",))
    if intolerances:
        return fires(*intolerances, *verdict.evidence)
    return verdict
