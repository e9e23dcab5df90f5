"""Readings that are owed after the start of a dose, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sessions.vitals.limits import DEFAULT_VITALS_LIMITS, VitalsLimits
from sessions.vitals.readings import Reading


@dataclass(frozen=True)
class Slot:
    """A reading owed `offset` minutes after D0; one taken inside the accepted span is on time."""

    offset: int
    accepted_from: int
    accepted_until: int


@dataclass(frozen=True)
class Schedule:
    """Readings owed after a dose, by offset."""

    name: str
    slots: tuple[Slot, ...]
    source: str


STANDARD_OFFSETS = "15, 30, 45, 60, 90"  # POLICY; series of 0, 15, 30, 45, 60, 90 min in NDT.S273287
ESKETAMINE_OFFSETS = (
    "40, 120"  # REMS monitoring form: 40 min (30-50 accepted), before leaving at 120 min or later
)
ESKETAMINE_ACCEPTED_EARLY = 10
ESKETAMINE_ACCEPTED_LATE = 10
STANDARD_ACCEPTED = 5


def schedule_for(
    *,
    is_esketamine: bool,
    offsets: Sequence[int],
    overdue_after: int = STANDARD_ACCEPTED,
) -> Schedule:
    """The readings owed after D0. Esketamine takes the reading at 40 min from 30 to 50."""
    if is_esketamine:
        slots = tuple(
            Slot(
                offset,
                offset - ESKETAMINE_ACCEPTED_EARLY,
                offset + ESKETAMINE_ACCEPTED_LATE,
            )
            if offset < offsets[-1]
            # The last one is "before leaving, not before": it opens at its time and stays open.
            else Slot(offset, offset, offset + 60)
            for offset in offsets
        )
        return Schedule("esketamine", slots, "SPRAVATO REMS monitoring form")
    slots = tuple(Slot(offset, offset - STANDARD_ACCEPTED, offset + overdue_after) for offset in offsets)
    return Schedule("standard", slots, "POLICY")


class DueState(StrEnum):
    TAKEN = "taken"
    TAKEN_LATE = "taken late"
    COMING = "coming"
    DUE = "due"
    OVERDUE = "overdue"
    MISSED = "missed"
    NOT_OWED = "not owed"


@dataclass(frozen=True)
class DueReading:
    """A slot with what became of it. `at` is when it is due."""

    offset: int
    at: datetime
    state: DueState
    reading: Reading | None = None

    @property
    def needs_somebody(self) -> bool:
        return self.state in (DueState.DUE, DueState.OVERDUE)


def due_readings(
    schedule: Schedule,
    *,
    d0: datetime,
    readings: Iterable[Reading],
    now: datetime,
    left_at: datetime | None = None,
    limits: VitalsLimits = DEFAULT_VITALS_LIMITS,
) -> tuple[DueReading, ...]:
    """What became of every slot at `now`; a reading answers one slot, the earliest that it can.

    A slot takes readings from its opening to the opening of the next. `left_at` is when the patient left:
    later slots are not owed any more.
    """
    waiting = sorted(
        (r for r in readings if r.taken_at > d0 and not r.is_empty),
        key=lambda r: r.taken_at,
    )
    answered: list[DueReading] = []
    for index, slot in enumerate(schedule.slots):
        at = d0 + timedelta(minutes=slot.offset)
        opens = d0 + timedelta(minutes=slot.accepted_from)
        on_time_until = d0 + timedelta(minutes=slot.accepted_until)
        following = schedule.slots[index + 1] if index + 1 < len(schedule.slots) else None
        closes = None if following is None else d0 + timedelta(minutes=following.accepted_from)
        taken = next(
            (r for r in waiting if r.taken_at >= opens and (closes is None or r.taken_at < closes)),
            None,
        )
        overdue_at = at + timedelta(minutes=limits.overdue_after_minutes)
        if taken is not None:
            waiting.remove(taken)
            state = DueState.TAKEN if taken.taken_at <= on_time_until else DueState.TAKEN_LATE
        elif left_at is not None and left_at < at:
            state = DueState.NOT_OWED
        elif left_at is not None or (closes is not None and now >= closes):
            state = DueState.MISSED
        elif now > overdue_at:
            state = DueState.OVERDUE
        elif now >= at:
            state = DueState.DUE
        else:
            state = DueState.COMING
        answered.append(DueReading(slot.offset, at, state, taken))
    return tuple(answered)


def next_due(due: Iterable[DueReading]) -> DueReading | None:
    """The reading that somebody must take next: the latest overdue or due one, else the first coming."""
    open_ones = [entry for entry in due if entry.state in (DueState.DUE, DueState.OVERDUE, DueState.COMING)]
    pressing = [entry for entry in open_ones if entry.needs_somebody]
    if pressing:
        return pressing[-1]
    return open_ones[0] if open_ones else None
