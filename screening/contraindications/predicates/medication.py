"""What the patient takes: every rule here asks for an active medication in a class.

A medication whose name is not settled might belong to any class: it leaves each of these rules open
until somebody classifies it. An empty list proves nothing unless it was stated that nothing is taken.
"""

from __future__ import annotations

from screening.contraindications.cutoffs import Cutoffs
from screening.contraindications.facts import Facts
from screening.contraindications.predicates._registry import predicate
from screening.contraindications.verdicts import (
    Evidence,
    MissingFact,
    Verdict,
    does_not_fire,
    fires,
    unknown,
)

NO_LIST = MissingFact("medications:list", "The medication list, or a statement that none is taken")

CLASSES_OF_CODE: dict[str, frozenset[str]] = {
    "MED-BENZO": frozenset({"benzodiazepine"}),
    "MED-OPIOID": frozenset({"opioid"}),
    "MED-SEDATIVE": frozenset({"z-drug", "barbiturate", "other-sedative"}),
    "MED-SEDATIVE-MILD": frozenset({"gabapentinoid", "sedating-antihistamine"}),
    "MED-MAOI": frozenset({"maoi"}),
    "MED-STIMULANT": frozenset({"stimulant"}),
    "MED-THEOPHYLLINE": frozenset({"theophylline"}),
    "MED-LAMOTRIGINE": frozenset({"lamotrigine"}),
    "MED-ANTIPSYCHOTIC": frozenset({"antipsychotic"}),
    "MED-CYP-INHIBITOR": frozenset({"cyp-inhibitor"}),
    "MED-CYP-INDUCER": frozenset({"cyp-inducer"}),
    "MED-NASAL": frozenset({"nasal-decongestant", "nasal-corticosteroid"}),
    "MED-NALTREXONE": frozenset({"naltrexone"}),
}


def taken(facts: Facts, code: str) -> Verdict:
    """Whether an active medication belongs to the classes of this code."""
    classes = CLASSES_OF_CODE[code]
    active = [entry for entry in facts.medications if entry.is_active]
    evidence = [
        Evidence("medication", entry.ref, f"{entry.name} ({', '.join(sorted(entry.classes & classes))})")
        for entry in active
        if entry.classes & classes
    ]
    if evidence:
        return fires(*evidence)
    missing = [
        MissingFact(f"medication:{entry.ref}", f"Unclassified medication: {entry.name}")
        for entry in active
        if not entry.is_settled
    ]
    if not facts.medications and not facts.medications_listed:
        missing.append(NO_LIST)
    return unknown(*missing) if missing else does_not_fire()


@predicate("MED-BENZO")
def benzodiazepine(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """An active benzodiazepine."""
    return taken(facts, "MED-BENZO")


@predicate("MED-OPIOID")
def opioid(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """An active opioid, partial agonists included."""
    return taken(facts, "MED-OPIOID")


@predicate("MED-SEDATIVE")
def sedative(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """A Z-drug, a barbiturate or another depressant of the central nervous system."""
    return taken(facts, "MED-SEDATIVE")


@predicate("MED-SEDATIVE-MILD")
def mild_sedative(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """A gabapentinoid or a sedating antihistamine (severity: POLICY)."""
    return taken(facts, "MED-SEDATIVE-MILD")


@predicate("MED-MAOI")
def monoamine_oxidase_inhibitor(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """An active monoamine oxidase inhibitor, antibiotics and dyes with that effect included."""
    return taken(facts, "MED-MAOI")


@predicate("MED-STIMULANT")
def stimulant(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """An active psychostimulant."""
    return taken(facts, "MED-STIMULANT")


@predicate("MED-THEOPHYLLINE")
def theophylline(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Active theophylline or aminophylline."""
    return taken(facts, "MED-THEOPHYLLINE")


@predicate("MED-LAMOTRIGINE")
def lamotrigine(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Active lamotrigine."""
    return taken(facts, "MED-LAMOTRIGINE")


@predicate("MED-ANTIPSYCHOTIC")
def antipsychotic(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """An active antipsychotic."""
    return taken(facts, "MED-ANTIPSYCHOTIC")


@predicate("MED-CYP-INHIBITOR")
def cyp_inhibitor(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """An active strong inhibitor of CYP3A4 or CYP2B6."""
    return taken(facts, "MED-CYP-INHIBITOR")


@predicate("MED-CYP-INDUCER")
def cyp_inducer(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """An active strong inducer of CYP3A4 or CYP2B6."""
    return taken(facts, "MED-CYP-INDUCER")


@predicate("MED-NASAL")
def nasal_product(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """A nasal decongestant or corticosteroid (esketamine nasal spray only)."""
    return taken(facts, "MED-NASAL")


@predicate("MED-NALTREXONE")
def naltrexone(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Active naltrexone."""
    return taken(facts, "MED-NALTREXONE")
