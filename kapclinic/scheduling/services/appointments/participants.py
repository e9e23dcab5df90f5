"""Who and what takes part in an appointment, written with it; a clash that only the database saw is told in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from kapclinic.accounts.models import User
from kapclinic.clinics.models import Room
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.scheduling.checks import Proposal, clash_reasons
from kapclinic.scheduling.models import Appointment, AppointmentParticipant, Part
from kapclinic.scheduling.services.appointments.together import lock_resources
from kapclinic.scheduling.sharing import most_at_once

Person = tuple[User, str]
# A person in it, their part, and whether they are in nothing else meanwhile.
_Row = tuple[User, str, bool]


def lock_all_of(proposal: Proposal, *, also: Iterable[Any] = ()) -> None:
    """One lock per person, room and patient of the proposal and per key in `also`, in one order."""
    keys = [person.pk for person in proposal.people]
    keys += [person.pk for person, _ in proposal.shared]
    keys += [each.pk for each in (proposal.room, proposal.patient) if each is not None]
    lock_resources([*keys, *also])


def once_each(people: Sequence[Person], shared: Sequence[Person]) -> list[Person]:
    """Those of `shared` who do not take part alone already: one person may be therapist and prescriber."""
    taken = {person.pk for person, _ in people}
    rest: dict[Any, Person] = {}
    for person, part in shared:
        if person.pk not in taken:
            rest.setdefault(person.pk, (person, part))
    return list(rest.values())


def insert(
    appointment: Appointment,
    proposal: Proposal,
    *,
    people: Sequence[Person],
    actor: User | None,
    now: datetime,
) -> None:
    """Write a new appointment with everyone and everything in it."""
    appointment.save(force_insert=True)
    _add_people(appointment, _rows(people, proposal.shared), actor=actor, now=now)
    if proposal.room is not None:
        _add(appointment, room=proposal.room, part=Part.ROOM, actor=actor, now=now)
    if proposal.patient is not None:
        _add(appointment, patient=proposal.patient, part=Part.PATIENT, actor=actor, now=now)


def update(
    appointment: Appointment,
    *,
    people: Sequence[Person],
    shared: Sequence[Person],
    room: Room | None,
    actor: User | None,
    now: datetime,
) -> None:
    """Write a changed appointment, and who and what is in it from now on."""
    live = AppointmentParticipant.objects.filter(appointment=appointment, removed_at__isnull=True)
    present = {
        (each.person_id, each.is_exclusive): each.pk
        for each in appointment.participants.all()
        if each.person_id is not None and each.removed_at is None
    }
    rows = _rows(people, shared)
    wanted = {(person.pk, is_alone) for person, _, is_alone in rows}
    staying = [pk for whose, pk in present.items() if whose in wanted]
    # Who leaves goes first, so that the new span never clashes for someone who is not in it any more.
    live.filter(person__isnull=False).exclude(pk__in=staying).update(removed_at=now)
    if room != appointment.room:
        live.filter(room__isnull=False).update(removed_at=now)
    # Those who stay are bound by the setting of today, at the new time alone: leaving a time that is too full is free.
    still_shared = live.filter(is_exclusive=False, most_at_once__isnull=False)
    bound = dict(still_shared.values_list("pk", "part"))
    still_shared.update(most_at_once=None)
    appointment.save()
    limits = most_at_once(appointment.clinic) if bound else {}
    for pk, part in bound.items():
        live.filter(pk=pk).update(most_at_once=limits[part])
    new = [row for row in rows if (row[0].pk, row[2]) not in present]
    _add_people(appointment, new, actor=actor, now=now)
    if room is not None and room != appointment.room:
        _add(appointment, room=room, part=Part.ROOM, actor=actor, now=now)
    # Who takes part is read anew.
    vars(appointment).pop("_prefetched_objects_cache", None)


def _rows(people: Sequence[Person], shared: Sequence[Person]) -> list[_Row]:
    # Somebody named twice takes part once, as the first part named.
    alone = {person.pk: (person, part, True) for person, part in reversed(people)}
    return [*reversed(alone.values()), *((person, part, False) for person, part in shared)]


def _add_people(appointment: Appointment, rows: Sequence[_Row], *, actor: User | None, now: datetime) -> None:
    limits = most_at_once(appointment.clinic) if any(not row[2] for row in rows) else {}
    for person, part, is_alone in rows:
        _add(
            appointment,
            person=person,
            part=part,
            is_exclusive=is_alone,
            most_at_once=None if is_alone else limits.get(part),
            actor=actor,
            now=now,
        )


def _add(appointment: Appointment, *, actor: User | None, now: datetime, **what: Any) -> None:
    AppointmentParticipant.objects.create(
        clinic=appointment.clinic,
        appointment=appointment,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        created_at=now,
        created_by=actor,
        **what,
    )


def write(change: Callable[[], None], proposal: Proposal) -> None:
    """Run `change`; a clash that only the database saw is told in words."""
    try:
        with transaction.atomic():
            change()
    except IntegrityError as error:
        text = str(error)
        for what, words in (
            ("person_not_twice", "someone in it"),
            ("room_not_twice", "the room"),
            ("patient_not_twice", "the patient"),
            ("shared_not_too_often", "someone who shares it"),
        ):
            if what in text:
                found = clash_reasons(proposal) or [
                    Reason("clash", f"That time has just been taken: {words} is booked by another session.")
                ]
                raise Refused(found) from error
        raise
