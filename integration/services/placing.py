"""Finding a time for one need, as a proposal that a person applies; and saying why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from episodes.models import CareTeamMember, TeamPart
from episodes.services.locking import lock_episode
from integration.clinical_settings import MARGIN
from integration.kinds import KIND_OF_PART
from integration.models import IntegrationNeed, NeedPart
from integration.recovery import impaired_bookings, next_dose_at
from integration.windows import NeedState
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Room, RoomKind
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.clinics.services import settings_for
from kapclinic.scheduling.clinical_settings import BUFFER, GRID
from kapclinic.scheduling.hours import Booking
from kapclinic.scheduling.models import (
    INTEGRATION_KINDS,
    Appointment,
    MeetingPlace,
    Part,
)
from kapclinic.scheduling.patient_times import RULED_OUT, availability_of
from kapclinic.scheduling.placing import Candidate, Choice, Placement, Request, RoomCandidate, place
from kapclinic.scheduling.rosters import bookings_of, limits_of, room_rosters, rosters_of
from kapclinic.scheduling.services import book_appointment, move_appointment
from kapclinic.scheduling.spans import Span


@dataclass(frozen=True)
class Situation:
    """All that placing one need rests on: the planner's inputs and who the keys stand for."""

    request: Request
    candidates: tuple[Candidate, ...]
    rooms: tuple[RoomCandidate, ...] | None
    buffer_minutes: int
    grid_minutes: int
    people: dict[str, User]
    room_of: dict[str, Room]

    def place(self) -> Placement:
        """The choice, or why there is none."""
        return place(
            self.request,
            self.candidates,
            rooms=self.rooms,
            buffer_minutes=self.buffer_minutes,
            grid_minutes=self.grid_minutes,
        )


def situation_of(need: IntegrationNeed, *, now: datetime, leave_out: tuple[UUID, ...] = ()) -> Situation:
    """Gather the inputs for one need; bookings in `leave_out` count as free."""
    clinic = need.clinic
    values = settings_for(clinic, BUFFER, GRID, MARGIN)
    limits = Span(need.plan_from, need.closes_at).widened(before=timedelta(days=1), after=timedelta(days=1))
    people = _candidates(need, now=now)
    rosters = rosters_of(clinic, [user for user, _ in people], limits, leave_out=leave_out)
    own_limits = limits_of(clinic, [user.pk for user, _ in people])
    rooms = list(Room.objects.filter(clinic=clinic, kind=RoomKind.THERAPY, is_active=True))
    open_rooms = room_rosters(rooms, limits, leave_out=leave_out)
    patient = need.episode.patient
    blocked = [
        Booking(booking.span, "the patient is booked")
        for booking in bookings_of("patient", [patient.pk], limits, leave_out=leave_out)[patient.pk]
    ]
    coming = availability_of(clinic, [patient.pk], limits)[patient.pk]
    blocked += [Booking(span, RULED_OUT) for span in coming.unavailable]
    request = Request(
        key=str(need.pk),
        window=Span(need.plan_from, need.closes_at),
        duration_minutes=need.duration_minutes,
        zone=clinic.time_zone,
        preferred=Span(need.preferred_from, need.preferred_until),
        place=coming.place,
        margin_minutes=values[MARGIN] if need.is_provisional else 0,
        prefer_before=next_dose_at(need.episode, after=need.d0),
        blocked=(*blocked, *impaired_bookings(need.episode, now=now)),
        not_before=now,
    )
    return Situation(
        request=request,
        candidates=tuple(
            Candidate(
                key=str(user.pk),
                name=str(user),
                roster=rosters[user.pk],
                part=part,
                buffer_minutes=own_limits[user.pk].buffer_minutes,
                most_per_day=own_limits[user.pk].most_sessions_per_day,
            )
            for user, part in people
        ),
        rooms=tuple(RoomCandidate(str(room.pk), room.name, open_rooms[room.pk]) for room in rooms) or None,
        buffer_minutes=values[BUFFER],
        grid_minutes=values[GRID],
        people={str(user.pk): user for user, _ in people},
        room_of={str(room.pk): room for room in rooms},
    )


