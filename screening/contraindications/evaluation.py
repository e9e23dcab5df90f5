"""Asking all rules at once, and what their answers mean for treatment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from screening.contraindications.catalogue import Catalogue, Rule, Severity, catalogue
from screening.contraindications.cutoffs import Cutoffs
from screening.contraindications.facts import Facts, Route
from screening.contraindications.predicates import PREDICATES
from screening.contraindications.verdicts import (
    NOT_APPLICABLE,
    Evidence,
    MissingFact,
    Outcome,
    Verdict,
    does_not_fire,
)

TAKES_PLACE_OF = {
    "DAY-BP-CRISIS": "DAY-BP-HOLD",
    "CI-CVA-RECENT": "CI-CVA-REMOTE",
    "CI-PSYCHOSIS-ACTIVE": "CI-PSYCHOSIS-HX",
    "CI-CVD-UNSTABLE": "CI-CVD-STABLE",
    "CI-SUICIDE-IMMINENT": "CI-SUICIDE-IDEATION",
}
"""The severer code fires instead of the milder one, never beside it."""


class Standing(StrEnum):
    """Where a patient stands. Only ``CLEAR`` allows a decision in favour, and a dose."""

    BLOCKED = "blocked"
    INCOMPLETE = "incomplete"
    NEEDS_PRESCRIBER = "needs-prescriber"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that fires, with what it rests on."""

    rule: Rule
    evidence: tuple[Evidence, ...]

    @property
    def code(self) -> str:
        """The rule's code."""
        return self.rule.code

    @property
    def evidence_hash(self) -> str:
        """SHA-256 over the code and its evidence: a decision made on other evidence has another hash."""
        content = [
            self.code,
            sorted(
                [entry.kind, entry.ref, entry.text, entry.on.isoformat() if entry.on else ""]
                for entry in self.evidence
            ),
        ]
        return hashlib.sha256(json.dumps(content, ensure_ascii=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class OpenRule:
    """A rule that cannot tell, with what is missing."""

    rule: Rule
    missing: tuple[MissingFact, ...]

    @property
    def holds(self) -> bool:
        """Whether it keeps the assessment incomplete.

        A rule that would only inform does not hold any more once somebody has asked and the answer
        is "unknown"; a question that nobody put always does.
        """
        if self.rule.severity is not Severity.INFORMATIONAL:
            return True
        return any(not fact.asked for fact in self.missing)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The answers of all rules to one set of facts."""

    verdicts: Mapping[str, Verdict]
    findings: tuple[Finding, ...]
    open_rules: tuple[OpenRule, ...]

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of one severity, in the catalogue's order."""
        return tuple(finding for finding in self.findings if finding.rule.severity is severity)

    def finding(self, code: str) -> Finding | None:
        """The finding with this code, if it fires."""
        return next((finding for finding in self.findings if finding.code == code), None)

    @property
    def missing(self) -> tuple[MissingFact, ...]:
        """Every missing fact that keeps the assessment incomplete, each once, in order."""
        seen: dict[str, MissingFact] = {}
        for rule in self.open_rules:
            if rule.holds:
                for fact in rule.missing:
                    seen.setdefault(fact.key, fact)
        return tuple(seen.values())

    def standing(self, accepted: Mapping[str, str] | None = None) -> Standing:
        """Where the patient stands, given the accepted findings (code -> evidence hash).

        An acceptance counts only for the evidence that it was given for. An absolute finding cannot
        be accepted. Missing answers never clear anybody.
        """
        accepted = accepted or {}
        if self.of(Severity.ABSOLUTE):
            return Standing.BLOCKED
        if self.missing:
            return Standing.INCOMPLETE
        if any(accepted.get(finding.code) != finding.evidence_hash for finding in self.of(Severity.RELATIVE)):
            return Standing.NEEDS_PRESCRIBER
        return Standing.CLEAR


def _applies(rule: Rule, facts: Facts) -> bool:
    """Whether the rule concerns the route. Before a route is chosen every rule may still concern it."""
    if rule.applies_to == "all" or facts.route is None:
        return True
    return rule.applies_to == Route.ESKETAMINE_INTRANASAL and facts.route is Route.ESKETAMINE_INTRANASAL


def ask(code: str, facts: Facts, cutoffs: Cutoffs | None = None) -> Verdict:
    """One rule's own answer, before severer rules take the place of milder ones."""
    rule = catalogue()[code]
    if not _applies(rule, facts):
        return NOT_APPLICABLE
    return PREDICATES[code](facts, cutoffs or Cutoffs())


def evaluate(facts: Facts, cutoffs: Cutoffs | None = None, rules: Catalogue | None = None) -> Evaluation:
    """Ask every rule of the catalogue.

    Rules of the day answer "not applicable" unless ``facts.day`` is given. Where a severer rule
    fires, the milder one that it takes the place of does not.
    """
    rules = rules or catalogue()
    verdicts = {code: ask(code, facts, cutoffs) for code in rules.codes}
    for severe, mild in TAKES_PLACE_OF.items():
        if verdicts[severe].fires and verdicts[mild].outcome is not Outcome.NOT_APPLICABLE:
            verdicts[mild] = does_not_fire()
    return Evaluation(
        verdicts=verdicts,
        findings=tuple(
            Finding(rule, verdicts[rule.code].evidence) for rule in rules.rules if verdicts[rule.code].fires
        ),
        open_rules=tuple(
            OpenRule(rule, verdicts[rule.code].missing)
            for rule in rules.rules
            if verdicts[rule.code].is_unknown
        ),
    )
