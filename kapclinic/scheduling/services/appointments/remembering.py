"""What a person changed by hand is remembered, so that it can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kapclinic.accounts.models import User
from kapclinic.scheduling.models import Appointment, HandChange


def spot_of(appointment: Appointment) -> dict[str, Any]:
    """Where an appointment lies, with whom, and what the patient knows of it, as a `HandChange` keeps it."""
    return {
        "starts_at": appointment.starts_at.isoformat(),
        "ends_at": appointment.ends_at.isoformat(),
        "people": _keys(appointment.taken_people),
        "shared": _keys(appointment.shared_people),
        "room": None if appointment.room is None else str(appointment.room.pk),
        "place": appointment.place,
        "outside_reason": appointment.outside_reason,
        "flag_reason": appointment.flag_reason,
        "state": appointment.state,
        "told_at": None if appointment.told_at is None else appointment.told_at.isoformat(),
        "told_by": None if appointment.told_by_id is None else str(appointment.told_by_id),
        "told_how": appointment.told_how,
    }


def _keys(people: Sequence[tuple[Any, str]]) -> list[list[str]]:
    return [[str(person.pk), part] for person, part in people]


def remember(
    what: HandChange.What,
    appointment: Appointment,
    before: dict[str, Any],
    *,
    actor: User | None,
    now: datetime,
) -> None:
    """Keep what a person did to `appointment`, as it stands now; what the program did is nobody's to undo."""
    if actor is None:
        return
    HandChange.objects.create(
        clinic=appointment.clinic,
        appointment=appointment,
        what=what,
        sequence=appointment.sequence,
        before=before,
        created_at=now,
        created_by=actor,
    )
