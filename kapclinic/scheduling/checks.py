"""What stands against a booking: clashes, hours, time off and windows, each as a reason in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kapclinic.accounts.models import Role
from kapclinic.clinics.models import Clinic, Room
from kapclinic.clinics.refusals import Reason
from kapclinic.scheduling.hours import Place, availability
from kapclinic.scheduling.models import AppointmentKind, AppointmentParticipant
from kapclinic.scheduling.patient_times import availability_of
from kapclinic.scheduling.rosters import room_rosters, rosters_of
from kapclinic.scheduling.sharing import sharing_reasons
from kapclinic.scheduling.spans import Span
from kapclinic.scheduling.wording import moment_words, span_words

# Whoever may book may also book beside the plan, when they write why.
MAY_EXPLAIN = frozenset({Role.COORDINATOR, Role.MANAGER, Role.THERAPIST, Role.PRESCRIBER, Role.NURSE})


@dataclass(frozen=True)
class Proposal:
    """A time that is asked for, with everyone and everything that it takes exclusively, and who shares it (`shared`)."""

    clinic: Clinic
    kind: str
    span: Span
    people: Sequence[Any]
    room: Room | None
    patient: Any | None
    place: str
    window: Span | None = None
    leave_out: tuple[UUID, ...] = ()
    shared: Sequence[tuple[Any, str]] = ()


def clash_reasons(proposal: Proposal) -> list[Reason]:
    """Who or what is taken at that time, in words; nobody gets past these. No word about other patients."""
    found: list[Reason] = []
    rows = (
        AppointmentParticipant.objects.filter(
            is_live=True,
            is_exclusive=True,
            removed_at__isnull=True,
            starts_at__lt=proposal.span.ends_at,
            ends_at__gt=proposal.span.starts_at,
        )
        .exclude(appointment__in=proposal.leave_out)
        .order_by("starts_at")
    )
    zone = proposal.clinic.time_zone
    for row in rows.filter(person__in=[person.pk for person in proposal.people]).select_related("person"):
        words = span_words(Span(row.starts_at, row.ends_at), zone)
        found.append(
            Reason(f"clash-person-{row.person_id}", f"{row.person} is booked {words}.", field="person")
        )
    if proposal.room is not None:
        for row in rows.filter(room=proposal.room):
            words = span_words(Span(row.starts_at, row.ends_at), zone)
            found.append(Reason("clash-room", f"{proposal.room.name} is taken {words}.", field="room"))
    if proposal.patient is not None:
        for row in rows.filter(patient=proposal.patient).select_related("appointment"):
            words = span_words(Span(row.starts_at, row.ends_at), zone)
            text = f"The patient has another appointment {words}."
            if row.appointment.is_told:
                text += " They know of it: move that first, or choose another time."
            found.append(Reason("clash-patient", text, field="starts_at"))
    found += sharing_reasons(
        proposal.clinic,
        proposal.span,
        shared=proposal.shared,
        alone=proposal.people,
        leave_out=proposal.leave_out,
    )
    return found


def soft_reasons(proposal: Proposal, *, now: datetime) -> list[Reason]:
    """What speaks against the time but yields to a written reason: hours, absences, closed rooms, the patient's, the window."""
    found: list[Reason] = []
    zone = proposal.clinic.time_zone
    if proposal.span.starts_at < now:
        found.append(_passable("in-the-past", "That time has passed.", "starts_at"))
    if proposal.window is not None and not proposal.window.covers(proposal.span):
        opens, closes = (
            moment_words(moment, zone) for moment in (proposal.window.starts_at, proposal.window.ends_at)
        )
        text = f"It lies outside its window, {opens} to {closes}."
        found.append(_passable("outside-window", text, "starts_at"))
    if proposal.patient is not None:
        coming = availability_of(proposal.clinic, [proposal.patient.pk], proposal.span)[proposal.patient.pk]
        for span in coming.unavailable:
            words = f"The patient cannot come {span_words(span, zone)}."
            found.append(_passable("patient-unavailable", words, "starts_at"))
        # Where they can come is asked about talking; a dose is given at the clinic.
        if proposal.kind != AppointmentKind.DOSING and not coming.place.serves(Place(proposal.place)):
            words = f"The patient can come {_how(coming.place)} only."
            found.append(_passable("patient-place", words, "place"))
    if proposal.room is not None:
        closed = room_rosters([proposal.room], proposal.span)[proposal.room.pk].absences
        for absence in closed:
            words = f"{proposal.room.name} is closed {span_words(absence.span, zone)} ({absence.label})."
            found.append(_passable("room-closed", words, "room"))
    rosters = rosters_of(proposal.clinic, proposal.people, proposal.span, leave_out=proposal.leave_out)
    for person in proposal.people:
        laid = availability(rosters[person.pk], proposal.span, place=Place(proposal.place))
        if any(span.covers(proposal.span) for span in laid.worked):
            continue
        found.append(_hours_reason(person, laid, proposal))
    return found


def _hours_reason(person: Any, laid: Any, proposal: Proposal) -> Reason:
    zone = proposal.clinic.time_zone
    for absence in laid.absences:
        words = f"{person} is {absence.label} {span_words(absence.span, zone)}."
        return _passable(f"time-off-{person.pk}", words, "starts_at")
    for holiday in laid.holidays:
        if not laid.worked:
            return _passable(f"holiday-{person.pk}", f"The clinic is closed for {holiday.name}.", "starts_at")
    how = _how(proposal.place)
    return _passable(
        f"outside-hours-{person.pk}", f"{person} does not work {how} for all of that time.", "starts_at"
    )


def _how(place: str) -> str:
    return "by telehealth" if place == Place.TELEHEALTH else "in person"


def _passable(code: str, text: str, field: str) -> Reason:
    return Reason(code, text, field=field, passable_by=frozenset(role.value for role in MAY_EXPLAIN))


def split(reasons: Iterable[Reason]) -> tuple[list[Reason], list[Reason]]:
    """Hard ones and passable ones."""
    hard: list[Reason] = []
    soft: list[Reason] = []
    for reason in reasons:
        (hard if reason.is_hard else soft).append(reason)
    return hard, soft
