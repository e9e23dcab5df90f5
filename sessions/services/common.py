"""What the verbs of dosing share: locks in one order, D0 and T0 before and after, tasks for the prescriber."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from episodes.models import CareTeamMember, TeamPart
from episodes.services import record_event
from episodes.services.locking import lock_episode
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.jobs.services import enqueue
from kapclinic.notices.kinds import ended_by_work
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_task, open_task
from sessions import followups
from sessions.anchor import Anchors
from sessions.clinical_settings import settings_in_force
from sessions.dose import planned_duration
from sessions.followups import AnchorsChange
from sessions.models import DosingSession, Incident, IncidentKind, SessionState

COMPLETION_JOB = "dosing_completion"
READINESS_JOB = "dosing_readiness"
READINESS_TASK = "readiness"
# Each ends with the record that it asks for. "challenge" is not among them: it also asks a prescriber merely to look.
ended_by_work("adverse-event", "completion", "countersign", "incident", READINESS_TASK)


def readiness_key(session: DosingSession) -> str:
    """The key of the task that says what a dose still needs."""
    return f"{READINESS_TASK}:{session.pk}"


def lock_session(session: DosingSession) -> DosingSession:
    """The session freshly read, locked after its episode until the transaction ends."""
    episode = lock_episode(session.episode)
    locked = (
        DosingSession.objects.select_for_update(of=("self",))
        .select_related("clinic", "room", "appointment")
        .get(pk=session.pk)
    )
    locked.episode = episode
    return locked


def made_before(model: type[Any], request_key: uuid.UUID | None) -> Any | None:
    """What an earlier sending of the same form made."""
    return None if request_key is None else model.objects.filter(request_key=request_key).first()


def refuse_if_over(session: DosingSession) -> None:
    """Refuse when the visit was called off or struck; what belongs to a completed one may still be added."""
    if session.is_struck or session.is_called_off:
        raise Refused(Reason("session-over", "This session was called off."))


def session_url(session: DosingSession) -> str:
    """Where the session's record is."""
    return reverse("dosing:session-detail", kwargs={"pk": session.pk})


def lead(session: DosingSession, part: TeamPart, now: datetime) -> User | None:
    """The episode's prescriber or therapist with an account here."""
    member = (
        CareTeamMember.objects.in_force(now)
        .filter(episode=session.episode, part=part, user__isnull=False, covering=False)
        .select_related("user")
        .first()
    )
    return None if member is None else member.user


def tell_prescriber(
    *,
    session: DosingSession,
    key: str,
    kind: str,
    title: str,
    now: datetime,
    urgency: Urgency = Urgency.TODAY,
    due_at: datetime | None = None,
    actor: User | None = None,
    url: str = "",
) -> None:
    """A task for the episode's prescriber. Titles carry no measured value and no free text."""
    open_task(
        clinic=session.clinic,
        key=key,
        kind=kind,
        title=title,
        role=Role.PRESCRIBER,
        person=lead(session, TeamPart.PRESCRIBER, now),
        episode=session.episode,
        urgency=urgency,
        due_at=due_at or now + timedelta(hours=24),
        url=url or session_url(session),
        actor=actor,
        now=now,
    )


def open_incident(
    *,
    session: DosingSession,
    kind: IncidentKind,
    subject: str,
    findings: list[Mapping[str, str]],
    at: datetime,
    actor: User,
    now: datetime,
) -> Incident:
    """Open an incident once for its subject, and tell the prescriber."""
    incident, made = Incident.objects.get_or_create(
        kind=kind,
        subject=subject,
        defaults={
            "clinic": session.clinic,
            "session": session,
            "at": at,
            "findings": [dict(finding) for finding in findings],
            "created_by": actor,
            "created_at": now,
        },
    )
    if made:
        urgent = kind == IncidentKind.EMERGENCY
        tell_prescriber(
            session=session,
            key=f"dosing-incident:{incident.pk}",
            kind="incident",
            title=f"Incident to answer: {incident.get_kind_display().lower()}",
            now=now,
            urgency=Urgency.NOW if urgent else Urgency.TODAY,
            actor=actor,
        )
        record_event(
            episode=session.episode,
            kind="dose.incident",
            summary=f"Incident: {incident.get_kind_display().lower()}",
            actor=actor,
            at=at,
            now=now,
            subject=session,
            data={"codes": [finding["code"] for finding in findings]},
        )
    return incident


