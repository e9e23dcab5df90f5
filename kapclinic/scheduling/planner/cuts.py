"""Cuts that make the relaxation of a plan stronger without losing any plan.

For one session A, one clinician and a stretch [p, q]: the columns of A that touch the stretch and the columns of all others
that cover it whole exclude each other, since any two either overlap or are both A's. So at most one of them is chosen.
Source: J. P. Sousa and L. A. Wolsey, "A time indexed formulation of non-preemptive single machine scheduling problems",
Mathematical Programming 54 (1992), inequalities with right-hand side 1.
"""

from __future__ import annotations

import numpy as np

from kapclinic.scheduling.planner.columns import Columns
from kapclinic.scheduling.planner.moments import Floats, Ints

LEAST_VIOLATION = 1e-3
ROUNDING_WEIGHT = 1e-6


def violated_cuts(columns: Columns, weights: Floats) -> list[Ints]:
    """For each (clinician, session) the most violated cut at the fractional `weights`, as the positions of its columns."""
    used = np.flatnonzero(weights > ROUNDING_WEIGHT)
    # A whole choice of a clinician cannot be cut; only those with a fraction are looked at.
    fractional = used[weights[used] < 1 - ROUNDING_WEIGHT]
    order = np.argsort(columns.clinician, kind="stable")
    sorted_clinicians = columns.clinician[order]
    cuts: list[Ints] = []
    for clinician in np.unique(columns.clinician[fractional]):
        first, last = np.searchsorted(sorted_clinicians, (clinician, clinician + 1))
        cuts += _of_clinician(columns, weights, order[first:last])
    return cuts


def _of_clinician(columns: Columns, weights: Floats, mine: Ints) -> list[Ints]:
    """`mine`: every column of the clinician."""
    used = mine[weights[mine] > ROUNDING_WEIGHT]
    session, weight = columns.session[used], weights[used]
    start, last = columns.start[used], columns.taken_until[used] - 1
    firsts, lasts = np.unique(start), np.unique(last)
    covers = (start[:, None, None] <= firsts[None, :, None]) & (last[:, None, None] >= lasts[None, None, :])
    touches = (start[:, None, None] <= lasts[None, None, :]) & (last[:, None, None] >= firsts[None, :, None])
    forward = firsts[:, None] <= lasts[None, :]
    covered = np.tensordot(weight, covers, axes=(0, 0))
    cuts = []
    for one in np.unique(session):
        own = session == one
        extra = np.tensordot(weight[own], touches[own] & ~covers[own], axes=(0, 0))
        total = np.where(forward, covered + extra, 0.0)
        best = np.unravel_index(int(total.argmax()), total.shape)
        if total[best] > 1 + LEAST_VIOLATION:
            p, q = firsts[best[0]], lasts[best[1]]
            begins, ends = columns.start[mine], columns.taken_until[mine] - 1
            is_own = columns.session[mine] == one
            inside = np.where(is_own, (begins <= q) & (ends >= p), (begins <= p) & (ends >= q))
            cuts.append(mine[inside])
    return cuts
