"""A booking, a move or a cancellation that a person made is undone, while nothing was done to it since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Room
from kapclinic.clinics.refusals import Reason, refuse_if
from kapclinic.clinics.services import setting
from kapclinic.scheduling import hooks
from kapclinic.scheduling.checks import Proposal
from kapclinic.scheduling.clinical_settings import UNDO
from kapclinic.scheduling.models import Appointment, AppointmentState, HandChange
from kapclinic.scheduling.services.appointments.booking import move_appointment
from kapclinic.scheduling.services.appointments.checking import check, let_covers_in, making_way
from kapclinic.scheduling.services.appointments.participants import Person, update, write
from kapclinic.scheduling.services.appointments.progress import (
    cancel_appointment,
    flag_appointment,
    keep_told,
)
from kapclinic.scheduling.services.appointments.rows import lock_appointment, note
from kapclinic.scheduling.services.telling import follow_with_telling
from kapclinic.scheduling.wording import span_words

_BOOKING_UNDONE = "The booking was undone."
# What speaks against an old time (somebody is away, that is why it was moved) does not hinder undoing.
_PUT_BACK = "The change was undone."
_KNEW = (AppointmentState.TOLD, AppointmentState.ARRIVED)


@dataclass(frozen=True)
class Undoable:
    """A change that can be undone, until when, and whether the patient must hear of it."""

    change: HandChange
    until: datetime
    must_tell: bool


def undoable_change(appointment: Appointment, *, now: datetime) -> Undoable | None:
    """What a person did to `appointment` last, while it can be undone."""
    change = HandChange.objects.filter(appointment=appointment).select_related("created_by", "clinic").first()
    if change is None or change.undone_at is not None or _reasons(change, appointment, now=now):
        return None
    return Undoable(change, _until(change), must_tell=_told_since(change, appointment))


def undo_change(
    *,
    change: HandChange,
    actor: User,
    roles: frozenset[Role] = frozenset(),
    now: datetime | None = None,
) -> Appointment:
    """Put an appointment back to how it was before `change`. Twice changes nothing.

    What the patient knew before is known again, unless they were told of the change meanwhile: then the task to tell them
    follows. Raises Refused when it is too late, when the booking changed since, or when its old time is taken or over.
    """
    now = now or timezone.now()
    with transaction.atomic():
        appointment, episode = lock_appointment(change.appointment)
        change = HandChange.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=change.pk)
        if change.undone_at is not None:
            return appointment
        refuse_if(_reasons(change, appointment, now=now))
        match change.what:
            case HandChange.What.BOOKED:
                back = cancel_appointment(
                    appointment=appointment, reason=_BOOKING_UNDONE, actor=actor, is_undo=True, now=now
                )
            case HandChange.What.MOVED:
                back = _move_back(change, appointment, actor=actor, roles=roles, now=now)
            case _:
                back = _restore(change, appointment, episode, actor=actor, roles=roles, now=now)
        change.undone_at, change.undone_by = now, actor
        change.save(update_fields=["undone_at", "undone_by"])
        return back


def _until(change: HandChange) -> datetime:
    minutes: int = setting(change.clinic, UNDO)
    return change.created_at + timedelta(minutes=minutes)


def _told_since(change: HandChange, appointment: Appointment) -> bool:
    """The patient heard of the change, and nothing else was done to it."""
    if change.what == HandChange.What.CANCELLED:
        return appointment.is_cancellation_told and appointment.sequence == change.sequence
    return (
        appointment.state == AppointmentState.TOLD
        and appointment.sequence == change.sequence + 1
        and appointment.told_at is not None
        and appointment.told_at >= change.created_at
    )


def _reasons(change: HandChange, appointment: Appointment, *, now: datetime) -> list[Reason]:
    found: list[Reason] = []
    if now >= _until(change):
        found.append(
            Reason("too-late", "It is too late to undo this: move it, cancel it or book it anew instead.")
        )
    if appointment.sequence != change.sequence and not _told_since(change, appointment):
        words = span_words(appointment.span, appointment.clinic.time_zone)
        state = appointment.get_state_display().lower()
        found.append(Reason("changed", f"The booking has changed since: it is {state} {words}."))
    elif change.what != HandChange.What.BOOKED and _old_end(change) <= now:
        found.append(Reason("over", "Its old time has passed."))
    return found


def _old_end(change: HandChange) -> datetime:
    return datetime.fromisoformat(change.before["ends_at"])


def _people(rows: list[list[str]]) -> list[Person]:
    known = {str(person.pk): person for person in User.objects.filter(pk__in=[key for key, _ in rows])}
    return [(known[key], part) for key, part in rows]


def _move_back(
    change: HandChange, appointment: Appointment, *, actor: User, roles: frozenset[Role], now: datetime
) -> Appointment:
    before, told_since = change.before, _told_since(change, appointment)
    back = move_appointment(
        appointment=appointment,
        starts_at=datetime.fromisoformat(before["starts_at"]),
        ends_at=_old_end(change),
        people=_people(before["people"]),
        shared_people=_people(before["shared"]),
        room=None if before["room"] is None else Room.objects.get(pk=before["room"]),
        place=before["place"],
        reason=before["outside_reason"] or _PUT_BACK,
        roles=roles,
        actor=actor,
        is_undo=True,
        now=now,
    )
    if before["flag_reason"]:
        flag_appointment(appointment=back, reason=before["flag_reason"], now=now)
    if before["state"] == AppointmentState.TOLD and not told_since:
        back = keep_told(
            appointment=back,
            told_at=datetime.fromisoformat(before["told_at"]),
            told_by=User.objects.get(pk=before["told_by"]),
            told_how=before["told_how"],
            actor=actor,
            now=now,
        )
    return back


def _restore(
    change: HandChange,
    appointment: Appointment,
    episode: Any | None,
    *,
    actor: User,
    roles: frozenset[Role],
    now: datetime,
) -> Appointment:
    """A cancelled appointment is live again where it was, under the same key; its sequence goes on."""
    knew, heard = change.before["state"] in _KNEW, _told_since(change, appointment)
    people, shared, room = appointment.taken_people, appointment.shared_people, appointment.room
    proposal = Proposal(
        clinic=appointment.clinic,
        kind=appointment.kind,
        span=appointment.span,
        people=[person for person, _ in people],
        room=room,
        patient=None if episode is None else episode.patient,
        place=appointment.place,
        window=appointment.window,
        leave_out=(appointment.pk,),
        shared=shared,
    )
    with making_way(proposal, episode, now=now) as proposal:
        passed = check(proposal, episode, reason=_PUT_BACK, roles=roles, actor=actor, now=now)
        if "outside-window" in passed and not appointment.outside_reason:
            appointment.outside_reason = _PUT_BACK
        appointment.state = AppointmentState.HELD if heard else change.before["state"]
        if heard:
            appointment.told_at, appointment.told_by, appointment.told_how = None, None, ""
        appointment.cancel_reason = ""
        appointment.ended_state_at, appointment.ended_state_by = None, None
        appointment.sequence += 1
        write(
            lambda: update(appointment, people=people, shared=shared, room=room, actor=actor, now=now),
            proposal,
        )
        note(appointment, "restored", actor=actor, now=now, passed=passed, reason=_PUT_BACK)
        let_covers_in(appointment, people, now=now)
        follow_with_telling(appointment, was_told=knew, now=now)
        before = {"state": AppointmentState.CANCELLED}
        hooks.tell(hooks.Change("restored", appointment, actor, now, before))
    return appointment
