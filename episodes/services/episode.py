"""Opening, moving and closing episodes, and their event log."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from episodes import followups, guards, stages
from episodes.guards import GuardContext
from episodes.models import Episode, EpisodeEvent, Goal, Patient, ProtocolVersion
from episodes.services.locking import lock_episode
from episodes.stages import CloseReason, Stage
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import ClinicalRow
from kapclinic.clinics.refusals import Reason, Refused


def record_event(
    *,
    episode: Episode,
    kind: str,
    summary: str,
    actor: User | None,
    at: datetime | None = None,
    data: dict[str, Any] | None = None,
    subject: ClinicalRow | None = None,
    now: datetime | None = None,
) -> EpisodeEvent:
    """Write one line of the episode's log, in the caller's transaction. `summary` and `data` hold no free clinical text."""
    now = now or timezone.now()
    return EpisodeEvent.objects.create(
        clinic_id=episode.clinic_id,
        episode=episode,
        kind=kind,
        at=at or now,
        created_at=now,
        created_by=actor,
        summary=summary,
        data=data or {},
        subject_type=subject._meta.label_lower if subject is not None else "",
        subject_id=subject.pk if subject is not None else None,
    )


def open_episode(
    *,
    patient: Patient,
    actor: User,
    protocol_version: ProtocolVersion,
    indication: str,
    indication_detail: str = "",
    referral_source: str = "",
    now: datetime | None = None,
) -> Episode:
    """Open an episode at stage "referred"; raises Refused when the patient has an open one."""
    now = now or timezone.now()
    try:
        with transaction.atomic():
            episode = Episode.objects.create(
                clinic=patient.clinic, patient=patient, protocol_version=protocol_version, indication=indication,
                indication_detail=indication_detail, referral_source=referral_source, stage=Stage.REFERRED,
                stage_since=now, opened_at=now, created_at=now, created_by=actor,
            )  # fmt: skip
            record_event(
                episode=episode, kind="episode.opened", summary=f"Referred: {episode.get_indication_display()}",
                actor=actor, now=now, data={"protocol": protocol_version.protocol.slug, "version": protocol_version.number},
            )  # fmt: skip
            return episode
    except IntegrityError as error:
        if "episodes_one_open_per_patient" in str(error):
            raise Refused(Reason("open-episode", "This patient already has an open episode.")) from error
        raise


def _edge_or_refuse(episode: Episode, target: str, roles: frozenset[Role]) -> stages.Edge:
    edge = stages.edge(episode.stage, target)
    if edge is None:
        raise Refused(
            Reason(
                "no-such-step",
                f"From {episode.get_stage_display()} there is no step to {Stage(target).label}.",
            )
        )
    if not edge.roles & roles:
        raise Refused(Reason("not-your-step", "Your role does not take this step."))
    return edge


def move_stage(
    *,
    episode: Episode,
    target: str,
    actor: User,
    roles: frozenset[Role],
    passing: dict[str, str] | None = None,
    now: datetime | None = None,
) -> Episode:
    """Take one step of the journey (closing has a verb of its own).

    Raises Refused with all reasons. Asking for the stage that the episode already has changes nothing.
    """
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        if episode.stage == target:
            return episode
        if target == Stage.CLOSED:
            raise Refused(Reason("use-closing", "Closing asks for a reason and a summary."))
        edge = _edge_or_refuse(episode, target, roles)
        passed = guards.check(
            GuardContext(action=edge.action, episode=episode, now=now, actor_roles=roles), passing=passing
        )
        origin = episode.stage
        episode.stage = target
        episode.stage_since = now
        episode.save(update_fields=["stage", "stage_since"])
        record_event(
            episode=episode, kind="stage.moved", summary=f"{Stage(origin).label} to {Stage(target).label}", actor=actor,
            now=now, data={"from": origin, "to": target, "passed": [reason.code for reason in passed]},
        )  # fmt: skip
        return episode


def close_episode(
    *,
    episode: Episode,
    reason: str,
    insights: str,
    next_steps: str,
    actor: User,
    roles: frozenset[Role],
    passing: dict[str, str] | None = None,
    now: datetime | None = None,
) -> Episode:
    """Close with a reason and a summary of insights and next steps; both are asked for once treatment has begun."""
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        if episode.stage == Stage.CLOSED:
            return episode
        edge = _edge_or_refuse(episode, Stage.CLOSED, roles)
        missing: list[Reason] = []
        if reason not in CloseReason.values:
            missing.append(Reason("no-reason", "Say why the episode ends.", field="reason"))
        if episode.stage in (Stage.TREATMENT, Stage.MAINTENANCE) or reason == CloseReason.COMPLETED:
            if not insights.strip():
                missing.append(Reason("no-insights", "Sum up the insights that stay.", field="insights"))
            if not next_steps.strip():
                missing.append(Reason("no-next-steps", "Name the practical next steps.", field="next_steps"))
        if missing:
            raise Refused(missing)
        guards.check(
            GuardContext(action=edge.action, episode=episode, now=now, actor_roles=roles), passing=passing
        )
        origin = episode.stage
        episode.stage = Stage.CLOSED
        episode.stage_since = now
        episode.closed_at = now
        episode.closed_by = actor
        episode.close_reason = reason
        episode.closing_insights = insights
        episode.closing_next_steps = next_steps
        episode.save(
            update_fields=[
                "stage", "stage_since", "closed_at", "closed_by", "close_reason", "closing_insights", "closing_next_steps",
            ]
        )  # fmt: skip
        record_event(
            episode=episode, kind="episode.closed", summary=f"Closed: {episode.get_close_reason_display()}", actor=actor,
            now=now, data={"from": origin, "reason": reason},
        )  # fmt: skip
        followups.announce_closed(episode=episode, actor=actor, now=now)
        return episode


def set_goal(
    *,
    episode: Episode,
    text: str,
    actor: User,
    is_functional: bool = False,
    replaces: Goal | None = None,
    now: datetime | None = None,
) -> Goal:
    """Add a goal, or put a new wording in the place of an old one (which stays in the record)."""
    now = now or timezone.now()
    if not text.strip():
        raise Refused(Reason("no-text", "Write the goal.", field="text"))
    with transaction.atomic():
        episode = lock_episode(episode)
        goal = Goal.objects.create(
            clinic=episode.clinic, episode=episode, text=text.strip(), is_functional=is_functional, created_by=actor,
            created_at=now,
        )  # fmt: skip
        if replaces is not None:
            changed = Goal.objects.filter(pk=replaces.pk, episode=episode, superseded_by__isnull=True).update(
                superseded_by=goal
            )
            if not changed:
                raise Refused(
                    Reason("goal-changed", "Someone has changed this goal already. Look at it again.")
                )
        record_event(episode=episode, kind="goal.set", summary="Goal set", actor=actor, now=now, subject=goal)
        return goal
