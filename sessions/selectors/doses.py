"""The doses of an episode for lists, charts and handoffs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch

from episodes.models import Episode
from sessions.dose import ROUTE_SHORT, Route, plain
from sessions.models import (
    Administration,
    AdverseEvent,
    ChallengingExperience,
    DoseOrder,
    DosingSession,
    PreparationSession,
    SessionEnding,
    VitalsReading,
)


@dataclass(frozen=True)
class DoseFacts:
    """One dose of an episode for lists, charts, handoffs. Times UTC; `total_mg` of base over the whole session."""

    session: DosingSession
    number: int
    on: date
    d0: datetime
    t0: datetime | None
    drug: str
    route: str
    total_mg: Decimal | None
    parts: int
    is_deviating: bool
    ending: str
    ending_words: str
    left_at: datetime | None

    @property
    def summary(self) -> str:
        """One line: "IV ketamine 34 mg"."""
        amount = "amount not recorded" if self.total_mg is None else f"{plain(self.total_mg)} mg"
        return f"{ROUTE_SHORT[Route(self.route)]} {self.drug} {amount}"


def doses_of_episode(episode: Episode) -> list[DoseFacts]:
    """The doses that were given, oldest first and numbered from 1 (three queries)."""
    sessions = (
        DosingSession.objects.standing()
        .filter(episode=episode)
        .with_anchors()
        .filter(d0_at__isnull=False)
        .select_related("clinic", "room")
        .order_by("d0_at")
        .prefetch_related(
            Prefetch("administrations", Administration.objects.current().order_by("started_at"), "given"),
            Prefetch("sessionendings", SessionEnding.objects.current(), "endings"),
        )
    )
    return [_dose_facts(session, number) for number, session in enumerate(sessions, start=1)]


def _dose_facts(session: Any, number: int) -> DoseFacts:
    given: list[Administration] = session.given
    amounts = [entry.amount_mg for entry in given if entry.amount_mg is not None]
    ending = session.endings[0] if session.endings else None
    return DoseFacts(
        session=session,
        number=number,
        on=session.d0_at.astimezone(session.clinic.zone).date(),
        d0=session.d0_at,
        t0=session.last_end_at if session.running_count == 0 else None,
        drug=given[0].drug,
        route=given[0].route,
        total_mg=sum(amounts, Decimal(0)) if amounts else None,
        parts=len(given),
        is_deviating=any(entry.deviations for entry in given),
        ending="" if ending is None else ending.ending,
        ending_words="" if ending is None else ending.get_ending_display(),
        left_at=None if ending is None else ending.ended_at,
    )


def dose_number(session: DosingSession) -> int:
    """The session's number among the doses of its episode, counted from 1; for one to come, the next."""
    at = session.anchors().d0 or session.planned_at
    return (
        DosingSession.objects.standing()
        .filter(episode_id=session.episode_id)
        .exclude(pk=session.pk)
        .with_anchors()
        .filter(d0_at__lt=at)
        .count()
        + 1
    )


def has_had_a_dose(episode: Episode) -> bool:
    """Whether anything was given in the episode."""
    return (
        Administration.objects.current()
        .filter(session__episode=episode, session__entered_in_error_at__isnull=True)
        .exists()
    )


def completed_preparations(episode: Episode, *, before: datetime | None = None) -> int:
    """Signed preparation sessions of the episode (held before `before`)."""
    found = PreparationSession.objects.standing().filter(episode=episode, state="signed")
    return found.filter(held_from__lte=before).count() if before is not None else found.count()


def latest_vitals(episode: Episode) -> VitalsReading | None:
    """The newest current reading of the episode's dosing sessions."""
    return (
        VitalsReading.objects.current()
        .filter(session__episode=episode, session__entered_in_error_at__isnull=True)
        .order_by("-taken_at")
        .first()
    )


@dataclass(frozen=True)
class DoseReport:
    """What a prescriber hands over after a dose."""

    dose: DoseFacts
    orders: list[DoseOrder]
    administrations: list[Administration]
    readings: list[VitalsReading]
    medicines: list[Any]
    challenges: list[ChallengingExperience]
    adverse_events: list[AdverseEvent]
    narrative: list[Any]
    mental_status: str
    ending: SessionEnding | None
    approach: str
    homework: str


def dose_report(session: DosingSession) -> DoseReport | None:
    """Everything about one dose for a handoff; None while nothing was given."""
    dose = next((each for each in doses_of_episode(session.episode) if each.session.pk == session.pk), None)
    if dose is None:
        return None
    check = session.dischargechecks.standing().order_by("-at", "-created_at").first()
    return DoseReport(
        dose=dose,
        orders=list(session.doseorders.active().order_by("ordered_at")),
        administrations=list(session.administrations.current().select_related("given_by")),
        readings=list(session.vitalsreadings.current()),
        medicines=list(session.othermedicines.standing()),
        challenges=list(session.challengingexperiences.standing()),
        adverse_events=list(session.adverseevents.current()),
        narrative=list(session.log.standing().filter(kind="narrative")),
        mental_status="" if check is None else check.mental_status,
        ending=session.sessionendings.current().first(),
        approach=session.get_approach_display() if session.approach else "",
        homework=session.homework,
    )
