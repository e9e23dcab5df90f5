"""Time that is lost (somebody is away, a room is closed, hours end, the clinic closes, a dose moves): whom it touches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db.models import Model

from integration.models import IntegrationNeed, PlanCause
from integration.profiles import profile_of
from integration.recovery import next_doses
from integration.services.planning.gathering import may_move
from integration.windows import preparation_window
from kapclinic.clinics.models import Clinic, Room, RoomKind
from kapclinic.jobs.services import enqueue
from kapclinic.scheduling.hours import Holiday, Place, availability, weekly_spans
from kapclinic.scheduling.models import (
    INTEGRATION_KINDS,
    Appointment,
    AppointmentKind,
    AppointmentQuerySet,
    ClinicHoliday,
    ExtraHours,
    RoomClosure,
    TimeOff,
    WorkingHours,
)
from kapclinic.scheduling.rosters import rosters_of, weekly
from kapclinic.scheduling.spans import Span
from kapclinic.scheduling.wording import moment_words, span_words

Facts = Mapping[str, str]
REPAIR_JOB = "repair_absence"
# How far ahead hours that ended are looked for; nothing is booked further away (POLICY).
_AHEAD = timedelta(days=400)
# What a room must be for, for what needs one of its kind.
_USE_FOR = {
    AppointmentKind.DOSING: RoomKind.DOSING,
    **dict.fromkeys(INTEGRATION_KINDS, RoomKind.THERAPY),
}


@dataclass(frozen=True)
class Loss:
    """What was lost: a `title` for the plan, `words` for each session that it touches, and which live bookings these are.

    `key` names it once. `is_room`: it is a room that is missing, so another one will do. `is_followed`: what only the program
    holds follows it at once; an absence moves nothing by itself. `facts`: what it was told by, to look again.
    """

    key: str
    cause: PlanCause
    title: str
    words: str
    clinic: Clinic
    touched: tuple[Appointment, ...]
    is_room: bool = False
    is_followed: bool = False
    facts: Facts = field(default_factory=dict)


def _booked(clinic: Clinic, *, now: datetime, span: Span | None = None) -> AppointmentQuerySet:
    rows = Appointment.objects.filter(clinic=clinic, starts_at__gt=now).live()
    if span is not None:
        rows = rows.between(span.starts_at, span.ends_at)
    return rows.with_participants().order_by("starts_at")


def loss_key(row: TimeOff | RoomClosure) -> str:
    """What names the loss that an absence or a closed room is."""
    return f"{PlanCause.ABSENCE if isinstance(row, TimeOff) else PlanCause.ROOM}:{row.pk}"


def _away(row: TimeOff, *, facts: Facts, now: datetime) -> Loss | None:
    if row.withdrawn_at is not None or row.ends_at <= now:
        return None
    span = Span(row.starts_at, row.ends_at)
    kind = row.get_kind_display().lower()
    return Loss(
        key=loss_key(row),
        cause=PlanCause.ABSENCE,
        title=f"{row.person} is {kind} {span_words(span, row.clinic.time_zone)}",
        words=f"{row.person} is {kind} then.",
        clinic=row.clinic,
        touched=tuple(_booked(row.clinic, now=now, span=span).for_person(row.person)),
    )


def _closed(row: RoomClosure, *, facts: Facts, now: datetime) -> Loss | None:
    if row.withdrawn_at is not None or row.ends_at <= now:
        return None
    span = Span(row.starts_at, row.ends_at)
    return Loss(
        key=loss_key(row),
        cause=PlanCause.ROOM,
        title=f"{row.room} is closed {span_words(span, row.clinic.time_zone)}: {row.reason}",
        words=f"{row.room} is closed then.",
        clinic=row.clinic,
        touched=tuple(_booked(row.clinic, now=now, span=span).for_room(row.room)),
        is_room=True,
    )


def _room_of_other_use(room: Room, *, facts: Facts, now: datetime) -> Loss | None:
    booked = _booked(room.clinic, now=now).for_room(room)
    if room.is_active:
        booked = booked.filter(kind__in=[kind for kind, use in _USE_FOR.items() if use != room.kind])
    words = f"{room} has another use" if room.is_active else f"{room} is not in use any more"
    return Loss(
        key=f"{PlanCause.ROOM}:{room.pk}:{facts['at']}",
        cause=PlanCause.ROOM,
        title=words,
        words=f"{words}.",
        clinic=room.clinic,
        touched=tuple(booked),
        is_room=True,
        is_followed=True,
    )


def _ended_hours(row: WorkingHours, *, facts: Facts, now: datetime) -> Loss | None:
    if row.withdrawn_at is None and row.valid_until is None:
        return None
    zone = row.clinic.time_zone
    spans = weekly_spans([replace(weekly(row, zone), valid_until=None)], Span(now, now + _AHEAD))
    return _without_hours(row, spans, facts=facts, now=now)


def _ended_extra(row: ExtraHours, *, facts: Facts, now: datetime) -> Loss | None:
    if row.withdrawn_at is None:
        return None
    return _without_hours(row, (Span(row.starts_at, row.ends_at),), facts=facts, now=now)


def _without_hours(
    row: WorkingHours | ExtraHours, spans: Iterable[Span], *, facts: Facts, now: datetime
) -> Loss | None:
    lost = tuple(spans)
    booked = _booked(row.clinic, now=now).for_person(row.person)
    return Loss(
        key=f"{PlanCause.HOURS}:{row.pk}:{facts['at']}",
        cause=PlanCause.HOURS,
        is_followed=True,
        title=f"{row.person} has given up hours",
        words=f"{row.person} does not work then any more.",
        clinic=row.clinic,
        touched=tuple(
            each
            for each in booked
            if any(each.span.overlaps(span) for span in lost) and not _is_worked(each, row.person)
        ),
    )


def _holiday(row: ClinicHoliday, *, facts: Facts, now: datetime) -> Loss | None:
    if row.withdrawn_at is not None:
        return None
    span = Holiday(row.on, row.name, row.clinic.time_zone).span
    if span.ends_at <= now:
        return None
    booked = _booked(row.clinic, now=now, span=span)
    return Loss(
        key=f"{PlanCause.HOURS}:{row.pk}",
        cause=PlanCause.HOURS,
        is_followed=True,
        title=f"The clinic is closed on {row.on:%a} {row.on.day} {row.on:%b}: {row.name}",
        words=f"The clinic is closed then for {row.name}.",
        clinic=row.clinic,
        touched=tuple(each for each in booked if each.lead is None or not _is_worked(each, each.lead)),
    )


def _is_worked(appointment: Appointment, person: Any) -> bool:
    roster = rosters_of(appointment.clinic, [person], appointment.span)[person.pk]
    worked = availability(roster, appointment.span, place=Place(appointment.place)).worked
    return any(span.covers(appointment.span) for span in worked)


def _dose_moved(need: IntegrationNeed, *, facts: Facts, now: datetime) -> Loss | None:
    """The dose of a need is or was given at another time, so that what stands around it does not fit any more."""
    if need.withdrawn_at is not None or need.met_at is not None:
        return None
    touched: list[Appointment] = []
    booking = need.live_appointment
    is_stuck = booking is not None and booking.starts_at > now and not may_move(need, booking)
    if booking is not None and is_stuck and not need.window.covers(booking.span):
        touched.append(booking)
    if facts.get("was"):
        touched += _preparations_left_behind(need, datetime.fromisoformat(facts["was"]), now=now)
    return Loss(
        key=f"{PlanCause.DOSE}:{need.pk}:{need.opens_at.timestamp():.0f}",
        cause=PlanCause.DOSE,
        is_followed=True,
        title=f"A dose moved to {moment_words(need.d0, need.clinic.time_zone)}",
        words="Its dose moved, and the window with it.",
        clinic=need.clinic,
        touched=tuple(touched),
    )


def _preparations_left_behind(need: IntegrationNeed, was: datetime, *, now: datetime) -> list[Appointment]:
    """Preparations that lay well before the dose when it was planned for `was`, and lie before no planned dose now."""
    profile = profile_of(need.episode.protocol)
    doses = [need.d0, *next_doses([need.episode_id])[need.episode_id]]
    booked = _booked(need.clinic, now=now).filter(episode=need.episode, kind=AppointmentKind.PREPARATION)
    return [
        each
        for each in booked
        if preparation_window(was, profile).covers(each.span)
        and not any(preparation_window(dose, profile).covers(each.span) for dose in doses)
    ]


_LOST: Mapping[str, Callable[..., Loss | None]] = {
    TimeOff._meta.label_lower: _away,
    RoomClosure._meta.label_lower: _closed,
    Room._meta.label_lower: _room_of_other_use,
    WorkingHours._meta.label_lower: _ended_hours,
    ExtraHours._meta.label_lower: _ended_extra,
    ClinicHoliday._meta.label_lower: _holiday,
    IntegrationNeed._meta.label_lower: _dose_moved,
}


def loss_of(row: Model, *, facts: Facts, now: datetime) -> Loss | None:
    """What was lost with a row: time off, a closed room, a room, hours, a holiday, a need whose dose moved; None for nothing.

    `facts`: `what` kind of row it is and its key (`row`), when it was reported (`at`) and, for a dose, when it was planned
    before (`was`), as ISO instants.
    """
    found = _LOST[row._meta.label_lower](row, facts=facts, now=now)
    return None if found is None else replace(found, facts=facts)


def facts_of(row: Model, *, now: datetime, was: datetime | None = None) -> dict[str, str]:
    """The facts of what was reported at `now` with `row`."""
    facts = {"what": row._meta.label_lower, "row": str(row.pk), "at": now.isoformat()}
    return facts if was is None else {**facts, "was": was.isoformat()}


def row_of(facts: Facts) -> Any:
    """The row that the facts name."""
    return apps.get_model(facts["what"]).objects.get(pk=facts["row"])


def room_kind_for(appointment: Appointment, lost: Room) -> str:
    """The kind of room that an appointment needs in place of the one that it lost."""
    kind: str = _USE_FOR.get(AppointmentKind(appointment.kind), lost.kind)
    return kind


def ask_for_repair(row: Any, *, was: datetime | None = None, now: datetime) -> None:
    """Write the job that looks for a repair of what was lost with `row`, in the caller's transaction."""
    enqueue(
        kind=REPAIR_JOB,
        key=f"{REPAIR_JOB}:{row.pk}" + ("" if was is None else ":moved"),
        payload=facts_of(row, was=was, now=now),
        clinic=row.clinic,
        now=now,
    )


def is_lost_by(row: Model) -> bool:
    """Whether a row as it stands takes time away that it gave, or that there was."""
    withdrawn = getattr(row, "withdrawn_at", None) is not None
    if isinstance(row, TimeOff | RoomClosure | ClinicHoliday):
        return not withdrawn
    if isinstance(row, WorkingHours):
        return withdrawn or row.valid_until is not None
    return isinstance(row, Room) or (isinstance(row, ExtraHours) and withdrawn)
