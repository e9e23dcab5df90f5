"""The findings of a dosing day: asked from check-in and readings, stored for the session, answered by a prescriber."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from kapclinic.accounts.models import Role, User
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.clinics.services import setting
from screening.contraindications import Evaluation, Finding, Severity
from screening.finding_selectors import holding_reasons
from screening.selectors import evaluate_day
from screening.services.findings import AnswerInput, answer_findings, store_findings
from sessions import selectors
from sessions.checkin import day_facts, door_findings, rule_route
from sessions.clinical_settings import NASAL_MINUTES
from sessions.models import DosingSession
from sessions.services.common import clock, lock_session

# A safety question that one visit to the medication list settles; a prescriber may go on without it.
MEDICINES_CHANGED = Reason(
    "medicines-changed",
    "Medicines changed since the last visit, and nobody has gone through the medication list on the day.",
    passable_by=frozenset({Role.PRESCRIBER.value}),
)


@dataclass(frozen=True)
class DayJudgement:
    """What the rules say at the door.

    `waiting` are relative findings without a prescriber's answer, `noted` those that only inform, `reasons` all that
    holds the dose.
    """

    evaluation: Evaluation
    waiting: tuple[Finding, ...]
    noted: tuple[Finding, ...]
    reasons: tuple[Reason, ...]


def day_evaluation(session: DosingSession, *, now: datetime) -> DayJudgement:
    """Ask the rules of the day for a dose that starts at `now`, under the order that stands then, and of the door."""
    pair = selectors.drug_and_route(session, at=now)
    answers = selectors.door_answers(session)
    route = None if pair is None else rule_route(*pair)
    judged = evaluate_day(
        session.episode,
        day_facts(
            at=now,
            answers=answers,
            readings=selectors.session_readings(session),
            hold=selectors.hold_of(session, at=now),
        ),
        now=now,
        route=route,
        session_key=session.pk,
    )
    at_the_door = door_findings(
        answers,
        at=now,
        route=route,
        nasal_minutes=setting(session.clinic, NASAL_MINUTES),
        tested_negative_since=selectors.tested_negative_since_check_in(session),
    )
    evaluation = replace(judged.evaluation, findings=(*judged.evaluation.findings, *at_the_door))
    reasons = holding_reasons(evaluation, judged.accepted)
    if selectors.medicines_to_reconcile(session):
        reasons += (MEDICINES_CHANGED,)
    return DayJudgement(
        evaluation=evaluation,
        waiting=tuple(
            finding
            for finding in evaluation.of(Severity.RELATIVE)
            if judged.accepted.get(finding.code) != finding.evidence_hash
        ),
        noted=evaluation.of(Severity.INFORMATIONAL),
        reasons=reasons,
    )


def answer_day_findings(
    *,
    session: DosingSession,
    answers: Sequence[AnswerInput],
    actor: User,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> None:
    """Store what the rules of the day find now and sign a prescriber's answers to it."""
    now = clock(now)
    if not answers:
        raise Refused(Reason("no-answer", "Answer at least one finding."))
    with transaction.atomic():
        session = lock_session(session)
        judged = day_evaluation(session, now=now)
        store_findings(
            episode=session.episode,
            found=judged.evaluation.findings,
            actor=actor,
            now=now,
            session_key=session.pk,
        )
        answer_findings(
            episode=session.episode,
            answers=answers,
            actor=actor,
            session_key=session.pk,
            request_key=request_key,
            now=now,
        )
