"""What somebody asks of a course, and the pure problem that it makes with what is booked already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from math import lcm
from typing import Any, Self

from episodes.models import Episode, TeamPart
from episodes.stages import Stage
from integration import coursing
from integration.clinical_settings import DOSE_SHIFT, DOSES_EVERY, MARGIN, PLANNED_DOSE
from integration.coursing import CourseProblem, Preparing, Shape, Spacing, Wishes
from integration.profiles import profile_of
from integration.recovery import impaired_spans
from integration.services.planning.gathering import gather, team_candidates
from kapclinic.accounts.models import User
from kapclinic.clinics.models import Room, RoomKind
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.clinics.services import settings_for
from kapclinic.scheduling import planner
from kapclinic.scheduling.clinical_settings import BUFFER, GRID
from kapclinic.scheduling.hours import Place, availability, instant
from kapclinic.scheduling.models import Part
from kapclinic.scheduling.patient_times import availability_of
from kapclinic.scheduling.rosters import bookings_of, room_rosters, rosters_of
from kapclinic.scheduling.spans import Span, Spans, intersect
from sessions.clinical_settings import settings_in_force
from sessions.models import DosingSession, SessionState

_STAGES = frozenset({Stage.PREPARATION, Stage.TREATMENT})
_WEEK = timedelta(days=7)
# Stands for the therapist where none is there during a dose: nobody's time is taken.
_NOBODY = "nobody"
_ANY_DOSING_ROOM = RoomKind.DOSING.value


@dataclass(frozen=True)
class CourseAsk:
    """The wishes for a course. `weekdays` are ISO (none: any day); times are on the clinic's clock; people and room are ids.

    `therapist` takes the sessions where they can, and the doses with `at_doses`. `room` None: any dosing room.
    """

    doses: int
    first: date
    weekdays: tuple[int, ...]
    earliest: time
    wanted: time
    latest: time
    preparing: Preparing
    therapist: str
    at_doses: bool
    nurse: str | None = None
    prescriber: str | None = None
    room: str | None = None

    def as_data(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        times = {name: getattr(self, name).isoformat("minutes") for name in ("earliest", "wanted", "latest")}
        return {
            **asdict(self),
            **times,
            "first": self.first.isoformat(),
            "weekdays": list(self.weekdays),
            "preparing": self.preparing.value,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The wishes that `as_data` wrote."""
        times = {name: time.fromisoformat(data[name]) for name in ("earliest", "wanted", "latest")}
        return cls(
            **{
                **data,
                **times,
                "first": date.fromisoformat(data["first"]),
                "weekdays": tuple(data["weekdays"]),
                "preparing": Preparing(data["preparing"]),
            }
        )


@dataclass(frozen=True)
class Situation:
    """The pure problem of a course, and who and what its keys stand for."""

    problem: CourseProblem
    ask: CourseAsk
    people: Mapping[str, User]
    rooms: Mapping[str, Room]
    dosing_rooms: Mapping[str, Room]

    def narrowed(self, *, pins: Mapping[int, datetime], without: Collection[int]) -> Self:
        """The same for the beginnings that a person chose, by the dose's number, and less some doses."""
        slots = tuple(_pinned(slot, pins) for slot in self.problem.slots if slot.number not in without)
        return replace(self, problem=replace(self.problem, slots=slots))

    def shared_at_doses(self) -> list[tuple[User, str]]:
        """Who is there at a dose beside others."""
        parts = ((self.ask.nurse, Part.NURSE), (self.ask.prescriber, Part.PRESCRIBER))
        return [(self.people[key], part) for key, part in parts if key is not None]

    def own_at_doses(self) -> list[tuple[User, str]]:
        """Who is there for this dose alone."""
        return [(self.people[self.ask.therapist], Part.THERAPIST)] if self.ask.at_doses else []


def may_ask(episode: Episode) -> bool:
    """Whether a course can be planned at this stage of the episode."""
    return episode.stage in _STAGES


def doses_to_come(episode: Episode, *, now: datetime) -> int:
    """How many doses of the induction are neither given nor planned."""
    return max(0, episode.protocol.induction.planned_doses - len(_doses_besides(episode, now=now)))


