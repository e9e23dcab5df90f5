"""Working hours, time off and bookings of people and rooms as the planner's pure inputs, in a bounded number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import time
from typing import Any
from uuid import UUID

from kapclinic.clinics.models import Clinic, Room
from kapclinic.clinics.services import settings_for
from kapclinic.scheduling import hours
from kapclinic.scheduling.clinical_settings import BUFFER, MOST_SESSIONS
from kapclinic.scheduling.limits import Limits
from kapclinic.scheduling.models import (
    AppointmentParticipant,
    ClinicHoliday,
    ExtraHours,
    PlanningLimits,
    RoomClosure,
    TimeOff,
    WorkingHours,
)
from kapclinic.scheduling.models.roster import WeeklyRow
from kapclinic.scheduling.spans import Span

MIDNIGHT = time(0)


def minute_of(clock: time, *, is_end: bool) -> int:
    """Minute of the day; an end at 00:00 is the midnight that ends the day (1440)."""
    minute = clock.hour * 60 + clock.minute
    return hours.MINUTES_PER_DAY if is_end and minute == 0 else minute


def weekly(row: WeeklyRow, zone: str, *, place: str = hours.Place.EITHER) -> hours.WeeklyHours:
    """One row of weekly times as the arithmetic knows it."""
    return hours.WeeklyHours(
        weekday=row.weekday,
        starts_minute=minute_of(row.starts_at, is_end=False),
        ends_minute=minute_of(row.ends_at, is_end=True),
        zone=zone,
        place=hours.Place(place),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )


def holidays_of(clinic: Clinic, limits: Span) -> tuple[hours.Holiday, ...]:
    """The clinic's holidays that touch `limits`, by day."""
    days = list(hours.days_touching(limits, clinic.time_zone))
    rows = ClinicHoliday.objects.standing().filter(clinic=clinic, on__range=(days[0], days[-1]))
    return tuple(hours.Holiday(on=row.on, name=row.name, zone=clinic.time_zone) for row in rows)


def bookings_of(
    column: str, keys: Iterable[UUID], limits: Span, *, leave_out: Iterable[UUID] = ()
) -> dict[UUID, list[hours.Booking]]:
    """Exclusive live bookings by person, room or patient (`column`); appointments in `leave_out` do not count."""
    rows = (
        AppointmentParticipant.objects.filter(
            **{f"{column}__in": list(keys)},
            is_live=True,
            is_exclusive=True,
            removed_at__isnull=True,
            starts_at__lt=limits.ends_at,
            ends_at__gt=limits.starts_at,
        )
        .exclude(appointment__in=list(leave_out))
        .order_by("starts_at")
        .values_list(f"{column}_id", "starts_at", "ends_at")
    )
    found: dict[UUID, list[hours.Booking]] = defaultdict(list)
    for key, starts_at, ends_at in rows:
        found[key].append(hours.Booking(Span(starts_at, ends_at)))
    return found


def rosters_of(
    clinic: Clinic, people: Iterable[Any], limits: Span, *, leave_out: Iterable[UUID] = ()
) -> dict[UUID, hours.Roster]:
    """The roster of each person over `limits`, with five queries however many people there are.

    `limits` should be wider than the window by the buffer, so that a neighbour just outside still counts.
    """
    keys = [person.pk for person in people]
    weekly_rows: dict[UUID, list[hours.WeeklyHours]] = defaultdict(list)
    extra: dict[UUID, list[hours.ExtraHours]] = defaultdict(list)
    away: dict[UUID, list[hours.Absence]] = defaultdict(list)
    for row in WorkingHours.objects.standing().filter(clinic=clinic, person__in=keys):
        weekly_rows[row.person_id].append(weekly(row, clinic.time_zone, place=row.place))
    for more in ExtraHours.objects.standing().filter(clinic=clinic, person__in=keys).overlapping(limits):
        extra[more.person_id].append(
            hours.ExtraHours(Span(more.starts_at, more.ends_at), hours.Place(more.place))
        )
    # Someone who is away is away from every clinic that they work at.
    for off in TimeOff.objects.standing().filter(person__in=keys).overlapping(limits):
        away[off.person_id].append(hours.Absence(Span(off.starts_at, off.ends_at)))
    booked = bookings_of("person", keys, limits, leave_out=leave_out)
    holidays = holidays_of(clinic, limits)
    return {
        key: hours.Roster(
            weekly=tuple(weekly_rows[key]),
            extra=tuple(extra[key]),
            absences=tuple(away[key]),
            holidays=holidays,
            bookings=tuple(booked[key]),
        )
        for key in keys
    }


def room_rosters(
    rooms: Iterable[Room], limits: Span, *, leave_out: Iterable[UUID] = ()
) -> dict[UUID, hours.Roster]:
    """The roster of each room: open always, less what is booked and when it is closed; two queries."""
    keys = [room.pk for room in rooms]
    booked = bookings_of("room", keys, limits, leave_out=leave_out)
    closed: dict[UUID, list[hours.Absence]] = defaultdict(list)
    for row in RoomClosure.objects.standing().filter(room__in=keys).overlapping(limits):
        closed[row.room_id].append(hours.Absence(Span(row.starts_at, row.ends_at), row.reason))
    return {
        key: hours.Roster(weekly=None, absences=tuple(closed[key]), bookings=tuple(booked[key]))
        for key in keys
    }


def house_limits(clinic: Clinic) -> Limits:
    """The limits of clinicians who have none of their own."""
    values = settings_for(clinic, BUFFER, MOST_SESSIONS)
    return Limits(most_sessions_per_day=values[MOST_SESSIONS], buffer_minutes=values[BUFFER])


def limits_of(clinic: Clinic, people: Iterable[UUID]) -> dict[UUID, Limits]:
    """Each person's own limits, else the clinic's, by person; two queries."""
    house, keys = house_limits(clinic), list(people)
    own = {
        row.person_id: house.with_own(
            most_sessions_per_day=row.most_sessions_per_day, buffer_minutes=row.buffer_minutes
        )
        for row in PlanningLimits.objects.filter(clinic=clinic, person__in=keys)
    }
    return {key: own.get(key, house) for key in keys}
