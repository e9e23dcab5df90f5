"""Preparation sessions: kept as drafts, signed once, then added to."""

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction

from episodes.models import Episode
from episodes.services import record_event
from episodes.services.locking import lock_episode
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.scheduling.models import Appointment
from kapclinic.scheduling.services import complete_appointment
from sessions.models import PreparationAddendum, PreparationSession
from sessions.services.common import clock, made_before
from sessions.wording import INSTRUCTIONS


def save_preparation(
    *,
    episode: Episode,
    details: dict[str, Any],
    actor: User,
    note: PreparationSession | None = None,
    expected_version: int | None = None,
    appointment: Appointment | None = None,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> PreparationSession:
    """Make or change a draft. `details` holds the model's fields (`parts` goes into the body).

    Refuses impossible times, a signed note, and a draft that someone else has changed meanwhile.
    """
    now = clock(now)
    with transaction.atomic():
        episode = lock_episode(episode)
        known = made_before(PreparationSession, request_key)
        if known is not None and note is None:
            return known
        if note is None:
            note = PreparationSession(
                clinic=episode.clinic,
                episode=episode,
                therapist=actor,
                appointment=appointment,
                request_key=request_key,
                created_at=now,
                created_by=actor,
            )
        else:
            note = PreparationSession.objects.select_for_update(of=("self",)).get(pk=note.pk)
            refuse_if(_not_changeable(note, expected_version))
            note.version += 1
        values = dict(details)
        note.body = {"parts": values.pop("parts", {})}
        for name, value in values.items():
            setattr(note, name, value)
        refuse_if(_impossible(note, now))
        note.save()
        return note


def _not_changeable(note: PreparationSession, expected_version: int | None) -> list[Reason]:
    if note.is_struck:
        return [Reason("struck", "This note was marked as entered in error.")]
    if note.is_signed:
        return [Reason("signed", "This note is signed; write an addendum.")]
    if expected_version is not None and note.version != expected_version:
        return [
            Reason(
                "stale",
                "Someone changed this note while you wrote. Your text is still here: compare before saving.",
            )
        ]
    return []


def _impossible(note: PreparationSession, now: datetime) -> list[Reason]:
    found: list[Reason] = []
    if note.held_from > now:
        found.append(Reason("future", "The session has not begun yet.", field="held_from"))
    if note.held_until <= note.held_from:
        found.append(Reason("ends-before", "The end lies before the beginning.", field="held_until"))
    return found


def sign_preparation(
    *, note: PreparationSession, actor: User, expected_version: int | None = None, now: datetime | None = None
) -> PreparationSession:
    """Sign a draft: it counts as a completed preparation and is final. Signing twice changes nothing."""
    now = clock(now)
    with transaction.atomic():
        episode = lock_episode(note.episode)
        note = PreparationSession.objects.select_for_update(of=("self",)).get(pk=note.pk)
        if note.is_signed:
            return note
        refuse_if(_not_changeable(note, expected_version))
        refuse_if(_unready(note, actor, now))
        note.apply_signature(signer=actor, signed_at=now)
        note.save()
        if note.appointment is not None:
            complete_appointment(
                appointment=note.appointment,
                held_from=note.held_from,
                held_until=note.held_until,
                actor=actor,
                now=now,
            )
        record_event(
            episode=episode,
            kind="preparation.signed",
            summary="Preparation session held and signed",
            actor=actor,
            at=note.held_from,
            now=now,
            subject=note,
        )
        return note


def _unready(note: PreparationSession, actor: User, now: datetime) -> list[Reason]:
    found = _impossible(note, now)
    if actor.pk != note.therapist_id:
        found.append(Reason("not-author", "The therapist who held the session signs it."))
    if note.held_until > now:
        found.append(Reason("not-over", "A session is signed after its end.", field="held_until"))
    parts: dict[str, Any] = note.body.get("parts", {})
    if not any(entry.get("covered") for entry in parts.values()):
        found.append(Reason("no-part", "Mark at least one part that was covered."))
    if not note.intention.strip():
        found.append(Reason("no-intention", "Write down the intention.", field="intention"))
    if not note.safety_plan.strip():
        found.append(Reason("no-safety-plan", "Write down the safety plan.", field="safety_plan"))
    unknown = [key for key in note.instructions if key not in INSTRUCTIONS]
    if unknown:
        found.append(
            Reason("unknown-instruction", "Choose from the list of instructions.", field="instructions")
        )
    return found


def add_preparation_addendum(
    *, note: PreparationSession, text: str, actor: User, now: datetime | None = None
) -> PreparationAddendum:
    """Add to a signed note. The same text by the same person twice is one addendum."""
    now = clock(now)
    if not text.strip():
        raise Refused(Reason("no-text", "Write the addendum.", field="text"))
    with transaction.atomic():
        episode = lock_episode(note.episode)
        note = PreparationSession.objects.select_for_update(of=("self",)).get(pk=note.pk)
        if not note.is_signed:
            raise Refused(Reason("draft", "Drafts are changed, not added to."))
        same = note.addenda.filter(text=text.strip(), created_by=actor).first()
        if same is not None:
            return same
        addendum = PreparationAddendum.objects.create(
            clinic=episode.clinic, note=note, text=text.strip(), created_by=actor, created_at=now
        )
        record_event(
            episode=episode,
            kind="preparation.addendum",
            summary="Addendum to a preparation session",
            actor=actor,
            now=now,
            subject=note,
        )
        return addendum
