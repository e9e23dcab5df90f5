"""The 62 rules as data: what they are called, how severe they are, what they rest on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources


class Severity(StrEnum):
    """How far a finding stops treatment."""

    ABSOLUTE = "absolute"
    RELATIVE = "relative-needs-prescriber-decision"
    INFORMATIONAL = "informational"

    @property
    def rank(self) -> int:
        """0 for informational to 2 for absolute, so that severities can be compared."""
        return {Severity.INFORMATIONAL: 0, Severity.RELATIVE: 1, Severity.ABSOLUTE: 2}[self]


class Scope(StrEnum):
    """How long a finding and its decision hold."""

    EPISODE = "episode"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the catalogue. ``plain`` and ``resolve`` are our own words for the screen."""

    code: str
    label: str
    category: str
    severity: Severity
    scope: Scope
    applies_to: str
    trigger: str
    evidence_required: str
    sources: tuple[str, ...]
    verification: str
    note: str
    plain: str
    resolve: str

    @property
    def is_of_the_day(self) -> bool:
        """Whether the rule is asked at check-in only."""
        return self.code.startswith("DAY-")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All rules of one version of the data file, in its order."""

    version: str
    rules: tuple[Rule, ...]

    def __getitem__(self, code: str) -> Rule:
        """The rule with this code. Raises ``KeyError`` when there is none."""
        for rule in self.rules:
            if rule.code == code:
                return rule
        raise KeyError(code)

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code, in the order of the data file."""
        return tuple(rule.code for rule in self.rules)


def _data(name: str) -> dict:
    return json.loads(resources.files("screening").joinpath("data", name).read_text(encoding="utf-8"))


def _in_words(source: str) -> str:
    """The source as it is shown: the data file's short "guide G1" is a practice guide."""
    return f"practice {source}" if source.startswith("guide ") else source


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """The rules of ``data/contraindications.json`` with the words of ``data/finding_words.json``."""
    data = _data("contraindications.json")
    words = _data("finding_words.json")
    return Catalogue(
        version=data["version"],
        rules=tuple(
            Rule(
                code=entry["code"],
                label=entry["label"],
                category=entry["category"],
                severity=Severity(entry["severity"]),
                scope=Scope(entry["scope"]),
                applies_to=entry["applies_to"],
                trigger=entry["trigger"],
                evidence_required=entry["evidence_required"],
                sources=tuple(_in_words(source) for source in entry["sources"]),
                verification=entry["verification"],
                note=entry["note"] or "",
                plain=words[entry["code"]]["plain"],
                resolve=words[entry["code"]]["resolve"],
            )
            for entry in data["rules"]
        ),
    )
