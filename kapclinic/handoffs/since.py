"""What has happened on an episode since the last session: it stands on top of every next one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from episodes.models import Episode
from episodes.readers import Eyes
from episodes.sharing import Discipline
from integration.models import IntegrationSession
from integration.selectors import open_action_steps
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.charts import day_label
from kapclinic.handoffs.models import Acknowledgement, Handoff, TeamDecision
from screening.instruments import instrument
from screening.models import Medication, RiskAssessment
from screening.segments import category_of_instrument
from screening.selectors import score_series
from sessions.models import AdverseEvent, PreparationSession
from sessions.selectors import doses_of_episode, unanswered_challenges


@dataclass(frozen=True)
class Since:
    """One thing that happened: what it is, in words, when (UTC), and where it stands. `wants` says what is still open of it.

    `category` is what a sharing consent calls it, `origin` the discipline whose record it is, None for both; `by`
    the key of who recorded it, where that is one person.
    """

    title: str
    words: str
    at: datetime | None
    url: str
    wants: str = ""
    category: ConsentCategory = ConsentCategory.ADMINISTRATIVE
    origin: Discipline | None = None
    by: Any = None


@dataclass(frozen=True)
class SinceLastTime:
    """The session before, in words, and what happened from its start on, oldest first."""

    last: str
    last_at: datetime | None
    rows: list[Since]


def since_last_time(episode: Episode, *, before: datetime, eyes: Eyes) -> SinceLastTime:
    """What happened since the last session before the one of `before`, as far as `eyes` see it; what they do not see is named.

    About twelve queries, however long the history.
    """
    last_at, last = _last_session(episode, before)
    since = last_at or episode.opened_at
    rows = [*_handoffs(episode, since), *_safety(episode, since), *_measured(episode, since)]
    rows.sort(key=lambda row: row.at or since)
    return SinceLastTime(last, last_at, _seen([*rows, *_open(episode)], eyes))


def _seen(rows: list[Since], eyes: Eyes) -> list[Since]:
    seen = [row for row in rows if eyes.reads(row.category, by=row.by, origin=row.origin)]
    withheld = sorted({row.category for row in rows if row not in seen})
    words = "withheld: the sharing consent does not cover it for this reader"
    return [*seen, *(Since(_withheld_title(category), words, None, "") for category in withheld)]


def _withheld_title(category: ConsentCategory) -> str:
    """That there is anything of substance use at all would give it away."""
    is_telling = category is ConsentCategory.SUBSTANCE_USE
    return "Something else" if is_telling else str(category.label)


def _last_session(episode: Episode, before: datetime) -> tuple[datetime | None, str]:
    zone = episode.clinic.zone
    found = [(dose.d0, f"Dose {dose.number}") for dose in doses_of_episode(episode) if dose.d0 < before]
    for model, words in ((PreparationSession, "Preparation"), (IntegrationSession, "Integration")):
        held = model.objects.standing().filter(episode=episode, state="signed", held_from__lt=before)
        newest = held.order_by("-held_from").first()
        if newest is not None:
            found.append((newest.held_from, words))
    if not found:
        return None, ""
    at, words = max(found)
    return at, f"{words}, {day_label(at.astimezone(zone).date())}"


def _handoffs(episode: Episode, since: datetime) -> list[Since]:
    rows: list[Since] = []
    in_force = Handoff.objects.in_force().filter(episode=episode, signed_at__gte=since)
    for handoff in in_force.select_related("signed_by", "acknowledgement"):
        url = reverse("handoffs:detail", args=[handoff.pk])
        words = f"from {handoff.signed_by}" + (f", edition {handoff.edition}" if handoff.edition > 1 else "")
        wants = "" if handoff.is_read else "not read yet"
        rows.append(Since(handoff.get_kind_display(), words, handoff.signed_at, url, wants))
    replies = Acknowledgement.objects.filter(handoff__episode=episode, at__gte=since).exclude(reply="")
    for reply in replies.select_related("handoff", "person"):
        url = reverse("handoffs:detail", args=[reply.handoff_id])
        rows.append(Since("Reply to a handoff", f"from {reply.heard_by or reply.person}", reply.at, url))
    decisions = TeamDecision.objects.standing().filter(episode=episode, decided_at__gte=since)
    for decision in decisions:
        url = reverse("handoffs:of-episode", args=[episode.public_id])
        rows.append(Since("Team decision", decision.text, decision.decided_at, url))
    return rows


def _safety(episode: Episode, since: datetime) -> list[Since]:
    rows: list[Since] = []
    events = AdverseEvent.objects.current().filter(session__episode=episode, began_at__gte=since)
    for event in events:
        url = reverse("dosing:session-detail", args=[event.session_id])
        wants = "serious, not reviewed" if event.is_serious and event.reviewed_at is None else ""
        rows.append(
            Since(
                "Adverse event",
                f"{event.term}, grade {event.grade}",
                event.began_at,
                url,
                wants,
                ConsentCategory.ADVERSE_EVENTS,
                Discipline.MEDICAL,
            )
        )
    for challenge in unanswered_challenges(episode):
        url = reverse("dosing:session-detail", args=[challenge.session_id])
        kind = challenge.get_kind_display()
        rows.append(
            Since(
                "Challenging experience",
                kind,
                challenge.began_at,
                url,
                "not answered",
                ConsentCategory.DOSE,
                Discipline.MEDICAL,
            )
        )
    risks = RiskAssessment.objects.standing().filter(episode=episode, opened_at__gte=since)
    for risk in risks.exclude(state="withdrawn"):
        url = reverse("screening:risk-assess", args=[episode.public_id])
        is_open = risk.state == "open"
        words = "owed" if is_open else risk.get_outcome_display()
        rows.append(
            Since(
                "Suicide-risk assessment",
                words,
                risk.assessed_at or risk.opened_at,
                url,
                "open" if is_open else "",
                ConsentCategory.SAFETY,
            )
        )
    return rows


def _measured(episode: Episode, since: datetime) -> list[Since]:
    rows: list[Since] = []
    changed = Medication.objects.current().of_episode(episode).filter(created_at__gte=since)
    for medication in changed:
        url = reverse("screening:medications", args=[episode.public_id])
        stopped = f", stopped {day_label(medication.stopped_on)}" if medication.stopped_on else ""
        rows.append(
            Since(
                "Medication changed",
                f"{medication}{stopped}",
                medication.created_at,
                url,
                "",
                medication.consent_category,
                Discipline.MEDICAL,
                medication.created_by_id,
            )
        )
    for point in score_series(episode):
        if point.completed_at >= since:
            title = instrument(point.instrument_id).short_title
            words = "incomplete" if point.total is None else str(point.total)
            url = reverse("screening:response-list", args=[episode.public_id])
            category = category_of_instrument(instrument(point.instrument_id))
            rows.append(Since(title, words, point.completed_at, url, "", category, Discipline.MEDICAL))
    return rows


def _open(episode: Episode) -> list[Since]:
    """What the patient set out to do and has not done yet, however long ago."""
    url = reverse("integration:overview", args=[episode.public_id])
    return [
        Since("Action step", step.text, None, url, "open", ConsentCategory.THEMES, Discipline.THERAPY)
        for step in open_action_steps(episode)
    ]
