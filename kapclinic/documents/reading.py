"""What a reader sees of a document now: asked every time that one is shown, printed or given out.

The room that keeps the consents registers how it is decided (`register`). Until one has, everything that a consent could
cover is withheld.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kapclinic.accounts.policy import Actor
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.models import Attachment, DisclosureBasis, Document
from kapclinic.documents.notes import content_hash


@dataclass(frozen=True)
class Reading:
    """The state in which one reader sees something of an episode.

    Attributes:
        audience: the reader's part, in words ("Prescriber").
        withheld: consent categories that this reader does not see now, sorted.
        notices: pairs of a category and the notice that its sections carry (42 CFR 2.32).
        bases: pairs of a shown category and the ground on which it is shown.
        consents: keys of the sharing consents that it rests on.
        addressee: the person outside to whom it is made out; empty for the clinic's own people.
        reason: what the emergency is, where one opened it.
        is_listed: whether it goes on the list of disclosures: the reader's own words and papers about nobody do not.
    """

    audience: str
    withheld: tuple[str, ...] = ()
    notices: tuple[tuple[str, str], ...] = ()
    bases: tuple[tuple[str, DisclosureBasis], ...] = ()
    consents: tuple[str, ...] = ()
    addressee: str = ""
    reason: str = ""
    is_listed: bool = False

    def basis_of(self, categories: Iterable[str]) -> DisclosureBasis:
        """The ground that carries the most among those on which these categories are shown."""
        wanted = frozenset(categories)
        found = {basis for category, basis in self.bases if category in wanted}
        for basis in (DisclosureBasis.EMERGENCY, DisclosureBasis.PATIENT, DisclosureBasis.CONSENT):
            if basis in found:
                return basis
        return DisclosureBasis.TREATMENT

    def state_key(self, what: str) -> str:
        """One key for `what` read in this state, in hexadecimal."""
        return content_hash(
            {
                "what": what,
                "withheld": self.withheld,
                "bases": self.bases,
                "consents": sorted(self.consents),
                "reason": self.reason,
            }
        )


Reader = Callable[[Actor, Document, datetime], Reading]
Expected = Callable[[Document, datetime], list[Reading]]
Actions = Callable[[Actor, Document, bool], list[tuple[str, str]]]


@dataclass(frozen=True)
class _Rules:
    reader: Reader
    expected: Expected
    actions: Actions


_rules: list[_Rules] = []


def register(reader: Reader, expected: Expected, actions: Actions) -> None:
    """Say how a reading is decided.

    `reader(actor, document, now)` gives what that person sees; `expected(document, now)` the readings of those who will open
    a new document first, for which PDFs are made at once; `actions(actor, document, has_withheld)` what the person may do
    with it beyond reading, as pairs of words and address.
    """
    _rules[:] = [_Rules(reader, expected, actions)]


WithheldFiles = Callable[[Actor, Iterable[Attachment], datetime], frozenset[UUID]]
_file_rules: list[WithheldFiles] = []


def register_files(rule: WithheldFiles) -> None:
    """Register `rule(actor, attachments, now)` -> the keys of those that this person may not see now."""
    if rule not in _file_rules:
        _file_rules.append(rule)


def withheld_files(actor: Actor, attachments: Iterable[Attachment], *, now: datetime) -> frozenset[UUID]:
    """Which of these files, all of one episode or patient, are withheld from `actor` at `now`."""
    files = list(attachments)
    return frozenset().union(*(rule(actor, files, now) for rule in _file_rules)) if files else frozenset()


def is_about_a_patient(document: Document) -> bool:
    """Papers about no single person are nobody's to consent to."""
    return document.snapshot.get("patient") is not None


def reading_of(actor: Actor, document: Document, *, now: datetime) -> Reading:
    """What `actor` sees of `document` at `now`."""
    if not is_about_a_patient(document):
        return Reading(audience="Clinic")
    return _rules[0].reader(actor, document, now) if _rules else _nothing()


def expected_readings(document: Document, *, now: datetime) -> list[Reading]:
    """The readings for which a new document is printed at once."""
    if not is_about_a_patient(document):
        return [Reading(audience="Clinic")]
    return _rules[0].expected(document, now) if _rules else []


def actions_on(actor: Actor, document: Document, *, has_withheld: bool) -> list[tuple[str, str]]:
    """What `actor` may do with `document` beyond reading it: pairs of words and address."""
    if not _rules or not is_about_a_patient(document):
        return []
    return _rules[0].actions(actor, document, has_withheld)


def categories_of(snapshot: dict[str, Any]) -> tuple[str, ...]:
    """The consent categories of a snapshot's sections, sorted."""
    return tuple(sorted({str(part["category"]) for part in snapshot["sections"]}))


def _nothing() -> Reading:
    withheld = (
        category.value for category in ConsentCategory if category is not ConsentCategory.ADMINISTRATIVE
    )
    return Reading(audience="Unknown", withheld=tuple(sorted(withheld)))
