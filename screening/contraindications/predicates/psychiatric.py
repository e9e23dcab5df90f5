"""Mental health, suicide risk, alcohol and other substances."""

from __future__ import annotations

from screening.contraindications.cutoffs import Cutoffs
from screening.contraindications.facts import Facts, RiskOutcome, Sex
from screening.contraindications.predicates._history import (
    is_present,
    is_present_untreated,
    recorded,
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

MOOD_STABILISER = "mood-stabiliser"

OPEN_ASSESSMENT = MissingFact("risk:assessment", "The suicide-risk assessment that is open")


@predicate("CI-PSYCHOSIS-ACTIVE")
def active_psychosis(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Psychotic symptoms now, or a psychotic disorder that nobody has called stable or resolved."""
    return recorded(facts, question="psychosis_now", kinds=("psychosis",), counts=is_present_untreated)


@predicate("CI-PSYCHOSIS-HX")
def past_psychosis(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Any psychosis on record; the active rule takes its place where that one fires."""
    return recorded(facts, question="psychosis_past", kinds=("psychosis",))


@predicate("CI-PSYCHOSIS-FHX")
def family_psychosis(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """A first-degree relative with a psychotic disorder."""
    return recorded(facts, question="psychosis_family")


def _takes_mood_stabiliser(facts: Facts) -> bool:
    return any(entry.is_active and MOOD_STABILISER in entry.classes for entry in facts.medications)


@predicate("CI-MANIA")
def mania(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """A manic, hypomanic or mixed episode now, or bipolar I without a mood stabiliser on the list."""
    now = recorded(facts, question="mania_now", kinds=("mania",), counts=is_present_untreated)
    bipolar = recorded(facts, question="bipolar_one", kinds=("bipolar_one",))
    if now.fires:
        return now
    if bipolar.fires and not _takes_mood_stabiliser(facts):
        return fires(
            *bipolar.evidence, Evidence("medication", "", "No mood stabiliser on the medication list")
        )
    missing = (*now.missing, *bipolar.missing)
    return unknown(*missing) if missing else does_not_fire()


@predicate("CI-PERSONALITY")
def personality_disorder(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """A personality disorder that has not resolved."""
    return recorded(facts, question="personality", kinds=("personality",), counts=is_present)


@predicate("CI-SUICIDE-IMMINENT")
def imminent_suicide_risk(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """The latest clinician assessment says imminent (intent with plan, or an attempt in the last 24 h).

    An open assessment leaves it open, and so does having neither an assessment nor a PHQ-9. A blank
    item 9 is no answer until an assessment follows it.
    """
    if facts.risk is not None and facts.risk.outcome is RiskOutcome.IMMINENT:
        return fires(_risk_evidence(facts))
    if facts.risk_assessment_open:
        return unknown(OPEN_ASSESSMENT)
    return _nothing_known_about_risk(facts) or does_not_fire()


@predicate("CI-SUICIDE-IDEATION")
def suicidal_ideation(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Item 9 of the latest PHQ-9 is 1 or more, or the latest assessment records ideation.

    A 0 is never an all-clear: it does not take back what a clinician recorded.
    """
    evidence = []
    if facts.item_nine is not None and facts.item_nine.value is not None and facts.item_nine.value >= 1:
        evidence.append(
            Evidence(
                "phq9",
                facts.item_nine.ref,
                f"PHQ-9 item 9 answered {facts.item_nine.value}",
                facts.item_nine.answered_at.date(),
            )
        )
    if facts.risk is not None and facts.risk.outcome is not RiskOutcome.NONE:
        evidence.append(_risk_evidence(facts))
    if evidence:
        return fires(*evidence)
    if facts.risk_assessment_open:
        return unknown(OPEN_ASSESSMENT)
    return _nothing_known_about_risk(facts) or does_not_fire()


def _risk_evidence(facts: Facts) -> Evidence:
    assert facts.risk is not None
    words = facts.risk.outcome.value.replace("-", " ")
    return Evidence(
        "risk", facts.risk.ref, f"Suicide-risk assessment: {words}", facts.risk.assessed_at.date()
    )


def _nothing_known_about_risk(facts: Facts) -> Verdict | None:
    """What is missing when neither item 9 nor a later assessment answers; ``None`` when one does."""
    if facts.item_nine is None:
        if facts.risk is None:
            return unknown(MissingFact("phq9:item9", "A PHQ-9, or a suicide-risk assessment"))
        return None
    if facts.item_nine.value is None and (
        facts.risk is None or facts.risk.assessed_at < facts.item_nine.answered_at
    ):
        return unknown(MissingFact("phq9:item9", "Item 9 of the latest PHQ-9 was left blank", asked=True))
    return None


@predicate("CI-SUD-ACTIVE")
def active_substance_use(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """An active substance use disorder; one in remission or treated does not count."""
    return recorded(facts, question="substance_use", kinds=("substance_use",), counts=is_present_untreated)


@predicate("CI-KETAMINE-MISUSE")
def ketamine_misuse(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """Any history of ketamine misuse or addiction."""
    return recorded(facts, question="ketamine_misuse", kinds=("ketamine_misuse",))


@predicate("CI-ALCOHOL-SCREEN")
def positive_audit_c(facts: Facts, cutoffs: Cutoffs) -> Verdict:
    """AUDIT-C at or above 4 points for men, 3 for everybody else. An incomplete form has no total."""
    if facts.audit_c is None:
        return unknown(MissingFact("audit-c:total", "An AUDIT-C"))
    if facts.audit_c.total is None:
        return unknown(MissingFact("audit-c:total", "The AUDIT-C is incomplete"))
    limit = cutoffs.audit_c_male if facts.sex is Sex.MALE else cutoffs.audit_c_other
    if facts.audit_c.total >= limit:
        return fires(Evidence("audit-c", facts.audit_c.ref, f"AUDIT-C {facts.audit_c.total} (from {limit})"))
    return does_not_fire()
