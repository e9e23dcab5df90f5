"""Booking and moving appointments.

Locks are taken in one order: the episode, then each person, room and patient by key, then the rows. The exclusion constraints
of the database stand behind the checks made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from episodes import guards
from episodes.guards import GuardContext
from episodes.models import TeamPart
from episodes.services import grant_cover_access
from episodes.services.locking import lock_episode
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic, Room
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.scheduling import hooks
from kapclinic.scheduling.checks import Proposal, clash_reasons, soft_reasons, split
from kapclinic.scheduling.models import (
    Appointment,
    AppointmentKind,
    AppointmentParticipant,
    AppointmentState,
    MeetingPlace,
    Part,
)
from kapclinic.scheduling.services.appointments.rows import lock_appointment, note
from kapclinic.scheduling.services.appointments.together import lock_resources
from kapclinic.scheduling.services.telling import follow_with_telling
from kapclinic.scheduling.spans import Span
from kapclinic.scheduling.wording import span_words

Person = tuple[User, str]


class _Keep:
    """Stands for "leave it as it is" where None has a meaning."""


KEEP = _Keep()


def book_appointment(
    *,
    clinic: Clinic,
    kind: str,
    starts_at: datetime,
    ends_at: datetime,
    people: Sequence[Person],
    actor: User | None,
    episode: Any | None = None,
    room: Room | None = None,
    place: str = MeetingPlace.IN_PERSON,
    window: Span | None = None,
    reason: str = "",
    roles: frozenset[Role] = frozenset(),
    request_key: UUID | None = None,
    title: str = "",
    shared_people: Sequence[Person] = (),
    beside: Sequence[UUID] = (),
    now: datetime | None = None,
) -> Appointment:
    """Book one appointment; the patient of `episode` takes part.

    `people` are taken exclusively, `shared_people` are not (a nurse with two rooms, a prescriber within reach); somebody
    with two parts takes part once, exclusively where one of the parts asks for it. `beside` are appointments that move in
    the same transaction (`moving_together`): where they lie now is no clash. `window` is kept beside it; None asks the
    rooms above for it. `reason` gets past what yields to a written reason. Raises Refused with all reasons. The same
    `request_key` again returns the appointment that it made.
    """
    now = now or timezone.now()
    with transaction.atomic():
        if episode is not None:
            episode = lock_episode(episode)
        known = _made_before(request_key)
        if known is not None:
            return known
        span = _span_or_refuse(starts_at, ends_at)
        if window is None:
            found = hooks.find_window(kind, episode, starts_at, ends_at, now)
            window = None if found is None else found.span
        proposal = Proposal(
            clinic=clinic,
            kind=kind,
            span=span,
            people=[person for person, _ in people],
            room=room,
            patient=None if episode is None else episode.patient,
            place=place,
            window=window,
            leave_out=tuple(beside),
        )
        _lock_resources(proposal)
        passed = _check(proposal, episode, reason=reason, roles=roles, actor=actor, now=now)
        appointment = Appointment(
            clinic=clinic,
            kind=kind,
            episode=episode,
            title=title.strip(),
            starts_at=span.starts_at,
            ends_at=span.ends_at,
            place=place,
            window_opens_at=None if window is None else window.starts_at,
            window_closes_at=None if window is None else window.ends_at,
            outside_reason=reason.strip() if "outside-window" in passed else "",
            request_key=request_key,
            created_at=now,
            created_by=actor,
        )
        _write(
            lambda: _insert(
                appointment, proposal, people=people, shared_people=shared_people, actor=actor, now=now
            ),
            proposal,
        )
        note(appointment, "booked", actor=actor, now=now, passed=passed, reason=reason)
        _let_covers_in(appointment, people, now=now)
        follow_with_telling(appointment, was_told=False, now=now)
        hooks.tell(hooks.Change("booked", appointment, actor, now))
        return appointment


def move_appointment(
    *,
    appointment: Appointment,
    actor: User | None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    expected_sequence: int | None = None,
    people: Sequence[Person] | None = None,
    room: Room | _Keep | None = KEEP,
    place: str | None = None,
    window: Span | _Keep | None = KEEP,
    reason: str = "",
    roles: frozenset[Role] = frozenset(),
    beside: Sequence[UUID] = (),
    now: datetime | None = None,
) -> Appointment:
    """Give an appointment another time, place, room or other people. The patient does not know the new time yet.

    Raises Refused with all reasons; also when it changed since the person looked (`expected_sequence`). The program itself
    (`actor` None) never moves what the patient was told.
    """
    now = now or timezone.now()
    with transaction.atomic():
        appointment, episode = lock_appointment(appointment)
        _fresh_or_refuse(appointment, expected_sequence)
        if not appointment.is_live:
            raise Refused(
                Reason("ended", f"It is {appointment.get_state_display().lower()} and cannot be moved.")
            )
        if actor is None and appointment.is_told:
            raise Refused(Reason("told", "The patient knows this time; only a person moves it."))
        span = _span_or_refuse(starts_at or appointment.starts_at, ends_at or appointment.ends_at)
        current = _exclusive_people(appointment)
        wanted = current if people is None else list(people)
        new_room = appointment.room if isinstance(room, _Keep) else room
        new_place = appointment.place if place is None else place
        if new_place == MeetingPlace.TELEHEALTH:
            new_room = None
        if isinstance(window, _Keep):
            found = hooks.find_window(appointment.kind, episode, span.starts_at, span.ends_at, now)
            new_window = appointment.window if found is None else found.span
        else:
            new_window = window
        unchanged = (
            span == appointment.span
            and [person.pk for person, _ in wanted] == [person.pk for person, _ in current]
            and new_room == appointment.room
            and new_place == appointment.place
        )
        if unchanged:
            return appointment
        proposal = Proposal(
            clinic=appointment.clinic,
            kind=appointment.kind,
            span=span,
            people=[person for person, _ in wanted],
            room=new_room,
            patient=None if episode is None else episode.patient,
            place=new_place,
            window=new_window,
            leave_out=(appointment.pk, *beside),
        )
        _lock_resources(proposal)
        passed = _check(proposal, episode, reason=reason, roles=roles, actor=actor, now=now)
        before: dict[str, Any] = {
            "starts_at": appointment.starts_at,
            "ends_at": appointment.ends_at,
            "state": appointment.state,
            "told": appointment.is_told,
        }
        appointment.starts_at, appointment.ends_at = span.starts_at, span.ends_at
        appointment.window_opens_at = None if new_window is None else new_window.starts_at
        appointment.window_closes_at = None if new_window is None else new_window.ends_at
        appointment.outside_reason = reason.strip() if "outside-window" in passed else ""
        appointment.flagged_at, appointment.flag_reason = None, ""
        knows_it = (
            span == Span(before["starts_at"], before["ends_at"])
            and new_place == appointment.place
            and [person.pk for person, _ in wanted] == [person.pk for person, _ in current]
        )
        appointment.place = new_place
        if appointment.state == AppointmentState.TOLD and not knows_it:
            appointment.state = AppointmentState.HELD
            appointment.told_at, appointment.told_by, appointment.told_how = None, None, ""
        appointment.sequence += 1
        _write(lambda: _update(appointment, wanted, current, new_room, actor=actor, now=now), proposal)
        note(appointment, "moved", actor=actor, now=now, passed=passed, reason=reason, before=before)
        _let_covers_in(appointment, wanted, now=now)
        follow_with_telling(appointment, was_told=before["told"], now=now)
        hooks.tell(hooks.Change("moved", appointment, actor, now, before))
        return appointment


def _made_before(request_key: UUID | None) -> Appointment | None:
    return None if request_key is None else Appointment.objects.filter(request_key=request_key).first()


def _span_or_refuse(starts_at: datetime, ends_at: datetime) -> Span:
    if ends_at <= starts_at:
        raise Refused(Reason("reversed", "It ends after it starts.", field="ends_at"))
    return Span(starts_at, ends_at)


def _fresh_or_refuse(appointment: Appointment, expected_sequence: int | None) -> None:
    if expected_sequence is not None and expected_sequence != appointment.sequence:
        words = span_words(appointment.span, appointment.clinic.time_zone)
        raise Refused(
            Reason(
                "changed",
                f"Someone changed it meanwhile: it is {appointment.get_state_display().lower()} {words}.",
            )
        )


def _lock_resources(proposal: Proposal) -> None:
    keys = [person.pk for person in proposal.people]
    keys += [each.pk for each in (proposal.room, proposal.patient) if each is not None]
    lock_resources(keys)


def _check(
    proposal: Proposal,
    episode: Any | None,
    *,
    reason: str,
    roles: frozenset[Role],
    actor: User | None,
    now: datetime,
) -> frozenset[str]:
    """Raise Refused with everything that stands; returns the codes that the written reason got past."""
    found = [*clash_reasons(proposal), *soft_reasons(proposal, now=now)]
    if episode is not None:
        context = GuardContext(
            action="appointment.book", episode=episode, now=now, actor_roles=roles, subject=proposal
        )
        found += guards.reasons(context)
    hard, soft = split(found)
    held_back = [each for each in soft if not (reason.strip() and _may_pass(each, roles, actor))]
    if hard or held_back:
        raise Refused([*hard, *held_back])
    return frozenset(each.code for each in soft)


def _may_pass(reason: Reason, roles: frozenset[Role], actor: User | None) -> bool:
    return actor is not None and bool(reason.passable_by.intersection(roles))


def _insert(
    appointment: Appointment,
    proposal: Proposal,
    *,
    people: Sequence[Person],
    shared_people: Sequence[Person],
    actor: User | None,
    now: datetime,
) -> None:
    appointment.save(force_insert=True)
    rows = [(person, part, True) for person, part in people]
    rows += [(person, part, False) for person, part in shared_people]
    # One person may be therapist and prescriber: the first part named stands, the exclusive ones come first.
    once = {row[0].pk: row for row in reversed(rows)}
    _add_people(appointment, list(once.values()), actor=actor, now=now)
    if proposal.room is not None:
        _add(appointment, room=proposal.room, part=Part.ROOM, actor=actor, now=now)
    if proposal.patient is not None:
        _add(appointment, patient=proposal.patient, part=Part.PATIENT, actor=actor, now=now)


def _update(
    appointment: Appointment,
    wanted: Sequence[Person],
    current: Sequence[Person],
    room: Room | None,
    *,
    actor: User | None,
    now: datetime,
) -> None:
    live = AppointmentParticipant.objects.filter(appointment=appointment, removed_at__isnull=True)
    staying = {person.pk for person, _ in wanted}
    # Who leaves goes first, so that the new span never clashes for someone who is not in it any more.
    live.filter(person__isnull=False, is_exclusive=True).exclude(person__in=staying).update(removed_at=now)
    if room != appointment.room:
        live.filter(room__isnull=False).update(removed_at=now)
    appointment.save()
    present = {person.pk for person, _ in current}
    _add_people(
        appointment,
        [(person, part, True) for person, part in wanted if person.pk not in present],
        actor=actor,
        now=now,
    )
    if room is not None and room != appointment.room:
        _add(appointment, room=room, part=Part.ROOM, actor=actor, now=now)
    # Who takes part is read anew.
    vars(appointment).pop("_prefetched_objects_cache", None)


def _add_people(
    appointment: Appointment, rows: Iterable[tuple[User, str, bool]], *, actor: User | None, now: datetime
) -> None:
    for person, part, exclusive in rows:
        _add(appointment, person=person, part=part, is_exclusive=exclusive, actor=actor, now=now)


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


def _write(change: Any, proposal: Proposal) -> None:
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
        ):
            if what in text:
                found = clash_reasons(proposal) or [
                    Reason("clash", f"That time has just been taken: {words} is booked by another session.")
                ]
                raise Refused(found) from error
        raise


def _exclusive_people(appointment: Appointment) -> list[Person]:
    return [
        (each.person, each.part)
        for each in appointment.participants.all()
        if each.is_exclusive and each.removed_at is None and each.person is not None
    ]


def _let_covers_in(appointment: Appointment, people: Sequence[Person], *, now: datetime) -> None:
    """A named cover who takes a booking works with the patient: the team's rights around it."""
    if appointment.episode is None or appointment.kind == AppointmentKind.TEAM_MEETING:
        return
    keys = [person.pk for person, _ in people]
    covers = appointment.episode.team.in_force(now).filter(
        user__in=keys, part__in=[TeamPart.COVER_THERAPIST, TeamPart.COVER_PRESCRIBER], covering=False
    )
    for member in covers.select_related("user"):
        assert member.user is not None
        grant_cover_access(
            episode=appointment.episode,
            user=member.user,
            part=member.part,
            starts_at=appointment.starts_at,
            ends_at=appointment.ends_at,
            now=now,
        )
