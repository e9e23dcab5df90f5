"""What is settled before any column is made: what fixed sessions take, and who are each session's candidates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from kapclinic.scheduling.hours import Place
from kapclinic.scheduling.planner.moments import Interval, inner, outer, without
from kapclinic.scheduling.planner.problem import Candidate, Placement, Problem, Room, Session, Tier
from kapclinic.scheduling.spans import Span, require_utc


class Fixed:
    """What sessions that stay where they are take: from clinicians, patients, rooms and the day's count."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.placements: list[Placement] = []
        self._of_clinician: dict[str, list[tuple[Interval, int]]] = defaultdict(list)
        self.of_patient: dict[str, list[Interval]] = defaultdict(list)
        self._of_room: dict[str, list[Interval]] = defaultdict(list)
        self._day_counts: dict[tuple[str, int], int] = defaultdict(int)
        zone = ZoneInfo(problem.zone)
        for session in problem.sessions:
            promise = session.promise
            if promise is None or not problem.is_fixed(session):
                continue
            starts_at = require_utc(promise.starts_at)
            span = Span(starts_at, starts_at + session.length)
            self.placements.append(
                Placement(
                    session.key,
                    promise.clinician,
                    span.starts_at,
                    span.ends_at,
                    promise.place,
                    promise.room,
                    is_fixed=True,
                )
            )
            self._of_clinician[promise.clinician].append((outer(span), session.buffer_minutes * 60))
            self.of_patient[session.patient].append(outer(span))
            if promise.room is not None:
                self._of_room[promise.room].append(outer(span))
            self._day_counts[promise.clinician, starts_at.astimezone(zone).toordinal()] += 1
        for clinician in problem.clinicians:
            for busy in clinician.busy:
                self._of_clinician[clinician.key].append((outer(busy.span), busy.buffer_minutes * 60))
                if busy.is_session:
                    day = busy.span.starts_at.astimezone(zone).toordinal()
                    self._day_counts[clinician.key, day] += 1

    def free_of(self, key: str, place: Place, buffer_seconds: int) -> list[Interval]:
        """Where a session that keeps `buffer_seconds` can lie with this clinician."""
        clinician = self.problem.clinician_of[key]
        free = (inner(time.span) for time in clinician.free if time.place.serves(place))
        own = clinician.buffer_minutes * 60
        taken = (
            (start - buffer_seconds, end + max(own, after)) for (start, end), after in self._of_clinician[key]
        )
        return without(free, taken)

    def free_of_room(self, room: Room) -> list[Interval]:
        """Where a session can lie in this room; its buffer is kept on both sides of what is fixed."""
        gap = room.buffer_minutes * 60
        return without(
            map(inner, room.free), ((start - gap, end + gap) for start, end in self._of_room[room.key])
        )

    def left_of_day(self, key: str, day: int) -> int | None:
        """How many more sessions this clinician may have on the local day; None without a limit."""
        most = self.problem.clinician_of[key].most_per_day
        return None if most is None else max(0, most - self._day_counts[key, day])


def shortlist(problem: Problem, sessions: Iterable[Session]) -> dict[str, tuple[Candidate, ...]]:
    """At most `most_candidates` per session: by tier and rank, then those whose own sessions fill their free time least.

    Whoever holds a promised time stays on the list.
    """
    wanted: dict[str, int] = defaultdict(int)
    kept = list(sessions)
    for session in kept:
        for candidate in session.candidates:
            if candidate.tier is Tier.OWN:
                wanted[candidate.clinician] += session.minutes
    free = {c.key: 1 + sum(time.span.minutes for time in c.free) for c in problem.clinicians}
    chosen: dict[str, tuple[Candidate, ...]] = {}
    for session in kept:
        promised = None if session.promise is None else session.promise.clinician
        best: dict[str, Candidate] = {}
        for candidate in sorted(session.candidates, key=lambda c: (c.tier, c.rank)):
            best.setdefault(candidate.clinician, candidate)
        order = sorted(
            best.values(),
            key=lambda c: (c.tier, c.rank, wanted[c.clinician] / free[c.clinician], c.clinician),
        )
        first = {candidate.clinician for candidate in order[: problem.most_candidates]}
        if promised in best and promised not in first:
            first = {*(candidate.clinician for candidate in order[: problem.most_candidates - 1]), promised}
        chosen[session.key] = tuple(candidate for candidate in order if candidate.clinician in first)
    return chosen
