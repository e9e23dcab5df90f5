"""Where therapist and prescriber have recorded different things of the same patient. Pure.

Practice guide G0 names conflicting recommendations and missed information as the risks of split care. Four topics are compared:
readiness, medication, risk and goals; each by the newest word of each discipline, as long as it is not too old. What one of the
two has not said diverges from nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kapclinic.documents.categories import ConsentCategory
from kapclinic.handoffs.fields import GOALS, MEDICATION, PRESCRIBER, READINESS, RISK, THERAPIST, HandoffField

# By topic: the field in which both disciplines answer in the same words.
TOPICS: Mapping[str, HandoffField] = {
    "readiness": READINESS,
    "medication": MEDICATION,
    "risk": RISK,
    "goals": GOALS,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What one discipline recorded on a topic: a value of its field, when (UTC), by whom, where it stands."""

    topic: str
    part: str
    value: str
    at: datetime
    by: str
    source: str
    url: str = ""

    @property
    def words(self) -> str:
        """The value in words."""
        return TOPICS[self.topic].in_words(self.value)


@dataclass(frozen=True, slots=True)
class Divergence:
    """Two different answers to the same question."""

    topic: str
    therapist: Claim
    prescriber: Claim

    @property
    def title(self) -> str:
        """The question."""
        return TOPICS[self.topic].title

    @property
    def category(self) -> ConsentCategory:
        """The consent category that it belongs to."""
        return TOPICS[self.topic].category

    @property
    def sides(self) -> tuple[Claim, Claim]:
        """Both answers, the therapist's first."""
        return (self.therapist, self.prescriber)

    @property
    def newer(self) -> Claim:
        """The answer that was given last."""
        return max(self.therapist, self.prescriber, key=lambda claim: claim.at)


def newest(claims: Iterable[Claim], *, since: datetime) -> dict[tuple[str, str], Claim]:
    """The last word of each discipline on each topic, by topic and discipline; what was said before `since` does not count."""
    found: dict[tuple[str, str], Claim] = {}
    for claim in claims:
        key = (claim.topic, claim.part)
        if claim.at < since or (key in found and found[key].at > claim.at):
            continue
        if not claim.value:
            continue
        found[key] = claim
    return found


def divergences(claims: Iterable[Claim], *, now: datetime, most_age: timedelta) -> list[Divergence]:
    """Where the last words of the two differ at `now`, in the order of the topics."""
    last = newest(claims, since=now - most_age)
    found = []
    for topic in TOPICS:
        therapist, prescriber = last.get((topic, THERAPIST)), last.get((topic, PRESCRIBER))
        if therapist is None or prescriber is None or therapist.value == prescriber.value:
            continue
        found.append(Divergence(topic, therapist, prescriber))
    return found
