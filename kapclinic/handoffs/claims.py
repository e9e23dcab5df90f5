"""What each discipline has recorded on readiness, medication, risk and goals: the input of the comparison."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from episodes.models import CareTeamMember, Episode, TeamPart
from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.services import setting
from kapclinic.handoffs.clinical_settings import DIVERGENCE_DAYS
from kapclinic.handoffs.divergence import TOPICS, Claim, Divergence, divergences
from kapclinic.handoffs.fields import NOT_READY, PRESCRIBER, READY, THERAPIST, WITH_CONCERNS
from kapclinic.handoffs.models import Handoff
from kapclinic.handoffs.prefill import RISK_VIEW
from screening.models import EligibilityDecision, RiskAssessment
from sessions.models import DoseOrder

_DECISION_VIEW = {
    "eligible": READY,
    "conditions": WITH_CONCERNS,
    "deferred": NOT_READY,
    "ineligible": NOT_READY,
}


def divergences_of(episode: Episode, now: datetime, *, besides: Handoff | None = None) -> list[Divergence]:
    """Where the two disciplines recorded different things of this patient.

    `besides` is a draft that is being signed: its words count as said now, those of the edition that it replaces do not.
    """
    return divergences_by_episode(episode.clinic, [episode], now, besides=besides)[episode.pk]


def divergences_by_episode(
    clinic: Clinic, episodes: Iterable[Episode], now: datetime, *, besides: Handoff | None = None
) -> dict[Any, list[Divergence]]:
    """The same for many episodes of a clinic, by their keys. Six queries."""
    most_age = timedelta(days=setting(clinic, DIVERGENCE_DAYS))
    by_key = {episode.pk: episode for episode in episodes}
    claims: dict[Any, list[Claim]] = {key: [] for key in by_key}
    since = now - most_age
    for source in (_of_handoffs(by_key, since, besides), _of_risk(by_key, since), _of_decisions(by_key, since),
                   _of_orders(by_key, since)):  # fmt: skip
        for key, claim in source:
            claims[key].append(claim)
    if besides is not None:
        claims[besides.episode_id] += _of_handoff(besides, now, str(besides.author))
    return {key: divergences(found, now=now, most_age=most_age) for key, found in claims.items()}


_ByKey = Mapping[Any, Episode]
_Found = Iterator[tuple[Any, Claim]]


def _of_handoffs(episodes: _ByKey, since: datetime, besides: Handoff | None) -> _Found:
    found = Handoff.objects.in_force().filter(episode__in=episodes, signed_at__gte=since)
    for handoff in found.select_related("signed_by"):
        replaced = besides is not None and besides.supersedes_id == handoff.pk
        if handoff.signed_at is not None and not replaced:
            for claim in _of_handoff(handoff, handoff.signed_at, str(handoff.signed_by)):
                yield handoff.episode_id, claim


def _of_handoff(handoff: Handoff, at: datetime, by: str) -> Iterator[Claim]:
    url = reverse("handoffs:detail", args=[handoff.pk]) if handoff.is_signed else ""
    for topic, field in TOPICS.items():
        value = handoff.body.get(field.key, "")
        if value and handoff.written_by_part:
            source = f"handoff, {handoff.get_kind_display().lower()}"
            yield Claim(topic, handoff.written_by_part, value, at, by, source, url)


def _of_risk(episodes: _ByKey, since: datetime) -> _Found:
    """Recorded assessments; those of a nurse are neither discipline's word."""
    therapists = set(
        CareTeamMember.objects.standing()
        .filter(
            episode__in=episodes, part__in=[TeamPart.THERAPIST, TeamPart.COVER_THERAPIST], user__isnull=False
        )
        .values_list("episode", "user")
    )
    recorded = RiskAssessment.objects.standing().filter(
        episode__in=episodes, state="recorded", assessed_at__gte=since
    )
    for risk in recorded.select_related("assessed_by"):
        is_therapists = (risk.episode_id, risk.assessed_by_id) in therapists
        part = PRESCRIBER if risk.by_prescriber else THERAPIST if is_therapists else ""
        if part and risk.assessed_at is not None:
            url = reverse("screening:risk-assess", args=[episodes[risk.episode_id].public_id])
            value = RISK_VIEW.get(risk.outcome, "")
            by = _name(risk.assessed_by)
            yield risk.episode_id, Claim("risk", part, value, risk.assessed_at, by, "risk assessment", url)


def _of_decisions(episodes: _ByKey, since: datetime) -> _Found:
    decisions = EligibilityDecision.objects.standing().filter(episode__in=episodes, signed_at__gte=since)
    for decision in decisions.select_related("signed_by"):
        url = reverse("screening:overview", args=[episodes[decision.episode_id].public_id])
        value, by = _DECISION_VIEW[decision.outcome], _name(decision.signed_by)
        claim = Claim("readiness", PRESCRIBER, value, decision.signed_at, by, "eligibility decision", url)
        yield decision.episode_id, claim


def _of_orders(episodes: _ByKey, since: datetime) -> _Found:
    """Who orders a dose holds the patient ready for it."""
    orders = DoseOrder.objects.active().filter(session__episode__in=episodes, ordered_at__gte=since)
    for order in orders.select_related("ordered_by", "session"):
        url = reverse("dosing:session-detail", args=[order.session_id])
        claim = Claim(
            "readiness", PRESCRIBER, READY, order.ordered_at, _name(order.ordered_by), "dose order", url
        )
        yield order.session.episode_id, claim


def _name(person: User | None) -> str:
    return "" if person is None else str(person)
