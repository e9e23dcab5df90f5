"""What other pages read of integration: windows, open needs, action steps, counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.urls import reverse

from episodes.access import episodes_for
from episodes.models import Episode
from integration.models import (
    ActionStep,
    ActionStepReview,
    IntegrationNeed,
    IntegrationSession,
    NeedPart,
    NeedQuerySet,
)
from integration.profiles import profile_of
from integration.windows import (
    BAND_WORDS,
    Band,
    InWindowCount,
    NeedState,
    band_of,
    count_in_window,
)
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.models import Clinic
from kapclinic.scheduling.models import Appointment

STATE_WORDS = {
    NeedState.PROVISIONAL: "dose not ended",
    NeedState.OPEN: "no session yet",
    NeedState.PLACED: "booked",
    NeedState.MET: "met",
    NeedState.MISSED: "missed",
    NeedState.SUPERSEDED: "superseded by the next dose",
    NeedState.WITHDRAWN: "entered in error",
}
STATE_TONES = {
    NeedState.PROVISIONAL: "outline",
    NeedState.OPEN: "amber",
    NeedState.PLACED: "accent",
    NeedState.MET: "green",
    NeedState.MISSED: "red",
    NeedState.SUPERSEDED: "outline",
    NeedState.WITHDRAWN: "outline",
}


@dataclass(frozen=True)
class NeedRow:
    """A need with where it stands now, for lists."""

    need: IntegrationNeed
    episode: Episode
    state: NeedState
    closes_at: datetime
    hours_left: float
    appointment: Appointment | None
    unplaced_reasons: tuple[str, ...]
    url: str

    @property
    def words(self) -> str:
        """The state in words."""
        return STATE_WORDS[self.state]

    @property
    def tone(self) -> str:
        """The pill's colour; a booking that is flagged wants a person."""
        if self.appointment is not None and self.appointment.flagged_at is not None:
            return "red"
        return STATE_TONES[self.state]


@dataclass(frozen=True)
class WindowFacts:
    """All that a chart, a journey bar or a window bar shows of one dose's window. Instants in UTC."""

    need: IntegrationNeed
    dose_number: int
    d0: datetime
    t0: datetime | None
    anchor: datetime
    opens_at: datetime
    closes_at: datetime
    preferred_until: datetime
    state: NeedState
    appointment: Appointment | None
    with_whom: str
    is_told: bool
    met_by: IntegrationSession | None
    band: Band | None
    unplaced_reason: str
    miss_reason: str
    url: str
    secondary: WindowFacts | None = None

    @property
    def booked_from(self) -> datetime | None:
        """Start of the session on the bar: the held one where there is one, else the booking."""
        if self.met_by is not None:
            return self.met_by.held_from
        return None if self.appointment is None else self.appointment.starts_at

    @property
    def booked_until(self) -> datetime | None:
        """End of the session on the bar."""
        if self.met_by is not None:
            return self.met_by.held_until
        return None if self.appointment is None else self.appointment.ends_at

    @property
    def satisfied_at(self) -> datetime | None:
        """When the window was met."""
        return self.need.met_at

    @property
    def is_provisional(self) -> bool:
        """True while the dose runs."""
        return self.t0 is None

    @property
    def words(self) -> str:
        """The state in words."""
        return STATE_WORDS[self.state]

    @property
    def tone(self) -> str:
        """The pill's colour."""
        return STATE_TONES[self.state]

    @property
    def band_words(self) -> str:
        """Where the held session fell, in words."""
        return "" if self.band is None else BAND_WORDS[self.band]


def _with_all(needs: QuerySet[IntegrationNeed]) -> QuerySet[IntegrationNeed]:
    return needs.select_related(
        "clinic",
        "episode__patient",
        "episode__protocol_version",
        "appointment__told_by",
        "met_by__therapist",
        "met_by__outside",
        "miss_recorded_by",
    ).prefetch_related(Prefetch("appointment__participants"), "appointment__participants__person")


def _row(need: IntegrationNeed, now: datetime) -> NeedRow:
    return NeedRow(
        need=need,
        episode=need.episode,
        state=need.state_at(now),
        closes_at=need.closes_at,
        hours_left=(need.closes_at - now).total_seconds() / 3600,
        appointment=need.live_appointment,
        unplaced_reasons=tuple(need.unplaced_reasons),
        url=reverse("integration:need-detail", args=[need.pk]),
    )


def _scoped(clinic: Clinic, actor: Actor | None) -> NeedQuerySet:
    needs = IntegrationNeed.objects.filter(clinic=clinic)
    if actor is not None:
        allowed = Episode.objects.filter(episodes_for(actor, "appointment.view")).values("pk")
        needs = needs.filter(episode__in=allowed)
    return needs


def open_needs(
    clinic: Clinic, now: datetime, actor: Actor | None = None, *, most: int | None = None
) -> list[NeedRow]:
    """Unmet windows that have not closed, soonest first; with `actor`, of the patients they may know. Six queries at most.

    Secondary needs are listed only where nothing is booked and no dose takes their place.
    """
    needs = _with_all(_scoped(clinic, actor).awaiting_integration(now))
    rows = [_row(need, now) for need in (needs if most is None else needs[: most * 2])]
    rows = [row for row in rows if row.need.part == NeedPart.PRIMARY or row.appointment is not None]
    return rows if most is None else rows[:most]


def unplaced_needs(clinic: Clinic, now: datetime, actor: Actor | None = None) -> list[NeedRow]:
    """Open windows that nobody has booked and that are planned here, soonest first."""
    return [
        row for row in open_needs(clinic, now, actor) if row.appointment is None and row.need.is_planned_here
    ]


