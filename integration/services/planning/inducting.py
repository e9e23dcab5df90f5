"""How many inductions can start in a week so that every dose keeps its window, and what stands in the way of more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from episodes.models import ProtocolVersion
from episodes.protocols import ProtocolSpec
from integration.clinical_settings import PLANNED_DOSE
from integration.courses import course_of, dose_days, spread
from integration.services.planning.gathering import (
    Gathered,
    gather,
    licensed_therapists,
    waiting_needs,
)
from kapclinic.accounts.models import Role, User, current_members
from kapclinic.clinics.models import Clinic, RoomKind
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.clinics.services import setting
from kapclinic.scheduling.clinical_settings import MOST_SESSIONS
from kapclinic.scheduling.hours import availability, instant
from kapclinic.scheduling.planner import (
    Bottleneck,
    Candidate,
    Capacity,
    Induction,
    Limit,
    Tier,
    capacity,
)
from kapclinic.scheduling.rosters import rosters_of
from kapclinic.scheduling.spans import Span, Spans, union
from kapclinic.scheduling.wording import span_words

MOST_INDUCTIONS = 40
# A page waits for the answer.
_SECONDS = 20.0
_MOST_NAMES = 4
_WEEK = timedelta(days=7)
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True)
class DayOfStarts:
    """What one day of the week came to. `doses`: the days of a course that starts then.

    `uncovered`: in words, windows of such a course in which no therapist works long enough.
    """

    day: date
    asked: int
    started: int
    doses: tuple[date, ...]
    uncovered: tuple[str, ...]


@dataclass(frozen=True)
class InductionCapacity:
    """`started` of `asked` courses can start, no more than `bound`; `bottlenecks` say in words what hinders one more."""

    asked: int
    started: int
    bound: int
    bottlenecks: tuple[str, ...]
    days: tuple[DayOfStarts, ...]

    @property
    def is_proven(self) -> bool:
        return self.started == self.bound


@dataclass(frozen=True)
class _Course:
    """A course that starts on `day`; without an induction when its doses find no days."""

    day: date
    induction: Induction | None
    doses: tuple[date, ...]


def induction_capacity(
    *, clinic: Clinic, version: ProtocolVersion, monday: date, most: int, now: datetime
) -> InductionCapacity:
    """How many of `most` courses of `version` can start in the week of `monday`, spread over the days on which doses are given.

    Doses are given while a nurse or a prescriber works. Every session that has a time now keeps one, possibly another where the
    patient was not told. Raises Refused when the protocol books no sessions here, nobody could take them, or no course could
    have its doses.
    """
    spec = version.spec
    if not spec.plans_integration:
        raise Refused(
            Reason(
                "not-planned",
                "Sessions of this protocol are not booked here, so nothing here limits it.",
                "version",
            )
        )
    therapists = licensed_therapists(clinic, now=now)
    if not therapists:
        raise Refused(Reason("no-therapist", "The clinic has no therapist with a licence in force."))
    over = _horizon(clinic, spec, monday)
    found = gather(clinic, waiting_needs(clinic, now=now), also=therapists, over=over, now=now)
    courses = _courses(clinic, spec, monday, most, therapists, found, over, now=now)
    if not courses:
        raise Refused(
            Reason(
                "no-dosing-day",
                "No nurse and no prescriber works long enough in that week for a dose to start.",
                "week",
            )
        )
    inductions = [course.induction for course in courses if course.induction is not None]
    answer = capacity(found.problem, inductions, time_limit_seconds=_SECONDS)
    return InductionCapacity(
        asked=len(courses),
        started=len(answer.started),
        bound=answer.bound,
        bottlenecks=_bottlenecks(answer, found, setting(clinic, MOST_SESSIONS)),
        days=_days(courses, answer, found, clinic.time_zone),
    )


def _horizon(clinic: Clinic, spec: ProtocolSpec, monday: date) -> Span:
    """From the preparation of the week's first dose to the last secondary window of its last course."""
    weeks = int(spec.induction.planned_doses / spec.induction.doses_per_week) + 1
    return Span(
        instant(monday, 0, clinic.time_zone) - _WEEK,
        instant(monday, 0, clinic.time_zone) + (weeks + 3) * _WEEK,
    )


