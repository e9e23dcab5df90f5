"""Keeping the stored findings in step with the facts, and the decision with the findings."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from episodes.followups import on_episode_closed, on_patient_changed
from episodes.models import Episode, Patient, TeamPart
from episodes.services import record_event
from episodes.services.locking import lock_episode
from episodes.stages import Stage
from kapclinic.accounts.models import Membership, Role, User
from kapclinic.notices.kinds import ended_by_work
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_task, open_task
from screening.contraindications import Evaluation, Severity, catalogue, evaluate
from screening.contraindications import Finding as FoundFinding
from screening.gathering import cutoffs_of, gather_facts, local_day
from screening.models import (
    DecisionLapse,
    EligibilityDecision,
    Finding,
)
from screening.models.findings import ScopeChoice

DECISION_TASK = "eligibility-decision"
ended_by_work(DECISION_TASK)


def is_prescriber(user: User, clinic: Any) -> bool:
    """Whether the person is a prescriber of the clinic now."""
    return Membership.objects.current().filter(user=user, clinic=clinic, role=Role.PRESCRIBER).exists()


def current_evaluation(episode: Episode, *, now: datetime) -> Evaluation:
    """The answers of all rules to the record as it stands."""
    return evaluate(gather_facts(episode, now=now), cutoffs_of(episode.clinic))


def _snapshot(finding: FoundFinding) -> list[dict[str, str]]:
    return [
        {
            "kind": entry.kind,
            "ref": entry.ref,
            "text": entry.text,
            "on": entry.on.isoformat() if entry.on else "",
        }
        for entry in finding.evidence
    ]


def store_findings(
    *,
    episode: Episode,
    found: Iterable[FoundFinding],
    actor: User | None,
    now: datetime,
    session_key: uuid.UUID | None = None,
) -> list[Finding]:
    """Bring the stored findings of the episode (or of one dosing session) in step with `found`.

    A finding whose rule fires no more, or fires on other evidence, is cleared; what is new is stored
    with its evidence. Returns the new ones. The caller holds the episode's lock.
    """
    wanted = {finding.code: finding for finding in found}
    standing = Finding.objects.filter(episode=episode, session_key=session_key, cleared_at__isnull=True)
    kept = set()
    gone = []
    for row in standing:
        if row.code in wanted and wanted[row.code].evidence_hash == row.evidence_hash:
            kept.add(row.code)
        else:
            gone.append(row.pk)
    Finding.objects.filter(pk__in=gone).update(cleared_at=now)
    new = [
        Finding(
            clinic_id=episode.clinic_id,
            episode=episode,
            code=finding.code,
            severity=finding.rule.severity,
            scope=finding.rule.scope,
            session_key=session_key,
            evidence=_snapshot(finding),
            evidence_hash=finding.evidence_hash,
            catalogue_version=catalogue().version,
            found_at=now,
            created_at=now,
            created_by=actor,
        )
        for code, finding in wanted.items()
        if code not in kept
    ]
    Finding.objects.bulk_create(new)
    return new


def refresh_findings(
    *, episode: Episode, actor: User | None = None, now: datetime | None = None
) -> Evaluation:
    """Bring the episode's findings in step with its facts after a fact has changed.

    A new finding that stops treatment makes a decision in favour lapse; one that only time brought
    about (an older pregnancy test) waits for its own answer instead.
    """
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        return keep_in_step(episode, current_evaluation(episode, now=now), actor=actor, now=now)


@on_patient_changed
def refresh_open_episode(*, patient: Patient, actor: User, now: datetime) -> None:
    """Follow a change of the patient's details or allergies, where an episode is open."""
    for episode in Episode.objects.standing().open().filter(patient=patient):
        refresh_findings(episode=episode, actor=actor, now=now)


@on_episode_closed
def take_decision_back(*, episode: Episode, actor: User, now: datetime) -> None:
    """Nobody decides about an episode that is closed."""
    close_task(key=f"{DECISION_TASK}:{episode.pk}", now=now)