def first_days(episode: Episode, *, now: datetime) -> date:
    """The first day on which a dose leaves time for its preparation, and for the doses before it."""
    zone = episode.clinic.zone
    window = timedelta(minutes=profile_of(episode.protocol).preparation_opens)
    planned = [dose.ends_at for dose in _doses_besides(episode, now=now)]
    apart = timedelta(days=7 / episode.protocol.induction.doses_per_week)
    earliest = max([now + window, *(end + apart for end in planned)])
    return earliest.astimezone(zone).date() + timedelta(days=1)


def situation_of(episode: Episode, ask: CourseAsk, *, now: datetime) -> Situation:
    """Lay what was asked over what is booked. Raises Refused with reasons at the fields of what was asked."""
    clinic, spec = episode.clinic, episode.protocol
    if not may_ask(episode):
        raise Refused(
            Reason(
                "stage",
                "A course is planned while the patient is being prepared or treated, not before or after.",
            )
        )
    values = settings_for(clinic, BUFFER, GRID, MARGIN, PLANNED_DOSE, DOSES_EVERY, DOSE_SHIFT)
    limits = settings_in_force(clinic).dose
    people = {str(person.pk): person for person in User.objects.filter(pk__in=_asked_people(ask))}
    teams, team = team_candidates([episode.pk], now=now)
    people |= {str(key): person for key, person in team.items()}
    besides = _doses_besides(episode, now=now)
    spacing = Spacing(
        planned_minutes=values[PLANNED_DOSE],
        hours_between=limits.hours_between_doses,
        most_in_seven_days=limits.doses_in_seven_days,
        others=besides,
    )
    wishes = Wishes(
        first=ask.first,
        weekdays=frozenset(ask.weekdays),
        earliest_minute=_minute(ask.earliest),
        latest_minute=_minute(ask.latest),
        wanted_minute=_minute(ask.wanted),
        zone=clinic.time_zone,
        step_minutes=lcm(values[DOSES_EVERY], values[GRID]),
        shift_days=values[DOSE_SHIFT],
    )
    over = _horizon(episode, ask)
    found = gather(clinic, [], also=people.values(), over=over, now=now)
    dosing_rooms = _dosing_rooms(episode, ask)
    per_week = spec.induction.doses_per_week
    slots = coursing.slots_of(
        _doses(episode, ask, len(besides)),
        wishes,
        per_week=per_week,
        open_time=_giving_time(episode, ask, people, over),
        spacing=spacing,
        now=now,
    )
    if not any(slot.starts for slot in slots):
        raise Refused(
            Reason(
                "no-days",
                "On none of these days do those who must be there at a dose work long enough in the hours that were asked for.",
                field="latest",
            )
        )
    patient = episode.patient_id
    coming = availability_of(clinic, [patient], over)[patient]
    taken = tuple(booking.span for booking in bookings_of("patient", [patient], over)[patient])
    nobody = planner.Clinician(key=_NOBODY, free=(planner.FreeTime(over),))
    problem = CourseProblem(
        base=replace(
            found.problem,
            clinicians=(*found.problem.clinicians, nobody),
            rooms=(*found.problem.rooms, *_as_rooms(dosing_rooms, over, values[BUFFER])),
        ),
        slots=slots,
        shape=Shape(
            profile=profile_of(spec),
            spacing=spacing,
            preparing=ask.preparing,
            preparation_minutes=spec.preparation_minutes,
            integration_minutes=spec.integration_minutes,
            margin_minutes=values[MARGIN],
        ),
        wishes=wishes,
        candidates=_candidates(ask, teams[episode.pk]),
        dose_candidates=(planner.Candidate(ask.therapist if ask.at_doses else _NOBODY),),
        now=now,
        dose_room_kind=_ANY_DOSING_ROOM if dosing_rooms else None,
        room_kind=RoomKind.THERAPY if found.rooms else None,
        place=coming.place,
        unavailable=(*taken, *coming.unavailable),
        impaired=impaired_spans([episode.pk], now=now)[episode.pk],
        preferred=coming.preferred,
    )
    rooms = {str(room.pk): room for room in Room.objects.filter(clinic=clinic, kind=RoomKind.THERAPY)}
    return Situation(problem, ask, people, rooms, {str(room.pk): room for room in dosing_rooms})


