"""Where an episode stands within its treatment, in words, and what comes next.

Derived from doses and windows, which higher rooms hold: one of them registers how from `AppConfig.ready`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from episodes.models import Episode


@dataclass(frozen=True)
class TreatmentPlace:
    """`words` in sentences; `is_course_over` once the planned doses were given and the last window needs nothing any more.

    `url` and `label` lead to what comes next, for people who hold `action` on the episode; empty when nothing is to press.
    """

    words: str
    is_course_over: bool = False
    label: str = ""
    url: str = ""
    action: str = ""


Derive = Callable[[Episode, datetime], TreatmentPlace]

_derive: list[Derive] = []


def derives_place(function: Derive) -> Derive:
    """Register `function`, the one that says where an episode in treatment stands at an instant (UTC)."""
    _derive[:] = [function]
    return function


def place_in_treatment(episode: Episode, now: datetime) -> TreatmentPlace:
    """Where `episode`, which is in treatment, stands at `now` (UTC)."""
    (derive,) = _derive
    return derive(episode, now)
