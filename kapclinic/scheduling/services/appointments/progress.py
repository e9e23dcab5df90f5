"""What becomes of an appointment: the patient is told, comes or does not, it is held, cancelled, or flagged where it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from episodes import guards
from episodes.guards import GuardContext
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.notices.services import close_task
from kapclinic.scheduling import hooks
from kapclinic.scheduling.models import Appointment, AppointmentState, HandChange, ToldHow
from kapclinic.scheduling.services.appointments.remembering import remember, spot_of
from kapclinic.scheduling.services.appointments.rows import live_or_refuse, lock_appointment, note
from kapclinic.scheduling.services.telling import follow_with_telling, task_key
from kapclinic.scheduling.spans import Span


def cancel_appointment(
    *,
    appointment: Appointment,
    reason: str,
    actor: User | None,
    is_undo: bool = False,
    now: datetime | None = None,
) -> Appointment:
    """Cancel with a reason; what it served is open again. Twice changes nothing.

    A cancellation that undoes a booking (`is_undo`) is not offered to be undone itself.
    """
    now = now or timezone.now()
    if not reason.strip():
        raise Refused(Reason("no-reason", "Say why it is cancelled.", field="reason"))
    with transaction.atomic():
        appointment, episode = lock_appointment(appointment)
        if appointment.state == AppointmentState.CANCELLED:
            return appointment
        live_or_refuse(appointment)
        if episode is not None and actor is not None:
            guards.check(
                GuardContext(action="appointment.cancel", episode=episode, now=now, subject=appointment)
            )
        was_there = spot_of(appointment)
        appointment.cancel_reason = reason.strip()
        ended = _end(appointment, AppointmentState.CANCELLED, "cancelled", actor=actor, now=now)
        if not is_undo:
            remember(HandChange.What.CANCELLED, ended, was_there, actor=actor, now=now)
        return ended


def mark_told(
    *, appointment: Appointment, how: str, reached: bool, actor: User, now: datetime | None = None
) -> Appointment:
    """Record that the patient was told this time (`reached`), or that somebody tried.

    For a cancelled appointment: that the patient knows. Raises Refused for one that ended otherwise.
    """
    now = now or timezone.now()
    if how not in ToldHow.values:
        raise Refused(Reason("no-how", "Say how the patient was told.", field="how"))
    with transaction.atomic():
        appointment, _episode = lock_appointment(appointment)
        if appointment.state == AppointmentState.CANCELLED and reached:
            if not appointment.is_cancellation_told:
                appointment.told_at, appointment.told_by, appointment.told_how = now, actor, how
                appointment.save(update_fields=["told_at", "told_by", "told_how"])
                note(appointment, "cancellation told", actor=actor, now=now, data={"how": how})
            close_task(key=task_key(appointment), actor=actor, outcome="Told that it is cancelled", now=now)
            return appointment
        live_or_refuse(appointment)
        if not reached:
            note(appointment, "not reached", actor=actor, now=now, data={"how": how})
            hooks.tell(hooks.Change("not reached", appointment, actor, now))
            return appointment
        if appointment.state != AppointmentState.HELD:
            return appointment
        before = {"state": appointment.state}
        appointment.state = AppointmentState.TOLD
        appointment.told_at, appointment.told_by, appointment.told_how = now, actor, how
        appointment.sequence += 1
        appointment.save()
        note(appointment, "told", actor=actor, now=now, data={"how": how})
        follow_with_telling(appointment, was_told=True, now=now)
        hooks.tell(hooks.Change("told", appointment, actor, now, before))
        return appointment


def mark_arrived(*, appointment: Appointment, actor: User, now: datetime | None = None) -> Appointment:
    """The patient is here. Twice changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        appointment, _episode = lock_appointment(appointment)
        if appointment.state == AppointmentState.ARRIVED:
            return appointment
        live_or_refuse(appointment)
        before = {"state": appointment.state}
        appointment.state = AppointmentState.ARRIVED
        appointment.arrived_at = now
        appointment.sequence += 1
        appointment.save()
        note(appointment, "arrived", actor=actor, now=now)
        follow_with_telling(appointment, was_told=True, now=now)
        hooks.tell(hooks.Change("arrived", appointment, actor, now, before))
        return appointment


