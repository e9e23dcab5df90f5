"""What of the record reaches whom: reading notes, giving copies out, emergencies."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from episodes.models import Consent, Episode, OutsideClinician
from episodes.readers import (
    Eyes,
    eyes_in_emergency,
    eyes_of,
    eyes_of_outside,
    eyes_of_patient,
    origin_of,
)
from episodes.services.episode import record_event
from episodes.services.locking import lock_episode
from episodes.sharing import EMERGENCY_MINUTES, Discipline
from kapclinic.accounts.models import Role, User
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.clinics.services import setting
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.models import Disclosure, DisclosureBasis, Document, Medium, Rendition
from kapclinic.documents.reading import Reading, categories_of
from kapclinic.documents.selectors import version_in_force_after
from kapclinic.documents.services import (
    ensure_rendition,
    record_disclosure,
    rendition_for,
)
from kapclinic.notices.services import open_task

PATIENT_PURPOSE = "At the request of the individual"


# Notes


def read_note(
    *,
    actor: Actor,
    episode: Episode,
    note_id: uuid.UUID,
    what: str,
    categories: Collection[ConsentCategory],
    origin: Discipline,
    now: datetime,
) -> list[str]:
    """The labels of the categories for which a note is withheld from this person now; empty when it may be read.

    Reading it is put on the list of disclosures.
    """
    eyes = eyes_of(actor, episode, now=now)
    withheld = [
        str(category.label)
        for category in ConsentCategory
        if category in categories and not eyes.sees(category, origin)
    ]
    if not withheld:
        record_disclosure(
            clinic=episode.clinic,
            subject_id=episode.pk,
            what=what,
            about=str(note_id),
            categories=[category.value for category in categories],
            reading=eyes.reading([category.value for category in categories], origin=origin),
            receiver=actor.user,
            medium=Medium.PAGE,
            now=now,
        )
    return withheld


# Copies


def give_out(
    *,
    document: Document,
    episode: Episode,
    outside: OutsideClinician | None,
    medium: str,
    purpose: str,
    actor: Actor,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Disclosure:
    """Make a copy out to an outside clinician, or to the patient when `outside` is None, and put it on the list.

    What the consents in force at this moment do not give to that receiver is withheld in the copy. The same `request_key`
    again makes no second.

    Raises:
        Refused: no consent names the receiver, the copy would show what its maker may not see, the document does not stand,
            or the purpose is missing.
    """
    now = now or timezone.now()
    with transaction.atomic():
        # Revoking locks the episode too: a copy is either before it or after it.
        episode = lock_episode(episode)
        known = _made_before(request_key)
        if known is not None:
            return known
        reasons = _does_not_stand(document)
        if outside is None:
            eyes, name, part = eyes_of_patient(episode, now=now), str(episode.patient), "Patient"
        else:
            eyes = eyes_of_outside(outside, episode, now=now)
            name = ", ".join(filter(None, (outside.name, outside.practice)))
            part = eyes.reader.words
            if not purpose.strip():
                reasons.append(Reason("no-purpose", "Say what it is for.", "purpose"))
            if not any(eyes.sees(ConsentCategory(value)) for value in categories_of(document.snapshot)):
                reasons.append(
                    Reason(
                        "no-consent",
                        f"No sharing consent in force names {outside.name}: nothing may be given out.",
                        "receiver",
                    )
                )
        reading = eyes.reading(categories_of(document.snapshot), addressee=name)
        reasons += _shows_more_than_seen(document, reading, eyes_of(actor, episode, now=now))
        refuse_if(reasons)
        return _hand_over(
            document=document,
            episode=episode,
            reading=reading,
            name=name,
            part=part,
            medium=medium,
            purpose=purpose.strip() or PATIENT_PURPOSE,
            actor=actor.user,
            request_key=request_key,
            now=now,
        )


def disclose_in_emergency(
    *,
    document: Document,
    episode: Episode,
    receiver_name: str,
    affiliation: str,
    medium: str,
    reason: str,
    actor: Actor,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Disclosure:
    """Give the whole document to somebody outside who treats the patient in an emergency, consent or none.

    Recorded as 42 CFR 2.51(c) asks: who received it and where they work, who gave it, when, and the nature of the emergency.

    Raises:
        Refused: the name, the affiliation or the reason is missing, or the document does not stand.
    """
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        known = _made_before(request_key)
        if known is not None:
            return known
        reasons = _does_not_stand(document)
        for text, field, words in (
            (receiver_name, "receiver_name", "Name who receives it."),
            (affiliation, "affiliation", "Name the hospital or service."),
            (reason, "reason", "Say what the emergency is."),
        ):
            if not text.strip():
                reasons.append(Reason(f"no-{field}", words, field))
        refuse_if(reasons)
        until = now + timedelta(minutes=setting(episode.clinic, EMERGENCY_MINUTES))
        name = f"{receiver_name.strip()}, {affiliation.strip()}"
        eyes = eyes_in_emergency(episode, now=now, until=until)
        row = _hand_over(
            document=document,
            episode=episode,
            reading=eyes.reading(categories_of(document.snapshot), addressee=name),
            name=name,
            part="Emergency",
            medium=medium,
            purpose="Emergency treatment",
            actor=actor.user,
            request_key=request_key,
            reason=reason.strip(),
            now=now,
        )
        _ask_for_review(row, episode, now=now)
        return row


def open_in_emergency(
    *,
    episode: Episode,
    reason: str,
    actor: Actor,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Disclosure:
    """Open to the actor what the sharing consent withholds of this episode, for the clinic's time (EMERGENCY_MINUTES).

    Raises:
        Refused: no reason.
    """
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        known = _made_before(request_key)
        if known is not None:
            return known
        if not reason.strip():
            raise Refused(Reason("no-reason", "Say what the emergency is.", "reason"))
        eyes = eyes_of(actor, episode, now=now)
        withheld = sorted(category.value for category in ConsentCategory if not eyes.sees(category))
        row = Disclosure.objects.create(
            clinic=episode.clinic,
            subject_id=episode.pk,
            what="Everything that is withheld",
            receiver=actor.user,
            receiver_name=actor.user.full_name,
            receiver_part=eyes.reader.words,
            medium=Medium.PAGE,
            shown=withheld,
            basis=DisclosureBasis.EMERGENCY,
            purpose="Emergency treatment",
            reason=reason.strip(),
            at=now,
            until=now + timedelta(minutes=setting(episode.clinic, EMERGENCY_MINUTES)),
            request_key=request_key,
            created_at=now,
            created_by=actor.user,
        )
        _log(row, episode, actor.user, now)
        _ask_for_review(row, episode, now=now)
        return row


def copy_to_serve(disclosure: Disclosure, episode: Episode, *, now: datetime) -> Rendition | None:
    """The PDF of a copy that was made out, while what it rests on still holds; None once it does not."""
    if disclosure.rendition is None or disclosure.document is None:
        return None
    if disclosure.basis == DisclosureBasis.EMERGENCY:
        until = disclosure.at + timedelta(minutes=setting(episode.clinic, EMERGENCY_MINUTES))
        eyes = eyes_in_emergency(episode, now=now, until=until)
    elif disclosure.basis == DisclosureBasis.PATIENT:
        eyes = eyes_of_patient(episode, now=now)
    else:
        grants = Consent.objects.filter(pk__in=disclosure.consents).select_related("recipient_outside")
        outside = next((each.recipient_outside for each in grants if each.recipient_outside), None)
        if outside is None:
            return None
        eyes = eyes_of_outside(outside, episode, now=now)
    reading = eyes.reading(
        categories_of(disclosure.document.snapshot), addressee=disclosure.rendition.addressee
    )
    current = rendition_for(disclosure.document, reading)
    return current if current is not None and current.pk == disclosure.rendition_id else None


def may_open_copy(disclosure: Disclosure, episode: Episode, *, actor: Actor, now: datetime) -> bool:
    """Whether this person may have the file of a copy: who sees all that it shows, or who made it out in an emergency."""
    if disclosure.document is None:
        return False
    if disclosure.basis == DisclosureBasis.EMERGENCY and disclosure.created_by_id == actor.user.pk:
        return True
    own, origin = eyes_of(actor, episode, now=now), origin_of(disclosure.document)
    return all(own.sees(ConsentCategory(value), origin) for value in disclosure.shown)


def _made_before(request_key: uuid.UUID | None) -> Disclosure | None:
    if request_key is None:
        return None
    return Disclosure.objects.filter(request_key=request_key).first()


def _does_not_stand(document: Document) -> list[Reason]:
    if document.is_struck or version_in_force_after(document) is not None:
        return [Reason("does-not-stand", "Another version stands in its place: give out that one.")]
    return []


def _shows_more_than_seen(document: Document, reading: Reading, own: Eyes) -> list[Reason]:
    """Nobody makes out a copy of what they may not see themselves."""
    origin = origin_of(document)
    unseen = [
        str(ConsentCategory(value).label).lower()
        for value in categories_of(document.snapshot)
        if value not in reading.withheld and not own.sees(ConsentCategory(value), origin)
    ]
    if not unseen:
        return []
    return [
        Reason(
            "unseen",
            f"The copy would show what is withheld from you ({', '.join(unseen)}): ask who wrote it to give it out.",
        )
    ]


def _hand_over(
    *,
    document: Document,
    episode: Episode,
    reading: Reading,
    name: str,
    part: str,
    medium: str,
    purpose: str,
    actor: User,
    request_key: uuid.UUID | None,
    now: datetime,
    reason: str = "",
) -> Disclosure:
    held = frozenset(categories_of(document.snapshot))
    shown = sorted(held.difference(reading.withheld))
    row = Disclosure.objects.create(
        clinic=episode.clinic,
        subject_id=episode.pk,
        what=document.title,
        document=document,
        rendition=ensure_rendition(document=document, reading=reading, actor=actor, now=now),
        receiver_name=name[:300],
        receiver_part=part,
        medium=medium,
        shown=shown,
        withheld=sorted(held.intersection(reading.withheld)),
        basis=DisclosureBasis.EMERGENCY if reason else reading.basis_of(shown),
        consents=sorted(reading.consents),
        purpose=purpose[:300],
        reason=reason,
        at=now,
        request_key=request_key,
        created_at=now,
        created_by=actor,
    )
    _log(row, episode, actor, now)
    return row


def _log(row: Disclosure, episode: Episode, actor: User, now: datetime) -> None:
    is_emergency = row.basis == DisclosureBasis.EMERGENCY
    record_event(
        episode=episode,
        kind="disclosure.emergency" if is_emergency else "disclosure.made",
        summary=f"{'Disclosed in an emergency' if is_emergency else 'Given out'}: {row.what} to {row.receiver_name}"[
            :300
        ],
        actor=actor,
        now=now,
        subject=row,
    )


def _ask_for_review(row: Disclosure, episode: Episode, *, now: datetime) -> None:
    """A manager looks at every emergency; the task says no word about the patient."""
    open_task(
        clinic=episode.clinic,
        key=f"emergency-disclosure:{row.pk}",
        kind="emergency-disclosure",
        title=f"Review an emergency disclosure by {row.created_by}",
        role=Role.MANAGER,
        detail=f"Episode {episode.public_id}",
        # What was opened and given out stands among the events of that person.
        url=reverse("administration:review-events"),
        due_at=now + timedelta(days=1),
        now=now,
    )
