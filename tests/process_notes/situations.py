"""Process notes in the states that tests need."""

from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from episodes.models import Episode
from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.process_notes.models import ProcessNote, ProcessNoteRelease, ProcessNoteTransfer
from kapclinic.process_notes.services import create_note, release_note, sign_note, start_transfer

TEXT = "What the made-up heron meant to me."


def write(
    episode: Episode, author: User, *, text: str = TEXT, signed: bool = False, now: datetime | None = None
) -> ProcessNote:
    """A note of the author's, a draft unless `signed`."""
    now = now or timezone.now()
    day = now.astimezone(episode.clinic.zone).date()
    note = create_note(episode=episode, about_on=day, text=text, actor=author, now=now)
    return sign_note(note=note, version=note.version, actor=author, now=now) if signed else note


def authorization(day: date, **changes: Any) -> dict[str, Any]:
    """What the patient signed on `day`, for a year."""
    return {
        "purpose": "second opinion",
        "authorized_by_name": "Mei Demo",
        "representative_authority": "",
        "authorized_on": day,
        "expires_on": day + timedelta(days=365),
        "is_separate": True,
        **changes,
    }


def release(
    note: ProcessNote, receiver: User, *, now: datetime | None = None, **changes: Any
) -> ProcessNoteRelease:
    """The note, released to the receiver by whoever holds it."""
    now = now or timezone.now()
    day = now.astimezone(note.clinic.zone).date()
    return release_note(
        note=note, receiver=receiver, details=authorization(day, **changes), actor=note.holder, now=now
    )


def hand_over(author: User, custodian: User, clinic: Clinic, manager: User) -> ProcessNoteTransfer:
    """A transfer that waits for its custodian."""
    return start_transfer(
        clinic=clinic, author=author, custodian=custodian, reason="left in May", actor=manager
    )