def keep_in_step(
    episode: Episode, evaluation: Evaluation, *, actor: User | None, now: datetime
) -> Evaluation:
    """Bring findings, decision and its task in step with `evaluation`; the caller holds the episode's lock."""
    known = set(
        Finding.objects.filter(
            episode=episode, session_key__isnull=True, cleared_at__isnull=True
        ).values_list("code", flat=True)
    )
    new = store_findings(episode=episode, found=evaluation.findings, actor=actor, now=now)
    for row in new:
        if row.severity != Severity.INFORMATIONAL and row.code not in known:
            record_event(
                episode=episode,
                kind="finding.found",
                summary=f"Finding: {catalogue()[row.code].label}"[:300],
                actor=actor,
                now=now,
                data={"code": row.code, "severity": row.severity},
                subject=row,
            )
    _lapse_decision(episode, new, actor=actor, now=now)
    _offer_decision(episode, evaluation, now=now)
    return evaluation


def _lapse_decision(episode: Episode, new: Sequence[Finding], *, actor: User | None, now: datetime) -> None:
    decision = EligibilityDecision.objects.standing().of_episode(episode).select_related("lapse").first()
    if decision is None or not decision.is_in_force_on(local_day(episode, now)):
        return
    rested_on = {(entry["code"], entry["evidence_hash"]) for entry in decision.snapshot["findings"]}
    codes = [
        row.code
        for row in new
        if row.severity != Severity.INFORMATIONAL
        and row.scope == ScopeChoice.EPISODE
        and row.code != "CI-CHILDBEARING"
        and (row.code, row.evidence_hash) not in rested_on
    ]
    if not codes:
        return
    DecisionLapse.objects.create(
        clinic_id=episode.clinic_id,
        decision=decision,
        codes=codes,
        lapsed_at=now,
        created_at=now,
        created_by=actor,
    )
    record_event(
        episode=episode,
        kind="eligibility.lapsed",
        summary="Eligibility decision lapsed: a fact changed",
        actor=actor,
        now=now,
        data={"codes": codes},
        subject=decision,
    )


def team_member(episode: Episode, part: str, now: datetime) -> User | None:
    """The person with this part in the care team now, if it is one with an account."""
    row = episode.team.in_force(now).filter(part=part, user__isnull=False).select_related("user").first()
    return row.user if row else None


def _offer_decision(episode: Episode, evaluation: Evaluation, *, now: datetime) -> None:
    """Give the prescriber the task to decide once nothing is missing; take it back while something is."""
    key = f"{DECISION_TASK}:{episode.pk}"
    decision = EligibilityDecision.objects.standing().of_episode(episode).select_related("lapse").first()
    day = local_day(episode, now)
    is_decided = decision is not None and (
        decision.is_in_force_on(day) or (not decision.clears and not _changed_since(decision, evaluation))
    )
    has_lapsed = decision is not None and decision.has_lapsed
    is_due = (
        episode.is_open
        and not is_decided
        and (has_lapsed or (episode.stage == Stage.SCREENING and not evaluation.missing))
    )
    if not is_due:
        close_task(key=key, now=now)
        return
    open_task(
        clinic=episode.clinic,
        key=key,
        kind=DECISION_TASK,
        title="Decide eligibility again: a fact changed" if has_lapsed else "Decide eligibility",
        role=Role.PRESCRIBER,
        person=team_member(episode, TeamPart.PRESCRIBER, now),
        episode=episode,
        urgency=Urgency.TODAY if has_lapsed else Urgency.ROUTINE,
        url=reverse("screening:eligibility-decide", args=[episode.public_id]),
        now=now,
    )


def _changed_since(decision: EligibilityDecision, evaluation: Evaluation) -> bool:
    rested_on = {(entry["code"], entry["evidence_hash"]) for entry in decision.snapshot["findings"]}
    return rested_on != {(entry.code, entry.evidence_hash) for entry in evaluation.findings}
