"""Why a session has no time, and what would help: each answer is proven by solving again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from time import perf_counter

from kapclinic.scheduling.planner.columns import Columns, Finder
from kapclinic.scheduling.planner.moments import merged, moment_of
from kapclinic.scheduling.planner.problem import (
    Candidate,
    FreeTime,
    Placement,
    Plan,
    Problem,
    Promise,
    Session,
    Tier,
)
from kapclinic.scheduling.planner.solving import NO_LIMIT, make_plan
from kapclinic.scheduling.spans import Span, Spans

MOST_REPAIRS = 3


@dataclass(frozen=True, slots=True)
class ClinicianHours:
    """Stretches of one clinician's time that the competing sessions could use."""

    clinician: str
    spans: Spans


@dataclass(frozen=True, slots=True)
class Competition:
    """These `sessions` (the unplaced one first) cannot all have a time; without any one of them the others can.

    `hours`: all the time that any of them could lie in, other bookings taken off. Alone in the list, the session has no
    time at all.
    """

    sessions: tuple[str, ...]
    hours: tuple[ClinicianHours, ...]
    minutes_needed: int

    @property
    def minutes_free(self) -> int:
        return sum(span.minutes for each in self.hours for span in each.spans)


class RepairKind(StrEnum):
    """What a repair asks for."""

    EXTRA_HOUR = "extra_hour"
    COVER = "cover"
    DOSE_TIME = "dose_time"


@dataclass(frozen=True, slots=True)
class ExtraHour:
    """Time that a clinician might work in addition."""

    clinician: str
    time: FreeTime


@dataclass(frozen=True, slots=True)
class Cover:
    """Someone who might take the session though they are no candidate now."""

    clinician: str


@dataclass(frozen=True, slots=True)
class DoseTime:
    """Another time of the dose, as the window that it would give."""

    label: str
    window: Span
    preferred: Span | None = None


@dataclass(frozen=True, slots=True)
class Remedies:
    """What may be tried for a session, in order of preference."""

    extra_hours: tuple[ExtraHour, ...] = ()
    covers: tuple[Cover, ...] = ()
    dose_times: tuple[DoseTime, ...] = ()


@dataclass(frozen=True, slots=True)
class Repair:
    """A remedy with which the session and everybody who has a time now have one. `changes`: who is placed anew or elsewhere."""

    kind: RepairKind
    remedy: ExtraHour | Cover | DoseTime
    changes: tuple[Placement, ...]


@dataclass(frozen=True, slots=True)
class WhyNot:
    """`competition` None: the plan was not proven best, and the session does fit; plan again with more time."""

    session: str
    competition: Competition | None
    repairs: tuple[Repair, ...]


def why_not(
    problem: Problem,
    plan: Plan,
    session: str,
    *,
    remedies: Remedies | None = None,
    time_limit_seconds: float = NO_LIMIT,
) -> WhyNot:
    """Why `session`, unplaced in `plan`, has no time. Raises ValueError for one that has.

    Of each kind of remedy the first that works is a repair. When the time limit is past, what is not proven is left out.
    """
    if session not in plan.unplaced:
        raise ValueError(f"session {session} has a time")
    deadline = perf_counter() + time_limit_seconds
    around = _Surroundings(problem, plan, session)
    competing = around.competing(deadline)
    if competing is None:
        return WhyNot(session, None, ())
    return WhyNot(
        session,
        Competition(
            sessions=competing,
            hours=around.hours(competing),
            minutes_needed=sum(problem.session_of[key].minutes for key in competing),
        ),
        tuple(_repairs(problem, plan, session, competing, remedies or Remedies(), deadline)),
    )


