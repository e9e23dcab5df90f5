"""Rooms of a clinic."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from kapclinic.accounts.models import User
from kapclinic.administration import hooks
from kapclinic.clinics.models import Clinic, Room, RoomKind
from kapclinic.clinics.refusals import Reason, Refused

_TAKEN = Reason("name-taken", "The clinic has a room of this name.", field="name")


def create_room(*, clinic: Clinic, name: str, kind: RoomKind | str, actor: User) -> Room:
    """Add a room; raises Refused when the name is taken."""
    try:
        with transaction.atomic():
            room = Room.objects.create(clinic=clinic, name=name.strip(), kind=kind, created_by=actor)
            hooks.tell_room(room, timezone.now())
            return room
    except IntegrityError as error:
        raise Refused(_TAKEN) from error


def change_room(*, room: Room, name: str, kind: RoomKind | str, is_active: bool) -> Room:
    """Rename a room, change its use, or take it out of use; what is booked in it stays booked."""
    try:
        with transaction.atomic():
            room = Room.objects.select_for_update(of=("self",)).get(pk=room.pk)
            has_same_use = (room.kind, room.is_active) == (kind, is_active)
            room.name, room.kind, room.is_active = name.strip(), kind, is_active
            room.save(update_fields=["name", "kind", "is_active"])
            if not has_same_use:
                hooks.tell_room(room, timezone.now())
            return room
    except IntegrityError as error:
        raise Refused(_TAKEN) from error
