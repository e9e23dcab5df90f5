"""The findings of a dosing day: asked from check-in and readings, stored for the session, answered by a prescriber."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused
from screening.contraindications import Finding, Severity
from screening.finding_selectors import DayEvaluation
from screening.selectors import evaluate_day
from screening.services.findings import AnswerInput, answer_findings, store_findings
from sessions import selectors
from sessions.checkin import day_facts, rule_route
from sessions.models import DosingSession
from sessions.services.common import clock, lock_session


@dataclass(frozen=True)
class DayJudgement:
    """What the rules of the day say: everything, and the relative findings that wait for a prescriber."""

    evaluation: DayEvaluation
    waiting: tuple[Finding, ...]


def day_evaluation(session: DosingSession, *, now: datetime) -> DayJudgement:
    """Ask the rules of the day for a dose that would start at `now`."""
    pair = selectors.drug_and_route(session)
    judged = evaluate_day(
        session.episode,
        day_facts(
            at=now,
            answers=selectors.door_answers(session),
            readings=selectors.session_readings(session),
            hold=selectors.hold_of(session),
        ),
        now=now,
        route=None if pair is None else rule_route(*pair),
        session_key=session.pk,
    )
    waiting = tuple(
        finding
        for finding in judged.evaluation.of(Severity.RELATIVE)
        if judged.accepted.get(finding.code) != finding.evidence_hash
    )
    return DayJudgement(judged, waiting)


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
            found=judged.evaluation.evaluation.findings,
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
