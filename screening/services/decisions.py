"""The eligibility decision: a prescriber's, signed, with every finding answered."""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence

from django.db import transaction
from django.utils import timezone

from episodes.models import Episode
from episodes.services import record_event
from episodes.services.locking import lock_episode
from episodes.services.striking import takes_back
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.clinics.services import setting
from screening.contraindications import Evaluation, Severity, catalogue
from screening.finding_selectors import accepted_evidence, latest_answer, standing_findings
from screening.gathering import local_day
from screening.models import AnswerOutcome, DecisionOutcome, EligibilityDecision, Finding
from screening.models.decisions import CLEARS
from screening.segments import withholdable
from screening.services.findings import (
    AnswerInput,
    answer_findings,
    current_evaluation,
    is_prescriber,
    refresh_findings,
)


def last_valid_day(episode: Episode, *, now: dt.datetime) -> dt.date:
    """The latest day to which a decision signed now can be valid (a clinic setting, in days)."""
    return local_day(episode, now) + dt.timedelta(
        days=setting(episode.clinic, "findings.decision_valid_days")
    )


def decide_eligibility(
    *,
    episode: Episode,
    outcome: str,
    rationale: str,
    conditions: str,
    valid_until: dt.date,
    answers: Sequence[AnswerInput],
    actor: User,
    request_key: uuid.UUID | None = None,
    now: dt.datetime | None = None,
) -> EligibilityDecision:
    """Sign the decision together with the answers to the findings.

    Every relative finding needs an answer. "Eligible" and "with conditions" are refused while a fact is
    missing, an absolute finding stands, or a relative one is not accepted. Raises Refused with every
    reason and signs nothing then; the same `request_key` again changes nothing.
    """
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        known = EligibilityDecision.objects.filter(request_key=request_key).first() if request_key else None
        if known is not None:
            return known
        if not is_prescriber(actor, episode.clinic):
            raise Refused(Reason("not-a-prescriber", "Only a prescriber decides eligibility."))
        reasons: list[Reason] = []
        try:
            with transaction.atomic():
                answer_findings(
                    episode=episode, answers=answers, actor=actor, request_key=request_key, now=now
                )
        except Refused as refused:
            reasons.extend(refused.reasons)
        evaluation = current_evaluation(episode, now=now)
        rows = {row.code: row for row in standing_findings(episode)}
        complained = {reason.field.split("-", 1)[1] for reason in reasons if reason.field}
        reasons.extend(_form_reasons(episode, outcome, rationale, conditions, valid_until, now))
        reasons.extend(_finding_reasons(episode, evaluation, rows, outcome, complained, now))
        refuse_if(reasons)
        decision = EligibilityDecision(
            clinic_id=episode.clinic_id,
            episode=episode,
            outcome=outcome,
            rationale=rationale.strip(),
            conditions=conditions.strip(),
            valid_until=valid_until,
            snapshot=_snapshot(evaluation, rows),
            signed_by=actor,
            signed_at=now,
            signed_on=local_day(episode, now),
            request_key=request_key,
            created_at=now,
            created_by=actor,
        )
        decision.content_hash = decision.expected_hash()
        decision.save(force_insert=True)
        record_event(
            episode=episode,
            kind="eligibility.decided",
            summary=f"Eligibility: {decision.get_outcome_display()}",
            actor=actor,
            now=now,
            data={"outcome": outcome, "valid_until": valid_until.isoformat()},
            subject=decision,
        )
        refresh_findings(episode=episode, actor=actor, now=now)
    return decision


def _form_reasons(
    episode: Episode, outcome: str, rationale: str, conditions: str, valid_until: dt.date, now: dt.datetime
) -> Iterator[Reason]:
    if outcome not in DecisionOutcome.values:
        yield Reason("no-outcome", "Choose the decision.", "outcome")
    if not rationale.strip():
        yield Reason("no-rationale", "Say why.", "rationale")
    if outcome == DecisionOutcome.CONDITIONS and not conditions.strip():
        yield Reason("no-conditions", "Name the conditions.", "conditions")
    today, latest = local_day(episode, now), last_valid_day(episode, now=now)
    if valid_until < today:
        yield Reason("valid-in-the-past", "This day is over.", "valid_until")
    elif valid_until > latest:
        yield Reason("valid-too-long", f"At most until {latest:%d %b %Y} (clinic setting).", "valid_until")


def _finding_reasons(
    episode: Episode,
    evaluation: Evaluation,
    rows: dict[str, Finding],
    outcome: str,
    complained: set[str],
    now: dt.datetime,
) -> Iterator[Reason]:
    clears = outcome in CLEARS
    accepted = accepted_evidence(list(rows.values()), day=local_day(episode, now), zone=episode.clinic.zone)
    if clears:
        for finding in evaluation.of(Severity.ABSOLUTE):
            yield Reason(
                f"absolute-{finding.code}",
                f"{finding.rule.label}: an absolute finding. It is corrected with evidence, never overridden.",
                "outcome",
                category=withholdable(finding.code),
            )
        if evaluation.missing:
            listed = "; ".join(fact.text for fact in evaluation.missing[:4])
            more = len(evaluation.missing) - 4
            yield Reason(
                "incomplete",
                f"Answers are missing, so nobody can be called eligible yet: {listed}"
                + (f" and {more} more." if more > 0 else "."),
                "outcome",
            )
    for finding in evaluation.of(Severity.RELATIVE):
        if finding.code in complained:
            continue
        row = rows.get(finding.code)
        answer = latest_answer(row) if row and row.evidence_hash == finding.evidence_hash else None
        if answer is None:
            yield Reason(
                f"unanswered-{finding.code}",
                f"{finding.rule.label}: accept, defer or decline.",
                f"outcome-{finding.code}",
                category=withholdable(finding.code),
            )
        elif clears and answer.outcome != AnswerOutcome.ACCEPT:
            yield Reason(
                f"not-accepted-{finding.code}",
                f"{finding.rule.label}: is not accepted, so the patient is not eligible.",
                f"outcome-{finding.code}",
                category=withholdable(finding.code),
            )
        elif clears and accepted.get(finding.code) != finding.evidence_hash:
            yield Reason(
                f"answer-over-{finding.code}",
                f"{finding.rule.label}: the earlier answer was for one session. Answer it again.",
                f"outcome-{finding.code}",
                category=withholdable(finding.code),
            )


def _snapshot(evaluation: Evaluation, rows: dict[str, Finding]) -> dict:
    findings = []
    for finding in evaluation.findings:
        row = rows.get(finding.code)
        answer = latest_answer(row) if row and row.evidence_hash == finding.evidence_hash else None
        findings.append(
            {
                "code": finding.code,
                "label": finding.rule.label,
                "severity": finding.rule.severity.value,
                "evidence": [entry.text for entry in finding.evidence],
                "evidence_hash": finding.evidence_hash,
                "answer": {
                    "id": str(answer.pk),
                    "outcome": answer.outcome,
                    "rationale": answer.rationale,
                    "conditions": answer.conditions,
                }
                if answer
                else None,
            }
        )
    return {
        "catalogue_version": catalogue().version,
        "findings": findings,
        "missing": [fact.text for fact in evaluation.missing],
    }


def _take_back(entry: EligibilityDecision, *, actor: User, now: dt.datetime) -> None:
    """A struck decision clears nobody any more; deciding is somebody's task again."""
    refresh_findings(episode=entry.episode, actor=actor, now=now)


takes_back(EligibilityDecision)(_take_back)
