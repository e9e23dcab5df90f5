"""How many sessions keep their window, and how long a plan takes: `python benchmarks/planner.py [--sizes 60,200] [--json]`.

One run places the same made-up sessions first come, first served and with the exact planner, and prints both beside the bound
that is proven. Two kinds: 50 min on the hour with 10 min between ("hours"), and 60 to 120 min on the quarter hour ("mixed").

The clinics are made up: at most 600 sessions and 102 clinicians each (larger sizes are networks of such clinics); clinicians
work 9 to 17 on weekdays and are half booked; doses end on weekdays between 10:00 and 17:00, so windows of 24-72 h run over
weekends; each session has its own therapist, two covers and eight others; two thirds are in person and need one of the clinic's
rooms; patients have hours in which they cannot come, wishes, and times that were promised. Every plan is checked by the
independent checker. Needs no database. Exit 1 when a bar is missed (2 cores, nothing else running).
"""

import argparse
import json
import random
import resource
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kapclinic.scheduling.hours import Place
from kapclinic.scheduling.planner import (
    Candidate,
    Clinician,
    FreeTime,
    Placement,
    Problem,
    Promise,
    Room,
    Session,
    Tier,
    Wish,
    check,
    first_come,
    make_plan,
    place_among,
)
from kapclinic.scheduling.spans import Span, subtract

SIZES = (60, 200, 600, 2000, 10000)
KINDS = ("hours", "mixed")
# Seconds for a plan of so many sessions, and megabytes for the largest.
SECONDS = {600: 2.0, 2000: 10.0, 10000: 60.0}
MOST_MEGABYTES = 1024
ONE_PLACEMENT_SECONDS = 0.3
CLINIC_SESSIONS = 600
SESSIONS_PER_CLINICIAN = 5.9
MONDAY = datetime(2026, 6, 8, tzinfo=UTC)
WORKDAYS = (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)


def at(day: int, minute: int) -> datetime:
    return MONDAY + timedelta(days=day, minutes=minute)


