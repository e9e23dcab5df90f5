"""Where a patient stands within the treatment: the dose that comes, the one under way, the window that is open."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.urls import reverse

from episodes.models import Episode
from episodes.places import TreatmentPlace, derives_place
from integration.selectors import WindowFacts, latest_window
from integration.windows import NeedState
from sessions.models import DosingSession, SessionState
from sessions.selectors import doses_of_episode


@dataclass(frozen=True)
class Doses:
    """The doses of an episode. `next_at` is the start (UTC) of the next one that is planned, None when none is."""

    given: int
    planned: int
    is_under_way: bool
    next_at: datetime | None


def place_words(doses: Doses, window: WindowFacts | None, *, zone: ZoneInfo) -> tuple[str, bool]:
    """The place in words, and whether the course is over: every planned dose given, its last window met or missed."""
    if doses.is_under_way:
        return f"Dose {max(doses.given, 1)} of {doses.planned} is under way.", False
    parts = []
    if window is not None:
        parts.append(_window_words(window, zone))
    if doses.next_at is not None:
        parts.append(
            f"Dose {doses.given + 1} of {doses.planned} is planned for {_stamp(doses.next_at, zone)}."
            if doses.given < doses.planned
            else f"A further dose is planned for {_stamp(doses.next_at, zone)}."
        )
    elif doses.given < doses.planned:
        parts.append(f"Dose {doses.given + 1} of {doses.planned} is to plan.")
    else:
        parts.append(f"The {doses.planned} planned doses have been given.")
    is_settled = window is None or window.state in (
        NeedState.MET,
        NeedState.MISSED,
        NeedState.SUPERSEDED,
        NeedState.WITHDRAWN,
    )
    return " ".join(parts), doses.given >= doses.planned and doses.next_at is None and is_settled


def _window_words(window: WindowFacts, zone: ZoneInfo) -> str:
    after = f"integration after dose {window.dose_number}"
    match window.state:
        case NeedState.PLACED if window.booked_from is not None:
            return f"{after.capitalize()} is booked for {_stamp(window.booked_from, zone)}."
        case NeedState.OPEN:
            return (
                f"{after.capitalize()} has no time yet; its window closes {_stamp(window.closes_at, zone)}."
            )
        case NeedState.MET:
            return f"{after.capitalize()} took place."
        case NeedState.MISSED:
            return f"The window of {after} was missed."
    return f"{after.capitalize()}: {window.words}."


def _stamp(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"


@derives_place
def place_of(episode: Episode, now: datetime) -> TreatmentPlace:
    """The place of an episode in treatment (architecture 3: derived, never stored)."""
    given = doses_of_episode(episode)
    live = DosingSession.objects.expected().filter(episode=episode)
    doses = Doses(
        given=len(given),
        planned=episode.protocol.induction.planned_doses,
        is_under_way=live.filter(state=SessionState.UNDER_WAY).exists(),
        next_at=live.filter(state__in=[SessionState.PLANNED, SessionState.CHECKED_IN])
        .order_by("planned_at")
        .values_list("planned_at", flat=True)
        .first(),
    )
    words, is_over = place_words(doses, latest_window(episode, now), zone=episode.clinic.zone)
    if doses.is_under_way or doses.next_at is not None or is_over:
        return TreatmentPlace(words, is_over)
    return TreatmentPlace(
        words,
        label=f"Plan dose {doses.given + 1}",
        url=reverse("dosing:session-plan", args=[episode.public_id]),
        action="dose.plan",
    )
