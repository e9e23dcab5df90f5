"""What a rule answers: it fires, it does not, or it cannot tell, and on what evidence."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The four answers of a rule."""

    FIRES = "fires"
    DOES_NOT_FIRE = "does-not-fire"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"  # another route, or a rule of the day outside a dosing day


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact that a rule looked at: where it stands, what it says, and its day if it has one."""

    kind: str
    ref: str
    text: str
    on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class MissingFact:
    """One fact that would settle an open rule.

    ``key`` names it (``history:sleep_apnoea``, ``phq9:item9``); ``asked`` is true when somebody asked
    and the answer was "unknown", false when nobody has answered yet.
    """

    key: str
    text: str
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rule's answer. Firing carries evidence, not knowing carries what is missing."""

    outcome: Outcome
    evidence: tuple[Evidence, ...] = ()
    missing: tuple[MissingFact, ...] = ()

    def __post_init__(self) -> None:
        if self.outcome is Outcome.FIRES and not self.evidence:
            raise ValueError("a rule that fires names its evidence")
        if self.outcome is Outcome.UNKNOWN and not self.missing:
            raise ValueError("a rule that cannot tell names what is missing")

    @property
    def fires(self) -> bool:
        """Whether the rule fires."""
        return self.outcome is Outcome.FIRES

    @property
    def is_unknown(self) -> bool:
        """Whether a fact is missing that the rule needs."""
        return self.outcome is Outcome.UNKNOWN


def fires(*evidence: Evidence) -> Verdict:
    """A rule that fires on this evidence."""
    return Verdict(Outcome.FIRES, evidence=tuple(evidence))


def does_not_fire(*evidence: Evidence) -> Verdict:
    """A rule that does not fire; the evidence says what was looked at, where that is of use."""
    return Verdict(Outcome.DOES_NOT_FIRE, evidence=tuple(evidence))


def unknown(*missing: MissingFact) -> Verdict:
    """A rule that cannot tell without these facts."""
    return Verdict(Outcome.UNKNOWN, missing=tuple(missing))


NOT_APPLICABLE = Verdict(Outcome.NOT_APPLICABLE)
