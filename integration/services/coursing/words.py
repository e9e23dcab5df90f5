"""Why a dose or a session of a course has no time, in words with facts; one answer for each layer that stands in the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from integration.coursing import Asked, Course, Slot, Talk
from integration.services.coursing.asking import Situation
from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic, Room
from kapclinic.clinics.services import settings_for
from kapclinic.scheduling.clinical_settings import BUFFER, GRID
from kapclinic.scheduling.hours import Booking, Place
from kapclinic.scheduling.placing import Candidate, Request, RoomCandidate, place
from kapclinic.scheduling.rosters import limits_of, room_rosters, rosters_of
from kapclinic.scheduling.spans import Span
from kapclinic.scheduling.wording import moment_words, span_words

_DAY = timedelta(days=1)
TALK_WORDS = {
    Talk.PREPARATION: "Preparation",
    Talk.INTEGRATION: "Integration",
    Talk.SECONDARY: "Secondary integration",
}


def why_no_dose(clinic: Clinic, found: Situation, course: Course, slot: Slot) -> list[str]:
    """Why this dose has no time: nobody there, too near to others, or what it owes finds no time around it."""
    problem, zone = found.problem, clinic.time_zone
    if not slot.starts:
        people = [*found.own_at_doses(), *found.shared_at_doses()]
        names = ", ".join(str(person) for person, _ in people) or "nobody"
        return [
            f"Around {moment_words(slot.wanted, zone)} there is no time at which {names} work for {slot.minutes} min"
            " on the days and in the hours that were asked for."
        ]
    free = [start for start in slot.starts if problem.shape.spacing.allows([*course.starts.values(), start])]
    if not free:
        spacing = problem.shape.spacing
        return [
            f"Every time around {moment_words(slot.wanted, zone)} is nearer to another dose than"
            f" {spacing.hours_between} h, or would make more than {spacing.most_in_seven_days} doses in seven days."
        ]
    start = min(free, key=lambda each: (problem.wishes.distance(slot.wanted, each), each))
    visit = slot.span_at(start)
    taken = [span for span in problem.unavailable if span.overlaps(visit)]
    if taken:
        return [f"{moment_words(start, zone)}: the patient has another appointment or cannot come then."]
    whom = found.own_at_doses()
    rooms = list(found.dosing_rooms.values()) or None
    if whom:
        reasons = _reasons(clinic, found, visit, slot.minutes, [whom[0][0]], rooms, (), Place.IN_PERSON)
        if reasons:
            return [f"{moment_words(start, zone)}: {words}" for words in reasons]
    asked = Asked(slot.number, Talk.INTEGRATION)
    if slot.owes_integration:
        reasons = why_no_session(clinic, found, course, asked, start)
        if reasons:
            window = span_words(problem.shape.window(Talk.INTEGRATION, start), zone)
            return [f"A dose {moment_words(start, zone)} would have no integration, {window}.", *reasons]
    return [
        f"Every time within {problem.wishes.shift_days} days of {moment_words(slot.wanted, zone)} takes a room, a person or"
        " a session from another dose of this course."
    ]


def why_no_session(
    clinic: Clinic, found: Situation, course: Course, asked: Asked, start: datetime
) -> list[str]:
    """Why this session of a dose at `start` has no time; empty when it could lie somewhere if the course had nothing else."""
    problem = found.problem
    impaired = [problem.slot_of[number].impaired_at(at) for number, at in course.starts.items()]
    impaired.append(problem.slot_of[asked.number].impaired_at(start))
    blocked = [Booking(span, "the patient is booked or cannot come") for span in problem.unavailable]
    blocked += [Booking(span, "recovering from a dose") for span in (*impaired, *problem.impaired)]
    blocked += [
        Booking(Span(placed.starts_at, placed.ends_at), "another session of this course")
        for other, placed in course.sessions.items()
        if other != asked
    ]
    therapists = [
        found.people[each.clinician] for each in problem.candidates if each.clinician in found.people
    ]
    rooms = list(found.rooms.values()) if problem.room_kind is not None else None
    return _reasons(
        clinic,
        found,
        problem.shape.window(asked.talk, start),
        problem.shape.minutes(asked.talk),
        therapists,
        rooms,
        blocked,
        problem.place,
    )


def _reasons(
    clinic: Clinic,
    found: Situation,
    window: Span,
    minutes: int,
    people: Sequence[User],
    rooms: list[Room] | None,
    blocked: Iterable[Booking],
    where: Place,
) -> list[str]:
    limits = window.widened(before=_DAY, after=_DAY)
    values = settings_for(clinic, BUFFER, GRID)
    rosters = rosters_of(clinic, people, limits)
    own = limits_of(clinic, [person.pk for person in people])
    room_free = {} if rooms is None else room_rosters(rooms, limits)
    placement = place(
        Request(
            key="course",
            window=window,
            duration_minutes=minutes,
            zone=clinic.time_zone,
            place=where,
            blocked=tuple(blocked),
            not_before=found.problem.now,
        ),
        [
            Candidate(
                key=str(person.pk),
                name=str(person),
                roster=rosters[person.pk],
                buffer_minutes=own[person.pk].buffer_minutes,
                most_per_day=own[person.pk].most_sessions_per_day,
            )
            for person in people
        ],
        rooms=None
        if rooms is None
        else [RoomCandidate(str(room.pk), room.name, room_free[room.pk]) for room in rooms],
        buffer_minutes=values[BUFFER],
        grid_minutes=values[GRID],
    )
    return list(placement.reasons) if placement.choice is None else []
