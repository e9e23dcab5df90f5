"""Does a plan keep every rule? Read from the rules alone: nothing of the model that made the plan is used here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

from kapclinic.scheduling.hours import Place
from kapclinic.scheduling.planner.problem import Clinician, Placement, Plan, Problem, Session
from kapclinic.scheduling.spans import Span, require_utc, subtract, union


def check(problem: Problem, plan: Plan) -> list[str]:
    """Every rule that `plan` breaks, in words with keys; empty for a plan that keeps them all."""
    found = [*_accounts(problem, plan)]
    known = [placement for placement in plan.placements if placement.session in problem.session_of]
    for placement in known:
        session = problem.session_of[placement.session]
        words = _fixed_faults(session, placement) if placement.is_fixed else _own_faults(problem, placement)
        found += (f"{session.key}: {each}" for each in words)
    found += _clinician_faults(problem, known)
    found += _patient_faults(problem, known)
    found += _room_faults(problem, known)
    return found


def _accounts(problem: Problem, plan: Plan) -> Iterator[str]:
    """Each session is placed once or named as unplaced; what is told stays; the bound holds."""
    named = Counter([*(placement.session for placement in plan.placements), *plan.unplaced])
    for key, times in named.items():
        if key not in problem.session_of:
            yield f"{key}: no such session"
        elif times > 1:
            yield f"{key}: stands {times} times"
    for session in problem.sessions:
        if not named[session.key]:
            yield f"{session.key}: neither placed nor unplaced"
        placement = plan.placement_of.get(session.key)
        should = session.promise is not None and session.promise.is_told and not problem.is_proposal
        if should != (placement is not None and placement.is_fixed):
            yield f"{session.key}: told and fixed do not agree"
    inside = sum(
        problem.session_of[placement.session].window.covers(_span(placement))
        for placement in plan.placements
        if placement.session in problem.session_of
    )
    if inside != plan.score.placed:
        yield f"{inside} sessions lie in their window, the plan says {plan.score.placed}"
    if inside > plan.bound:
        yield f"{inside} sessions are placed, more than the bound {plan.bound}"


def _fixed_faults(session: Session, placement: Placement) -> Iterator[str]:
    promise = session.promise
    if promise is None or (
        (promise.clinician, require_utc(promise.starts_at), promise.place, promise.room)
        != (placement.clinician, placement.starts_at, placement.place, placement.room)
    ):
        yield "what the patient was told has changed"
    if placement.ends_at - placement.starts_at != session.length:
        yield "has another length"


def _own_faults(problem: Problem, placement: Placement) -> Iterator[str]:
    session, span = problem.session_of[placement.session], _span(placement)
    if span.length != session.length:
        yield "has another length"
    if span.starts_at < session.window.starts_at or span.ends_at > session.window.ends_at:
        yield "lies outside its window"
    if session.not_before is not None and span.starts_at < require_utc(session.not_before):
        yield "starts in the past"
    local = span.starts_at.astimezone(ZoneInfo(problem.zone))
    if local.minute % problem.grid_minutes or local.second or local.microsecond:
        yield "starts off the grid"
    if placement.clinician not in {candidate.clinician for candidate in session.candidates}:
        yield "its clinician is no candidate"
    if session.place is not Place.EITHER and placement.place is not session.place:
        yield "is at another place than asked"
    if any(span.overlaps(each) for each in session.unavailable):
        yield "lies where the patient cannot come"
    clinician = problem.clinician_of[placement.clinician]
    worked = union(each.span for each in clinician.free if each.place.serves(placement.place))
    if not any(each.covers(span) for each in worked):
        yield "lies outside the clinician's free time"
    needs_room = session.room_kind is not None and placement.place is Place.IN_PERSON
    if needs_room != (placement.room is not None):
        yield "has a room without need" if placement.room else "has no room"
    if needs_room and placement.room is not None:
        room = problem.room_of.get(placement.room)
        if room is None or room.kind != session.room_kind:
            yield "its room is of another kind"
        elif subtract((span,), room.free):
            yield "its room is not free"


def _clinician_faults(problem: Problem, placements: Iterable[Placement]) -> Iterator[str]:
    zone = ZoneInfo(problem.zone)
    for key, theirs in _grouped(placements, lambda placement: placement.clinician).items():
        clinician = problem.clinician_of[key]
        yield from _too_close(problem, clinician, theirs)
        if clinician.most_per_day is None:
            continue
        days: Counter[date] = Counter(
            busy.span.starts_at.astimezone(zone).date() for busy in clinician.busy if busy.is_session
        )
        added = {
            placement.starts_at.astimezone(zone).date() for placement in theirs if not placement.is_fixed
        }
        days.update(placement.starts_at.astimezone(zone).date() for placement in theirs)
        for day in sorted(added):
            if days[day] > clinician.most_per_day:
                yield f"{key}: {days[day]} sessions on {day}, at most {clinician.most_per_day}"


def _too_close(problem: Problem, clinician: Clinician, theirs: list[Placement]) -> Iterator[str]:
    def gap(placement: Placement) -> timedelta:
        own = problem.session_of[placement.session].buffer_minutes
        return timedelta(minutes=max(own, clinician.buffer_minutes))

    ordered = sorted(theirs, key=lambda placement: placement.starts_at)
    for first, second in combinations(ordered, 2):
        if first.is_fixed and second.is_fixed:
            continue
        if first.ends_at + gap(first) > second.starts_at:
            yield f"{clinician.key}: {first.session} and {second.session} are too close"
    for placement in ordered:
        for busy in clinician.busy if not placement.is_fixed else ():
            after = timedelta(minutes=max(busy.buffer_minutes, clinician.buffer_minutes))
            if _span(placement).overlaps(busy.span.widened(before=gap(placement), after=after)):
                yield f"{clinician.key}: {placement.session} is too close to a booking"


def _patient_faults(problem: Problem, placements: Iterable[Placement]) -> Iterator[str]:
    groups = _grouped(placements, lambda placement: problem.session_of[placement.session].patient)
    for patient, theirs in groups.items():
        for first, second in combinations(theirs, 2):
            if not (first.is_fixed and second.is_fixed) and _span(first).overlaps(_span(second)):
                yield f"{patient}: {first.session} and {second.session} at once"


def _room_faults(problem: Problem, placements: Iterable[Placement]) -> Iterator[str]:
    for key, theirs in _grouped(placements, lambda placement: placement.room or "").items():
        room = problem.room_of.get(key)
        if room is None:
            continue
        gap = timedelta(minutes=room.buffer_minutes)
        for first, second in combinations(sorted(theirs, key=lambda placement: placement.starts_at), 2):
            if not (first.is_fixed and second.is_fixed) and first.ends_at + gap > second.starts_at:
                yield f"{key}: {first.session} and {second.session} are too close"


def _grouped(
    placements: Iterable[Placement], key_of: Callable[[Placement], str]
) -> dict[str, list[Placement]]:
    groups: dict[str, list[Placement]] = defaultdict(list)
    for placement in placements:
        groups[key_of(placement)].append(placement)
    return groups


def _span(placement: Placement) -> Span:
    return Span(placement.starts_at, placement.ends_at)