class _Surroundings:
    """The sessions that could be in the way of one, in rings: those that share time with it, then with those, and so on."""

    def __init__(self, problem: Problem, plan: Plan, key: str) -> None:
        finder = Finder(problem)
        self._key = key
        # The list of candidates is settled once, so that it does not depend on who else is looked at.
        self._plain = {
            problem.sessions[at].key: _plain(problem.sessions[at], finder.shortlist[problem.sessions[at].key])
            for at in finder.open
            if problem.sessions[at].key == key or problem.sessions[at].key in plan.placement_of
        }
        self._problem = replace(problem, sessions=tuple(s for s in problem.sessions if problem.is_fixed(s)))

    def competing(self, deadline: float) -> tuple[str, ...] | None:
        """An irreducible set that does not fit together; None when all that could matter does."""
        chosen: list[str] = []
        if not self._fits([], deadline):
            return (self._key,)
        for ring in self._rings():
            chosen += ring
            if not self._fits(chosen, deadline):
                return (self._key, *self._needed([], chosen, has_grown=False, deadline=deadline))
        return None

    def _rings(self) -> Iterator[list[str]]:
        seen, edge = {self._key}, [self._plain[self._key]]
        while edge:
            ring = sorted(
                key
                for key, other in self._plain.items()
                if key not in seen and any(_share_time(other, each) for each in edge)
            )
            seen.update(ring)
            edge = [self._plain[key] for key in ring]
            if ring:
                yield ring

    def _needed(
        self, settled: list[str], others: list[str], *, has_grown: bool, deadline: float
    ) -> list[str]:
        """Of `others` those that cannot be spared beside `settled` (U. Junker, QuickXplain, AAAI 2004)."""
        if has_grown and not self._fits(settled, deadline):
            return []
        if len(others) == 1:
            return others
        first, second = others[: len(others) // 2], others[len(others) // 2 :]
        late = self._needed([*settled, *first], second, has_grown=True, deadline=deadline)
        early = self._needed([*settled, *late], first, has_grown=bool(late), deadline=deadline)
        return [*early, *late]

    def _part(self, keys: Iterable[str]) -> Problem:
        return _with_sessions(self._problem, [self._plain[each] for each in (self._key, *keys)])

    def _fits(self, keys: Sequence[str], deadline: float) -> bool:
        """True when these and the session all have a time together, or when that cannot be ruled out in time."""
        part = self._part(keys)
        fixed = sum(part.is_fixed(session) for session in part.sessions)
        plan = make_plan(part, time_limit_seconds=max(0.0, deadline - perf_counter()))
        inside = sum(
            session.window.covers(Span(placement.starts_at, placement.ends_at))
            for session in part.sessions
            if part.is_fixed(session) and (placement := plan.placement_of[session.key])
        )
        return plan.bound - inside >= len(part.sessions) - fixed

    def hours(self, keys: Iterable[str]) -> tuple[ClinicianHours, ...]:
        """All the time that columns of these sessions cover."""
        part = self._part(key for key in keys if key != self._key)
        finder = Finder(part)
        columns: Columns = finder.columns(finder.open)
        return tuple(
            ClinicianHours(
                clinician.key,
                tuple(
                    Span(moment_of(begin), moment_of(end))
                    for begin, end in merged(
                        zip(
                            columns.start[columns.clinician == at].tolist(),
                            columns.end[columns.clinician == at].tolist(),
                            strict=True,
                        )
                    )
                ),
            )
            for at, clinician in enumerate(part.clinicians)
            if (columns.clinician == at).any()
        )


def _plain(session: Session, candidates: tuple[Candidate, ...]) -> Session:
    """The session with nothing but what it needs: only whether it can be placed counts."""
    alike = tuple(replace(candidate, tier=Tier.OWN, rank=0) for candidate in candidates)
    return replace(session, candidates=alike, preferred=None, margin_minutes=0, wishes=(), promise=None)


def _share_time(one: Session, other: Session) -> bool:
    """True when the two could be in each other's way."""
    if not one.window.overlaps(other.window.widened(before=one.length, after=one.length)):
        return False
    return (
        one.patient == other.patient
        or (one.room_kind is not None and one.room_kind == other.room_kind)
        or not {c.clinician for c in one.candidates}.isdisjoint(c.clinician for c in other.candidates)
    )


def _with_sessions(problem: Problem, sessions: Sequence[Session]) -> Problem:
    """`sessions` among those of `problem` that could be in their way, with the clinicians who are named."""
    clinicians = {candidate.clinician for session in sessions for candidate in session.candidates}
    patients = {session.patient for session in sessions}
    kinds = {session.room_kind for session in sessions}
    near = [
        session
        for session in problem.sessions
        if session.promise is not None
        and (
            session.promise.clinician in clinicians
            or session.patient in patients
            or (
                session.promise.room is not None
                and session.promise.room in problem.room_of
                and problem.room_of[session.promise.room].kind in kinds
            )
        )
    ]
    for session in near:
        clinicians.update(candidate.clinician for candidate in session.candidates)
        clinicians.add(session.promise.clinician if session.promise is not None else "")
    return replace(
        problem,
        sessions=(*near, *sessions),
        clinicians=tuple(each for each in problem.clinicians if each.key in clinicians),
        rooms=tuple(room for room in problem.rooms if room.kind in kinds),
    )


def _repairs(
    problem: Problem,
    plan: Plan,
    key: str,
    competing: tuple[str, ...],
    remedies: Remedies,
    deadline: float,
) -> Iterator[Repair]:
    """The first remedy of each kind with which the competing sessions all have a time while all others stay as planned."""
    session = problem.session_of[key]
    offers: tuple[tuple[RepairKind, Sequence[ExtraHour | Cover | DoseTime]], ...] = (
        (RepairKind.EXTRA_HOUR, remedies.extra_hours),
        (RepairKind.COVER, remedies.covers),
        (RepairKind.DOSE_TIME, remedies.dose_times),
    )
    for kind, offered in offers[:MOST_REPAIRS]:
        for remedy in offered:
            if perf_counter() >= deadline:
                return
            changed = _with_remedy(problem, session, remedy)
            changes = _placed_with(changed, plan, competing, deadline)
            if changes is not None:
                yield Repair(kind, remedy, changes)
                break


def _with_remedy(problem: Problem, session: Session, remedy: ExtraHour | Cover | DoseTime) -> Problem:
    if isinstance(remedy, ExtraHour):
        return replace(
            problem,
            clinicians=tuple(
                replace(each, free=(*each.free, remedy.time)) if each.key == remedy.clinician else each
                for each in problem.clinicians
            ),
        )
    if isinstance(remedy, Cover):
        # At the head of the list, so that the shortlist keeps whoever is asked about.
        offered = Candidate(remedy.clinician, Tier.COVER, rank=-1)
        changed = replace(session, candidates=(*session.candidates, offered))
    else:
        changed = replace(session, window=remedy.window, preferred=remedy.preferred)
    return replace(
        problem, sessions=tuple(changed if each.key == session.key else each for each in problem.sessions)
    )


def _placed_with(
    problem: Problem, plan: Plan, competing: tuple[str, ...], deadline: float
) -> tuple[Placement, ...] | None:
    """What changes when the competing sessions are planned anew and all others stay; None when not all of them get a time."""
    stay = []
    for session in problem.sessions:
        placement = plan.placement_of.get(session.key)
        if placement is None or session.key in competing:
            continue
        promise = Promise(
            placement.clinician, placement.starts_at, placement.place, placement.room, is_told=True
        )
        stay.append(replace(session, promise=promise))
    moving = []
    for key in competing:
        session = problem.session_of[key]
        placement = plan.placement_of.get(key)
        if placement is not None:
            promise = Promise(placement.clinician, placement.starts_at, placement.place, placement.room)
            session = replace(session, promise=promise)
        moving.append(replace(session, promise=None) if placement is None else session)
    part = _with_sessions(replace(problem, sessions=tuple(stay), is_proposal=False), moving)
    found = make_plan(part, time_limit_seconds=max(0.0, deadline - perf_counter()))
    if any(key in found.unplaced for key in competing):
        return None
    return tuple(
        placement for key in competing if (placement := found.placement_of[key]) != plan.placement_of.get(key)
    )
