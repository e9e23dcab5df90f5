"""Who reads, with which sharing consents, at this moment: what the rules of episodes.sharing are asked with."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.urls import reverse

from episodes.access import team_parts
from episodes.models import (
    CareTeamMember,
    Consent,
    ConsentKind,
    Episode,
    EpisodeEvent,
    OutsideClinician,
    TeamPart,
)
from episodes.sharing import (
    PART2_NOTICE,
    PART2_PROGRAM,
    Discipline,
    Grant,
    Ground,
    Part,
    Reader,
    Ruling,
    category_of_event,
    rule_all,
    said,
    sees_row,
    span_of_days,
)
from kapclinic.accounts import policy
from kapclinic.accounts.models import Role
from kapclinic.accounts.policy import Actor, Relation
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason
from kapclinic.clinics.services import settings_for
from kapclinic.documents import kinds
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.models import Disclosure, DisclosureBasis, Document
from kapclinic.documents.reading import Reading, categories_of

_PART_OF_TEAM = {
    TeamPart.PRESCRIBER: Part.PRESCRIBER,
    TeamPart.COVER_PRESCRIBER: Part.PRESCRIBER,
    TeamPart.THERAPIST: Part.THERAPIST,
    TeamPart.COVER_THERAPIST: Part.THERAPIST,
    TeamPart.NURSE: Part.NURSE,
}
_PART_OF_ROLE = {
    Role.PRESCRIBER: Part.PRESCRIBER,
    Role.NURSE: Part.NURSE,
    Role.THERAPIST: Part.THERAPIST,
}
_BASIS_OF = {
    Ground.TREATMENT: DisclosureBasis.TREATMENT,
    Ground.CONSENT: DisclosureBasis.CONSENT,
    Ground.EMERGENCY: DisclosureBasis.EMERGENCY,
    Ground.PATIENT: DisclosureBasis.PATIENT,
}


@dataclass(frozen=True)
class Eyes:
    """One reader of one episode at one moment: the same rule for every page, print and list."""

    reader: Reader
    grants: tuple[Grant, ...]
    now: datetime
    is_part2: bool
    notice: str
    emergency_reason: str = ""
    # Whose eyes these are, where they are one person's of the clinic.
    user_id: Any = None

    def rulings(self, origin: Discipline | None = None) -> dict[ConsentCategory, Ruling]:
        """The ruling on every category for what `origin` wrote (None: drawn together from the record)."""
        return rule_all(self.reader, self.grants, now=self.now, origin=origin, is_part2=self.is_part2)

    def sees(self, category: ConsentCategory, origin: Discipline | None = None) -> bool:
        """Whether this reader sees something of that category now."""
        return self.rulings(origin)[category].is_shown

    def reads(
        self, category: ConsentCategory | str, *, by: Any = None, origin: Discipline | None = None
    ) -> bool:
        """Whether this reader sees one row of the record that the person with the key `by` wrote down."""
        return sees_row(
            category,
            self.reader,
            self.grants,
            now=self.now,
            is_own=by is not None and by == self.user_id,
            origin=origin,
            is_part2=self.is_part2,
        )

    def reads_row(self, row: Any, *, origin: Discipline | None = Discipline.MEDICAL) -> bool:
        """Whether this reader sees `row`, by the `consent_category` that rows of its kind name, and by who recorded it.

        Rows that name none are not the consent's to withhold.
        """
        category = getattr(row, "consent_category", ConsentCategory.ADMINISTRATIVE)
        return self.reads(category, by=row.created_by_id, origin=origin)

    def readable(self, rows: Iterable[Any]) -> list[Any]:
        """Those of the rows that this reader sees."""
        return [row for row in rows if self.reads_row(row)]

    def withheld(
        self, *categories: ConsentCategory, origin: Discipline | None = Discipline.MEDICAL
    ) -> list[str]:
        """The labels of those categories that this reader does not see, whether or not there is anything of them."""
        return [str(category.label) for category in categories if not self.reads(category, origin=origin)]

    def said(self, reasons: Iterable[Reason]) -> tuple[Reason, ...]:
        """Reasons to refuse as this reader may hear them."""
        return said(reasons, self.reads)

    @property
    def part2_notice(self) -> str:
        """What stands beside substance-use rows on a page of a Part 2 clinic; elsewhere nothing."""
        return self.notice if self.is_part2 else ""

    def reading(
        self,
        categories: Iterable[str],
        *,
        origin: Discipline | None = None,
        addressee: str = "",
    ) -> Reading:
        """What becomes of something that holds these categories, for this reader."""
        held = frozenset(categories)
        rulings = self.rulings(origin)
        shown = {category.value: ruling for category, ruling in rulings.items() if ruling.ground is not None}
        bases = tuple(
            sorted(
                (value, _BASIS_OF[ruling.ground])
                for value, ruling in shown.items()
                if ruling.ground in _BASIS_OF
            )
        )
        is_emergency = any(value in held and basis == DisclosureBasis.EMERGENCY for value, basis in bases)
        notices = {ConsentCategory.SUBSTANCE_USE.value: self.notice} if self.notice.strip() else {}
        return Reading(
            audience=self.reader.words,
            withheld=tuple(sorted(category.value for category in rulings if category.value not in shown)),
            notices=tuple((value, text) for value, text in notices.items() if value in shown),
            bases=bases,
            consents=tuple(sorted({key for value in held if value in shown for key in shown[value].grants})),
            addressee=addressee,
            reason=self.emergency_reason if is_emergency else "",
            is_listed=any(value in held for value, _ in bases),
        )


def eyes_of(actor: Actor, episode: Episode, *, now: datetime) -> Eyes:
    """How this person sees the episode at `now`. Four queries, asked once per request."""
    eyes: Eyes = actor.once(("eyes", episode.pk, now), lambda: _look(actor, episode, now))
    return eyes


def _look(actor: Actor, episode: Episode, now: datetime) -> Eyes:
    opened = (
        Disclosure.objects.filter(
            subject_id=episode.pk, receiver=actor.user, basis=DisclosureBasis.EMERGENCY, until__gt=now
        )
        .order_by("-until")
        .first()
    )
    reader = Reader(_parts(actor, episode), emergency_until=opened.until if opened else None)
    return replace(
        _eyes(episode, reader, now),
        emergency_reason=opened.reason if opened else "",
        user_id=actor.user.pk,
    )


def eyes_of_each(actor: Actor, episodes: Iterable[Episode], *, now: datetime) -> dict[uuid.UUID, Eyes]:
    """How this person sees each of these episodes of one clinic, by key: three queries for all of them.

    For lists: by the team alone, or by the roles held; being on duty or in an emergency opens no list.
    """
    listed = list(episodes)
    parts: dict[uuid.UUID, set[Part]] = {episode.pk: set() for episode in listed}
    rows = CareTeamMember.objects.in_force(now).filter(episode__in=parts, user=actor.user)
    for key, part in rows.values_list("episode_id", "part"):
        if part in _PART_OF_TEAM:
            parts[key].add(_PART_OF_TEAM[TeamPart(part)])
    grants: dict[uuid.UUID, list[Grant]] = {key: [] for key in parts}
    consents = Consent.objects.filter(episode__in=parts, kind=ConsentKind.SHARING).standing()
    for consent in consents:
        grants[consent.episode_id].append(grant_of(consent, actor.clinic))
    values = settings_for(actor.clinic, PART2_PROGRAM, PART2_NOTICE)
    by_role = {part for role, part in _PART_OF_ROLE.items() if role in actor.roles} or {Part.HOUSE}
    return {
        key: Eyes(
            Reader(frozenset(found or by_role)),
            tuple(grants[key]),
            now,
            bool(values[PART2_PROGRAM]),
            str(values[PART2_NOTICE]),
            user_id=actor.user.pk,
        )
        for key, found in parts.items()
    }


def _parts(actor: Actor, episode: Episode) -> frozenset[Part]:
    """What the person is to this patient: by the team, on duty, else (as a stand-in) by the roles held at the clinic."""
    found = {
        _PART_OF_TEAM[TeamPart(part)] for part in team_parts(actor.user, episode) if part in _PART_OF_TEAM
    }
    by_role = {part for role, part in _PART_OF_ROLE.items() if role in actor.roles}
    if by_role - found and policy.stands_in(actor, Relation.DUTY, episode):
        found |= by_role & {Part.PRESCRIBER, Part.NURSE}
    return frozenset(found or by_role or {Part.HOUSE})


def _eyes(episode: Episode, reader: Reader, now: datetime) -> Eyes:
    clinic = episode.clinic
    values = settings_for(clinic, PART2_PROGRAM, PART2_NOTICE)
    return Eyes(
        reader, tuple(grants_of(episode)), now, bool(values[PART2_PROGRAM]), str(values[PART2_NOTICE])
    )


def eyes_of_outside(outside: OutsideClinician, episode: Episode, *, now: datetime) -> Eyes:
    """How an outside clinician sees the episode: what the patient's consents give to that person, and nothing else."""
    return _eyes(episode, Reader(frozenset({Part.OUTSIDE}), outside_id=outside.pk), now)