def _minute(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def _asked_people(ask: CourseAsk) -> list[str]:
    return [key for key in (ask.therapist, ask.nurse, ask.prescriber) if key is not None]


def _doses_besides(episode: Episode, *, now: datetime) -> Spans:
    """Doses of the episode that were given or are planned, each from D0 to T0, in order; of a planned one as planned."""
    rows = DosingSession.objects.expected().filter(episode=episode).with_anchors()
    minutes = timedelta(minutes=settings_for(episode.clinic, PLANNED_DOSE)[PLANNED_DOSE])
    found = []
    for row in rows:
        if row.d0_at is not None:
            ended = row.d0_at + minutes if row.running_count or row.last_end_at is None else row.last_end_at
            found.append(Span(row.d0_at, max(ended, row.d0_at)))
        elif row.state in (SessionState.PLANNED, SessionState.CHECKED_IN) and row.planned_until > now:
            found.append(Span(row.planned_at, row.planned_at + minutes))
    return tuple(sorted(found))


def _doses(episode: Episode, ask: CourseAsk, before: int) -> list[coursing.Dose]:
    spec = episode.protocol
    found = []
    for number in range(before + 1, before + ask.doses + 1):
        is_first = number == before + 1
        found.append(
            coursing.Dose(
                number=number,
                minutes=spec.first_dose_minutes if number == 1 else spec.later_dose_minutes,
                owes_integration=spec.plans_integration
                and spec.owes_integration(number, in_maintenance=False),
                wants_preparation=spec.plans_integration
                and (is_first or ask.preparing is not Preparing.FIRST),
            )
        )
    return found


def _pinned(slot: coursing.Slot, pins: Mapping[int, datetime]) -> coursing.Slot:
    start = pins.get(slot.number)
    if start is None:
        return slot
    return replace(slot, wanted=start, starts=tuple(each for each in slot.starts if each == start))


def _horizon(episode: Episode, ask: CourseAsk) -> Span:
    """From the first dose's preparation to the last secondary window, with a week to spare on both sides."""
    zone, course = episode.clinic.time_zone, episode.protocol.induction
    weeks = int(ask.doses / course.doses_per_week) + 1
    first = instant(ask.first, 0, zone)
    return Span(first - _WEEK, first + (weeks + 3) * _WEEK)


def _giving_time(episode: Episode, ask: CourseAsk, people: Mapping[str, User], over: Span) -> Spans:
    """When everybody works who must be there at a dose; the therapist's bookings are the planner's to see."""
    keys = [key for key in (ask.nurse, ask.prescriber) if key is not None]
    if ask.at_doses:
        keys.append(ask.therapist)
    rosters = rosters_of(episode.clinic, [people[key] for key in keys], over)
    open_time: Spans = (over,)
    for roster in rosters.values():
        open_time = intersect(open_time, availability(roster, over, place=Place.IN_PERSON).worked)
    return open_time


def _dosing_rooms(episode: Episode, ask: CourseAsk) -> list[Room]:
    rooms = Room.objects.filter(clinic=episode.clinic, kind=RoomKind.DOSING, is_active=True).order_by("name")
    return list(rooms if ask.room is None else rooms.filter(pk=ask.room))


def _as_rooms(rooms: Iterable[Room], over: Span, buffer_minutes: int) -> tuple[planner.Room, ...]:
    rooms = list(rooms)
    rosters = room_rosters(rooms, over)
    return tuple(
        planner.Room(
            key=str(room.pk),
            kind=_ANY_DOSING_ROOM,
            free=availability(rosters[room.pk], over, buffer_minutes=buffer_minutes).free,
            buffer_minutes=buffer_minutes,
        )
        for room in rooms
    )


def _candidates(ask: CourseAsk, team: Iterable[planner.Candidate]) -> tuple[planner.Candidate, ...]:
    """The therapist who was asked for, then the others of the team as they stand."""
    others = tuple(
        replace(each, tier=max(each.tier, planner.Tier.COVER))
        for each in team
        if each.clinician != ask.therapist
    )
    return (planner.Candidate(ask.therapist), *others)


def default_people(episode: Episode, *, now: datetime) -> dict[str, Any]:
    """Who of the care team takes which part, for the form."""
    parts = (TeamPart.THERAPIST, TeamPart.NURSE, TeamPart.PRESCRIBER)
    members = episode.team.in_force(now).filter(user__isnull=False, part__in=parts)
    return {member.part: member.user_id for member in members}