def _candidates(need: IntegrationNeed, *, now: datetime) -> list[tuple[User, str]]:
    """The episode's therapist, then its covers in their order."""
    team = (
        CareTeamMember.objects.in_force(now)
        .filter(
            episode=need.episode,
            part__in=[TeamPart.THERAPIST, TeamPart.COVER_THERAPIST],
            covering=False,
            user__isnull=False,
            user__is_active=True,
        )
        .select_related("user")
    )
    ordered = sorted(
        team, key=lambda member: (member.part != TeamPart.THERAPIST, member.rank, member.starts_at)
    )
    seen: dict[Any, tuple[User, str]] = {}
    for member in ordered:
        part = "therapist" if member.part == TeamPart.THERAPIST else "cover"
        if member.user is not None:
            seen.setdefault(member.user.pk, (member.user, part))
    return list(seen.values())


def _book(
    need: IntegrationNeed,
    found: Situation,
    choice: Choice,
    *,
    actor: User | None,
    roles: frozenset[Role],
    now: datetime,
) -> Appointment:
    return book_appointment(
        clinic=need.clinic,
        kind=KIND_OF_PART[NeedPart(need.part)],
        episode=need.episode,
        starts_at=choice.starts_at,
        ends_at=choice.ends_at,
        people=[(found.people[choice.candidate_key], Part.THERAPIST)],
        room=None if choice.room_key is None else found.room_of[choice.room_key],
        place=MeetingPlace(choice.place.value),
        window=need.window,
        actor=actor,
        roles=roles,
        now=now,
    )


def booking_that_fits(need: IntegrationNeed) -> Appointment | None:
    """A live booking of the episode that lies wholly in this window too: one session may serve several doses."""
    return (
        Appointment.objects.live()
        .filter(
            episode=need.episode,
            kind__in=INTEGRATION_KINDS,
            starts_at__gte=need.opens_at,
            ends_at__lte=need.closes_at,
        )
        .order_by("starts_at")
        .first()
    )


def _move(
    need: IntegrationNeed,
    booking: Appointment,
    found: Situation,
    choice: Choice,
    *,
    actor: User | None,
    roles: frozenset[Role],
    now: datetime,
) -> Appointment:
    return move_appointment(
        appointment=booking,
        starts_at=choice.starts_at,
        ends_at=choice.ends_at,
        people=[(found.people[choice.candidate_key], Part.THERAPIST)],
        room=None if choice.room_key is None else found.room_of[choice.room_key],
        place=MeetingPlace(choice.place.value),
        window=need.window,
        actor=actor,
        roles=roles,
        now=now,
    )


@dataclass(frozen=True)
class Proposal:
    """What the program would do now, for a person to apply: a time with someone, or the reasons for none."""

    placement: Placement
    person: User | None
    room: Room | None
    replaces: Appointment | None


def propose(*, need: IntegrationNeed, now: datetime) -> Proposal:
    """Look for a time without booking anything; a booking that does not fit its window counts as free."""
    booking = need.live_appointment
    found = situation_of(need, now=now, leave_out=() if booking is None else (booking.pk,))
    placement = found.place()
    choice = placement.choice
    return Proposal(
        placement=placement,
        person=None if choice is None else found.people[choice.candidate_key],
        room=None if choice is None or choice.room_key is None else found.room_of[choice.room_key],
        replaces=booking,
    )


def apply_choice(
    *,
    need: IntegrationNeed,
    starts_at: datetime,
    person_id: str,
    actor: User,
    roles: frozenset[Role],
    now: datetime | None = None,
) -> Appointment:
    """A person applies the proposal that they saw. Raises Refused when it does not hold any more."""
    now = now or timezone.now()
    with transaction.atomic():
        need = _locked(need)
        if need.state_at(now) not in (NeedState.OPEN, NeedState.PLACED):
            raise Refused(Reason("not-open", "This need is not open any more."))
        booking = need.live_appointment
        if (
            booking is not None
            and booking.starts_at == starts_at
            and str(getattr(booking.lead, "pk", "")) == person_id
        ):
            return booking
        found = situation_of(need, now=now, leave_out=() if booking is None else (booking.pk,))
        choice = found.place().choice
        if choice is None or choice.starts_at != starts_at or choice.candidate_key != person_id:
            raise Refused(Reason("stale", "That time has just been taken. Here is what fits now."))
        if booking is None:
            return _book(need, found, choice, actor=actor, roles=roles, now=now)
        return _move(need, booking, found, choice, actor=actor, roles=roles, now=now)


def _locked(need: IntegrationNeed) -> IntegrationNeed:
    """The need with its episode locked first, freshly read."""
    episode = lock_episode(need.episode)
    fresh = (
        IntegrationNeed.objects.select_for_update(of=("self",))
        .select_related("appointment", "clinic", "dose")
        .get(pk=need.pk)
    )
    fresh.episode = episode
    return fresh
