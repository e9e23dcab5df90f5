"""D0 and T0 of a dosing session: the two instants from which every window is counted.

D0 is the start of the first administration; T0 the recorded end of the last ketamine or esketamine
administration, the real stop also when an infusion was stopped early. What is given in a moment (injection,
lozenge, device) ends when it starts. Superseded rows and those entered in error do not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True)
class AdministrationTimes:
    """Start and end of one administration (aware); `is_current` when neither superseded nor struck."""

    started_at: datetime
    ended_at: datetime | None
    is_current: bool = True


@dataclass(frozen=True)
class Anchors:
    """`t0` is None before the first dose and as long as an administration has no recorded end."""

    d0: datetime | None = None
    t0: datetime | None = None
    count: int = 0

    @property
    def is_running(self) -> bool:
        """Something was started whose end is not recorded."""
        return self.count > 0 and self.t0 is None


class Change(StrEnum):
    NONE = "none"
    SET = "set"
    MOVED = "moved"
    WITHDRAWN = "withdrawn"


def anchors(administrations: Iterable[AdministrationTimes]) -> Anchors:
    """D0 and T0 from the administrations of one session, in any order."""
    current = [entry for entry in administrations if entry.is_current]
    if not current:
        return Anchors()
    d0 = min(entry.started_at for entry in current)
    ends = [entry.ended_at for entry in current if entry.ended_at is not None]
    # While one still runs nobody knows the last end, however many others have stopped.
    t0 = max(ends) if len(ends) == len(current) else None
    return Anchors(d0=d0, t0=t0, count=len(current))


def change(before: datetime | None, after: datetime | None) -> Change:
    """What happened to an instant between two states of the record."""
    if before == after:
        return Change.NONE
    if before is None:
        return Change.SET
    return Change.WITHDRAWN if after is None else Change.MOVED
