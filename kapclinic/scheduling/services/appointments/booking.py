"""Booking and moving appointments.

Locks are taken in one order: the episode, then each person, room and patient by key, then the rows. The exclusion constraints
of the database stand behind the checks made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from episodes.services.locking import lock_episode
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic, Room
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.scheduling import hooks
from kapclinic.scheduling.checks import Proposal
from kapclinic.scheduling.models import (
    Appointment,
    AppointmentState,
    HandChange,
    MeetingPlace,
)
from kapclinic.scheduling.services.appointments.checking import check, let_covers_in, making_way
from kapclinic.scheduling.services.appointments.participants import (
    Person,
    insert,
    once_each,
    update,
    write,
)
from kapclinic.scheduling.services.appointments.remembering import remember, spot_of
from kapclinic.scheduling.services.appointments.rows import lock_appointment, note
from kapclinic.scheduling.services.telling import follow_with_telling
from kapclinic.scheduling.spans import Span
from kapclinic.scheduling.wording import span_words


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
            shared=once_each(people, shared_people),
        )
        return _book(
            proposal,
            episode,
            people=people,
            reason=reason,
            roles=roles,
            actor=actor,
            request_key=request_key,
            title=title,
            now=now,
        )


def _book(
    proposal: Proposal,
    episode: Any | None,
    *,
    people: Sequence[Person],
    reason: str,
    roles: frozenset[Role],
    actor: User | None,
    request_key: UUID | None,
    title: str,
    now: datetime,
) -> Appointment:
    with making_way(proposal, episode, now=now) as proposal:
        passed = check(proposal, episode, reason=reason, roles=roles, actor=actor, now=now)
        appointment = Appointment(
            clinic=proposal.clinic,
            kind=proposal.kind,
            episode=episode,
            title=title.strip(),
            starts_at=proposal.span.starts_at,
            ends_at=proposal.span.ends_at,
            place=proposal.place,
            window_opens_at=None if proposal.window is None else proposal.window.starts_at,
            window_closes_at=None if proposal.window is None else proposal.window.ends_at,
            outside_reason=reason.strip() if "outside-window" in passed else "",
            request_key=request_key,
            created_at=now,
            created_by=actor,
        )
        write(lambda: insert(appointment, proposal, people=people, actor=actor, now=now), proposal)
        note(appointment, "booked", actor=actor, now=now, passed=passed, reason=reason)
        remember(HandChange.What.BOOKED, appointment, {}, actor=actor, now=now)
        let_covers_in(appointment, people, now=now)
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
    shared_people: Sequence[Person] | None = None,
    room: Room | _Keep | None = KEEP,
    place: str | None = None,
    window: Span | _Keep | None = KEEP,
    reason: str = "",
    roles: frozenset[Role] = frozenset(),
    beside: Sequence[UUID] = (),
    is_undo: bool = False,
    now: datetime | None = None,
) -> Appointment:
    """Give an appointment another time, place, room or other people. The patient does not know the new time yet.

    People who are not named stay. A move that undoes another one (`is_undo`) is not offered to be undone itself.

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
        current, shared_now = appointment.taken_people, appointment.shared_people
        wanted = current if people is None else list(people)
        shared = once_each(wanted, shared_now if shared_people is None else shared_people)
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
            and _who(wanted) == _who(current)
            and _who(shared) == _who(shared_now)
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
            shared=shared,
        )
        was_there = spot_of(appointment)
        before: dict[str, Any] = {
            "starts_at": appointment.starts_at,
            "ends_at": appointment.ends_at,
            "state": appointment.state,
            "told": appointment.is_told,
        }
        with making_way(proposal, episode, now=now) as proposal:
            passed = check(proposal, episode, reason=reason, roles=roles, actor=actor, now=now)
            knows_it = (
                span == appointment.span and new_place == appointment.place and _who(wanted) == _who(current)
            )
            appointment.starts_at, appointment.ends_at = span.starts_at, span.ends_at
            appointment.window_opens_at = None if new_window is None else new_window.starts_at
            appointment.window_closes_at = None if new_window is None else new_window.ends_at
            appointment.outside_reason = reason.strip() if "outside-window" in passed else ""
            appointment.flagged_at, appointment.flag_reason = None, ""
            appointment.place = new_place
            if appointment.state == AppointmentState.TOLD and not knows_it:
                appointment.state = AppointmentState.HELD
                appointment.told_at, appointment.told_by, appointment.told_how = None, None, ""
            appointment.sequence += 1
            write(
                lambda: update(
                    appointment, people=wanted, shared=shared, room=new_room, actor=actor, now=now
                ),
                proposal,
            )
            note(appointment, "moved", actor=actor, now=now, passed=passed, reason=reason, before=before)
            if not is_undo:
                remember(HandChange.What.MOVED, appointment, was_there, actor=actor, now=now)
            let_covers_in(appointment, wanted, now=now)
            follow_with_telling(appointment, was_told=before["told"], now=now)
            hooks.tell(hooks.Change("moved", appointment, actor, now, before))
        return appointment


def _who(people: Sequence[Person]) -> list[Any]:
    return [person.pk for person, _ in people]


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
