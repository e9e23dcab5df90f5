"""Suicide-risk assessments: opening them, recording them, and what follows."""

import uuid
from datetime import datetime, time

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from episodes.models import Episode, TeamPart
from episodes.services import record_event
from episodes.services.locking import lock_episode
from episodes.services.striking import takes_back
from kapclinic.accounts.models import CLINICAL_ROLES, Membership, Role, User
from kapclinic.clinics.refusals import Reason, refuse_if
from kapclinic.clinics.services import setting
from kapclinic.notices.kinds import ended_by_work
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_task, notify, open_task
from screening.models import (
    AnswerOutcome,
    Disposition,
    Finding,
    RiskAssessment,
    RiskOutcome,
    RiskState,
)
from screening.models.responses import Response
from screening.services.facts import refuse_to_clear_absolutes
from screening.services.findings import AnswerInput, is_prescriber, refresh_findings, sign_answer, team_member

TASK = "risk-assessment"
# The task ends with the assessment on record, never with a tick in the inbox.
ended_by_work(TASK)
UNASKED = "A clinician assessed unasked."

WATCHERS = (TeamPart.NURSE, TeamPart.THERAPIST, TeamPart.PRESCRIBER)
HOLDING_DISPOSITIONS = (Disposition.EMERGENCY, Disposition.HOSPITAL)


def due_at(*, opened_at: datetime, episode: Episode, due_hour: int) -> datetime:
    """When an assessment opened at `opened_at` is due: the same day in the clinic's zone.

    That is `due_hour` o'clock, or the last minute of the day when it is later than that already.
    """
    local = opened_at.astimezone(episode.clinic.zone)
    due = datetime.combine(local.date(), time(due_hour), tzinfo=episode.clinic.zone)
    if due <= local:
        due = datetime.combine(local.date(), time(23, 59), tzinfo=episode.clinic.zone)
    return max(due, local)


def task_key(episode: Episode) -> str:
    """The key of the episode's task to assess."""
    return f"{TASK}:{episode.pk}"


def open_risk_assessment(
    *,
    episode: Episode,
    reason: str,
    response_id: uuid.UUID | None = None,
    urgent: bool = False,
    actor: User | None,
    now: datetime | None = None,
) -> RiskAssessment:
    """Owe a suicide-risk assessment today; there is at most one open assessment an episode.

    `reason` is a sentence ("PHQ-9 item 9 = 2."). A second cause joins the open assessment. An urgent
    one tells the care team at once. Item 9 at 1 or more, or blank, is due the same day; at 2 or more
    it is urgent (Simon 2013, appi.ps.201200587; the day and the limit are POLICY).
    """
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        assessment = _open_one(episode)
        if assessment is None:
            due_hour = setting(episode.clinic, "risk.due_hour")
            assessment = RiskAssessment.objects.create(
                clinic_id=episode.clinic_id,
                episode=episode,
                reasons=[reason],
                is_urgent=urgent,
                response_id=response_id,
                opened_at=now,
                due_at=due_at(opened_at=now, episode=episode, due_hour=due_hour),
                created_at=now,
                created_by=actor,
            )
            record_event(
                episode=episode,
                kind="risk.opened",
                summary="Suicide-risk assessment owed today",
                actor=actor,
                now=now,
                subject=assessment,
            )
        else:
            assessment.reasons = list(dict.fromkeys([*assessment.reasons, reason]))
            assessment.is_urgent = assessment.is_urgent or urgent
            assessment.save(update_fields=["reasons", "is_urgent"])
        _tell(assessment, actor=actor, now=now)
        refresh_findings(episode=episode, actor=actor, now=now)
    return assessment


def _open_one(episode: Episode) -> RiskAssessment | None:
    return (
        RiskAssessment.objects.standing()
        .select_for_update(of=("self",))
        .filter(episode=episode, state=RiskState.OPEN)
        .first()
    )


def _tell(assessment: RiskAssessment, *, actor: User | None, now: datetime) -> None:
    episode = assessment.episode
    url = reverse("screening:risk-assess", args=[episode.public_id])
    owner = team_member(episode, TeamPart.THERAPIST, now) or team_member(episode, TeamPart.PRESCRIBER, now)
    open_task(
        clinic=episode.clinic,
        key=task_key(episode),
        kind=TASK,
        title="Suicide-risk assessment",
        role=Role.THERAPIST,
        person=owner,
        episode=episode,
        urgency=Urgency.NOW if assessment.is_urgent else Urgency.TODAY,
        due_at=assessment.due_at,
        url=url,
        actor=actor,
        now=now,
    )
    if assessment.is_urgent:
        team = User.objects.filter(
            pk__in=episode.team.in_force(now).filter(part__in=WATCHERS, user__isnull=False).values("user")
        )
        notify(
            clinic=episode.clinic,
            receivers=list(team),
            key=f"{TASK}:{assessment.pk}:urgent",
            title=f"Urgent: an assessment is needed now ({episode.public_id})",
            url=url,
            urgency=Urgency.NOW,
            now=now,
        )


def withdraw_for_response(*, response_id: uuid.UUID, actor: User | None, now: datetime | None = None) -> None:
    """The questionnaire that opened an assessment was struck: what it asked for is no longer owed."""
    now = now or timezone.now()
    with transaction.atomic():
        assessment = (
            RiskAssessment.objects.standing()
            .select_for_update(of=("self",))
            .select_related("episode__clinic")
            .filter(response_id=response_id, state=RiskState.OPEN)
            .first()
        )
        if assessment is None:
            return
        assessment.state = RiskState.WITHDRAWN
        assessment.save(update_fields=["state"])
        close_task(key=task_key(assessment.episode), now=now)
        refresh_findings(episode=assessment.episode, actor=actor, now=now)


