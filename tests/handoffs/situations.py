"""Situations of handoffs: written, signed, read."""

from datetime import datetime, timedelta
from typing import Any

from kapclinic.accounts.models import User
from kapclinic.handoffs.fields import FIELDS
from kapclinic.handoffs.models import Handoff, HandoffKind
from kapclinic.handoffs.services import save_draft, sign_handoff

TO_PRESCRIBER, TO_THERAPIST = HandoffKind.TO_PRESCRIBER, HandoffKind.TO_THERAPIST


def words(kind: str, **changes: str) -> dict[str, str]:
    """Text in every required field."""
    return {
        **{field.key: f"Words on {field.title.lower()}." for field in FIELDS[kind] if field.is_required},
        **changes,
    }


def author_of(room: Any, kind: str) -> User:
    return room.therapist if kind == TO_PRESCRIBER else room.prescriber


def reader_of(room: Any, kind: str) -> User:
    return room.prescriber if kind == TO_PRESCRIBER else room.therapist


def draft(room: Any, kind: str, *, version: int = 0, now: datetime | None = None, **changes: str) -> Handoff:
    """A draft of `kind` about the room's session."""
    return save_draft(
        session=room.session,
        kind=kind,
        body=words(kind, **changes),
        version=version,
        actor=author_of(room, kind),
        now=now or room.start,
    )


def signed(room: Any, kind: str, *, now: datetime | None = None, **changes: str) -> Handoff:
    """A signed handoff of `kind` about the room's session."""
    at = now or room.start + timedelta(minutes=90)
    written = draft(room, kind, now=at, **changes)
    return sign_handoff(handoff=written, version=written.version, actor=author_of(room, kind), now=at)
