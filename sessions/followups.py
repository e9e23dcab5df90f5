"""What higher rooms do when a dose starts, ends, is corrected or struck.

They register functions from `AppConfig.ready`. These are called inside the transaction that changed the record, with
the episode locked, so that what follows is written with it or not at all.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kapclinic.accounts.models import User
from sessions.models import DosingSession


@dataclass(frozen=True)
class AnchorsChange:
    """D0 and T0 before and after (UTC). `planned_t0` is the expected end while the dose runs.

    `corrected` is true when an instant that was already known moved or fell away (a correction, a strike).
    """

    session: DosingSession
    d0_before: datetime | None
    d0: datetime | None
    t0_before: datetime | None
    t0: datetime | None
    planned_t0: datetime | None
    corrected: bool
    actor: User | None
    now: datetime


class Followup(Protocol):
    def __call__(self, change: AnchorsChange) -> None: ...


_followups: list[Followup] = []


def on_anchors_changed(function: Followup) -> Followup:
    """Register `function`, called with every change of D0 or T0: provisional at the start, definite at the end."""
    if function not in _followups:
        _followups.append(function)
    return function


def announce(change: AnchorsChange) -> None:
    """Call every registered function."""
    for function in _followups:
        function(change)