def eyes_of_patient(episode: Episode, *, now: datetime) -> Eyes:
    """The patient's own copy: everything (45 CFR 164.524)."""
    return _eyes(episode, Reader(frozenset({Part.PATIENT})), now)


def eyes_in_emergency(episode: Episode, *, now: datetime, until: datetime) -> Eyes:
    """Somebody outside who treats the patient in an emergency: everything that the emergency needs (42 CFR 2.51)."""
    return _eyes(episode, Reader(frozenset({Part.OUTSIDE}), emergency_until=until), now)


def grants_of(episode: Episode) -> list[Grant]:
    """The sharing consents of an episode that were not struck, as rules. One query."""
    consents = Consent.objects.filter(episode=episode, kind=ConsentKind.SHARING).standing()
    return [grant_of(consent, episode.clinic) for consent in consents]


def grant_of(consent: Consent, clinic: Clinic) -> Grant:
    """A sharing consent as a rule, by the clinic's clock."""
    # Without an expiry an element is missing: it never holds (45 CFR 164.508(c)(1)(v)).
    begins, ends = span_of_days(consent.signed_on, consent.expires_on or consent.signed_on, clinic.zone)
    return Grant(
        key=str(consent.pk),
        categories=frozenset(consent.categories),
        parts=frozenset(Part(part) for part in consent.recipient_parts),
        begins_at=begins,
        ends_at=ends,
        outside_id=consent.recipient_outside_id,
        revoked_at=consent.revoked_at,
        is_complete=consent.has_every_element,
    )


