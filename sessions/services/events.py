"""Challenging experiences, adverse events and incidents: written down at once, answered by the right person."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from episodes.models import TeamPart
from episodes.services import record_event
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.refusals import Reason, refuse_if
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_task, open_task
from sessions.models import (
    AdverseEvent,
    ChallengingExperience,
    Continuation,
    DosingSession,
    Grade,
    Incident,
    SeriousCriterion,
)
from sessions.services.common import (
    clock,
    lead,
    lock_session,
    made_before,
    refuse_if_over,
    session_url,
    tell_prescriber,
)


def record_challenge(
    *,
    session: DosingSession,
    details: dict[str, Any],
    actor: User,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> ChallengingExperience:
    """Write down a challenging experience; it wants an answer from the therapist before the next dose."""
    now = clock(now)
    with transaction.atomic():
        session = lock_session(session)
        known = made_before(ChallengingExperience, request_key)
        if known is not None:
            return known
        refuse_if_over(session)
        reasons: list[Reason] = []
        if details["began_at"] > now:
            reasons.append(Reason("future", "The beginning lies in the future.", "began_at"))
        eased_at = details.get("eased_at")
        if eased_at is not None and not details["began_at"] <= eased_at <= now:
            reasons.append(Reason("eased", "It eased after it began, and not in the future.", "eased_at"))
        refuse_if(reasons)
        made = ChallengingExperience.objects.create(
            clinic=session.clinic,
            session=session,
            request_key=request_key,
            created_at=now,
            created_by=actor,
            **details,
        )
        open_task(
            clinic=session.clinic,
            key=f"dosing-challenge:{made.pk}",
            kind="challenge",
            title="Challenging experience to answer before the next dose",
            role=Role.THERAPIST,
            person=lead(session, TeamPart.THERAPIST, now),
            episode=session.episode,
            urgency=Urgency.TODAY,
            due_at=now + timedelta(hours=24),
            url=session_url(session),
            actor=actor,
            now=now,
        )
        record_event(
            episode=session.episode,
            kind="dose.challenge",
            summary=f"Challenging experience: {made.get_kind_display().lower()}",
            actor=actor,
            at=made.began_at,
            now=now,
            subject=session,
        )
        return made


def answer_challenge(
    *,
    challenge: ChallengingExperience,
    continuation: str,
    answer: str,
    actor: User,
    roles: frozenset[Role],
    now: datetime | None = None,
) -> ChallengingExperience:
    """Say what it means for the next dose: therapist or prescriber; pausing or stopping tells the prescriber."""
    now = clock(now)
    with transaction.atomic():
        session = lock_session(challenge.session)
        challenge = ChallengingExperience.objects.select_for_update(of=("self",)).get(pk=challenge.pk)
        if challenge.answered_at is not None:
            return challenge
        reasons: list[Reason] = []
        if not roles & {Role.THERAPIST, Role.PRESCRIBER}:
            reasons.append(Reason("who", "A therapist or prescriber answers this."))
        if continuation not in Continuation.values:
            reasons.append(Reason("continuation", "Choose what it means for the next dose.", "continuation"))
        if not answer.strip():
            reasons.append(Reason("no-answer", "Write why.", "answer"))
        refuse_if(reasons)
        challenge.answered_at, challenge.answered_by = now, actor
        challenge.continuation, challenge.answer = continuation, answer.strip()
        challenge.save(update_fields=["answered_at", "answered_by", "continuation", "answer"])
        close_task(key=f"dosing-challenge:{challenge.pk}", actor=actor, outcome="Answered", now=now)
        if continuation in (Continuation.PAUSE, Continuation.STOP) and Role.PRESCRIBER not in roles:
            tell_prescriber(
                session=session,
                key=f"dosing-challenge-stop:{challenge.pk}",
                kind="challenge",
                title="The therapist asks to pause or stop doses",
                now=now,
                actor=actor,
            )
        return challenge


def report_adverse_event(
    *,
    session: DosingSession,
    details: dict[str, Any],
    actor: User,
    supersedes: AdverseEvent | None = None,
    correction_reason: str = "",
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> AdverseEvent:
    """Write down an adverse event. A serious one is reviewed by a prescriber before the next dose.

    With `supersedes` the new row brings an earlier one up to date and says why.
    """
    now = clock(now)
    with transaction.atomic():
        session = lock_session(session)
        known = made_before(AdverseEvent, request_key)
        if known is not None:
            return known
        reasons = _event_problems(details, now)
        if supersedes is not None:
            supersedes = AdverseEvent.objects.select_for_update(of=("self",)).get(pk=supersedes.pk)
            if not correction_reason.strip():
                reasons.append(Reason("correction-reason", "Say what changed.", "correction_reason"))
            if not supersedes.is_current:
                reasons.append(Reason("not-current", "This entry was already changed: change the newer one."))
        refuse_if(reasons)
        if supersedes is not None:
            supersedes.superseded_at = now
            supersedes.save(update_fields=["superseded_at"])
            close_task(key=f"dosing-event:{supersedes.pk}", outcome="Brought up to date", now=now)
        made = AdverseEvent.objects.create(
            clinic=session.clinic,
            session=session,
            request_key=request_key,
            created_at=now,
            created_by=actor,
            reported_by=actor,
            supersedes=supersedes,
            correction_reason=correction_reason.strip() if supersedes is not None else "",
            **details,
        )
        if made.is_serious or made.grade >= Grade.SEVERE:
            tell_prescriber(
                session=session,
                key=f"dosing-event:{made.pk}",
                kind="adverse-event",
                title="Serious adverse event to review"
                if made.is_serious
                else "Severe adverse event to review",
                now=now,
                urgency=Urgency.NOW if made.is_serious else Urgency.TODAY,
                due_at=now + timedelta(hours=24),
                actor=actor,
            )
        record_event(
            episode=session.episode,
            kind="dose.adverse-event",
            summary=f"Adverse event, grade {made.grade}{', serious' if made.is_serious else ''}",
            actor=actor,
            at=made.began_at,
            now=now,
            subject=session,
        )
        return made


def _event_problems(details: dict[str, Any], now: datetime) -> list[Reason]:
    found: list[Reason] = []
    if details["began_at"] > now:
        found.append(Reason("future", "The beginning lies in the future.", "began_at"))
    resolved_at = details.get("resolved_at")
    if resolved_at is not None and not details["began_at"] <= resolved_at <= now:
        found.append(Reason("resolved", "It resolved after it began, and not in the future.", "resolved_at"))
    criteria = details.get("serious_criteria") or []
    if details["grade"] == Grade.DEATH and not details["is_serious"]:
        found.append(Reason("death-serious", "Grade 5 is serious.", "is_serious"))
    if details["is_serious"] and not criteria:
        found.append(Reason("criteria", "Say which criterion makes it serious.", "serious_criteria"))
    if not details["is_serious"] and criteria:
        found.append(Reason("not-serious", "A criterion is chosen: mark the event as serious.", "is_serious"))
    if any(each not in SeriousCriterion.values for each in criteria):
        found.append(Reason("criteria", "Choose from the list.", "serious_criteria"))
    return found


def review_adverse_event(
    *, event: AdverseEvent, review: str, actor: User, roles: frozenset[Role], now: datetime | None = None
) -> AdverseEvent:
    """A prescriber reviews it once; further news is a new row."""
    now = clock(now)
    with transaction.atomic():
        session = lock_session(event.session)
        event = AdverseEvent.objects.select_for_update(of=("self",)).get(pk=event.pk)
        if event.reviewed_at is not None:
            return event
        refuse_if(_answer_problems(review, roles, "review"))
        event.reviewed_at, event.reviewed_by, event.review = now, actor, review.strip()
        event.save(update_fields=["reviewed_at", "reviewed_by", "review"])
        close_task(key=f"dosing-event:{event.pk}", actor=actor, outcome="Reviewed", now=now)
        record_event(
            episode=session.episode,
            kind="dose.adverse-event-reviewed",
            summary="Adverse event reviewed",
            actor=actor,
            now=now,
            subject=session,
        )
        return event


def answer_incident(
    *, incident: Incident, answer: str, actor: User, roles: frozenset[Role], now: datetime | None = None
) -> Incident:
    """A prescriber answers an incident once."""
    now = clock(now)
    with transaction.atomic():
        session = lock_session(incident.session)
        incident = Incident.objects.select_for_update(of=("self",)).get(pk=incident.pk)
        if incident.answered_at is not None:
            return incident
        refuse_if(_answer_problems(answer, roles, "answer"))
        incident.answered_at, incident.answered_by, incident.answer = now, actor, answer.strip()
        incident.save(update_fields=["answered_at", "answered_by", "answer"])
        close_task(key=f"dosing-incident:{incident.pk}", actor=actor, outcome="Answered", now=now)
        record_event(
            episode=session.episode,
            kind="dose.incident-answered",
            summary="Incident answered",
            actor=actor,
            now=now,
            subject=session,
        )
        return incident


def _answer_problems(text: str, roles: frozenset[Role], field: str) -> list[Reason]:
    found: list[Reason] = []
    if Role.PRESCRIBER not in roles:
        found.append(Reason("prescriber-only", "A prescriber answers this."))
    if not text.strip():
        found.append(Reason("no-answer", "Write your answer.", field))
    return found
