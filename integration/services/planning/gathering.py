"""The planner's input from the record: every need without a time, or whose time may still move; a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from episodes.models import CareTeamMember, TeamPart
from integration.clinical_settings import MARGIN
from integration.models import IntegrationNeed
from integration.recovery import impaired_spans, next_doses
from integration.windows import NeedState
from kapclinic.accounts.models import Licence, Role, User, current_members
from kapclinic.clinics.models import Clinic, Room, RoomKind
from kapclinic.clinics.services import settings_for
from kapclinic.scheduling import planner
from kapclinic.scheduling.clinical_settings import BUFFER, GRID
from kapclinic.scheduling.hours import Place, Roster, availability
from kapclinic.scheduling.models import Appointment, AppointmentState
from kapclinic.scheduling.patient_times import Availability, availability_of
from kapclinic.scheduling.rosters import bookings_of, limits_of, room_rosters, rosters_of
from kapclinic.scheduling.spans import Span, clip

# A neighbour just outside a window still counts: for its buffer, and against the sessions of its day.
_AROUND = timedelta(days=1)
_TIERS = {TeamPart.THERAPIST: planner.Tier.OWN, TeamPart.COVER_THERAPIST: planner.Tier.COVER}


@dataclass(frozen=True)
class Gathered:
    """A problem, and what its keys stand for. `bookings` are the times that the plan may move, by need."""

    problem: planner.Problem
    needs: Mapping[str, IntegrationNeed] = field(default_factory=dict)
    bookings: Mapping[str, Appointment] = field(default_factory=dict)
    people: Mapping[str, User] = field(default_factory=dict)
    rooms: Mapping[str, Room] = field(default_factory=dict)


def waiting_needs(clinic: Clinic, *, now: datetime, for_proposal: bool = False) -> list[IntegrationNeed]:
    """Needs of the clinic that the program plans and that have no fixed time: those without one, and those merely held.

    Left out are those that wait for nothing (a dose that runs, a next dose that takes a secondary one's place), what the
    patient was told, what a person booked, and what was flagged since T0 moved. With `for_proposal` these may move too, as
    long as they have not begun: a person will decide.
    """
    rows = (
        IntegrationNeed.objects.plannable(now)
        .filter(clinic=clinic)
        .select_related("appointment", "clinic", "dose", "episode__patient", "episode__clinic")
        .order_by("closes_at", "pk")
    )
    found = [need for need in rows if is_free_to_plan(need, now=now, for_proposal=for_proposal)]
    doses = next_doses({need.episode_id for need in found})
    return [need for need in found if not any(map(need.is_overtaken_by, doses[need.episode_id]))]


def is_free_to_plan(need: IntegrationNeed, *, now: datetime, for_proposal: bool = False) -> bool:
    """Whether the program may give the need a time, or another one; with `for_proposal`, whether a person may."""
    if need.state_at(now) not in (NeedState.OPEN, NeedState.PLACED) and not need.is_ahead:
        return False
    booking = need.live_appointment
    if booking is None:
        return True
    if for_proposal:
        return booking.starts_at > now and booking.state != AppointmentState.ARRIVED
    return may_move(need, booking)


def may_move(need: IntegrationNeed, booking: Appointment) -> bool:
    """The program moves what only the clinic knows and it made itself, unless a definite T0 was corrected (rule book 0.4)."""
    return (
        not booking.is_told
        and booking.created_by_id is None
        and booking.flagged_at is None
        and need.t0_corrected_at is None
    )


def gather(
    clinic: Clinic,
    needs: Iterable[IntegrationNeed],
    *,
    also: Iterable[User] = (),
    over: Span | None = None,
    now: datetime,
    for_proposal: bool = False,
) -> Gathered:
    """The problem of placing `needs` around everything else that is booked.

    `also`: people whose time is needed though they are on none of the teams. `over`: time that it covers besides the windows.
    """
    wanted = list(needs)
    values = settings_for(clinic, BUFFER, GRID, MARGIN)
    covered = [Span(need.plan_from, need.closes_at) for need in wanted] + ([] if over is None else [over])
    if not covered:
        empty = planner.Problem(zone=clinic.time_zone, sessions=(), clinicians=(), grid_minutes=values[GRID])
        return Gathered(problem=empty)
    limits = Span(min(span.starts_at for span in covered), max(span.ends_at for span in covered)).widened(
        before=_AROUND, after=_AROUND
    )
    bookings = {str(need.pk): need.live_appointment for need in wanted if need.live_appointment is not None}
    leave_out = {booking.pk for booking in bookings.values() if booking is not None}
    teams, people = team_candidates({need.episode_id for need in wanted}, now=now)
    people |= {person.pk: person for person in also}
    rooms = list(Room.objects.filter(clinic=clinic, kind=RoomKind.THERAPY, is_active=True))
    rosters = rosters_of(clinic, people.values(), limits, leave_out=leave_out)
    open_rooms = room_rosters(rooms, limits, leave_out=leave_out)
    taken = bookings_of("patient", {need.episode.patient_id for need in wanted}, limits, leave_out=leave_out)
    impaired = impaired_spans({need.episode_id for need in wanted}, now=now)
    doses = next_doses({need.episode_id for need in wanted})
    coming = availability_of(clinic, {need.episode.patient_id for need in wanted}, limits)
    own_limits = limits_of(clinic, people)
    sessions = tuple(
        _session(
            need,
            teams[need.episode_id],
            bookings.get(str(need.pk)),
            unavailable=(
                *(booking.span for booking in taken[need.episode.patient_id]),
                *impaired[need.episode_id],
            ),
            coming=coming[need.episode.patient_id],
            next_dose=min((at for at in doses[need.episode_id] if at > need.d0), default=None),
            margin=values[MARGIN] if need.is_provisional else 0,
            room_kind=RoomKind.THERAPY if rooms else None,
            now=now,
        )
        for need in wanted
    )
    clinicians = tuple(
        planner.Clinician(
            key=str(key),
            free=_free_time(rosters[key], limits),
            buffer_minutes=own_limits[key].buffer_minutes,
            most_per_day=own_limits[key].most_sessions_per_day,
            busy=tuple(
                planner.Busy(booking.span, buffer_minutes=own_limits[key].buffer_minutes)
                for booking in rosters[key].bookings
            ),
        )
        for key in people
    )
    return Gathered(
        problem=planner.Problem(
            zone=clinic.time_zone,
            sessions=sessions,
            clinicians=clinicians,
            rooms=tuple(
                planner.Room(
                    key=str(room.pk),
                    kind=RoomKind.THERAPY,
                    free=availability(open_rooms[room.pk], limits, buffer_minutes=values[BUFFER]).free,
                    buffer_minutes=values[BUFFER],
                )
                for room in rooms
            ),
            grid_minutes=values[GRID],
            is_proposal=for_proposal,
        ),
        needs={str(need.pk): need for need in wanted},
        bookings={key: booking for key, booking in bookings.items() if booking is not None},
        people={str(key): person for key, person in people.items()},
        rooms={str(room.pk): room for room in rooms},
    )


def _session(
    need: IntegrationNeed,
    candidates: tuple[planner.Candidate, ...],
    booking: Appointment | None,
    *,
    unavailable: tuple[Span, ...],
    coming: Availability,
    next_dose: datetime | None,
    margin: int,
    room_kind: str | None,
    now: datetime,
) -> planner.Session:
    window = Span(need.plan_from, need.closes_at)
    promise = None
    known = {candidate.clinician for candidate in candidates}
    # Who left the team keeps no hold: their session is planned anew.
    if booking is not None and booking.lead is not None and str(booking.lead.pk) in known:
        promise = planner.Promise(
            clinician=str(booking.lead.pk),
            starts_at=booking.starts_at,
            place=Place(booking.place),
            room=None if booking.room is None else str(booking.room.pk),
            is_told=booking.is_told,
        )
    wishes: tuple[planner.Wish, ...] = ()
    if next_dose is not None and window.starts_at < next_dose < window.ends_at:
        # Before the next dose is preferred (rule book 0.2).
        wishes = (planner.Wish(spans=(Span(window.starts_at, next_dose),)),)
    # A wish without spans would mean any time: what lies outside the window asks for nothing here.
    if preferred := clip(coming.preferred, window):
        wishes = (*wishes, planner.Wish(spans=preferred))
    return planner.Session(
        key=str(need.pk),
        patient=str(need.episode.patient_id),
        window=window,
        minutes=need.duration_minutes,
        candidates=candidates,
        preferred=Span(need.preferred_from, need.preferred_until),
        margin_minutes=margin,
        place=coming.place,
        room_kind=room_kind,
        unavailable=(*unavailable, *coming.unavailable),
        wishes=wishes,
        promise=promise,
        not_before=now,
    )


def _free_time(roster: Roster, limits: Span) -> tuple[planner.FreeTime, ...]:
    """Working time by where it can be used; bookings are the planner's to take off."""
    return tuple(
        planner.FreeTime(span, place)
        for place in (Place.IN_PERSON, Place.TELEHEALTH)
        for span in availability(roster, limits, place=place).worked
    )


def team_candidates(
    episodes: Collection[UUID], *, now: datetime
) -> tuple[Mapping[UUID, tuple[planner.Candidate, ...]], dict[UUID, User]]:
    """By episode: its therapist, then its covers in their order, each with a licence in force; and who they are."""
    members = (
        CareTeamMember.objects.in_force(now)
        .filter(
            episode__in=episodes,
            part__in=list(_TIERS),
            covering=False,
            user__isnull=False,
            user__is_active=True,
        )
        .select_related("user", "episode")
        .order_by("part", "rank", "starts_at")
    )
    found: dict[UUID, dict[str, planner.Candidate]] = defaultdict(dict)
    people: dict[UUID, User] = {}
    for member in members:
        assert member.user is not None, "the query asks for people with an account"
        tier = _TIERS[TeamPart(member.part)]
        known = found[member.episode_id].get(str(member.user.pk))
        if known is None or tier < known.tier:
            found[member.episode_id][str(member.user.pk)] = planner.Candidate(
                clinician=str(member.user.pk), tier=tier, rank=member.rank
            )
        people[member.user.pk] = member.user
    expired = _without_licence(people, now=now)
    teams: dict[UUID, tuple[planner.Candidate, ...]] = defaultdict(tuple)
    for episode, candidates in found.items():
        teams[episode] = tuple(each for each in candidates.values() if each.clinician not in expired)
    return teams, people


def _without_licence(people: Iterable[UUID], *, now: datetime) -> set[str]:
    """Those all of whose licences have run out or were withdrawn; who has none on file is judged when joining a team."""
    has_any: set[UUID] = set()
    valid: set[UUID] = set()
    for licence in Licence.objects.filter(user__in=list(people)):
        has_any.add(licence.user_id)
        if licence.is_valid_on(now.date()):
            valid.add(licence.user_id)
    return {str(key) for key in has_any - valid}


def licensed_therapists(clinic: Clinic, *, now: datetime) -> list[User]:
    """Therapists of the clinic with a licence in force, by name."""
    people = list(current_members(clinic, Role.THERAPIST))
    today = now.astimezone(clinic.zone).date()
    licences = Licence.objects.filter(user__in=people)
    valid = {licence.user_id for licence in licences if licence.is_valid_on(today)}
    return [person for person in people if person.pk in valid]
