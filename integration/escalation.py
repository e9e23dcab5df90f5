"""When somebody is alarmed about a window that nobody serves. Pure arithmetic on instants in UTC.

Three steps, each at a stated time or earlier: no appointment some hours after T0 goes to the coordinators, later to the
managers; no held session shortly before the window closes goes to the coordinators and the therapist. Alarms respect staffed
hours: each comes at the earlier of its stated time and the last staffed hour before it is too late. Too late is the latest
start at which the session still ends inside the window. The closed window itself asks for its reason elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from integration.windows import NeedState, Part
from kapclinic.scheduling.spans import Span, Spans, require_utc, union


class Step(StrEnum):
    """Who hears of a window, in the order in which they hear of it."""

    COORDINATOR = "coordinator"
    MANAGER = "manager"
    LAST_CALL = "last_call"


@dataclass(frozen=True, slots=True)
class AlarmTimes:
    """Stated times: `coordinator_after` and `manager_after` T0, `last_call_before` the close.

    `staffed_lead`: staffed time that an alarm leaves before it is too late. `grace`: time for recording a session that is over.
    """

    coordinator_after: timedelta
    manager_after: timedelta
    last_call_before: timedelta
    staffed_lead: timedelta
    grace: timedelta


@dataclass(frozen=True, slots=True)
class WatchedNeed:
    """A need with a T0. `booking` is the live appointment that serves it, `staffed` the hours in which each step is heard."""

    state: NeedState
    part: Part
    is_planned_here: bool
    t0: datetime
    window: Span
    duration_minutes: int
    booking: Span | None = None
    staffed: Mapping[Step, Spans] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alarms:
    """The steps that are due now, and when to look again (None: nothing more can become due)."""

    raised: tuple[Step, ...] = ()
    look_at: datetime | None = None


def last_staffed_start(staffed: Spans, too_late: datetime, lead: timedelta) -> datetime | None:
    """The latest instant from which `lead` of staffed time is left before `too_late`.

    Where less than `lead` is staffed at all, the first staffed instant; None where nothing is.
    """
    left = lead
    first: datetime | None = None
    for span in reversed(union(staffed)):
        if span.starts_at >= too_late:
            continue
        first = span.starts_at
        ends_at = min(span.ends_at, too_late)
        if ends_at - span.starts_at >= left:
            return ends_at - left
        left -= ends_at - span.starts_at
    return first


def due_instants(need: WatchedNeed, times: AlarmTimes) -> Mapping[Step, datetime]:
    """When each step of `need` is due, never before T0.

    Only a primary need that is planned here has a stated time for its appointment; the last call goes for every need.
    """
    stated = {Step.LAST_CALL: need.window.ends_at - times.last_call_before}
    if need.part is Part.PRIMARY and need.is_planned_here:
        stated[Step.COORDINATOR] = require_utc(need.t0) + times.coordinator_after
        stated[Step.MANAGER] = require_utc(need.t0) + times.manager_after
    too_late = need.window.ends_at - timedelta(minutes=need.duration_minutes)
    due: dict[Step, datetime] = {}
    for step in Step:
        if step in stated:
            staffed = last_staffed_start(need.staffed.get(step, ()), too_late, times.staffed_lead)
            earliest = stated[step] if staffed is None else min(stated[step], staffed)
            due[step] = max(earliest, require_utc(need.t0))
    return due


def alarms(need: WatchedNeed, times: AlarmTimes, now: datetime) -> Alarms:
    """What is to be said of `need` at `now`: nothing once it is met, missed, superseded or withdrawn.

    An appointment answers the first two steps. It answers the last call while it lies inside the window and is not over for
    longer than the grace.
    """
    now = require_utc(now)
    if need.state not in (NeedState.OPEN, NeedState.PLACED):
        return Alarms()
    due = dict(due_instants(need, times))
    if need.booking is not None:
        due = {Step.LAST_CALL: due[Step.LAST_CALL]}
        if need.window.covers(need.booking):
            recorded_by = need.booking.ends_at + times.grace
            due[Step.LAST_CALL] = max(due[Step.LAST_CALL], recorded_by)
    raised = tuple(step for step, at in due.items() if at <= now)
    to_come = [at for at in due.values() if now < at <= need.window.ends_at]
    return Alarms(raised, min(to_come, default=None))
