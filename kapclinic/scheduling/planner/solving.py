"""Making a plan: split what is not connected, solve each part exactly, give rooms, and never fall behind first-come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from kapclinic.scheduling.planner.columns import Columns, Finder
from kapclinic.scheduling.planner.exact import Part, heaviest_first, solve_part, total_gains
from kapclinic.scheduling.planner.greedy import Taker
from kapclinic.scheduling.planner.moments import Ints
from kapclinic.scheduling.planner.problem import Placement, Plan, Problem
from kapclinic.scheduling.planner.rows import Model, RoomGroup, ample_groups, build, room_groups
from kapclinic.scheduling.planner.score import score_of

NO_LIMIT = 24 * 3600.0
ROOMLESS_SHARE = 0.7


@dataclass
class _Outcome:
    placements: list[Placement]
    bound: int
    is_proven: bool
    parts: int


def make_plan(problem: Problem, *, time_limit_seconds: float = NO_LIMIT) -> Plan:
    """The best plan for `problem` and what is proven of it.

    Past `time_limit_seconds` (elapsed) the best plan found so far is returned with its bound, never worse than first-come.
    """
    began = perf_counter()
    deadline = began + time_limit_seconds
    finder = Finder(problem)
    groups = room_groups(finder)
    regions = sorted(connected_sessions(finder), key=len)
    left = sum(map(len, regions))
    outcomes = []
    for region in regions:
        now = perf_counter()
        # Each region has its share of the time that is left; what it does not need goes to the later ones.
        outcomes.append(
            _plan_region(finder, groups, region, deadline=now + (deadline - now) * len(region) / left)
        )
        left -= len(region)
    placements = sorted(
        (*finder.fixed.placements, *(each for outcome in outcomes for each in outcome.placements)),
        key=lambda each: (each.starts_at, each.session),
    )
    score = score_of(problem, placements)
    placed = {placement.session for placement in placements}
    fixed_inside = score_of(problem, finder.fixed.placements).placed
    return Plan(
        placements=tuple(placements),
        unplaced=tuple(session.key for session in problem.sessions if session.key not in placed),
        score=score,
        bound=fixed_inside + sum(outcome.bound for outcome in outcomes),
        is_proven=all(outcome.is_proven for outcome in outcomes),
        seconds=perf_counter() - began,
        components=sum(outcome.parts for outcome in outcomes),
    )


def place_among(problem: Problem, keys: Collection[str], *, time_limit_seconds: float = NO_LIMIT) -> Plan:
    """Place the sessions `keys` while everybody else with a promise stays; only when one finds no time that way, plan all anew.

    For one dose that has just ended. A plan that leaves the others alone holds them as fixed and `keys`, and nobody else.
    """
    began = perf_counter()
    still = tuple(
        replace(each, promise=replace(each.promise, is_told=True))
        if each.promise is not None and each.key not in keys
        else each
        for each in problem.sessions
        if each.promise is not None or each.key in keys
    )
    alone = make_plan(
        replace(problem, sessions=still, is_proposal=False), time_limit_seconds=time_limit_seconds / 2
    )
    if not any(key in alone.unplaced for key in keys):
        return alone
    left = max(0.0, time_limit_seconds - (perf_counter() - began))
    return make_plan(problem, time_limit_seconds=left)


def connected_sessions(finder: Finder) -> list[list[int]]:
    """The open sessions (positions) in groups that share no clinician, patient or kind of room with each other."""
    number: dict[tuple[str, str], int] = {}
    pairs: list[tuple[int, int]] = []
    for row, at in enumerate(finder.open):
        session = finder.problem.sessions[at]
        shared = [("clinician", candidate.clinician) for candidate in finder.shortlist[session.key]]
        shared.append(("patient", session.patient))
        if session.room_kind is not None:
            shared.append(("room", session.room_kind))
        pairs += [(row, number.setdefault(thing, len(number))) for thing in shared]
    if not pairs:
        return []
    rows, things = np.array(pairs, np.int64).T
    labels = _labels(
        sp.csr_matrix((np.ones(len(rows)), (rows, things)), shape=(len(finder.open), len(number)))
    )[0]
    found: dict[int, list[int]] = defaultdict(list)
    for row, label in enumerate(labels):
        found[int(label)].append(finder.open[row])
    return list(found.values())


def _labels(matrix: sp.csr_matrix) -> tuple[Ints, Ints]:
    """The component of every row and of every column, where an entry connects its row and its column."""
    height, width = matrix.shape
    entries = matrix.tocoo()
    graph = sp.csr_matrix(
        (np.ones(len(entries.row)), (entries.row, height + entries.col)), shape=(height + width,) * 2
    )
    labels = connected_components(graph, directed=False)[1]
    return labels[:height], labels[height:]


def _plan_region(
    finder: Finder, groups: list[RoomGroup], region: Sequence[int], *, deadline: float
) -> _Outcome:
    """Solve without the rooms first: a plan that finds rooms for everybody is the best with them too."""
    columns = finder.columns(region)
    if not len(columns):
        return _Outcome([], 0, True, 0)
    kinds = set(np.unique(columns.room_kind)) - {-1}
    # Where rooms may run short, time is kept for solving with them.
    share = 1.0 if kinds <= ample_groups(columns, groups).keys() else ROOMLESS_SHARE
    began = perf_counter()
    model = build(finder, columns, None)
    solved = _solve_parts(model, began + share * (deadline - began))
    rooms = _any_rooms(finder, model.columns, solved.chosen)
    if rooms is None:
        model = build(finder, columns, groups)
        solved = _solve_parts(model, deadline)
        rooms = shared_rooms(model, groups, solved.chosen, solved.group_of)
    if not solved.is_proven:
        floor = Taker(finder)
        floor.place_all(columns)
        if total_gains(columns, floor.chosen) > total_gains(model.columns, solved.chosen):
            return _Outcome(floor.placements, solved.bound, False, solved.parts)
    placements = [model.columns.placement(finder.problem, at, rooms.get(at)) for at in solved.chosen]
    return _Outcome(placements, solved.bound, solved.is_proven, solved.parts)


@dataclass
class _Solved:
    """Positions of the chosen session columns, room groups by session and start where there was a choice, and the proof."""

    chosen: list[int]
    group_of: dict[tuple[int, int], int]
    bound: int
    is_proven: bool
    parts: int


def _solve_parts(model: Model, deadline: float) -> _Solved:
    solved = _Solved([], {}, 0, True, 0)
    parts = parts_of(model)
    weight = sum(part.width for part, _ in parts)
    for part, positions in parts:
        now = perf_counter()
        found, bound, is_proven = _solve(part, now + (deadline - now) * part.width / weight)
        weight -= part.width
        solved.bound += bound
        solved.is_proven &= is_proven
        for at in positions[found]:
            if at < len(model.columns):
                solved.chosen.append(int(at))
            else:
                choice = int(at) - len(model.columns)
                stretch = int(model.choice_session[choice]), int(model.choice_start[choice])
                solved.group_of[stretch] = int(model.choice_group[choice])
    solved.parts = len(parts)
    return solved


def _any_rooms(finder: Finder, columns: Columns, chosen: Iterable[int]) -> dict[int, str] | None:
    """Rooms for the chosen columns, the fullest that is free first; None when somebody finds none that way."""
    taken: dict[str, int] = defaultdict(int)
    rooms: dict[int, str] = {}
    for at in sorted(chosen, key=lambda each: (int(columns.start[each]), each)):
        kind = int(columns.room_kind[at])
        if kind < 0:
            continue
        start, end = int(columns.start[at]), int(columns.end[at])
        open_rooms = [
            (until - start, room)
            for room, free in finder.free_of_rooms[columns.kinds[kind]]
            for begin, until in free
            if begin <= start and end <= until and taken[room.key] <= start
        ]
        if not open_rooms:
            return None
        _, room = min(open_rooms, key=lambda item: (item[0], item[1].key))
        taken[room.key] = end + room.buffer_minutes * 60
        rooms[at] = room.key
    return rooms


def parts_of(model: Model) -> list[tuple[Part, Ints]]:
    """The independent parts of a model with the positions of their columns in it, the smallest first."""
    row_labels, column_labels = _labels(model.matrix)
    row_order = np.argsort(row_labels, kind="stable")
    column_order = np.argsort(column_labels, kind="stable")
    matrix = model.matrix[row_order][:, column_order].tocsr()
    upper = model.upper[row_order]
    found: list[tuple[Part, Ints]] = []
    sorted_rows, sorted_columns = row_labels[row_order], column_labels[column_order]
    for label in np.unique(column_labels):
        first, last = np.searchsorted(sorted_rows, (label, label + 1))
        left, right = np.searchsorted(sorted_columns, (label, label + 1))
        positions = column_order[left:right]
        own = model.columns.only(positions[positions < len(model.columns)])
        found.append(
            (
                Part(
                    own,
                    matrix[first:last, left:right],
                    np.full(last - first, -np.inf),
                    upper[first:last],
                ),
                positions,
            )
        )
    return sorted(found, key=lambda item: item[0].width)


def _solve(part: Part, deadline: float) -> tuple[Ints, int, bool]:
    """Positions of the columns chosen, the bound, and whether it is proven."""
    if part.width == len(part.columns) and part.matrix.shape[0] == 1:
        return np.array([heaviest_first(part.columns.gains)]), 1, True
    solution = solve_part(part, deadline=deadline)
    chosen = np.zeros(0, np.int64) if solution.chosen is None else np.flatnonzero(solution.chosen)
    return chosen, solution.bound, solution.is_proven


def shared_rooms(
    model: Model, groups: list[RoomGroup], chosen: Iterable[int], group_of: dict[tuple[int, int], int]
) -> dict[int, str]:
    """A concrete room for every chosen column that needs one; `group_of` may name groups for starts that were not chosen.

    In a group all rooms are free alike and never more sessions at once than rooms, so taking the first free room in order of
    start always works (colouring of an interval graph).
    """
    columns = model.columns
    by_group: dict[int, list[int]] = defaultdict(list)
    for at in chosen:
        kind = int(columns.room_kind[at])
        if kind >= 0:
            stretch = int(columns.session[at]), int(columns.start[at])
            by_group[model.settled[kind] if kind in model.settled else group_of[stretch]].append(at)
    rooms: dict[int, str] = {}
    for number, members in by_group.items():
        group = groups[number]
        until: dict[str, int] = dict.fromkeys(group.rooms, 0)
        for at in sorted(members, key=lambda each: (int(columns.start[each]), each)):
            start = int(columns.start[at])
            room = next(room for room in group.rooms if until[room] <= start)
            until[room] = int(columns.end[at]) + group.buffer_seconds
            rooms[at] = room
    return rooms