def latest_recorded(episode: Episode) -> RiskAssessment | None:
    """The newest recorded assessment of the episode."""
    return (
        RiskAssessment.objects.standing()
        .filter(episode=episode, state=RiskState.RECORDED)
        .select_related("assessed_by")
        .order_by("-assessed_at")
        .first()
    )


def record_risk_assessment(
    *,
    episode: Episode,
    outcome: str,
    method: str,
    protective_plan: str,
    disposition: str,
    actor: User,
    unchanged_since: RiskAssessment | None = None,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> RiskAssessment:
    """Record the open assessment, or one that a clinician made unasked.

    A nurse, a therapist or a prescriber records it. A prescriber's assessment also answers the finding
    of suicidal ideation: accepted, unless the disposition is emergency care or hospital (then deferred).
    Raises Refused with every reason; the same `request_key` again changes nothing.
    """
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        known = RiskAssessment.objects.filter(request_key=request_key).first() if request_key else None
        if known is not None:
            return known
        refuse_if(_record_reasons(episode, outcome, method, protective_plan, disposition, actor))
        assessment = _open_one(episode) or RiskAssessment(
            clinic_id=episode.clinic_id,
            episode=episode,
            reasons=[UNASKED],
            opened_at=now,
            due_at=now,
            created_at=now,
            created_by=actor,
        )
        assessment.state = RiskState.RECORDED
        assessment.outcome = outcome
        assessment.method = method.strip()
        assessment.protective_plan = protective_plan.strip()
        assessment.disposition = disposition
        assessment.unchanged_since = unchanged_since
        assessment.assessed_at = now
        assessment.assessed_by = actor
        assessment.by_prescriber = is_prescriber(actor, episode.clinic)
        assessment.request_key = request_key
        assessment.save()
        close_task(key=task_key(episode), actor=actor, now=now)
        record_event(
            episode=episode,
            kind="risk.recorded",
            summary="Suicide-risk assessment recorded",
            actor=actor,
            now=now,
            data={"by_prescriber": assessment.by_prescriber},
            subject=assessment,
        )
        refresh_findings(episode=episode, actor=actor, now=now)
        if assessment.by_prescriber:
            _answer_ideation(assessment, actor=actor, now=now, request_key=request_key)
    return assessment


def _record_reasons(
    episode: Episode, outcome: str, method: str, plan: str, disposition: str, actor: User
) -> list[Reason]:
    reasons = []
    roles = set(
        Membership.objects.current().filter(user=actor, clinic=episode.clinic).values_list("role", flat=True)
    )
    if not roles & CLINICAL_ROLES:
        reasons.append(
            Reason("not-a-clinician", "A nurse, a therapist or a prescriber records the assessment.")
        )
    if outcome not in RiskOutcome.values:
        reasons.append(Reason("no-outcome", "Choose the outcome.", "outcome"))
    if not method.strip():
        reasons.append(Reason("no-method", "Say how it was assessed.", "method"))
    if disposition not in Disposition.values:
        reasons.append(Reason("no-disposition", "Choose what follows.", "disposition"))
    if outcome in RiskOutcome.values and outcome != RiskOutcome.NONE and not plan.strip():
        reasons.append(Reason("no-plan", "Write down what protects, and the plan.", "protective_plan"))
    if outcome == RiskOutcome.IMMINENT and disposition not in HOLDING_DISPOSITIONS:
        reasons.append(
            Reason(
                "imminent-needs-emergency", "Imminent risk needs emergency care or hospital.", "disposition"
            )
        )
    return reasons


def _answer_ideation(
    assessment: RiskAssessment, *, actor: User, now: datetime, request_key: uuid.UUID | None
) -> None:
    finding = Finding.objects.filter(
        episode=assessment.episode,
        code="CI-SUICIDE-IDEATION",
        session_key__isnull=True,
        cleared_at__isnull=True,
    ).first()
    if finding is None:
        return
    holds = assessment.disposition in HOLDING_DISPOSITIONS
    sign_answer(
        finding=finding,
        answer=AnswerInput(
            code=finding.code,
            evidence_hash=finding.evidence_hash,
            outcome=AnswerOutcome.DEFER if holds else AnswerOutcome.ACCEPT,
            rationale=f"Suicide-risk assessment: {assessment.get_outcome_display()}. {assessment.protective_plan}",
            conditions=assessment.get_disposition_display(),
        ),
        actor=actor,
        now=now,
        request_key=request_key or assessment.pk,
    )


def _take_back(entry: RiskAssessment, *, actor: User, now: datetime) -> None:
    """A struck assessment is owed again when a questionnaire or a clinician had asked for it."""
    refuse_to_clear_absolutes(entry.episode, now=now)
    if entry.state == RiskState.RECORDED and entry.response_id is not None:
        response = Response.objects.current().filter(pk=entry.response_id).first()
        if response is not None:
            open_risk_assessment(
                episode=entry.episode,
                reason=" ".join(entry.reasons),
                response_id=response.pk,
                urgent=entry.is_urgent,
                actor=actor,
                now=now,
            )
            return
    if entry.state == RiskState.OPEN:
        close_task(key=task_key(entry.episode), now=now)
    refresh_findings(episode=entry.episode, actor=actor, now=now)


takes_back(RiskAssessment)(_take_back)
