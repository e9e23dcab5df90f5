"""Why a need has no time, as the page shows it: what this person may know of other patients, and where each repair is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from integration.models import IntegrationNeed
from integration.services.planning import Explanation, Help, explain_need
from kapclinic.accounts import policy
from kapclinic.accounts.policy import Actor, Relation
from kapclinic.scheduling.planner import RepairKind
from kapclinic.scheduling.relations import Roster


@dataclass(frozen=True)
class Other:
    """A session that competes; without `url` and `what` where the person may not know whose it is."""

    who: str
    what: str
    url: str
    minutes: int
    closes_at: datetime


@dataclass(frozen=True)
class Remedy:
    """A repair in words, and where it is done (`url` empty where the person may not do it)."""

    words: str
    url: str = ""
    link: str = ""


@dataclass(frozen=True)
class ShownExplanation:
    """An explanation for one reader."""

    reasons: tuple[str, ...]
    would_fit: str
    competing: tuple[Other, ...]
    helps: tuple[Remedy, ...]


def explanation_for(actor: Actor, need: IntegrationNeed, *, now: datetime) -> ShownExplanation:
    """Explain `need` to `actor`. Other patients are named only to those who plan for the whole clinic."""
    found: Explanation = explain_need(need=need, now=now)
    names_others = Relation.CLINIC in policy.relations_of(actor, "integration.plan")
    return ShownExplanation(
        reasons=found.reasons,
        would_fit=found.would_fit,
        competing=tuple(_other(other, need, may_name=names_others) for other in found.competing),
        helps=tuple(_remedy(actor, need, repair) for repair in found.helps),
    )


def _other(other: IntegrationNeed, need: IntegrationNeed, *, may_name: bool) -> Other:
    is_same = other.episode_id == need.episode_id
    knows = may_name or is_same
    return Other(
        who=str(other.episode.patient) if knows else "another patient",
        what=str(other) if knows else "",
        url=reverse("integration:need-detail", args=[other.pk]) if knows else "",
        minutes=other.duration_minutes,
        closes_at=other.closes_at,
    )


def _remedy(actor: Actor, need: IntegrationNeed, repair: Help) -> Remedy:
    episode = need.episode
    if repair.kind is RepairKind.EXTRA_HOUR and repair.person is not None:
        if policy.can(actor, "hours.edit", Roster(actor.clinic.pk, repair.person)):
            url = reverse("scheduling:roster", args=[repair.person.pk])
            return Remedy(repair.words, url, f"Hours of {repair.person}")
    elif repair.kind is RepairKind.COVER:
        if policy.can(actor, "episode.edit-team", episode):
            return Remedy(repair.words, reverse("episodes:team", args=[episode.public_id]), "Care team")
    elif need.dose.appointment is not None:
        if policy.can(actor, "appointment.change", need.dose.appointment):
            url = reverse("scheduling:appointment-move", args=[need.dose.appointment.pk])
            return Remedy(repair.words, url, "Move the dose")
    elif policy.can(actor, "dose.plan", episode):
        return Remedy(repair.words, reverse("dosing:session-plan", args=[episode.public_id]), "Plan the dose")
    return Remedy(repair.words)