def ahead_of_doses(
    clinic: Clinic, now: datetime, actor: Actor | None = None, *, episode: Episode | None = None
) -> list[NeedRow]:
    """What planned doses will owe, with the times held for it; the soonest first."""
    needs = _scoped(clinic, actor).ahead().filter(is_planned_here=True, closes_at__gte=now).order_by("d0")
    if episode is not None:
        needs = needs.filter(episode=episode)
    return [_row(need, now) for need in _with_all(needs)]


def missed_without_reason(clinic: Clinic, now: datetime, actor: Actor | None = None) -> list[NeedRow]:
    """Primary windows that closed without a session and without a word why."""
    needs = _scoped(clinic, actor).closed_unmet(now).filter(part=NeedPart.PRIMARY, miss_reason="")
    return [_row(need, now) for need in _with_all(needs)]


def window_facts(episode: Episode, now: datetime) -> list[WindowFacts]:
    """Every standing window of an episode, newest dose first, each with its secondary one."""
    needs = list(_with_all(IntegrationNeed.objects.standing().filter(episode=episode)).order_by("-d0"))
    secondary = {need.dose_id: need for need in needs if need.part == NeedPart.SECONDARY}
    held = list(IntegrationSession.objects.standing().filter(episode=episode).order_by("held_from"))
    return [
        _facts(need, now, secondary=secondary.get(need.dose_id), held=held)
        for need in needs
        if need.part == NeedPart.PRIMARY
    ]


def facts_of(need: IntegrationNeed, now: datetime) -> WindowFacts:
    """The window of one need."""
    held = IntegrationSession.objects.standing().filter(episode=need.episode).order_by("held_from")
    return _facts(need, now, secondary=None, held=list(held))


def latest_window(episode: Episode, now: datetime) -> WindowFacts | None:
    """The window of the newest dose; None before the first."""
    found = window_facts(episode, now)
    return found[0] if found else None


def _facts(
    need: IntegrationNeed, now: datetime, *, secondary: IntegrationNeed | None, held: list[IntegrationSession]
) -> WindowFacts:
    booking = need.live_appointment
    session = need.met_by or next(
        (each for each in held if need.t0 is not None and each.held_from >= need.t0), None
    )
    band = None
    if session is not None and need.t0 is not None:
        band = band_of(need.t0, session.held_from, session.held_until, profile_of(need.episode.protocol))
    return WindowFacts(
        need=need,
        dose_number=need.dose_number,
        d0=need.d0,
        t0=need.t0,
        anchor=need.anchor,
        opens_at=need.opens_at,
        closes_at=need.closes_at,
        preferred_until=need.preferred_until,
        state=need.state_at(now),
        appointment=booking,
        with_whom=_with_whom(need, booking),
        is_told=booking is not None and booking.is_told,
        met_by=need.met_by,
        band=band,
        unplaced_reason=" ".join(need.unplaced_reasons),
        miss_reason=need.get_miss_reason_display() if need.miss_reason else "",
        url=reverse("integration:need-detail", args=[need.pk]),
        secondary=None if secondary is None else _facts(secondary, now, secondary=None, held=held),
    )


def _with_whom(need: IntegrationNeed, booking: Appointment | None) -> str:
    if need.met_by is not None:
        return need.met_by.held_by
    return "" if booking is None or booking.lead is None else str(booking.lead)


def open_action_steps(episode: Episode) -> list[ActionStep]:
    """Steps that were neither done nor dropped, oldest first, with how they stood last time (`last_review`)."""
    steps: list[ActionStep] = []
    open_now = (
        ActionStep.objects.open()
        .filter(episode=episode, session__entered_in_error_at__isnull=True)
        .select_related("session")
        .prefetch_related(
            Prefetch(
                "reviews",
                queryset=ActionStepReview.objects.standing().order_by("-created_at"),
                to_attr="looks",
            )
        )
    )
    for step in open_now:
        step.last_review = step.looks[0] if step.looks else None
        steps.append(step)
    return steps


def in_window_counts(needs: Iterable[IntegrationNeed], now: datetime) -> InWindowCount:
    """The in-window rate's numerator and denominator over `needs`, with the reasons of the misses."""
    return count_in_window((need.facts() for need in needs), now)


def counts_for_clinic(
    clinic: Clinic,
    now: datetime,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    part: str = NeedPart.PRIMARY,
    episodes: QuerySet[Episode] | None = None,
) -> InWindowCount:
    """The rate over windows that closed in [since, until) at a clinic; primary ones unless told otherwise."""
    needs = IntegrationNeed.objects.standing().filter(clinic=clinic, part=part, t0__isnull=False)
    if since is not None:
        needs = needs.filter(closes_at__gte=since)
    if until is not None:
        needs = needs.filter(closes_at__lt=until)
    if episodes is not None:
        needs = needs.filter(episode__in=episodes)
    return in_window_counts(needs.select_related("appointment"), now)


@dataclass(frozen=True)
class SessionSummary:
    """What a handoff or an instruction sheet may tell of a held session: no process notes."""

    session: IntegrationSession
    held_from: datetime
    held_by: str
    modalities: tuple[str, ...]
    themes: str
    plan: str
    steps: tuple[str, ...]


def integration_summary(episode: Episode, *, most: int = 3) -> list[SessionSummary]:
    """The newest signed sessions with their shared themes, plan and action steps."""
    sessions: Any = (
        IntegrationSession.objects.standing()
        .filter(episode=episode, state="signed")
        .select_related("therapist", "outside")
        .prefetch_related("action_steps")[:most]
    )
    return [
        SessionSummary(
            session=session,
            held_from=session.held_from,
            held_by=session.held_by,
            modalities=tuple(session.modality_labels),
            themes=session.themes,
            plan=session.plan,
            steps=tuple(step.text for step in session.action_steps.all() if not step.is_struck),
        )
        for session in sessions
    ]
