"""Before a dose is booked: can its integration be placed, and which other times of the dose would do?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

from episodes.models import Episode
from integration.models import IntegrationNeed
from integration.services.ahead import expected_need, other_starts
from integration.services.placing import situation_of
from integration.services.planning.explaining import why_beside
from integration.services.planning.gathering import Gathered, gather, waiting_needs
from kapclinic.scheduling.planner import Plan, make_plan
from sessions.models import DosingSession

# The form waits for the answer.
_PLAN_SECONDS = 3.0
_SEARCH_SECONDS = 4.0
MOST_ALTERNATIVES = 3


@dataclass(frozen=True)
class Outlook:
    """Whether a dose at that time keeps its window (`need` None: it owes nothing), why not, and starts (UTC) that would."""

    need: IntegrationNeed | None
    is_placeable: bool
    reasons: tuple[str, ...] = ()
    alternatives: tuple[datetime, ...] = ()


def outlook_for(
    episode: Episode, planned_at: datetime, *, moved: DosingSession | None = None, now: datetime
) -> Outlook:
    """Look ahead for a dose planned for `planned_at` (UTC); `moved` is the session that would be moved there.

    Placeable means: beside every other session that the clinic owes, so none of them loses its window for it.
    """
    need = expected_need(episode, planned_at, dose=moved)
    if need is None:
        return Outlook(None, True)
    if situation_of(need, now=now).place().choice is not None:
        # A free time beside everything that is held takes nobody's.
        return Outlook(need, True)
    others = [
        each for each in waiting_needs(episode.clinic, now=now) if moved is None or each.dose_id != moved.pk
    ]
    before = _plan(gather(episode.clinic, others, now=now))
    beside = gather(episode.clinic, [*others, need], now=now)
    if _plan(beside).score.placed > before.score.placed:
        return Outlook(need, True)
    began = perf_counter()
    found: list[datetime] = []
    for other_start in other_starts(planned_at, episode.clinic.zone, now=now):
        if len(found) == MOST_ALTERNATIVES or perf_counter() - began > _SEARCH_SECONDS:
            break
        shifted = expected_need(episode, other_start, dose=moved)
        if shifted is None:
            continue
        if _plan(gather(episode.clinic, [*others, shifted], now=now)).score.placed > before.score.placed:
            found.append(other_start)
    return Outlook(need, False, why_beside(beside, before, str(need.pk), now=now), tuple(sorted(found)))


def _plan(found: Gathered) -> Plan:
    return make_plan(found.problem, time_limit_seconds=_PLAN_SECONDS)