# How documents are read


def origin_of(document: Document) -> Discipline | None:
    """The discipline that wrote a document, None where it was drawn together from the whole record."""
    origin = kinds.kind_of(document.kind).origin
    return Discipline(origin) if origin else None


def reading_of_document(actor: Actor, document: Document, now: datetime) -> Reading:
    """What this person sees of a document of an episode at `now`."""
    episode = _episode_of(document)
    if episode is None:
        return Reading(Part.HOUSE.words, withheld=_all_but_organisation())
    eyes = eyes_of(actor, episode, now=now)
    return eyes.reading(categories_of(document.snapshot), origin=origin_of(document))


def expected_readings(document: Document, now: datetime) -> list[Reading]:
    """The different readings of the care team, the author's side first: what is printed at once."""
    episode = _episode_of(document)
    if episode is None:
        return []
    held = categories_of(document.snapshot)
    origin = origin_of(document)
    rows = CareTeamMember.objects.not_ended(now).filter(episode=episode, user__isnull=False)
    parts = {
        _PART_OF_TEAM[TeamPart(part)] for part in rows.values_list("part", flat=True) if part in _PART_OF_TEAM
    }
    whole = _eyes(episode, Reader(frozenset()), now)
    readings: dict[tuple[str, ...], Reading] = {}
    for part in sorted(parts, key=lambda part: list(Part).index(part)):
        eyes = Eyes(Reader(frozenset({part})), whole.grants, now, whole.is_part2, whole.notice)
        reading = eyes.reading(held, origin=origin)
        readings.setdefault(tuple(sorted(frozenset(held).intersection(reading.withheld))), reading)
    return [readings[key] for key in sorted(readings, key=len)]


def document_actions(actor: Actor, document: Document, has_withheld: bool) -> list[tuple[str, str]]:
    """Giving a copy out and, where something is withheld, the way past it in an emergency."""
    if not policy.can(actor, "document.give-out", document):
        return []
    actions = [("Give out a copy", reverse("episodes:give-out", args=[document.pk]))]
    if has_withheld:
        actions.append(("In an emergency", reverse("episodes:emergency", args=[document.pk])))
    return actions


def _episode_of(document: Document) -> Episode | None:
    return Episode.objects.select_related("clinic").filter(pk=document.subject_id).first()


def _all_but_organisation() -> tuple[str, ...]:
    return tuple(sorted(set(ConsentCategory.values) - {ConsentCategory.ADMINISTRATIVE.value}))


def readable_events(events: Iterable[EpisodeEvent], eyes: Eyes, actor: Actor) -> list[EpisodeEvent]:
    """The lines of the log as this person may see them; a withheld one keeps its time and says that it is withheld.

    One's own lines are always whole. The rows are for showing, never for saving.
    """
    shown = []
    for event in events:
        category = category_of_event(event.kind, event.data)
        if not eyes.reads(category, by=event.created_by_id):
            # That there is such a line at all would give substance use away.
            is_telling = category is ConsentCategory.SUBSTANCE_USE
            event.summary = "Withheld" if is_telling else f"Withheld: {category.label.lower()}"
        shown.append(event)
    return shown
