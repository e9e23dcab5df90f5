"""Findings: keeping them in step with the facts, correcting facts with evidence, answering findings."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from episodes.models import Episode, TeamPart
from episodes.services import record_event
from episodes.services.locking import lock_episode
from episodes.stages import Stage
from kapclinic.accounts.models import Membership, Role, User
from kapclinic.clinics.models import ClinicalEntry
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.documents.models import Attachment
from kapclinic.documents.notes import content_hash
from kapclinic.documents.services import store_attachment
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_task, open_task
from screening.contraindications import Evaluation, Severity, catalogue, evaluate
from screening.contraindications import Finding as FoundFinding
from screening.gathering import cutoffs_of, gather_facts, local_day
from screening.models import (
    AnswerOutcome,
    Correction,
    DecisionLapse,
    EligibilityDecision,
    Finding,
    FindingAnswer,
)
from screening.models.findings import ScopeChoice

DECISION_TASK = "eligibility-decision"


@dataclass(frozen=True)
class Evidence:
    """What a prescriber brings to correct a fact under an absolute finding: why, and the paper."""

    reason: str
    upload: UploadedFile | None = None
    attachment: Attachment | None = None
    title: str = ""


@dataclass(frozen=True)
class AnswerInput:
    """A prescriber's answer to one relative finding, on the evidence that was shown (`evidence_hash`)."""

    code: str
    evidence_hash: str
    outcome: str
    rationale: str
    conditions: str = ""
    scope: str = ScopeChoice.EPISODE


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
        return _keep_in_step(episode, current_evaluation(episode, now=now), actor=actor, now=now)


def _keep_in_step(
    episode: Episode, evaluation: Evaluation, *, actor: User | None, now: datetime
) -> Evaluation:
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


# Correcting facts


@contextmanager
def changing_facts(
    *,
    episode: Episode,
    actor: User,
    now: datetime,
    evidence: Evidence | None = None,
    fact: ClinicalEntry | None = None,
) -> Iterator[Episode]:
    """A transaction around a change of facts; yields the locked episode.

    When the change would take away an absolute finding, it is refused unless a prescriber brings a
    reason and the paper; the correction is then written down. Raises Refused and changes nothing.
    """
    with transaction.atomic():
        locked = lock_episode(episode)
        before = current_evaluation(locked, now=now)
        yield locked
        after = current_evaluation(locked, now=now)
        cleared = _cleared_absolutes(before, after)
        if cleared:
            _correct(locked, cleared, actor=actor, now=now, evidence=evidence, fact=fact)
        _keep_in_step(locked, after, actor=actor, now=now)


def _cleared_absolutes(before: Evaluation, after: Evaluation) -> list[str]:
    still = {finding.code for finding in after.of(Severity.ABSOLUTE)}
    return [finding.code for finding in before.of(Severity.ABSOLUTE) if finding.code not in still]


def _correct(
    episode: Episode,
    codes: list[str],
    *,
    actor: User,
    now: datetime,
    evidence: Evidence | None,
    fact: ClinicalEntry | None,
) -> None:
    labels = ", ".join(catalogue()[code].label for code in codes)
    if not is_prescriber(actor, episode.clinic):
        raise Refused(
            Reason(
                "absolute-needs-prescriber",
                f"This would take away an absolute finding ({labels}). A prescriber corrects it with evidence.",
            )
        )
    write_correction(episode=episode, codes=codes, fact=fact, evidence=evidence, actor=actor, now=now)


def write_correction(
    *,
    episode: Episode,
    codes: list[str],
    fact: ClinicalEntry | None,
    evidence: Evidence | None,
    actor: User,
    now: datetime,
) -> Correction:
    """Write down why a prescriber took a fact from under absolute findings, with the paper.

    The caller holds the episode's lock and has checked that the actor is a prescriber. Raises Refused
    without a reason or without a paper.
    """
    labels = ", ".join(catalogue()[code].label for code in codes)
    reasons = []
    if evidence is None or not evidence.reason.strip():
        reasons.append(
            Reason("no-reason", f"Say why this takes away an absolute finding ({labels}).", "change_reason")
        )
    if evidence is None or (evidence.upload is None and evidence.attachment is None):
        reasons.append(
            Reason("no-evidence", f"Attach the paper that shows it: {_required(codes)}.", "evidence_file")
        )
    if evidence is None or reasons:
        raise Refused(reasons)
    correction = Correction.objects.create(
        clinic_id=episode.clinic_id,
        episode=episode,
        codes=codes,
        fact_type=fact._meta.label_lower if fact is not None else "",
        fact_id=fact.pk if fact is not None else None,
        reason=evidence.reason.strip(),
        evidence=_paper(episode, evidence, actor=actor, now=now),
        created_at=now,
        created_by=actor,
    )
    record_event(
        episode=episode,
        kind="finding.corrected",
        summary="Absolute finding corrected with evidence",
        actor=actor,
        now=now,
        data={"codes": codes},
        subject=correction,
    )
    return correction


def _paper(episode: Episode, evidence: Evidence, *, actor: User, now: datetime) -> Attachment:
    if evidence.attachment is not None:
        return evidence.attachment
    if evidence.upload is None:
        raise ValueError("evidence without a paper")
    return store_attachment(
        clinic=episode.clinic,
        subject_id=episode.pk,
        title=evidence.title or "Evidence for a correction",
        upload=evidence.upload,
        actor=actor,
        field="evidence_file",
        now=now,
    )


def _required(codes: list[str]) -> str:
    return "; ".join(catalogue()[code].evidence_required for code in codes)


# Answering findings


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
            _keep_in_step(episode, current_evaluation(episode, now=now), actor=actor, now=now)
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
    label = catalogue()[answer.code].label
    if finding is None or finding.evidence_hash != answer.evidence_hash:
        yield Reason(
            "finding-changed",
            f"{label}: the evidence changed while you were looking. Look at it again.",
            f"outcome-{answer.code}",
        )
        return
    if finding.severity != Severity.RELATIVE:
        yield Reason(
            "not-answerable",
            f"{label}: an absolute finding is not accepted, only corrected with evidence."
            if finding.severity == Severity.ABSOLUTE
            else f"{label}: is for information and needs no answer.",
            f"outcome-{answer.code}",
        )
    if answer.outcome not in AnswerOutcome.values:
        yield Reason("no-outcome", f"{label}: accept, defer or decline.", f"outcome-{answer.code}")
    if not answer.rationale.strip():
        yield Reason("no-rationale", f"{label}: say why.", f"rationale-{answer.code}")


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


__all__ = [
    "AnswerInput",
    "Evidence",
    "answer_findings",
    "changing_facts",
    "current_evaluation",
    "is_prescriber",
    "refresh_findings",
    "sign_answer",
    "store_findings",
    "write_correction",
]