def mark_no_show(*, appointment: Appointment, actor: User, now: datetime | None = None) -> Appointment:
    """The patient did not come. Refused before the appointment has begun; twice changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        appointment, _episode = lock_appointment(appointment)
        if appointment.state == AppointmentState.NO_SHOW:
            return appointment
        live_or_refuse(appointment)
        if now < appointment.starts_at:
            raise Refused(Reason("too-early", "It has not begun yet: cancel it instead."))
        return _end(appointment, AppointmentState.NO_SHOW, "no-show", actor=actor, now=now)


def complete_appointment(
    *,
    appointment: Appointment,
    held_from: datetime,
    held_until: datetime,
    actor: User | None,
    now: datetime | None = None,
) -> Appointment:
    """Record that it took place, with its real start and end. Twice changes nothing."""
    now = now or timezone.now()
    refuse_if(held_time_reasons(held_from, held_until, now=now))
    with transaction.atomic():
        appointment, _episode = lock_appointment(appointment)
        if appointment.state == AppointmentState.COMPLETED:
            return appointment
        live_or_refuse(appointment)
        appointment.held_from, appointment.held_until = held_from, held_until
        return _end(appointment, AppointmentState.COMPLETED, "completed", actor=actor, now=now)


def held_time_reasons(held_from: datetime, held_until: datetime, *, now: datetime) -> list[Reason]:
    """Why recorded times cannot be: reversed, or not over yet."""
    found: list[Reason] = []
    if held_until <= held_from:
        found.append(Reason("reversed", "It ends after it starts.", field="held_until"))
    if held_until > now:
        found.append(Reason("not-over", "It has not ended yet.", field="held_until"))
    return found


def flag_appointment(*, appointment: Appointment, reason: str, now: datetime | None = None) -> Appointment:
    """Mark a booking that something moved away from under; it stays where it is."""
    now = now or timezone.now()
    with transaction.atomic():
        appointment, _episode = lock_appointment(appointment)
        if appointment.is_live and (appointment.flagged_at is None or appointment.flag_reason != reason):
            appointment.flagged_at, appointment.flag_reason = now, reason[:300]
            appointment.save(update_fields=["flagged_at", "flag_reason"])
            note(appointment, "flagged", actor=None, now=now)
        return appointment


def keep_told(
    *,
    appointment: Appointment,
    told_at: datetime,
    told_by: User,
    told_how: str,
    actor: User,
    now: datetime | None = None,
) -> Appointment:
    """A held time is again the one that the patient was told then: a plan was undone before they heard of another."""
    now = now or timezone.now()
    with transaction.atomic():
        appointment, _episode = lock_appointment(appointment)
        if appointment.state == AppointmentState.HELD:
            appointment.state = AppointmentState.TOLD
            appointment.told_at, appointment.told_by, appointment.told_how = told_at, told_by, told_how
            appointment.sequence += 1
            appointment.save()
            note(appointment, "known again", actor=actor, now=now)
            follow_with_telling(appointment, was_told=True, now=now)
        return appointment


def rewindow_appointment(
    *, appointment: Appointment, window: Span, flag: str = "", now: datetime | None = None
) -> Appointment:
    """Keep another window beside a live booking without moving it; `flag` says why it does not lie well there.

    An empty `flag` clears an older flag. Raises Refused when the booking lies outside and nothing says why.
    """
    now = now or timezone.now()
    with transaction.atomic():
        appointment, _episode = lock_appointment(appointment)
        if not appointment.is_live:
            return appointment
        if not flag and not appointment.outside_reason and not window.covers(appointment.span):
            raise Refused(Reason("outside-window", "It lies outside its window."))
        appointment.window_opens_at, appointment.window_closes_at = window.starts_at, window.ends_at
        if flag != appointment.flag_reason:
            appointment.flagged_at, appointment.flag_reason = (now, flag[:300]) if flag else (None, "")
            if flag:
                note(appointment, "flagged", actor=None, now=now)
        appointment.save(update_fields=["window_opens_at", "window_closes_at", "flagged_at", "flag_reason"])
        return appointment


def _end(
    appointment: Appointment, state: AppointmentState, what: str, *, actor: User | None, now: datetime
) -> Appointment:
    before: dict[str, Any] = {"state": appointment.state, "told": appointment.is_told}
    appointment.state = state
    appointment.ended_state_at = now
    appointment.ended_state_by = actor
    appointment.sequence += 1
    appointment.save()
    note(appointment, what, actor=actor, now=now)
    follow_with_telling(appointment, was_told=before["told"], now=now)
    hooks.tell(hooks.Change(what, appointment, actor, now, before))
    return appointment
