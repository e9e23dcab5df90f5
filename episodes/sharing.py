"""What may this reader see of these parts of the record now? Pure.

A sharing consent is asked wherever what one discipline recorded is shown to the other, and for everything that leaves the
clinic. Sources: 45 CFR 164.506 (treatment), 164.508(c) (elements of an authorization), 42 CFR 2.51 (emergencies); what those
leave open was decided for this program: treating prescribers and nurses always see the safety core; the substance-use
segments alone of a Part 2 clinic may be withheld from it (POLICY).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from kapclinic.clinics.refusals import Reason
from kapclinic.documents.categories import ConsentCategory

# Clinical settings that bear on sharing (episodes.clinical_settings).
PART2_PROGRAM, PART2_NOTICE = "sharing.part2_program", "sharing.part2_notice"
EMERGENCY_MINUTES = "sharing.emergency_minutes"
SHARING_WARN_DAYS = "sharing.warn_days"
MOST_WARN_DAYS = 90


class Part(StrEnum):
    """What a reader is to the patient."""

    PRESCRIBER = "prescriber"
    NURSE = "nurse"
    THERAPIST = "therapist"
    OUTSIDE = "outside"
    PATIENT = "patient"
    HOUSE = "house"

    @property
    def words(self) -> str:
        """The part as printed."""
        return {"outside": "Outside clinician", "house": "Clinic"}.get(self.value, self.value.capitalize())


class Discipline(StrEnum):
    """The two sides that a sharing consent stands between."""

    MEDICAL = "medical"
    THERAPY = "therapy"


class Ground(StrEnum):
    """Why something is shown."""

    ORGANISATION = "organisation"
    OWN = "own"
    TREATMENT = "treatment"
    CONSENT = "consent"
    EMERGENCY = "emergency"
    PATIENT = "patient"


DISCIPLINE_OF: Mapping[Part, Discipline] = MappingProxyType(
    {
        Part.PRESCRIBER: Discipline.MEDICAL,
        Part.NURSE: Discipline.MEDICAL,
        Part.THERAPIST: Discipline.THERAPY,
    }
)
# Medications, allergies, findings, risk, adverse events, doses: always seen by those who treat with medicines.
SAFETY_CORE = frozenset(
    {
        ConsentCategory.SAFETY,
        ConsentCategory.MEDICATION,
        ConsentCategory.ADVERSE_EVENTS,
        ConsentCategory.DOSE,
    }
)
# Allergies and risk: POLICY: a treating therapist sees them too, for therapists assess risk and keep the safety plan.
_SAFETY_OF_THERAPISTS = frozenset({ConsentCategory.SAFETY})
_MEDICAL = frozenset({Part.PRESCRIBER, Part.NURSE})


@dataclass(frozen=True)
class Grant:
    """One sharing consent as a rule: what, to whom, from when until when.

    Attributes:
        key: the consent's key.
        categories: values of `ConsentCategory` that it covers.
        parts: who of the care team receives.
        outside_id: the outside clinician who receives, where one is named.
        begins_at: from then on, included (UTC).
        ends_at: up to then, not included (UTC).
        revoked_at: from then on it does not hold any more, that instant included (UTC).
        is_complete: no element of 45 CFR 164.508(c)(1) is missing.
    """

    key: str
    categories: frozenset[str]
    parts: frozenset[Part]
    begins_at: datetime
    ends_at: datetime
    outside_id: uuid.UUID | None = None
    revoked_at: datetime | None = None
    is_complete: bool = True

    def holds(self, now: datetime) -> bool:
        """Whether it is complete and in force at `now`."""
        if self.revoked_at is not None and now >= self.revoked_at:
            return False
        return self.is_complete and self.begins_at <= now < self.ends_at

    def names(self, reader: Reader) -> bool:
        """Whether it was given to this reader."""
        if self.parts & reader.parts:
            return True
        return (
            Part.OUTSIDE in reader.parts
            and self.outside_id is not None
            and self.outside_id == reader.outside_id
        )


@dataclass(frozen=True)
class Reader:
    """Who reads. `outside_id` is an outside clinician's key; `emergency_until` the end of an emergency opening (UTC)."""

    parts: frozenset[Part]
    outside_id: uuid.UUID | None = None
    emergency_until: datetime | None = None

    @property
    def disciplines(self) -> frozenset[Discipline]:
        """The sides on which the reader works."""
        return frozenset(DISCIPLINE_OF[part] for part in self.parts if part in DISCIPLINE_OF)

    @property
    def words(self) -> str:
        """The reader's parts as printed."""
        return ", ".join(part.words for part in Part if part in self.parts) or Part.HOUSE.words


@dataclass(frozen=True)
class Ruling:
    """Whether a category is shown, and on what ground. `grants` are the keys of the consents that it rests on."""

    category: ConsentCategory
    ground: Ground | None
    grants: tuple[str, ...] = ()

    @property
    def is_shown(self) -> bool:
        """False when it is withheld."""
        return self.ground is not None