def made_up(size: int, kind: str, seed: int = 7) -> Problem:
    """A problem of `size` sessions; the same arguments make the same problem."""
    clinics = -(-size // CLINIC_SESSIONS)
    parts = [
        _clinic(f"{number}-", size // clinics + (number < size % clinics), kind, random.Random(seed + number))
        for number in range(clinics)
    ]
    return Problem(
        zone="UTC",
        sessions=tuple(session for part in parts for session in part[0]),
        clinicians=tuple(clinician for part in parts for clinician in part[1]),
        rooms=tuple(room for part in parts for room in part[2]),
        grid_minutes=60 if kind == "hours" else 15,
    )


def _clinic(
    name: str, size: int, kind: str, dice: random.Random
) -> tuple[list[Session], list[Clinician], list[Room]]:
    staff = max(3, round(size / SESSIONS_PER_CLINICIAN))
    keys = [f"{name}c{number}" for number in range(staff)]
    clinicians = [Clinician(key, _open_hours(dice), buffer_minutes=10, most_per_day=5) for key in keys]
    sessions = []
    for number in range(size):
        dose_ends = at(dice.randrange(5), dice.randrange(10 * 60, 17 * 60, 5))
        own, *others = dice.sample(keys, min(11, staff))
        covers, rest = others[:2], others[2:]
        start = dose_ends + timedelta(hours=24)
        is_remote = dice.random() < 1 / 3
        sessions.append(
            Session(
                key=f"{name}s{number}",
                patient=f"{name}p{number}",
                window=Span(start, start + timedelta(hours=48)),
                preferred=Span(start, start + timedelta(hours=24)),
                minutes=50 if kind == "hours" else dice.choice((60, 75, 90, 105, 120)),
                candidates=(
                    Candidate(own, Tier.OWN),
                    *(Candidate(key, Tier.COVER, rank) for rank, key in enumerate(covers)),
                    *(Candidate(key, Tier.OTHER) for key in rest),
                ),
                place=Place.TELEHEALTH if is_remote else Place.IN_PERSON,
                room_kind=f"{name}therapy",
                unavailable=_cannot(start, dice),
                wishes=_wishes(start, dice),
                promise=_promise(own, start, is_remote, dice),
            )
        )
    opens = tuple(Span(at(day, 8 * 60), at(day, 18 * 60)) for day in WORKDAYS)
    rooms = [
        Room(f"{name}r{number}", f"{name}therapy", opens) for number in range(max(2, -(-2 * staff // 5)))
    ]
    return sessions, clinicians, rooms


def _open_hours(dice: random.Random) -> tuple[FreeTime, ...]:
    """Two working weeks, half of each day booked in blocks of 60 to 120 min on the quarter hour."""
    free: list[Span] = []
    for day in WORKDAYS:
        booked: list[Span] = []
        while sum(span.minutes for span in booked) < 4 * 60:
            length = dice.choice((60, 60, 90, 120))
            start = dice.randrange(9 * 60, 17 * 60 - length + 1, 30)
            block = Span(at(day, start), at(day, start + length))
            if not any(block.overlaps(other) for other in booked):
                booked.append(block)
        free += subtract((Span(at(day, 9 * 60), at(day, 17 * 60)),), booked)
    return tuple(FreeTime(span) for span in free)


def _cannot(start: datetime, dice: random.Random) -> tuple[Span, ...]:
    """One patient in three cannot come on the mornings of the window."""
    if dice.random() > 1 / 3:
        return ()
    midnight = start.replace(hour=0, minute=0)
    return tuple(
        Span(midnight + timedelta(days=day, hours=8), midnight + timedelta(days=day, hours=12))
        for day in range(4)
    )


def _wishes(start: datetime, dice: random.Random) -> tuple[Wish, ...]:
    """One patient in three would rather come in the afternoon."""
    if dice.random() > 1 / 3:
        return ()
    midnight = start.replace(hour=0, minute=0)
    return (
        Wish(
            tuple(
                Span(midnight + timedelta(days=day, hours=13), midnight + timedelta(days=day, hours=18))
                for day in range(4)
            )
        ),
    )


def _promise(own: str, start: datetime, is_remote: bool, dice: random.Random) -> Promise | None:
    """One session in four is held somewhere already, not always where it still fits."""
    if dice.random() > 1 / 4:
        return None
    hour = (start + timedelta(hours=dice.randrange(48))).replace(minute=0)
    return Promise(own, hour, Place.TELEHEALTH if is_remote else Place.IN_PERSON)


@dataclass(frozen=True)
class Row:
    """One size and kind; `seconds` are elapsed, `cpu_seconds` worked, megabytes the most that the process ever held."""

    kind: str
    sessions: int
    clinicians: int
    first_come: int
    planner: int
    bound: int
    is_proven: bool
    faults: int
    seconds: float
    cpu_seconds: float
    megabytes: int


def measure(size: int, kind: str) -> Row:
    problem = made_up(size, kind)
    by_hand = first_come(problem)
    began = process_time()
    plan = make_plan(problem)
    worked = process_time() - began
    return Row(
        kind=kind,
        sessions=size,
        clinicians=len(problem.clinicians),
        first_come=by_hand.score.placed,
        planner=plan.score.placed,
        bound=plan.bound,
        is_proven=plan.is_proven,
        faults=len(check(problem, plan)) + len(check(problem, by_hand)),
        seconds=round(plan.seconds, 2),
        cpu_seconds=round(worked, 2),
        megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )


def measure_one_placement() -> float:
    """Seconds to place one dose's session among 600 sessions that hold a time, the middle of seven such doses."""
    problem = made_up(600, "mixed")
    plan = make_plan(problem)
    held = [
        replace(session, promise=_promise_of(plan.placement_of[session.key]))
        for session in problem.sessions
        if session.key in plan.placement_of
    ]
    taken = []
    for newest in held[::80]:
        sessions = tuple(replace(session, promise=None) if session is newest else session for session in held)
        one = replace(problem, sessions=sessions)
        began = perf_counter()
        found = place_among(one, {newest.key})
        taken.append(perf_counter() - began)
        if newest.key in found.unplaced:
            raise SystemExit("the one session was not placed")
    return median(taken)


def _promise_of(placement: Placement) -> Promise:
    return Promise(placement.clinician, placement.starts_at, placement.place, placement.room)


def in_a_process_of_its_own(size: int, kind: str) -> Row:
    """Memory is the most that a process ever held, so each size has its own."""
    answer = subprocess.run(
        [sys.executable, __file__, "--one", f"{size}:{kind}"], check=True, capture_output=True, text=True
    )
    return Row(**json.loads(answer.stdout))


def missed_bars(rows: list[Row], one: float) -> list[str]:
    missed = [
        f"{row.sessions} {row.kind}: {fault}"
        for row in rows
        for is_missed, fault in (
            (not row.is_proven or row.planner != row.bound, "the plan is not proven best"),
            (row.faults > 0, f"{row.faults} faults found by the checker"),
            (row.planner < row.first_come, "worse than first-come"),
            (row.seconds > SECONDS.get(row.sessions, 60.0), f"{row.seconds} s"),
            (row.megabytes > MOST_MEGABYTES, f"{row.megabytes} MB"),
        )
        if is_missed
    ]
    if one > ONE_PLACEMENT_SECONDS:
        missed.append(f"one placement: {one:.3f} s")
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of sessions")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        size, kind = asked.one.split(":")
        print(json.dumps(asdict(measure(int(size), kind))))
        return 0
    rows = [in_a_process_of_its_own(int(size), kind) for kind in KINDS for size in asked.sizes.split(",")]
    one = measure_one_placement()
    missed = missed_bars(rows, one)
    if asked.json:
        print(
            json.dumps(
                {"rows": [asdict(row) for row in rows], "one_placement_seconds": one, "missed": missed}
            )
        )
        return 1 if missed else 0
    print("kind    sessions clinicians  first-come  planner  bound  proven  seconds  of CPU  MB")
    for row in rows:
        print(
            f"{row.kind:<7} {row.sessions:>8} {row.clinicians:>10} {row.first_come:>11} {row.planner:>8} "
            f"{row.bound:>6} {'yes' if row.is_proven else 'no':>7} {row.seconds:>8.2f} {row.cpu_seconds:>7.2f} "
            f"{row.megabytes:>3}"
        )
    print(f"one placement among 600: {one * 1000:.0f} ms")
    for fault in missed:
        print(f"missed: {fault}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
