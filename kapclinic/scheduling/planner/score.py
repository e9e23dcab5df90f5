"""What a plan is worth, counted session by session from the placements alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from kapclinic.scheduling.hours import Place
from kapclinic.scheduling.planner.problem import Placement, Problem, Promise, Score, Session
from kapclinic.scheduling.spans import Span, require_utc

QUARTER = timedelta(minutes=15)
# A move of four days or more counts as four days; windows are no longer than that.
FARTHEST_QUARTERS = 4 * 96
# Another clinician counts as much as four hours, where only the size of a change is compared (POLICY).
CLINICIAN_QUARTERS = 16
# A promise that cannot be kept at all counts as the largest change.
LOST_QUARTERS = FARTHEST_QUARTERS + CLINICIAN_QUARTERS


def is_kept(promise: Promise, placement: Placement) -> bool:
    """True when time, clinician and place are as promised; the room is no part of a promise."""
    return (
        promise.clinician == placement.clinician
        and require_utc(promise.starts_at) == placement.starts_at
        and promise.place is placement.place
    )


def change_quarters(promise: Promise, placement: Placement) -> int:
    """Size of a change: begun quarter hours moved, and those that another clinician counts for."""
    moved = -(-abs(placement.starts_at - require_utc(promise.starts_at)) // QUARTER)
    return min(moved, FARTHEST_QUARTERS) + CLINICIAN_QUARTERS * (placement.clinician != promise.clinician)


def part_points(session: Session, span: Span) -> int:
    """Points for a session at this span: not in the preferred part 1, margin to the window's ends not kept 1."""
    margin = timedelta(minutes=session.margin_minutes)
    part = session.preferred
    outside = part is not None and not part.starts_at <= span.starts_at <= part.ends_at
    tight = (
        span.starts_at < session.window.starts_at + margin or span.ends_at > session.window.ends_at - margin
    )
    return outside + tight


def wish_points(session: Session, span: Span, place: Place) -> int:
    """Points of wishes that are not met; telehealth where either would do counts one."""
    unmet = sum(
        wish.points
        for wish in session.wishes
        if (wish.spans and not any(wished.covers(span) for wished in wish.spans))
        or (wish.place is not None and wish.place is not place)
    )
    return unmet + (session.place is Place.EITHER and place is Place.TELEHEALTH)


def score_of(problem: Problem, placements: Iterable[Placement]) -> Score:
    """The score of `placements`; fixed sessions count where they lie inside their window."""
    by_session = {placement.session: placement for placement in placements}
    placed = clinician = part = wish = told = held = quarters = 0
    for session in problem.sessions:
        placement = by_session.get(session.key)
        promise = session.promise
        if placement is not None:
            span = Span(placement.starts_at, placement.ends_at)
            placed += session.window.covers(span)
            if not placement.is_fixed:
                tiers = [c.tier for c in session.candidates if c.clinician == placement.clinician]
                clinician += min(tiers)
                part += part_points(session, span)
                wish += wish_points(session, span, placement.place)
        if promise is None:
            continue
        if placement is None or not is_kept(promise, placement):
            told += promise.is_told
            held += not promise.is_told
        quarters += LOST_QUARTERS if placement is None else change_quarters(promise, placement)
    return Score(placed, clinician, part, wish, told, held, quarters)
