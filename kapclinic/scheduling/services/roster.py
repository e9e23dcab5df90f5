"""Working hours, own limits, extra hours, time off, closed rooms, holidays. An absence never fails, and cancels nothing."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic, Room
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.scheduling import hooks
from kapclinic.scheduling.limits import LONGEST_BUFFER_MINUTES, MOST_SESSIONS_OF_A_DAY
from kapclinic.scheduling.models import (
    ClinicHoliday,
    ExtraHours,
    HoursPlace,
    PlanningLimits,
    RoomClosure,
    RosterRow,
    TimeOff,
    WorkingHours,
)


def add_working_hours(
    *,
    clinic: Clinic,
    person: User,
    weekday: int,
    starts_at: time,
    ends_at: time,
    valid_from: date,
    actor: User,
    valid_until: date | None = None,
    place: str = HoursPlace.EITHER,
    now: datetime | None = None,
) -> WorkingHours:
    """Weekly hours on the clinic's clock; the same row again is the one that is there. Raises Refused for a reversed span."""
    weekly_or_refuse(starts_at, ends_at, valid_from, valid_until)
    row: WorkingHours = _recorded(
        WorkingHours,
        lock=person,
        actor=actor,
        now=now,
        clinic=clinic,
        person=person,
        weekday=weekday,
        starts_at=starts_at,
        ends_at=ends_at,
        place=place,
        valid_from=valid_from,
        valid_until=valid_until,
    )
    return row


def end_working_hours(
    *, row: WorkingHours, last_day: date, actor: User, now: datetime | None = None
) -> WorkingHours:
    """Let weekly hours end with `last_day`; hours that would end before they begin are taken back instead."""
    now = now or timezone.now()
    with transaction.atomic():
        row = WorkingHours.objects.select_for_update().get(pk=row.pk)
        if row.withdrawn_at is not None:
            return row
        if last_day < row.valid_from:
            ended: WorkingHours = withdraw_roster_row(row=row, actor=actor, now=now)
            return ended
        if row.valid_until is None or last_day < row.valid_until:
            row.valid_until = last_day
            row.save(update_fields=["valid_until"])
            hooks.tell_roster(row, now)
        return row


def add_extra_hours(
    *,
    clinic: Clinic,
    person: User,
    starts_at: datetime,
    ends_at: datetime,
    actor: User,
    place: str = HoursPlace.EITHER,
    now: datetime | None = None,
) -> ExtraHours:
    """Working time on one occasion; the same again is the one that is there."""
    row: ExtraHours = _add_span(
        ExtraHours, person, starts_at, ends_at, actor, now, clinic=clinic, person=person, place=place
    )
    return row


def add_time_off(
    *,
    clinic: Clinic,
    person: User,
    starts_at: datetime,
    ends_at: datetime,
    actor: User,
    kind: str = TimeOff.Kind.AWAY,
    now: datetime | None = None,
) -> TimeOff:
    """Time in which a person is away; bookings in it stay until somebody moves them, and a repair is looked for."""
    row: TimeOff = _add_span(
        TimeOff, person, starts_at, ends_at, actor, now, clinic=clinic, person=person, kind=kind
    )
    return row


def close_room(
    *,
    room: Room,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    actor: User,
    now: datetime | None = None,
) -> RoomClosure:
    """Time in which a room cannot be used; bookings in it stay until somebody moves them, and a repair is looked for.

    The same again is the one that is there. Raises Refused for a reversed span or without a reason.
    """
    if not reason.strip():
        raise Refused(Reason("no-reason", "Say why the room is closed.", field="reason"))
    row: RoomClosure = _add_span(
        RoomClosure,
        room,
        starts_at,
        ends_at,
        actor,
        now,
        clinic=room.clinic,
        room=room,
        reason=reason.strip(),
    )
    return row


def add_holiday(
    *, clinic: Clinic, on: date, name: str, actor: User, now: datetime | None = None
) -> ClinicHoliday:
    """A day on which the clinic is closed. Raises Refused when the day has one."""
    now = now or timezone.now()
    if not name.strip():
        raise Refused(Reason("no-name", "Give the day a name.", field="name"))
    try:
        with transaction.atomic():
            row = ClinicHoliday.objects.create(
                clinic=clinic, on=on, name=name.strip(), created_at=now, created_by=actor
            )
            hooks.tell_roster(row, now)
            return row
    except IntegrityError as error:
        if "scheduling_holiday_once_a_day" not in str(error):
            raise
        raise Refused(Reason("has-one", "That day is a holiday already.", field="on")) from error


