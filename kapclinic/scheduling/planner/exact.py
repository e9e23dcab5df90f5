"""The best choice of columns, level by level, with proof, on HiGHS through SciPy.

Levels are joined in one objective as long as the weights that keep them apart stay small enough for the solver's tolerances
(1e-6); then follow-on stages keep what the stages before reached. Each stage solves the relaxation first, strengthened by
cuts (`cuts.py`). Its dual prices prove which columns no better plan can use; the whole numbers are found over the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from kapclinic.scheduling.planner.columns import LEVELS, Columns
from kapclinic.scheduling.planner.cuts import violated_cuts
from kapclinic.scheduling.planner.moments import Floats, Ints, Mask

# Largest objective coefficient: times the solver's tolerance of 1e-6 it stays well under one unit.
LARGEST_WEIGHT = 2**17
# Up to this many columns the whole numbers are found at once: the relaxation first would cost more than it saves.
DIRECT_COLUMNS = 1500
# Follow-on stages have less left to decide, so that they take so many times more columns at once.
DIRECT_LATER = 3
CUT_ROUNDS = 12
# Share of the remaining gap that a round of cuts must close for another one.
LEAST_GAIN = 0.02
# Columns per session that the search for whole numbers starts with; all that matter take part in the end.
WIDENING = (4, 9)
ROUNDING = 1e-6
# What the sums behind a bound may be off by; totals of 1e8 carry errors of about 1e-6.
BOUND_SLACK = 1e-4
# Seconds that a solver call is given at least, so that it can return what it has.
LEAST_SECONDS = 0.05


@dataclass(frozen=True)
class Part:
    """One independent part of a model: its session columns, then the columns that choose a room group."""

    columns: Columns
    matrix: sp.csr_matrix
    lower: Floats
    upper: Floats

    @property
    def width(self) -> int:
        return int(self.matrix.shape[1])


@dataclass(frozen=True)
class Solution:
    """`chosen`: one entry per column, or None when nothing was found in time. `bound`: most sessions that can be placed."""

    chosen: Mask | None
    bound: int
    is_proven: bool


@dataclass(frozen=True)
class Rows:
    """Rows `lower <= matrix @ x <= upper`."""

    matrix: sp.csr_matrix
    lower: Floats
    upper: Floats

    def with_more(self, more: Rows | None) -> Rows:
        if more is None:
            return self
        return Rows(
            sp.vstack([self.matrix, more.matrix]).tocsr(),
            np.concatenate([self.lower, more.lower]),
            np.concatenate([self.upper, more.upper]),
        )


@dataclass(frozen=True)
class _Stage:
    chosen: Mask | None
    value: int
    bound: int
    alive: Ints
    cuts: Rows | None = None


def stages_of(gains: Ints, session: Ints) -> list[tuple[Ints, list[int]]]:
    """Objectives, each with its levels, whose optimum, one after the other, is the lexicographic optimum of the levels.

    `gains`: whole numbers per column and level; `session`: who can have one column at most. A weight is one more than all lower
    levels of its stage can gain together.
    """
    _, local = np.unique(session, return_inverse=True)
    stages: list[tuple[Ints, list[int]]] = []
    joined: Ints | None = None
    levels: list[int] = []
    total = 0
    for level in range(gains.shape[1] - 1, -1, -1):
        worth = gains[:, level]
        if level:
            # What every column has changes nothing once the number of sessions is settled.
            worth = worth - worth.min(initial=int(worth[0]) if len(worth) else 0)
        if not worth.any():
            continue
        best = np.zeros(int(local.max(initial=-1)) + 1, np.int64)
        np.maximum.at(best, local, worth)
        weight = total + 1
        heavier = worth * weight if joined is None else joined + worth * weight
        if joined is not None and heavier.max() > LARGEST_WEIGHT:
            stages.append((joined, levels))
            joined, levels, total = worth, [level], int(best.sum())
        else:
            joined, levels, total = heavier, [level, *levels], total + weight * int(best.sum())
    if joined is not None:
        stages.append((joined, levels))
    return stages[::-1]


def solve_part(part: Part, *, deadline: float) -> Solution:
    """The lexicographic optimum of the part's gains; `deadline` is on the stopwatch `time.perf_counter`."""
    count = len(part.columns)
    gains = part.columns.gains
    trivial = len(np.unique(part.columns.session))
    chosen: Mask | None = None
    bound, proven = trivial, True
    alive = np.arange(part.width)
    rows = Rows(part.matrix, part.lower, part.upper)
    for number, (objective, levels) in enumerate(stages_of(gains, part.columns.session)):
        value = np.zeros(part.width, np.int64)
        value[:count] = objective
        stage = _maximise(part.columns, value, rows, alive, chosen, deadline)
        if number == 0:
            # The lightest column weighs one whole session at least, so this counts sessions.
            bound = min(trivial, stage.bound // int(objective.min()))
        if stage.chosen is not None and (chosen is None or stage.value > int(value[chosen].sum())):
            chosen = stage.chosen
        if stage.chosen is None or stage.value < stage.bound:
            proven = False
            break
        chosen = stage.chosen
        alive = stage.alive
        rows = rows.with_more(_reached(gains[:, levels], chosen)).with_more(stage.cuts)
    if proven and chosen is not None:
        bound = int(gains[chosen[:count], 0].sum())
    return Solution(chosen, bound, proven)


def _reached(gains: Ints, chosen: Mask) -> Rows:
    """Rows that keep what is reached on each level: no less, and no more either, since more is proven impossible."""
    wide = np.zeros((gains.shape[1], len(chosen)))
    wide[:, : len(gains)] = gains.T
    total = wide[:, chosen].sum(axis=1)
    return Rows(sp.csr_matrix(wide), total, total)


def _maximise(
    columns: Columns, value: Ints, rows: Rows, alive: Ints, known: Mask | None, deadline: float
) -> _Stage:
    """The largest total value over the columns `alive`; `known` is a choice that keeps the rows."""
    most = np.zeros(int(columns.session.max(initial=-1)) + 1, np.int64)
    np.maximum.at(most, columns.session, value[: len(columns)])
    ceiling = int(most.sum())
    if len(alive) > DIRECT_COLUMNS * (1 if known is None else DIRECT_LATER):
        return _with_prices(columns, value, rows, alive, known, ceiling, deadline)
    chosen, bound = whole_choice(value, rows, alive, deadline)
    reached = -1 if chosen is None else int(value[chosen].sum())
    return _Stage(chosen, reached, min(ceiling, bound), alive)


def _with_prices(
    columns: Columns,
    value: Ints,
    rows: Rows,
    alive: Ints,
    known: Mask | None,
    ceiling: int,
    deadline: float,
) -> _Stage:
    """Relaxation, cuts, and the whole numbers over ever more of the columns that the prices leave open."""
    best, reached = known, -1 if known is None else int(value[known].sum())
    relaxed = _Relaxation(columns, value, rows, alive)
    found = relaxed.tighten(reached, deadline)
    bound = min(ceiling, relaxed.bound)
    if found is not None and int(value[found].sum()) > reached:
        best, reached = found, int(value[found].sum())
    loss = -relaxed.reduced
    ordered = np.sort(loss)
    sessions = len(np.unique(columns.session))
    strong = rows.with_more(relaxed.cuts)
    tried, most = 0, ceiling
    for columns_each in (*WIDENING, len(alive)):
        if best is not None and reached >= bound:
            break
        # A column outside `allowed` costs more than a better plan could make good.
        needed = relaxed.exact_bound - reached
        allowed = min(needed, float(ordered[min(len(alive) - 1, columns_each * sessions)])) + BOUND_SLACK
        inside = loss <= allowed
        complete = bool(inside.all()) or (best is not None and needed <= allowed)
        if best is not None:
            inside |= best[alive]
        # The sets grow, so an equal number is the same set, whose answer is known.
        if inside.sum() > tried:
            tried = int(inside.sum())
            chosen, most = whole_choice(value, strong, alive[inside], deadline)
            if chosen is not None and int(value[chosen].sum()) > reached:
                best, reached = chosen, int(value[chosen].sum())
        if complete or (best is not None and relaxed.exact_bound - reached <= allowed):
            bound = min(bound, max(most, reached))
            break
        if perf_counter() >= deadline:
            break
    kept = alive[loss <= relaxed.exact_bound - reached + BOUND_SLACK] if best is not None else alive
    return _Stage(best, reached, max(bound, reached), kept, relaxed.cuts)


class _Relaxation:
    """The linear relaxation of one stage over the columns alive, its prices, and the cuts added to it."""

    def __init__(self, columns: Columns, value: Ints, rows: Rows, alive: Ints) -> None:
        self._value = value
        self._alive = alive
        self._columns = columns
        self._width = rows.matrix.shape[1]
        inner = rows.matrix[:, alive]
        above, below = np.isfinite(rows.upper), np.isfinite(rows.lower)
        # Only what an earlier stage reached has a lower limit, the number of sessions first.
        self._is_count_open = not below.any()
        # Equalities appear once on each side.
        self._matrix = sp.vstack([inner[above], -inner[below]]).tocsr()
        self._limits = np.concatenate([rows.upper[above], -rows.lower[below]])
        self.cuts: Rows | None = None
        self.exact_bound = np.inf
        self.reduced = np.zeros(len(alive))

    @property
    def bound(self) -> int:
        """No whole solution is worth more."""
        return int(np.floor(min(self.exact_bound, 2.0**60) + BOUND_SLACK))

    def tighten(self, known: int, deadline: float) -> Mask | None:
        """Solve and cut until it is whole, as good as what is `known`, or cuts stop helping; a whole solution is returned."""
        value = self._value[self._alive].astype(float)
        is_session = self._alive < len(self._columns)
        inside = np.flatnonzero(is_session)
        columns = self._columns.only(self._alive[is_session])
        before = np.inf
        for round_number in range(CUT_ROUNDS):
            solved = self._solve(value, deadline)
            if solved is None:
                return None
            weights, prices = solved
            self._take_prices(value, prices)
            if np.abs(weights - np.round(weights)).max(initial=0.0) < ROUNDING:
                whole = np.zeros(self._width, bool)
                whole[self._alive[weights > 0.5]] = True
                return whole
            gained = before - self.exact_bound
            if self.bound <= known or (round_number > 1 and gained < LEAST_GAIN * (before - known)):
                return None
            before = self.exact_bound
            cuts = [inside[cut] for cut in violated_cuts(columns, weights[is_session])]
            if round_number == 0 and self._is_count_open:
                self._limit_sessions(inside, deadline)
            elif not cuts:
                return None
            self._add(cuts, np.ones(len(cuts)))
        return None

    def _solve(self, value: Floats, deadline: float) -> tuple[Floats, Floats] | None:
        """Weights of the columns and prices of the rows; None when time runs out."""
        found = linprog(
            -value,
            A_ub=self._matrix,
            b_ub=self._limits,
            bounds=(0, 1),
            method="highs-ds",
            options={"time_limit": max(deadline - perf_counter(), LEAST_SECONDS)},
        )
        if found.x is None or found.status != 0:
            return None
        return found.x, np.maximum(-found.ineqlin.marginals, 0.0)

    def _worth_at_most(self, value: Floats, prices: Floats) -> tuple[float, Floats]:
        """Any prices prove a bound: what the limits cost, and what columns are worth beyond their prices."""
        reduced = value - self._matrix.T @ prices
        return float(prices @ self._limits + np.maximum(reduced, 0.0).sum()), reduced

    def _take_prices(self, value: Floats, prices: Floats) -> None:
        bound, reduced = self._worth_at_most(value, prices)
        if bound < self.exact_bound:
            self.exact_bound, self.reduced = bound, reduced

    def _limit_sessions(self, inside: Ints, deadline: float) -> None:
        """A row for the most sessions that fit, which in the relaxation alone may be a fraction more."""
        each = np.zeros(len(self._alive))
        each[inside] = 1.0
        solved = self._solve(each, deadline)
        if solved is not None:
            most = np.floor(self._worth_at_most(each, solved[1])[0] + BOUND_SLACK)
            self._add([inside], np.array([most]))

    def _add(self, cuts: list[Ints], limits: Floats) -> None:
        """Rows that allow at most `limits` of the columns (positions among those alive) in each of `cuts`."""
        if not cuts:
            return
        rows = np.repeat(np.arange(len(cuts)), [len(cut) for cut in cuts])
        cols = np.concatenate(cuts)
        ones = np.ones(len(cols))
        block = sp.csr_matrix((ones, (rows, cols)), shape=(len(cuts), len(self._alive)))
        self._matrix = sp.vstack([self._matrix, block]).tocsr()
        self._limits = np.concatenate([self._limits, limits])
        wide = sp.csr_matrix((ones, (rows, self._alive[cols])), shape=(len(cuts), self._width))
        new = Rows(wide, np.full(len(cuts), -np.inf), limits)
        self.cuts = new if self.cuts is None else self.cuts.with_more(new)


def whole_choice(value: Ints, rows: Rows, inside: Ints, deadline: float) -> tuple[Mask | None, int]:
    """The best choice among the columns `inside`, None when none is found in time, and the most that any is worth."""
    least = -(10**18)
    if not len(inside):
        feasible = (rows.lower <= ROUNDING).all() and (rows.upper >= -ROUNDING).all()
        return (np.zeros(len(value), bool), 0) if feasible else (None, least)
    left = deadline - perf_counter()
    worth = value[inside].astype(float)
    found = milp(
        -worth,
        integrality=np.ones(len(inside)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(rows.matrix[:, inside].tocsc(), rows.lower, rows.upper),
        options={"mip_rel_gap": 0.0, "time_limit": max(left, LEAST_SECONDS)},
    )
    if found.status == 2:
        return None, least
    bound = 10**18
    if found.mip_dual_bound is not None and np.isfinite(found.mip_dual_bound):
        bound = int(np.floor(-found.mip_dual_bound + ROUNDING * max(1.0, worth.max())))
    if found.x is None:
        return None, bound
    chosen = np.zeros(len(value), bool)
    chosen[inside[found.x > 0.5]] = True
    if found.status == 0:
        bound = int(value[chosen].sum())
    return chosen, bound


def heaviest_first(gains: Ints) -> int:
    """The column with the lexicographically best gains, the first of equals; for a session that competes with nobody."""
    order = np.lexsort(tuple(-gains[:, level] for level in range(LEVELS - 1, -1, -1)))
    return int(order[0])


def total_gains(columns: Columns, chosen: Sequence[int] | Ints) -> tuple[int, ...]:
    """What a choice of session columns is worth, level by level."""
    return tuple(int(total) for total in columns.gains[chosen].sum(axis=0))
