"""The changes of a proposal: how one is written down, checked against what stands now, done, and put back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from episodes.models import Episode
from episodes.services.locking import lock_episode
from integration.models import IntegrationNeed
from integration.services.planning.applying import book_for, lock_needs
from integration.services.planning.gathering import Gathered
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Room
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.scheduling.models import Appointment, Part
from kapclinic.scheduling.planner import Placement
from kapclinic.scheduling.services import keep_told, lock_resources, move_appointment

Change = dict[str, Any]
Spot = dict[str, Any]


def change_of(found: Gathered, placement: Placement, why: str) -> Change:
    """The change that brings a session to its placement."""
    booking = found.bookings.get(placement.session)
    return {
        "need": placement.session,
        "appointment": None if booking is None else str(booking.pk),
        "sequence": None if booking is None else booking.sequence,
        "why": why,
        "before": None if booking is None else spot_of(booking),
        "after": {
            "starts_at": placement.starts_at.isoformat(),
            "ends_at": placement.ends_at.isoformat(),
            "person": placement.clinician,
            "room": placement.room,
            "place": placement.place.value,
            "told": False,
        },
    }


def room_change(appointment: Appointment, room: Room, why: str) -> Change:
    """The change that brings an appointment into another room at the same time."""
    before = spot_of(appointment)
    return {
        "need": None,
        "appointment": str(appointment.pk),
        "sequence": appointment.sequence,
        "why": why,
        "before": before,
        "after": {**before, "room": str(room.pk)},
    }


def key_of(change: Change) -> str:
    """What a change is chosen by: its need, or its appointment where no need is served."""
    key: str = change["need"] or change["appointment"]
    return key


def spot_of(booking: Appointment) -> Spot:
    """Where a booking lies now, and what the patient knows of it."""
    return {
        "starts_at": booking.starts_at.isoformat(),
        "ends_at": booking.ends_at.isoformat(),
        "person": None if booking.lead is None else str(booking.lead.pk),
        "room": None if booking.room is None else str(booking.room.pk),
        "place": booking.place,
        "told": booking.is_told,
        "told_at": None if booking.told_at is None else booking.told_at.isoformat(),
        "told_by": None if booking.told_by_id is None else str(booking.told_by_id),
        "told_how": booking.told_how,
    }


class Locked:
    """What a set of changes is about, locked in one order and freshly read: episodes, people, rooms and patients, needs."""

    def __init__(self, changes: Collection[Change], *, also: Iterable[UUID | str] = ()) -> None:
        keys = [change["need"] for change in changes if change["need"] is not None]
        bare = [change["appointment"] for change in changes if change["need"] is None]
        appointments = Appointment.objects.filter(pk__in=[*bare, *also]).select_related("episode__patient")
        episodes: dict[UUID, Episode] = {
            need.episode_id: need.episode
            for need in IntegrationNeed.objects.filter(pk__in=keys).select_related("episode__patient")
        }
        episodes |= {each.episode.pk: each.episode for each in appointments if each.episode is not None}
        for key in sorted(episodes):
            lock_episode(episodes[key])
        spots = [spot for change in changes for spot in (change["before"], change["after"]) if spot]
        taken = [spot[what] for spot in spots for what in ("person", "room") if spot[what]]
        lock_resources([*taken, *(each.patient_id for each in episodes.values())])
        self._needs: Mapping[str, IntegrationNeed] = lock_needs(keys)
        self.moving = [UUID(change["appointment"]) for change in changes if change["appointment"]]

    def need(self, change: Change) -> IntegrationNeed | None:
        """The need of a change, if it has one."""
        return None if change["need"] is None else self._needs[change["need"]]

    def booking(self, change: Change) -> Appointment | None:
        """The live booking that a change is about, as it stands now."""
        need = self.need(change)
        if need is not None:
            return need.live_appointment
        return Appointment.objects.live().with_participants().filter(pk=change["appointment"]).first()

    def refresh(self) -> None:
        """Read the needs anew: a dose has moved, and their windows with it."""
        self._needs = lock_needs(self._needs)


def still_as_seen(locked: Locked, change: Change, which: str) -> None:
    """Raise Refused (`changed`) when the booking is not the one, at the `sequence` under `which`, that was shown."""
    booking = locked.booking(change)
    seen = (change["appointment"], change[which])
    now_is = (None, None) if booking is None else (str(booking.pk), booking.sequence)
    if seen == now_is:
        return
    need = locked.need(change)
    episode = booking.episode if need is None and booking is not None else getattr(need, "episode", None)
    whose = "One of them" if episode is None else str(episode.patient)
    raise Refused(
        Reason("changed", f"{whose}: the booking has changed since this plan was shown. Look for a new plan.")
    )


def go(
    locked: Locked,
    change: Change,
    spot: Spot,
    *,
    reason: str,
    actor: User,
    roles: frozenset[Role],
    now: datetime,
) -> Appointment:
    """Book or move the session of a change to `spot`. Raises Refused for what stands against it and `reason` does not pass."""
    need, booking = locked.need(change), locked.booking(change)
    room = None if spot["room"] is None else Room.objects.get(pk=spot["room"])
    beside = [key for key in locked.moving if booking is None or key != booking.pk]
    common: dict[str, Any] = {
        "room": room,
        "beside": beside,
        "reason": reason,
        "actor": actor,
        "roles": roles,
        "now": now,
    }
    if need is None:
        assert booking is not None, "it was seen as it was shown"
        return move_appointment(appointment=booking, **common)
    common |= {
        "starts_at": datetime.fromisoformat(spot["starts_at"]),
        "ends_at": datetime.fromisoformat(spot["ends_at"]),
        "people": [(User.objects.get(pk=spot["person"]), Part.THERAPIST)],
        "place": spot["place"],
        "window": need.window,
    }
    if booking is None:
        return book_for(need, **common)
    return move_appointment(appointment=booking, **common)


def tell_again(booking: Appointment, before: Spot, *, actor: User, now: datetime) -> None:
    """What the patient knew before is known again, where it was put back before they heard of another time."""
    if before["told"]:
        keep_told(
            appointment=booking,
            told_at=datetime.fromisoformat(before["told_at"]),
            told_by=User.objects.get(pk=before["told_by"]),
            told_how=before["told_how"],
            actor=actor,
            now=now,
        )
