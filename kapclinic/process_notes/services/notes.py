"""Writing process notes. No event is put on the episode: nobody but the author is told that there is a note."""

from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from episodes.models import Episode
from episodes.services.locking import lock_episode
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.documents.notes import NoteState
from kapclinic.process_notes.models import ProcessNote, ProcessNoteAddendum

MOST_CHARACTERS = 100_000
"""Of one text; about forty pages. A longer one is pasted by mistake (POLICY)."""


def locked(note: ProcessNote) -> ProcessNote:
    """The note, locked behind its episode until the transaction ends, freshly read."""
    episode = lock_episode(note.episode)
    fresh = ProcessNote.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=note.pk)
    fresh.episode = episode
    return fresh


def _text_reasons(text: str) -> list[Reason]:
    if not text.strip():
        return [Reason("no-text", "Write the note.", field="text")]
    if len(text) > MOST_CHARACTERS:
        return [Reason("too-long", f"At most {MOST_CHARACTERS:,} characters.", field="text")]
    return []


def _day_reasons(about_on: date, note_clinic_day: date) -> list[Reason]:
    if about_on > note_clinic_day:
        return [Reason("later-day", "The day of the session lies in the future.", field="about_on")]
    return []


def _refuse_others(note: ProcessNote, actor: User) -> None:
    if note.created_by_id != actor.pk or note.holder_id != actor.pk:
        raise Refused(Reason("not-yours", "Only its author writes in a process note."))


def create_note(
    *,
    episode: Episode,
    about_on: date,
    text: str,
    actor: User,
    request_key: UUID | None = None,
    now: datetime | None = None,
) -> ProcessNote:
    """A new draft of the actor's. `about_on` is a day of the clinic's; the same `request_key` again makes no second."""
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        if request_key is not None:
            known = (
                ProcessNote.objects.held_by(actor).filter(episode=episode, request_key=request_key).first()
            )
            if known is not None:
                return known
        today = now.astimezone(episode.clinic.zone).date()
        refuse_if([*_text_reasons(text), *_day_reasons(about_on, today)])
        return ProcessNote.objects.create(
            clinic=episode.clinic, episode=episode, holder=actor, about_on=about_on, text=text, saved_at=now,
            created_at=now, created_by=actor, request_key=request_key,
        )  # fmt: skip


def save_note(
    *, note: ProcessNote, version: int, about_on: date, text: str, actor: User, now: datetime | None = None
) -> ProcessNote:
    """Save the draft over the `version` that the writer saw; raises Refused ("changed") when another tab saved meanwhile."""
    now = now or timezone.now()
    with transaction.atomic():
        note = locked(note)
        _refuse_others(note, actor)
        if note.is_signed:
            raise Refused(Reason("signed", "It is signed; write an addendum."))
        if (text, about_on) == (note.text, note.about_on):
            return note
        if version != note.version:
            raise Refused(
                Reason(
                    "changed", "This note was saved in another window meanwhile. Both texts are shown here."
                )
            )
        today = now.astimezone(note.clinic.zone).date()
        refuse_if([*_text_reasons(text), *_day_reasons(about_on, today)])
        note.text, note.about_on, note.saved_at = text, about_on, now
        note.version += 1
        note.save(update_fields=["text", "about_on", "saved_at", "version"])
        return note


def sign_note(*, note: ProcessNote, version: int, actor: User, now: datetime | None = None) -> ProcessNote:
    """Close the note: from now on there are addenda only. Twice changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        note = locked(note)
        _refuse_others(note, actor)
        if note.is_signed:
            return note
        if note.is_struck:
            raise Refused(Reason("struck", "It was entered in error."))
        if version != note.version:
            raise Refused(
                Reason(
                    "changed", "This note was saved in another window meanwhile. Both texts are shown here."
                )
            )
        note.state, note.signed_at, note.seal = NoteState.SIGNED, now, note.hash_now()
        note.save(update_fields=["state", "signed_at", "seal"])
        return note


def strike_note(*, note: ProcessNote, actor: User, now: datetime | None = None) -> ProcessNote:
    """Mark it as entered in error; it stays with its author, and releases of it end. Twice changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        note = locked(note)
        _refuse_others(note, actor)
        if not note.is_struck:
            note.struck_at = now
            note.save(update_fields=["struck_at"])
        return note


def add_addendum(
    *, note: ProcessNote, text: str, actor: User, addendum_id: UUID | None = None, now: datetime | None = None
) -> ProcessNoteAddendum:
    """Add text to a signed note; the same `addendum_id` again is the one that is there."""
    now = now or timezone.now()
    refuse_if(_text_reasons(text))
    with transaction.atomic():
        note = locked(note)
        _refuse_others(note, actor)
        if not note.is_signed:
            raise Refused(Reason("draft", "The note is a draft: change it instead."))
        if addendum_id is not None:
            known = ProcessNoteAddendum.objects.filter(pk=addendum_id).first()
            if known is not None and known.note_id == note.pk:
                return known
            if known is not None:
                raise Refused(Reason("again", "Reload the page and try again."))
        fields = {} if addendum_id is None else {"id": addendum_id}
        addendum = ProcessNoteAddendum(
            **fields, clinic=note.clinic, note=note, created_at=now, created_by=actor
        )
        addendum.text = text
        addendum.save(force_insert=True)
        return addendum
