"""Who hears that a handoff was not written or not read at its due time. Pure arithmetic on instants in UTC.

At the due time a reminder goes to the person who owes it; after some staffed time to the coordinators; later to the managers.
Alarms respect staffed hours (rule book 0.15): each comes at the earlier of its stated time and the last staffed time before
it is too late, and never before the due time. Too late is when the handoff would have served: the dose, or the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from integration.escalation import last_staffed_start
from kapclinic.scheduling.spans import Spans, union


class Step(StrEnum):
    """Who hears of it, in this order."""

    REMINDER = "reminder"
    COORDINATOR = "coordinator"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Staffed time from the due time until coordinators and managers hear, and what is left before it is too late."""

    coordinator_after: timedelta
    manager_after: timedelta
    staffed_lead: timedelta


def after_staffed(staffed: Spans, since: datetime, amount: timedelta) -> datetime:
    """The instant at which `amount` of staffed time has passed since `since`; elapsed time where too little is staffed."""
    left = amount
    for span in union(staffed):
        if span.ends_at <= since:
            continue
        starts_at = max(span.starts_at, since)
        if span.ends_at - starts_at >= left:
            return starts_at + left
        left -= span.ends_at - starts_at
    return since + amount


def instants(
    due_at: datetime, too_late: datetime | None, staffed: Mapping[Step, Spans], times: StepTimes
) -> dict[Step, datetime]:
    """When each step is taken for what is due at `due_at`."""
    found = {Step.REMINDER: due_at}
    for step, amount in (
        (Step.COORDINATOR, times.coordinator_after),
        (Step.MANAGER, times.manager_after),
    ):
        hours = staffed.get(step, ())
        at = after_staffed(hours, due_at, amount)
        if too_late is not None and too_late > due_at:
            last = last_staffed_start(hours, too_late, times.staffed_lead)
            at = min(at, last or too_late, too_late)
        found[step] = max(at, due_at)
    return found


def steps_taken(
    due_at: datetime,
    too_late: datetime | None,
    staffed: Mapping[Step, Spans],
    times: StepTimes,
    now: datetime,
) -> tuple[Step, ...]:
    """The steps that are due at `now`."""
    return tuple(step for step, at in instants(due_at, too_late, staffed, times).items() if at <= now)