def withdraw_roster_row(*, row: Any, actor: User, now: datetime | None = None) -> Any:
    """Take a row of a roster back; it stays in the history. Twice changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        fresh, is_new = take_back(row, actor=actor, now=now)
        if is_new:
            hooks.tell_roster(fresh, now)
        return fresh


def take_back(row: Any, *, actor: User, now: datetime) -> tuple[Any, bool]:
    """The row, freshly read and taken back, and whether it stood until now; in the caller's transaction."""
    fresh: RosterRow = type(row).objects.select_for_update().get(pk=row.pk)
    stood = fresh.withdrawn_at is None
    if stood:
        fresh.withdrawn_at, fresh.withdrawn_by = now, actor
        fresh.save(update_fields=["withdrawn_at", "withdrawn_by"])
    return fresh, stood


def _add_span(
    model: Any,
    lock: Any,
    starts_at: datetime,
    ends_at: datetime,
    actor: User,
    now: datetime | None,
    **more: Any,
) -> Any:
    span_or_refuse(starts_at, ends_at)
    return _recorded(model, lock=lock, actor=actor, now=now, starts_at=starts_at, ends_at=ends_at, **more)


def _recorded(model: Any, *, lock: Any, actor: User, now: datetime | None, **what: Any) -> Any:
    """The row, as `add_once` makes it, and the rooms above know of it."""
    now = now or timezone.now()
    with transaction.atomic():
        row = add_once(model, lock=lock, actor=actor, now=now, **what)
        hooks.tell_roster(row, now)
        return row


def set_planning_limits(
    *,
    clinic: Clinic,
    person: User,
    actor: User,
    most_sessions_per_day: int | None = None,
    buffer_minutes: int | None = None,
    now: datetime | None = None,
) -> PlanningLimits:
    """A clinician's own limits in place of the clinic's; None takes the clinic's. Raises Refused out of bounds (limits.py)."""
    reasons = []
    if most_sessions_per_day is not None and not 1 <= most_sessions_per_day <= MOST_SESSIONS_OF_A_DAY:
        text = f"Between 1 and {MOST_SESSIONS_OF_A_DAY} sessions a day."
        reasons.append(Reason("most-sessions", text, field="most_sessions_per_day"))
    if buffer_minutes is not None and not 0 <= buffer_minutes <= LONGEST_BUFFER_MINUTES:
        text = f"Between 0 and {LONGEST_BUFFER_MINUTES} minutes."
        reasons.append(Reason("buffer", text, field="buffer_minutes"))
    refuse_if(reasons)
    now = now or timezone.now()
    with transaction.atomic():
        _lock(person)
        row = PlanningLimits.objects.filter(clinic=clinic, person=person).first()
        if row is None:
            row = PlanningLimits(clinic=clinic, person=person, created_at=now, created_by=actor)
        row.most_sessions_per_day, row.buffer_minutes = most_sessions_per_day, buffer_minutes
        row.save()
        hooks.tell_roster(row, now)
        return row


def weekly_or_refuse(starts_at: time, ends_at: time, valid_from: date, valid_until: date | None) -> None:
    """Raise Refused for weekly times, or days on which they are in force, that end before they begin."""
    reasons = []
    if ends_at <= starts_at and ends_at != time(0):
        reasons.append(Reason("reversed", "They end after they start (00:00 is midnight).", field="ends_at"))
    if valid_until is not None and valid_until < valid_from:
        reasons.append(Reason("validity", "The last day is not before the first.", field="valid_until"))
    refuse_if(reasons)


def span_or_refuse(starts_at: datetime, ends_at: datetime) -> None:
    """Raise Refused for a stretch that ends before it begins."""
    if ends_at <= starts_at:
        raise Refused(Reason("reversed", "It ends after it starts.", field="ends_at"))


def add_once(model: Any, *, lock: Any, actor: User, now: datetime | None, **same: Any) -> Any:
    """The standing row of `model` with the values `same`, made when there is none: two clicks at once make one row.

    `lock` is whose row it is.
    """
    with transaction.atomic():
        _lock(lock)
        known = model.objects.standing().filter(**same).first()
        return known or model.objects.create(**same, created_at=now or timezone.now(), created_by=actor)


def _lock(whose: Any) -> None:
    type(whose).objects.select_for_update().get(pk=whose.pk)
