"""Situations of handoffs: written, signed, read."""

from datetime import datetime, timedelta
from typing import Any

from kapclinic.accounts.models import User
from kapclinic.handoffs.fields import FIELDS
from kapclinic.handoffs.models import OF_A_DOSE, Handoff, HandoffKind
from kapclinic.handoffs.services import acknowledge_handoff, amend_handoff, save_draft, sign_handoff
from sessions.models import DosingSession

TO_PRESCRIBER, TO_THERAPIST = HandoffKind.TO_PRESCRIBER, HandoffKind.TO_THERAPIST
COORDINATION, EMERGENCY = HandoffKind.COORDINATION, HandoffKind.EMERGENCY


def words(kind: str, **changes: str) -> dict[str, str]:
    """Text in every required field."""
    return {
        **{field.key: f"Words on {field.title.lower()}." for field in FIELDS[kind] if field.is_required},
        **changes,
    }


def author_of(room: Any, kind: str) -> User:
    return room.prescriber if kind == TO_THERAPIST else room.therapist


def reader_of(room: Any, kind: str) -> User:
    return room.therapist if kind == TO_THERAPIST else room.prescriber


def draft(room: Any, kind: str, *, version: int = 0, now: datetime | None = None, **changes: str) -> Handoff:
    """A draft of `kind` about the room's session, or its episode."""
    return save_draft(
        session=room.session if kind in OF_A_DOSE else None,
        episode=room.episode,
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


def amended(first: Handoff, *, at: datetime | None = None, **changes: str) -> Handoff:
    """The next edition of a signed handoff, signed by the same person; an hour after it, unless said."""
    assert first.signed_at is not None
    assert first.signed_by is not None
    at, author = at or first.signed_at + timedelta(hours=1), first.signed_by
    new = amend_handoff(handoff=first, reason="Corrected.", actor=author, now=at)
    kept = save_draft(
        kind=new.kind, session=new.session, episode=new.episode, body={**new.body, **changes}, version=new.version,
        actor=author, now=at,
    )  # fmt: skip
    return sign_handoff(handoff=kept, version=kept.version, actor=author, now=at)


def read(room: Any, kind: str, *, now: datetime | None = None, **changes: str) -> Handoff:
    """A handoff of `kind` that its reader has acknowledged."""
    handoff = signed(room, kind, now=now, **changes)
    at = (handoff.signed_at or room.start) + timedelta(minutes=5)
    acknowledge_handoff(handoff=handoff, actor=reader_of(room, kind), now=at)
    return handoff


def read_before(room: Any) -> Handoff:
    """The handoff before the room's dose, read three days before it."""
    return read(room, TO_PRESCRIBER, now=room.start - timedelta(days=3))


def come_again(room: Any) -> DosingSession:
    """The next visit, four days later, recorded when it begins."""
    begins = room.start + timedelta(days=4)
    session: DosingSession = room.plan(
        planned_at=begins, planned_until=begins + timedelta(hours=3), now=begins
    )
    return session