def _courses(
    clinic: Clinic,
    spec: ProtocolSpec,
    monday: date,
    most: int,
    therapists: Sequence[User],
    found: Gathered,
    over: Span,
    *,
    now: datetime,
) -> list[_Course]:
    zone = clinic.time_zone
    givers = [person for role in (Role.NURSE, Role.PRESCRIBER) for person in current_members(clinic, role)]
    open_time = _dosing_time(clinic, givers, over)
    starts_on = _starts_by_day(open_time, spec.first_dose_minutes, clinic)
    week = [monday + timedelta(days=number) for number in range(7)]
    starts = spread([[at for at in starts_on.get(day, ()) if at > now] for day in week], most)
    candidates = tuple(Candidate(str(person.pk), Tier.OWN) for person in therapists)
    courses = []
    for number, start in enumerate(starts):
        local = start.astimezone(clinic.zone)
        days = dose_days(
            local.date(),
            count=spec.induction.planned_doses,
            per_week=spec.induction.doses_per_week,
            is_possible=starts_on.__contains__,
        )
        if not days:
            courses.append(_Course(local.date(), None, ()))
            continue
        doses = [instant(day, local.hour * 60 + local.minute, zone) for day in days]
        made = course_of(
            f"course {number}",
            spec,
            doses,
            planned_minutes=setting(clinic, PLANNED_DOSE),
            candidates=candidates,
            room_kind=RoomKind.THERAPY if found.rooms else None,
            now=now,
        )
        courses.append(_Course(days[0], made, days))
    return courses


def _dosing_time(clinic: Clinic, givers: Sequence[User], over: Span) -> Spans:
    """When somebody works who may give a dose."""
    rosters = rosters_of(clinic, givers, over)
    return union(span for roster in rosters.values() for span in availability(roster, over).worked)


def _starts_by_day(open_time: Spans, minutes: int, clinic: Clinic) -> Mapping[date, list[datetime]]:
    """By the clinic's date, starts of doses that follow one another without a pause."""
    found: dict[date, list[datetime]] = defaultdict(list)
    length = timedelta(minutes=minutes)
    for span in open_time:
        start = span.starts_at
        while start + length <= span.ends_at:
            found[start.astimezone(clinic.zone).date()].append(start)
            start += length
    return dict(found)


def _bottlenecks(answer: Capacity, found: Gathered, most_a_day: int) -> tuple[str, ...]:
    words = [_words(each, found, most_a_day) for each in answer.bottlenecks]
    if not answer.is_explained:
        words.append("Whether another limit stands in the way could not be settled in the time allowed.")
    return tuple(words)


def _words(bottleneck: Bottleneck, found: Gathered, most_a_day: int) -> str:
    more = f"{bottleneck.gain} more could start"
    match bottleneck.limit:
        case Limit.CLINICIAN_HOURS:
            names = sorted(str(found.people[key]) for key in bottleneck.keys)
            who = f"any one of {len(names)} therapists" if len(names) > _MOST_NAMES else " or ".join(names)
            alone = f" More hours of {who} alone would help." if names else ""
            return f"Hours of therapists: with more of them {more}.{alone}"
        case Limit.DAY_LIMITS:
            return f"The most sessions of a therapist on one day ({most_a_day}): without it {more}."
        case Limit.ROOMS:
            return f"Therapy rooms: with more of them {more}."
        case Limit.PATIENTS:
            return f"When patients can come (recovering from a dose, booked already): without that {more}."
        case Limit.WINDOWS:
            return "The windows themselves: no single limit stands in the way, and lifting one alone lets no more start."


def _days(
    courses: Iterable[_Course], answer: Capacity, found: Gathered, zone: str
) -> tuple[DayOfStarts, ...]:
    by_day: dict[date, list[_Course]] = defaultdict(list)
    for course in courses:
        by_day[course.day].append(course)
    started = set(answer.started)
    worked = union(time.span for each in found.problem.clinicians for time in each.free)
    return tuple(
        DayOfStarts(
            day=day,
            asked=len(those),
            started=sum(course.induction is not None and course.induction.key in started for course in those),
            doses=those[0].doses,
            uncovered=tuple(_uncovered(those[0].induction, worked, zone)),
        )
        for day, those in sorted(by_day.items())
    )


def _uncovered(course: Induction | None, worked: Spans, zone: str) -> Iterator[str]:
    if course is None:
        yield "no days for its doses at the protocol's pace"
        return
    for session in course.sessions:
        usable, name = session.usable, session.key.partition("/")[2]
        if usable is None:
            yield f"{name} (its window is over)"
        elif not any((part := span.meet(usable)) and part.length >= session.length for span in worked):
            yield f"{name} ({span_words(session.window, zone)})"