@contextmanager
def watching_anchors(session: DosingSession, *, actor: User | None, now: datetime) -> Iterator[None]:
    """Compare D0 and T0 around a change of the administrations, and let everything follow that has to."""
    before = session.anchors()
    yield
    follow_change(session, before, session.anchors(), actor=actor, now=now)


def expected_t0(session: DosingSession, current: Anchors) -> datetime | None:
    """When a dose that runs is expected to end, from the orders behind it."""
    if not current.is_running:
        return current.t0
    ends: list[datetime] = []
    for entry in session.administrations.current().select_related("order"):
        minutes = entry.order.infusion_minutes if entry.order is not None else None
        ends.append(entry.ended_at or entry.started_at + planned_duration(entry.route_value, minutes))
    return max(ends)


def follow_change(
    session: DosingSession, before: Anchors, after: Anchors, *, actor: User | None, now: datetime
) -> None:
    """Log the change of D0 or T0, ask for the record to be completed, and tell the rooms above."""
    if (before.d0, before.t0, before.count) == (after.d0, after.t0, after.count):
        return
    planned_t0 = expected_t0(session, after)
    corrected = (before.d0 is not None and before.d0 != after.d0) or (
        before.t0 is not None and before.t0 != after.t0
    )
    _log_change(session, before, after, actor=actor, now=now)
    if after.d0 is None:
        close_task(key=f"dosing-completion:{session.pk}", outcome="No dose after all", now=now)
    else:
        hours = settings_in_force(session.clinic).completion_hours
        enqueue(
            kind=COMPLETION_JOB,
            key=f"{COMPLETION_JOB}:{session.pk}",
            payload={"session": str(session.pk)},
            clinic=session.clinic,
            due_at=(planned_t0 or after.d0) + timedelta(hours=hours),
            now=now,
        )
    if (before.d0, before.t0) != (after.d0, after.t0):
        followups.announce(
            AnchorsChange(
                session=session,
                d0_before=before.d0,
                d0=after.d0,
                t0_before=before.t0,
                t0=after.t0,
                planned_t0=planned_t0,
                corrected=corrected,
                actor=actor,
                now=now,
            )
        )


def _log_change(
    session: DosingSession, before: Anchors, after: Anchors, *, actor: User | None, now: datetime
) -> None:
    zone = session.clinic.zone
    lines: list[tuple[str, str, datetime]] = []
    if before.d0 is None and after.d0 is not None:
        lines.append(("dose.started", "Dose started", after.d0))
    elif before.d0 is not None and after.d0 is None:
        lines.append(("dose.withdrawn", "No dose after all: the administrations were entered in error", now))
    elif before.d0 != after.d0 and after.d0 is not None:
        lines.append(
            ("dose.start-corrected", f"Start corrected to {after.d0.astimezone(zone):%H:%M:%S %Z}", now)
        )
    if before.t0 is None and after.t0 is not None:
        lines.append(("dose.ended", f"Dose ended: T0 {after.t0.astimezone(zone):%H:%M:%S %Z}", after.t0))
    elif before.t0 is not None and after.t0 is None and after.d0 is not None:
        lines.append(("dose.reopened", "The dose has no recorded end any more", now))
    elif before.t0 != after.t0 and after.t0 is not None:
        lines.append(("dose.end-corrected", f"T0 corrected to {after.t0.astimezone(zone):%H:%M:%S %Z}", now))
    for kind, summary, at in lines:
        record_event(
            episode=session.episode, kind=kind, summary=summary, actor=actor, at=at, now=now, subject=session
        )


def set_state(session: DosingSession, state: SessionState) -> None:
    """Move the session on, never back: an entry made later does not re-open it."""
    order = [SessionState.PLANNED, SessionState.CHECKED_IN, SessionState.UNDER_WAY, SessionState.ENDED]
    if session.state in order and order.index(state) > order.index(SessionState(session.state)):
        session.state = state
        session.save(update_fields=["state"])


def clock(now: datetime | None) -> datetime:
    """The one instant that a verb works with."""
    return now or timezone.now()
