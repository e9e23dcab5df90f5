"""When integration belongs after a dose: windows, bands and what counts. Pure arithmetic on instants in UTC.

Anchors: D0 is the start of the first ketamine or esketamine administration of a dosing session, T0 the recorded end of the
last one. Windows are elapsed time from an anchor (one day is 24 h), so a change of clocks never moves them. A session lies
in a window when the whole of it does, both ends included; critical periods, which are labels only, are half-open.

Sources: practice guide G0 (24-72 h critical window, preferred 24-48 h, secondary 4-7 days, preparation 24-72 h before), G4
(within 48 h). Where the two differ a protocol carries its own profile; one is never judged by the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kapclinic.scheduling.spans import Span, require_utc

HOUR = 60
# The patient is impaired from the first administration to four hours after the last (G0, period 0-4 h).
IMPAIRED_AFTER_MINUTES = 4 * HOUR
# Where the bands of a held session begin and end, after T0 (G0; the band between 72 and 96 h belongs to no session type).
SECONDARY_OPENS_MINUTES = 96 * HOUR
SECONDARY_CLOSES_MINUTES = 168 * HOUR
EARLY_FROM_MINUTES = 4 * HOUR


class Part(StrEnum):
    """Which obligation of a dose a need stands for."""

    PRIMARY = "primary"
    SECONDARY = "secondary"


class Band(StrEnum):
    """Where a held session fell, seen from T0."""

    BEFORE = "before"
    IN_SESSION = "in_session"
    EARLY = "early"
    IN_WINDOW = "in_window"
    BETWEEN = "between"
    SECONDARY = "secondary"
    LATE = "late"


BAND_WORDS: Mapping[Band, str] = {
    Band.BEFORE: "before the end of the dose",
    Band.IN_SESSION: "in session (under 4 h)",
    Band.EARLY: "early",
    Band.IN_WINDOW: "in the window",
    Band.BETWEEN: "between the windows",
    Band.SECONDARY: "secondary integration",
    Band.LATE: "late",
}


class CriticalPeriod(StrEnum):
    """Named stretches after T0, for labels and charts: [0,4) [4,24) [24,72) h and [72,168] h (G0)."""

    ACUTE = "0-4 h"
    SETTLING = "4-24 h"
    CRITICAL = "24-72 h"
    CONSOLIDATING = "3-7 d"


class Fit(StrEnum):
    """How a booking lies to the window that is in force."""

    INSIDE = "inside"
    EARLY_TOLERATED = "early_tolerated"
    OUTSIDE = "outside"


class MissReason(StrEnum):
    """Why a window closed without a held session."""

    DECLINED = "declined"
    NO_SLOT = "no_slot"
    CLINICIAN_ABSENT = "clinician_absent"
    TOLD_LATE = "told_late"
    CLINICAL = "clinical"


@dataclass(frozen=True, slots=True)
class WindowProfile:
    """The windows of one protocol version, all in minutes from an anchor.

    `opens`/`closes`: the primary window after T0. `preferred_from`/`preferred_until`: a session that starts in this part
    is better. `plan_from`: the earliest start that the machine chooses by itself; a person may go down to `opens`.
    `secondary_*`: after T0, owed only where `owes_secondary`. `preparation_*`: minutes before D0.
    """

    name: str = "default"
    opens: int = 24 * HOUR
    closes: int = 72 * HOUR
    preferred_from: int = 24 * HOUR
    preferred_until: int = 48 * HOUR
    plan_from: int = 24 * HOUR
    owes_secondary: bool = False
    secondary_opens: int = SECONDARY_OPENS_MINUTES
    secondary_closes: int = SECONDARY_CLOSES_MINUTES
    preparation_opens: int = 72 * HOUR
    preparation_closes: int = 24 * HOUR

    def __post_init__(self) -> None:
        if not 0 <= self.opens < self.closes:
            raise ValueError("the window opens before it closes, not before T0")
        if not self.opens <= self.preferred_from <= self.preferred_until <= self.closes:
            raise ValueError("the preferred part lies inside the window")
        if not self.opens <= self.plan_from < self.closes:
            raise ValueError("the machine plans inside the window")
        if not self.closes <= self.secondary_opens < self.secondary_closes:
            raise ValueError("the secondary window follows the primary one")
        if not self.preparation_closes < self.preparation_opens:
            raise ValueError("the preparation window opens before it closes")


DEFAULT = WindowProfile()
# G4: "we meet once within this 48 hour window"; counted from T0+4 h, planned by the machine at T0+24 h or later.
WITHIN_48H = WindowProfile(
    name="within-48h",
    opens=4 * HOUR,
    closes=48 * HOUR,
    preferred_from=24 * HOUR,
    preferred_until=48 * HOUR,
    plan_from=24 * HOUR,
)


def minutes_after(anchor: datetime, minutes: int) -> datetime:
    """The instant `minutes` of elapsed time after `anchor`, in UTC."""
    return require_utc(anchor) + timedelta(minutes=minutes)


def primary_window(t0: datetime, profile: WindowProfile = DEFAULT) -> Span:
    """The window in which the whole session must lie, both ends included."""
    return Span(minutes_after(t0, profile.opens), minutes_after(t0, profile.closes))


def preferred_part(t0: datetime, profile: WindowProfile = DEFAULT) -> Span:
    """Where a session should start, both ends included."""
    return Span(minutes_after(t0, profile.preferred_from), minutes_after(t0, profile.preferred_until))


def planning_window(t0: datetime, profile: WindowProfile = DEFAULT) -> Span:
    """The part of the window in which the machine places a session by itself."""
    return Span(minutes_after(t0, profile.plan_from), minutes_after(t0, profile.closes))


def secondary_window(t0: datetime, profile: WindowProfile = DEFAULT) -> Span:
    return Span(minutes_after(t0, profile.secondary_opens), minutes_after(t0, profile.secondary_closes))


def preparation_window(d0: datetime, profile: WindowProfile = DEFAULT) -> Span:
    """Where preparation belongs before a dose that starts at `d0` (G0: 24-72 h before)."""
    return Span(minutes_after(d0, -profile.preparation_opens), minutes_after(d0, -profile.preparation_closes))


def impaired_span(d0: datetime, t0: datetime) -> Span:
    """From the first administration to four hours after the last: no integration session is planned in it."""
    return Span(d0, minutes_after(t0, IMPAIRED_AFTER_MINUTES))


def satisfies(starts_at: datetime, ends_at: datetime, window: Span) -> bool:
    """True when a session held from `starts_at` to `ends_at` satisfies `window`: wholly inside, both ends included."""
    return window.covers(Span(starts_at, ends_at))


def critical_period(t0: datetime, moment: datetime) -> CriticalPeriod | None:
    """The critical period `moment` falls in; None before T0 and after seven days."""
    elapsed = require_utc(moment) - require_utc(t0)
    if elapsed < timedelta(0) or elapsed > timedelta(hours=168):
        return None
    if elapsed < timedelta(hours=4):
        return CriticalPeriod.ACUTE
    if elapsed < timedelta(hours=24):
        return CriticalPeriod.SETTLING
    if elapsed < timedelta(hours=72):
        return CriticalPeriod.CRITICAL
    return CriticalPeriod.CONSOLIDATING


def band_of(t0: datetime, starts_at: datetime, ends_at: datetime, profile: WindowProfile = DEFAULT) -> Band:
    """The band of a held session. Only IN_WINDOW satisfies the primary need.

    Outside the window the session's start decides; a session that starts inside the window and runs over its end is
    BETWEEN, because it does not satisfy it.
    """
    if satisfies(starts_at, ends_at, primary_window(t0, profile)):
        return Band.IN_WINDOW
    start = require_utc(starts_at)
    if start < require_utc(t0):
        return Band.BEFORE
    if start < minutes_after(t0, EARLY_FROM_MINUTES):
        return Band.IN_SESSION
    if start < minutes_after(t0, profile.opens):
        return Band.EARLY
    secondary = secondary_window(t0, profile)
    if start < secondary.starts_at:
        return Band.BETWEEN
    if satisfies(starts_at, ends_at, secondary):
        return Band.SECONDARY
    return Band.LATE


def fit_of(starts_at: datetime, ends_at: datetime, window: Span, *, tolerance_minutes: int) -> Fit:
    """How a booking lies to the window in force now.

    EARLY_TOLERATED: a late T0 left it at most `tolerance_minutes` too early (60: POLICY, a setting). It stays and is
    flagged; it does not count as inside.
    """
    if satisfies(starts_at, ends_at, window):
        return Fit.INSIDE
    early = window.starts_at - require_utc(starts_at)
    if (
        timedelta(0) < early <= timedelta(minutes=tolerance_minutes)
        and require_utc(ends_at) <= window.ends_at
    ):
        return Fit.EARLY_TOLERATED
    return Fit.OUTSIDE


def supersedes_secondary(t0: datetime, next_d0: datetime, profile: WindowProfile = DEFAULT) -> bool:
    """True when the next dose starts after this one and before its secondary window opens (T0+96 h)."""
    return require_utc(t0) < require_utc(next_d0) < secondary_window(t0, profile).starts_at


class NeedState(StrEnum):
    """What a need is now. Derived from the facts below, never stored."""

    PROVISIONAL = "provisional"
    OPEN = "open"
    PLACED = "placed"
    MET = "met"
    MISSED = "missed"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class NeedFacts:
    """What is known of a need. `window` is None until T0 is recorded; then it is the one in force."""

    window: Span | None
    has_booking: bool = False
    met_at: datetime | None = None
    superseded_at: datetime | None = None
    withdrawn_at: datetime | None = None
    part: Part = Part.PRIMARY
    miss_reason: MissReason | None = None


def state_of(facts: NeedFacts, now: datetime) -> NeedState:
    """The state at `now`. The window's last instant still belongs to it; a booking past the close does not keep a need."""
    if facts.withdrawn_at is not None:
        return NeedState.WITHDRAWN
    if facts.met_at is not None:
        return NeedState.MET
    if facts.superseded_at is not None:
        return NeedState.SUPERSEDED
    if facts.window is None:
        return NeedState.PROVISIONAL
    if has_closed(facts.window, now):
        return NeedState.MISSED
    return NeedState.PLACED if facts.has_booking else NeedState.OPEN


def has_closed(window: Span, now: datetime) -> bool:
    """True from the first instant after the window's last one."""
    return require_utc(now) > window.ends_at


@dataclass(frozen=True, slots=True)
class InWindowCount:
    """`met` of `closed` windows had a held session inside; `reasons` tells why the others had none ("" = not said yet)."""

    met: int
    closed: int
    reasons: Mapping[str, int]

    @property
    def missed(self) -> int:
        return self.closed - self.met


def count_in_window(needs: Iterable[NeedFacts], now: datetime) -> InWindowCount:
    """The in-window rate's numerator and denominator at `now`.

    Denominator: every need whose window has closed, declined, no-show and unplaced ones included; not the superseded secondary
    ones, not those whose dose was entered in error, not those without a T0.
    """
    met = closed = 0
    reasons: Counter[str] = Counter()
    for need in needs:
        if need.window is None or need.withdrawn_at is not None or not has_closed(need.window, now):
            continue
        if need.part is Part.SECONDARY and need.superseded_at is not None and need.met_at is None:
            continue
        closed += 1
        if need.met_at is not None:
            met += 1
        else:
            reasons[need.miss_reason.value if need.miss_reason is not None else ""] += 1
    return InWindowCount(met=met, closed=closed, reasons=dict(reasons))
