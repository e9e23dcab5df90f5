"""Why a need has no time, in words, and what would help: everything that is said was proven by solving again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from time import perf_counter

from integration.models import IntegrationNeed
from integration.repairs import Offer
from integration.services.ahead import DAYS_AROUND, expected_need, other_starts
from integration.services.placing import situation_of
from integration.services.planning.gathering import (
    Gathered,
    gather,
    licensed_therapists,
    waiting_needs,
)
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.clinics.services import settings_for
from kapclinic.scheduling.checks import Proposal, clash_reasons, soft_reasons
from kapclinic.scheduling.clinical_settings import BUFFER, EXTRA_FROM, EXTRA_UNTIL
from kapclinic.scheduling.extra_time import extra_stretches
from kapclinic.scheduling.models import AppointmentState
from kapclinic.scheduling.planner import (
    Competition,
    Cover,
    DoseTime,
    ExtraHour,
    FreeTime,
    Placement,
    Plan,
    Remedies,
    Repair,
    RepairKind,
    WhyNot,
    make_plan,
    why_not,
)
from kapclinic.scheduling.rosters import rosters_of
from kapclinic.scheduling.spans import Span, require_utc
from kapclinic.scheduling.wording import length_words, moment_words, span_words

# A page, or a job that has planned already, waits for the answer.
_PLAN_SECONDS = 4.0
_EXPLAIN_SECONDS = 4.0
_EXPLAIN_ALL_SECONDS = 10.0
_AROUND = timedelta(days=2)
_HOURS_NAMED = 6
# Each one costs a plan of the sessions that compete.
_MOST_STRETCHES = 12
_NOT_IN_A_PLAN = (
    "A calendar has a free time, but no plan does: rooms, time between sessions and days' limits count too."
)
_NOT_SETTLED = "Whether it fits beside the other sessions could not be settled in the time allowed."


@dataclass(frozen=True)
class Help:
    """A repair that was tried and works: what it asks for, and of whom (`person` None for another time of the dose)."""

    kind: RepairKind
    words: str
    offer: Offer
    person: User | None = None


@dataclass(frozen=True)
class Explanation:
    """Why a need has no time. `competing`: needs of others that share too little time with it.

    `would_fit`: in words, the time that a new plan would give it; then nothing else is said.
    """

    reasons: tuple[str, ...]
    competing: tuple[IntegrationNeed, ...] = ()
    helps: tuple[Help, ...] = ()
    would_fit: str = ""


@dataclass(frozen=True)
class _Beside:
    """A need among all that the clinic plans: the problem, its best plan, and the time that the need has in it, if any."""

    found: Gathered
    covers: list[User]
    plan: Plan
    placement: Placement | None

    @property
    def would_fit(self) -> str:
        """That time in words."""
        if self.placement is None:
            return ""
        span = Span(self.placement.starts_at, self.placement.ends_at)
        return f"{self.found.people[self.placement.clinician]}, {span_words(span, self.found.problem.zone)}"


def _among_all(need: IntegrationNeed, *, now: datetime) -> _Beside:
    others = [each for each in waiting_needs(need.clinic, now=now) if each.pk != need.pk]
    covers = licensed_therapists(need.clinic, now=now)
    # Other times of a planned dose lead to windows on the days around.
    over = Span(need.plan_from, need.closes_at).widened(before=DAYS_AROUND, after=DAYS_AROUND)
    found = _free_of(
        gather(need.clinic, [*others, need], also=covers, over=over if need.is_ahead else None, now=now),
        str(need.pk),
    )
    plan, placement = _plan_beside(found, str(need.pk))
    return _Beside(found, covers, plan, placement)


def explain_need(*, need: IntegrationNeed, now: datetime) -> Explanation:
    """Explain a need without a time (or with one that does not fit) beside all that the clinic plans; books nothing."""
    beside = _among_all(need, now=now)
    if beside.would_fit:
        return Explanation((), would_fit=beside.would_fit)
    found = beside.found
    remedies = _remedies(need, found, beside.covers, now=now)
    why = why_not(
        found.problem, beside.plan, str(need.pk), remedies=remedies, time_limit_seconds=_EXPLAIN_SECONDS
    )
    competing = () if why.competition is None else why.competition.sessions[1:]
    return Explanation(
        reasons=_reasons(found, why, now=now),
        competing=tuple(found.needs[key] for key in competing),
        helps=tuple(_help(need, repair, found) for repair in why.repairs),
    )


def solve_with(need: IntegrationNeed, offer: Offer, *, now: datetime) -> tuple[Gathered, Repair]:
    """Try a repair that was offered once more, beside all that the clinic plans now; books nothing.

    Raises Refused when the need has a time without it, when it is not on offer any more, or does not help any more.
    """
    beside = _among_all(need, now=now)
    if beside.would_fit:
        raise Refused(
            Reason(
                "fits",
                f"It fits without that now: {beside.would_fit}. The program books it when it plans next.",
            )
        )
    offered = _only(_remedies(need, beside.found, beside.covers, now=now), need, offer)
    if offered is None:
        raise Refused(Reason("stale", "That is not on offer any more. Here is what would help now."))
    why = why_not(
        beside.found.problem,
        beside.plan,
        str(need.pk),
        remedies=offered,
        time_limit_seconds=_EXPLAIN_SECONDS,
    )
    if not why.repairs:
        raise Refused(Reason("stale", "That does not help any more. Here is what would help now."))
    return beside.found, why.repairs[0]


def _only(remedies: Remedies, need: IntegrationNeed, offer: Offer) -> Remedies | None:
    """The one of the remedies that the offer names; None when it is not among them."""
    hours = tuple(each for each in remedies.extra_hours if _offer_of(each, need) == offer)
    covers = tuple(each for each in remedies.covers if _offer_of(each, need) == offer)
    doses = tuple(each for each in remedies.dose_times if _offer_of(each, need) == offer)
    return Remedies(hours[:1], covers[:1], doses[:1]) if hours or covers or doses else None


def explain_unplaced(
    found: Gathered, plan: Plan, *, now: datetime
) -> dict[str, tuple[tuple[str, ...], tuple[Help, ...]]]:
    """By key, why `plan` has no time for a need (in words without a patient's name) and what would help.

    Covers are asked about where `found` knows their time.
    """
    until = perf_counter() + _EXPLAIN_ALL_SECONDS
    answers = {}
    for key in plan.unplaced:
        need = found.needs[key]
        remedies = _remedies(need, found, found.people.values(), now=now)
        seconds = max(0.0, min(until - perf_counter(), _EXPLAIN_SECONDS))
        why = why_not(found.problem, plan, key, remedies=remedies, time_limit_seconds=seconds)
        answers[key] = (
            _reasons(found, why, now=now),
            tuple(
                _help(need, repair, found)
                for repair in why.repairs
                if not _moves_what_is_known(repair, found)
            ),
        )
    return answers


def _moves_what_is_known(repair: Repair, found: Gathered) -> bool:
    """Whether it works only by moving a session whose time the patient knows: that is no repair for one press."""
    moved = (found.bookings.get(each.session) for each in repair.changes)
    return any(booking is not None and booking.is_told for booking in moved)


def why_unplaced(found: Gathered, plan: Plan, *, now: datetime) -> dict[str, tuple[str, ...]]:
    """By key, why `plan` has no time for a need, in words without a patient's name."""
    until = perf_counter() + _EXPLAIN_ALL_SECONDS
    return {key: _why(found, plan, key, until - perf_counter(), now=now) for key in plan.unplaced}


def why_beside(found: Gathered, plan_of_others: Plan, key: str, *, now: datetime) -> tuple[str, ...]:
    """Why there is no time for the need `key` without taking it from somebody whom `plan_of_others` places."""
    plan = replace(plan_of_others, unplaced=(*plan_of_others.unplaced, key))
    return _why(found, plan, key, _EXPLAIN_SECONDS, now=now)


def _why(found: Gathered, plan: Plan, key: str, seconds: float, *, now: datetime) -> tuple[str, ...]:
    why = why_not(found.problem, plan, key, time_limit_seconds=max(0.0, min(seconds, _EXPLAIN_SECONDS)))
    return _reasons(found, why, now=now)


def _free_of(found: Gathered, key: str) -> Gathered:
    """The same with the session `key` bound to no time."""
    sessions = tuple(
        replace(each, promise=None) if each.key == key else each for each in found.problem.sessions
    )
    return replace(found, problem=replace(found.problem, sessions=sessions))


def _plan_beside(found: Gathered, key: str) -> tuple[Plan, Placement | None]:
    """A plan that leaves `key` out for lack of time and None, or one that places it beside everybody else and its time."""
    plan = make_plan(found.problem, time_limit_seconds=_PLAN_SECONDS)
    if key in plan.unplaced:
        return plan, None
    rest = tuple(each for each in found.problem.sessions if each.key != key)
    others = make_plan(replace(found.problem, sessions=rest), time_limit_seconds=_PLAN_SECONDS)
    if plan.score.placed > others.score.placed:
        return plan, plan.placement_of[key]
    return replace(others, unplaced=(*others.unplaced, key)), None


def _reasons(found: Gathered, why: WhyNot, *, now: datetime) -> tuple[str, ...]:
    competition = why.competition
    if competition is not None and len(competition.sessions) > 1:
        return (competition_words(competition, found.people, found.problem.zone),)
    need, booking = found.needs[why.session], found.bookings.get(why.session)
    alone = situation_of(need, now=now, leave_out=() if booking is None else (booking.pk,)).place().reasons
    if alone:
        return alone
    return (_NOT_SETTLED,) if competition is None else (_beyond_the_calendar(found, need),)


def competition_words(competition: Competition, people: Mapping[str, User], zone: str) -> str:
    """How many sessions compete and for which hours, in `zone`; no patient is named."""
    named = [(people[each.clinician], span) for each in competition.hours for span in each.spans]
    words = []
    for person, spans in groupby(named[:_HOURS_NAMED], key=itemgetter(0)):
        words.append(f"{person} {', '.join(span_words(span, zone) for _, span in spans)}")
    if len(named) > _HOURS_NAMED:
        words.append(f"and {len(named) - _HOURS_NAMED} more")
    have, need = length_words(competition.minutes_free), length_words(competition.minutes_needed)
    fits_by_length = competition.minutes_free >= competition.minutes_needed
    also = (
        ": with the time between sessions, rooms and days' limits they do not all fit"
        if fits_by_length
        else ""
    )
    return (
        f"These {len(competition.sessions)} sessions ({need} in all) need these {have}: {'; '.join(words)}. "
        f"Take one away and the others fit{also}."
    )


def _beyond_the_calendar(found: Gathered, need: IntegrationNeed) -> str:
    """Why a need has no time though somebody's calendar has: what only the planner keeps to."""
    if not found.problem.session_of[str(need.pk)].candidates:
        return "Nobody on the care team who could take it has a licence in force."
    return _NOT_IN_A_PLAN


def _remedies(
    need: IntegrationNeed, found: Gathered, therapists: Iterable[User], *, now: datetime
) -> Remedies:
    """What may be tried, in the order in which one would ask for it."""
    session = found.problem.session_of[str(need.pk)]
    usable = session.usable
    if usable is None:
        return Remedies()
    team = sorted(session.candidates, key=lambda each: (each.tier, each.rank))
    on_team = {each.clinician for each in team}
    return Remedies(
        extra_hours=tuple(_extra_hours(need, found, [each.clinician for each in team], usable)),
        covers=tuple(
            Cover(str(person.pk))
            for person in therapists
            if str(person.pk) not in on_team
            and any(usable.overlaps(time.span) for time in found.problem.clinician_of[str(person.pk)].free)
        ),
        dose_times=tuple(_dose_times(need, now=now)) if need.is_ahead else (),
    )


def _extra_hours(
    need: IntegrationNeed, found: Gathered, team: Iterable[str], usable: Span
) -> Iterator[ExtraHour]:
    people = [found.people[key] for key in team]
    values = settings_for(need.clinic, BUFFER, EXTRA_FROM, EXTRA_UNTIL)
    grid = found.problem.grid_minutes
    # After a session that ends with the day's hours the time between two sessions comes first.
    with_buffer = need.duration_minutes + -(-values[BUFFER] // grid) * grid
    rosters = rosters_of(need.clinic, people, usable.widened(before=_AROUND, after=_AROUND))
    for person in people:
        stretches = extra_stretches(
            rosters[person.pk],
            usable,
            lengths=(need.duration_minutes, with_buffer),
            from_hour=values[EXTRA_FROM],
            until_hour=values[EXTRA_UNTIL],
            zone=need.clinic.time_zone,
            grid_minutes=grid,
        )
        for span in stretches[:_MOST_STRETCHES]:
            yield ExtraHour(str(person.pk), FreeTime(span))


def _dose_times(need: IntegrationNeed, *, now: datetime) -> Iterator[DoseTime]:
    """The windows that the planned dose would have at the same time of day on the days around, where it could be given."""
    for start in other_starts(need.d0, need.clinic.zone, now=now):
        if not _can_be_given(need, start, now=now):
            continue
        moved = expected_need(need.episode, start, dose=need.dose)
        if moved is not None:
            yield DoseTime(
                label=moment_words(start, need.clinic.time_zone),
                window=Span(moved.plan_from, moved.closes_at),
                preferred=Span(moved.preferred_from, moved.preferred_until),
            )


def _can_be_given(need: IntegrationNeed, start: datetime, *, now: datetime) -> bool:
    """Whether the people, the room and the patient of the planned dose are free for it at `start` too."""
    booked = need.dose.appointment
    if booked is None:
        return True
    if booked.state == AppointmentState.ARRIVED:
        return False
    moved = Proposal(
        clinic=need.clinic,
        kind=booked.kind,
        span=Span(start, start + booked.span.length),
        people=booked.people,
        room=booked.room,
        patient=need.episode.patient,
        place=booked.place,
        leave_out=(booked.pk,),
    )
    return not clash_reasons(moved) and not soft_reasons(moved, now=now)


def _help(need: IntegrationNeed, repair: Repair, found: Gathered) -> Help:
    zone, remedy = need.clinic.time_zone, repair.remedy
    offer = _offer_of(remedy, need)
    own = next(each for each in repair.changes if each.session == str(need.pk))
    when = span_words(Span(own.starts_at, own.ends_at), zone)
    others = len(repair.changes) - 1
    beside = f" {others} held {'time moves' if others == 1 else 'times move'} for it." if others else ""
    if isinstance(remedy, ExtraHour):
        person = found.people[remedy.clinician]
        length = (
            "One more hour"
            if remedy.time.span.minutes == 60
            else f"{length_words(remedy.time.span.minutes)} more"
        )
        words = f"{length} of {person}: {span_words(remedy.time.span, zone)}.{beside}"
        return Help(repair.kind, words, offer, person)
    if isinstance(remedy, Cover):
        person = found.people[remedy.clinician]
        return Help(repair.kind, f"{person} could take it as a cover: {when}.{beside}", offer, person)
    planned = moment_words(need.d0, zone)
    words = f"Dose on {remedy.label} instead of {planned}: the session is then {when}.{beside}"
    return Help(repair.kind, words, offer)


def _offer_of(remedy: ExtraHour | Cover | DoseTime, need: IntegrationNeed) -> Offer:
    if isinstance(remedy, ExtraHour):
        return Offer(RepairKind.EXTRA_HOUR, person=remedy.clinician, span=remedy.time.span)
    if isinstance(remedy, Cover):
        return Offer(RepairKind.COVER, person=remedy.clinician)
    # A window is elapsed time from the dose, so both move by the same.
    return Offer(
        RepairKind.DOSE_TIME, dose_at=require_utc(need.d0 + (remedy.window.starts_at - need.plan_from))
    )
