"""A prescriber's signed answers to relative findings."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from episodes.models import Episode
from episodes.services import record_event
from episodes.services.locking import lock_episode
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.documents.notes import content_hash
from screening.contraindications import Severity, catalogue
from screening.models import (
    AnswerOutcome,
    Finding,
    FindingAnswer,
)
from screening.models.findings import ScopeChoice
from screening.segments import withholdable
from screening.services.findings.keeping import current_evaluation, is_prescriber, keep_in_step


@dataclass(frozen=True)
class AnswerInput:
    """A prescriber's answer to one relative finding, on the evidence that was shown (`evidence_hash`)."""

    code: str
    evidence_hash: str
    outcome: str
    rationale: str
    conditions: str = ""
    scope: str = ScopeChoice.EPISODE


def answer_findings(
    *,
    episode: Episode,
    answers: Sequence[AnswerInput],
    actor: User,
    session_key: uuid.UUID | None = None,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> list[FindingAnswer]:
    """Sign a prescriber's answers to several relative findings at once.

    `session_key` names the dosing session for findings of its day. Raises Refused with every reason:
    the actor is no prescriber, a finding is absolute, its evidence changed since it was shown, a
    rationale is missing. The same `request_key` again changes nothing.
    """
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        if not is_prescriber(actor, episode.clinic):
            raise Refused(Reason("not-a-prescriber", "Only a prescriber answers findings."))
        if session_key is None:
            keep_in_step(episode, current_evaluation(episode, now=now), actor=actor, now=now)
        rows = {
            row.code: row
            for row in Finding.objects.filter(
                episode=episode, session_key=session_key, cleared_at__isnull=True
            )
        }
        refuse_if(reason for answer in answers for reason in _answer_reasons(answer, rows.get(answer.code)))
        signed = []
        for answer in answers:
            known = (
                FindingAnswer.objects.filter(finding=rows[answer.code], request_key=request_key).first()
                if request_key
                else None
            )
            signed.append(
                known
                or sign_answer(
                    finding=rows[answer.code],
                    answer=answer,
                    actor=actor,
                    now=now,
                    session_key=session_key,
                    request_key=request_key,
                )
            )
        if answers:
            record_event(
                episode=episode,
                kind="finding.answered",
                summary=f"{len(signed)} finding{'s' if len(signed) > 1 else ''} answered",
                actor=actor,
                now=now,
                data={"answers": {entry.code: entry.outcome for entry in answers}},
            )
        return signed


def _answer_reasons(answer: AnswerInput, finding: Finding | None) -> Iterator[Reason]:
    label, category = catalogue()[answer.code].label, withholdable(answer.code)
    if finding is None or finding.evidence_hash != answer.evidence_hash:
        yield Reason(
            "finding-changed",
            f"{label}: the evidence changed while you were looking. Look at it again.",
            f"outcome-{answer.code}",
            category=category,
        )
        return
    if finding.severity != Severity.RELATIVE:
        yield Reason(
            "not-answerable",
            f"{label}: an absolute finding is not accepted, only corrected with evidence."
            if finding.severity == Severity.ABSOLUTE
            else f"{label}: is for information and needs no answer.",
            f"outcome-{answer.code}",
            category=category,
        )
    if answer.outcome not in AnswerOutcome.values:
        yield Reason(
            "no-outcome", f"{label}: accept, defer or decline.", f"outcome-{answer.code}", category=category
        )
    if not answer.rationale.strip():
        yield Reason("no-rationale", f"{label}: say why.", f"rationale-{answer.code}", category=category)


def sign_answer(
    *,
    finding: Finding,
    answer: AnswerInput,
    actor: User,
    now: datetime,
    session_key: uuid.UUID | None = None,
    request_key: uuid.UUID | None = None,
) -> FindingAnswer:
    """Write one signed answer; the caller has checked it and holds the episode's lock."""
    scope = ScopeChoice.SESSION if finding.scope == ScopeChoice.SESSION else ScopeChoice(answer.scope)
    content = {
        "finding": str(finding.pk),
        "code": finding.code,
        "evidence_hash": finding.evidence_hash,
        "outcome": answer.outcome,
        "rationale": answer.rationale.strip(),
        "conditions": answer.conditions.strip(),
        "scope": scope.value,
        "signed_by": str(actor.pk),
        "signed_at": now.isoformat(),
    }
    return FindingAnswer.objects.create(
        clinic_id=finding.clinic_id,
        finding=finding,
        outcome=answer.outcome,
        rationale=answer.rationale.strip(),
        conditions=answer.conditions.strip(),
        scope=scope,
        session_key=session_key,
        signed_by=actor,
        signed_at=now,
        content_hash=content_hash(content),
        request_key=request_key,
        created_at=now,
        created_by=actor,
    )