def span_of_days(signed_on: date, expires_on: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants from which and before which a consent holds: from the start of the day of signing to the end of the day of
    expiry, on the clinic's clock."""
    begins = datetime.combine(signed_on, time.min, tzinfo=zone)
    ends = datetime.combine(expires_on + timedelta(days=1), time.min, tzinfo=zone)
    return begins, ends


def carries_on(newer: Grant, older: Grant, *, now: datetime) -> bool:
    """Whether `newer` holds at `now` and shares, past the end of `older`, all that `older` shares with the same people."""
    return (
        newer.ends_at > older.ends_at
        and newer.holds(now)
        and newer.categories >= older.categories
        and newer.parts >= older.parts
        and (older.outside_id is None or newer.outside_id == older.outside_id)
    )


def rule(
    category: ConsentCategory | str,
    reader: Reader,
    grants: Iterable[Grant],
    *,
    now: datetime,
    origin: Discipline | None = None,
    is_part2: bool = False,
) -> Ruling:
    """Whether `reader` sees a part of the record of this category at `now`.

    Args:
        category: what the part tells of.
        reader: who reads.
        grants: every sharing consent of the episode; those not in force are passed over.
        now: the instant of reading (UTC).
        origin: the discipline that wrote it, None for what was drawn together from the record.
        is_part2: whether the clinic is a 42 CFR Part 2 program.
    """
    what = ConsentCategory(category)
    holding = [grant for grant in grants if grant.holds(now) and grant.names(reader)]
    if Part.PATIENT in reader.parts:
        return Ruling(what, Ground.PATIENT)
    if what is ConsentCategory.ADMINISTRATIVE and (Part.OUTSIDE not in reader.parts or holding):
        return Ruling(what, Ground.ORGANISATION)
    if origin is not None and origin in reader.disciplines:
        return Ruling(what, Ground.OWN)
    if _is_treatment(what, reader, is_part2):
        return Ruling(what, Ground.TREATMENT)
    covering = tuple(grant.key for grant in holding if what.value in grant.categories)
    if covering:
        return Ruling(what, Ground.CONSENT, covering)
    if what is ConsentCategory.SAFETY and holding:
        # POLICY: who receives anything by consent receives allergies and risk with it.
        return Ruling(what, Ground.CONSENT, tuple(grant.key for grant in holding))
    if reader.emergency_until is not None and now < reader.emergency_until:
        return Ruling(what, Ground.EMERGENCY)
    return Ruling(what, None)


def _is_treatment(what: ConsentCategory, reader: Reader, is_part2: bool) -> bool:
    if reader.parts & _MEDICAL:
        return what in SAFETY_CORE or (what is ConsentCategory.SUBSTANCE_USE and not is_part2)
    return Part.THERAPIST in reader.parts and what in _SAFETY_OF_THERAPISTS


def rule_all(
    reader: Reader,
    grants: Iterable[Grant],
    *,
    now: datetime,
    origin: Discipline | None = None,
    is_part2: bool = False,
) -> dict[ConsentCategory, Ruling]:
    """The ruling on every category."""
    known = list(grants)
    return {
        category: rule(category, reader, known, now=now, origin=origin, is_part2=is_part2)
        for category in ConsentCategory
    }


def sees_row(
    category: ConsentCategory | str,
    reader: Reader,
    grants: Iterable[Grant],
    *,
    now: datetime,
    is_own: bool = False,
    origin: Discipline | None = None,
    is_part2: bool = False,
) -> bool:
    """Whether `reader` sees one row of the record.

    What somebody recorded themselves (`is_own`) they always see. The discipline that recorded it sees the rest of its record,
    but for substance use: of that nobody but who wrote it down is an author, so that at a 42 CFR Part 2 clinic the consent
    decides between two nurses too.
    """
    if is_own:
        return True
    if ConsentCategory(category) is ConsentCategory.SUBSTANCE_USE:
        origin = None
    return rule(category, reader, grants, now=now, origin=origin, is_part2=is_part2).is_shown


UNNAMED = (
    "A finding that is not named here stands. The screening page names it to those whom the patient's consent allows; "
    "ask a prescriber who may see it."
)


def said(reasons: Iterable[Reason], sees: Callable[[str], bool]) -> tuple[Reason, ...]:
    """Reasons as a reader may hear them; `sees(category)` is asked for those that give something away.

    The rules have judged with everything: no reason is left out, and the same words stand once.
    """
    heard: list[Reason] = []
    for reason in reasons:
        if not reason.category or sees(reason.category):
            heard.append(reason)
        elif not any(other.text == UNNAMED for other in heard):
            heard.append(replace(reason, code="finding-unnamed", text=UNNAMED, field=None))
    return tuple(heard)


def as_kept(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Reasons as they may be kept in a task or a record, which anybody of the team may come to read."""
    return said(reasons, lambda category: False)


# What the lines of an episode's log tell of, by their kind; the others say only that something took place.
_CATEGORY_OF_EVENTS: Mapping[str, ConsentCategory] = MappingProxyType(
    {
        "dose.challenge": ConsentCategory.DOSE,
        "dose.incident": ConsentCategory.ADVERSE_EVENTS,
        "dose.adverse-event": ConsentCategory.ADVERSE_EVENTS,
        "finding.found": ConsentCategory.SAFETY,
        "risk.opened": ConsentCategory.SAFETY,
        "risk.recorded": ConsentCategory.SAFETY,
        "screening.recorded": ConsentCategory.SAFETY,
    }
)


# Functions (kind, data) -> category or None, of the rooms that know what their events' data say.
_event_sources: list[Callable[[str, Mapping[str, object]], ConsentCategory | None]] = []


def register_event_source(source: Callable[[str, Mapping[str, object]], ConsentCategory | None]) -> None:
    """Register `source(kind, data)`, asked before the table of kinds; None leaves the line to the table."""
    if source not in _event_sources:
        _event_sources.append(source)


def category_of_event(kind: str, data: Mapping[str, object] | None = None) -> ConsentCategory:
    """The category that a line of an episode's log belongs to, by its kind and the data that stand with it."""
    found = (source(kind, data or {}) for source in _event_sources)
    told = next((category for category in found if category is not None), None)
    return told or _CATEGORY_OF_EVENTS.get(kind, ConsentCategory.ADMINISTRATIVE)
