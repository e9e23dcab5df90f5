"""How rooms above follow what is changed here without being imported: they register functions from `AppConfig.ready`."""

from collections.abc import Callable
from datetime import datetime

from kapclinic.clinics.models import Room

RoomListener = Callable[[Room, datetime], None]
_room_listeners: list[RoomListener] = []


def on_room(listener: RoomListener) -> None:
    """`listener(room, now)` runs in the transaction that adds a room or changes its use; it must not refuse."""
    if listener not in _room_listeners:
        _room_listeners.append(listener)


def tell_room(room: Room, now: datetime) -> None:
    """Run the listeners of rooms."""
    for listener in _room_listeners:
        listener(room, now)
