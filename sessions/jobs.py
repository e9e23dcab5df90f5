"""Work that the clock brings: a record that nobody completed, a dose that is not ready."""

from datetime import datetime, timedelta
from typing import Any

from episodes import guards
from episodes.guards import GuardContext
from kapclinic.accounts.models import Role
from kapclinic.jobs.registry import handler
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_task, open_task
from sessions import selectors
from sessions.clinical_settings import settings_in_force
from sessions.models import DosingSession, SessionState
from sessions.services.common import COMPLETION_JOB, READINESS_JOB, expected_t0, session_url

# Reasons that only the day itself can clear; days before they say nothing.
OF_THE_DAY = ("not-checked-in", "finding-DAY-", "missing-day:", "missing-order:")
# What the rules of the day ask and what can be mended beforehand all the same.
KNOWN_BEFORE = ("finding-DAY-REMS-ENROL", "missing-clinic:rems_site")


def _session(payload: dict[str, Any]) -> DosingSession:
    return DosingSession.objects.select_related("clinic", "episode__patient", "episode__clinic").get(
        pk=payload["session"]
    )


@handler(COMPLETION_JOB)
def ask_for_completion(payload: dict[str, Any], *, now: datetime) -> None:
    """A session with a dose that is not completed some hours after it becomes a nurse's task."""
    session = _session(payload)
    key = f"dosing-completion:{session.pk}"
    current = session.anchors()
    if session.is_struck or session.state == SessionState.COMPLETED or current.d0 is None:
        close_task(key=key, outcome="Nothing is owed any more", now=now)
        return
    hours = settings_in_force(session.clinic).completion_hours
    due = (expected_t0(session, current) or current.d0) + timedelta(hours=hours)
    if now < due:
        return
    missing_end = current.is_running
    open_task(
        clinic=session.clinic,
        key=key,
        kind="completion",
        title="The end of a dose is not recorded" if missing_end else "A dosing session is not completed",
        role=Role.NURSE,
        episode=session.episode,
        urgency=Urgency.NOW if missing_end else Urgency.TODAY,
        due_at=now,
        url=session_url(session),
        now=now,
    )


@handler(READINESS_JOB)
def look_whether_ready(payload: dict[str, Any], *, now: datetime) -> None:
    """ "Tomorrow is not ready": what would hold the dose and can be mended before the day, as one task."""
    session = _session(payload)
    key = f"dosing-readiness:{session.pk}"
    moved = session.planned_at.isoformat() != payload["planned_at"]
    if session.state != SessionState.PLANNED or session.is_struck or moved or session.planned_at <= now:
        if not moved:
            close_task(key=key, outcome="The day has come", now=now)
        return
    open_questions = readiness_gaps(session, now=now)
    if not open_questions:
        close_task(key=key, outcome="Everything is ready", now=now)
        return
    count = len(open_questions)
    open_task(
        clinic=session.clinic,
        key=key,
        kind="readiness",
        title=f"A dose is not ready: {count} open {'question' if count == 1 else 'questions'}",
        role=Role.NURSE,
        episode=session.episode,
        urgency=Urgency.TODAY,
        due_at=session.planned_at,
        url=session_url(session),
        now=now,
    )


def readiness_gaps(session: DosingSession, *, now: datetime) -> list[tuple[str, str]]:
    """What would refuse the start and does not wait for the day itself, as code and sentence."""
    context = GuardContext("dose.start", session.episode, now, subject=session)
    gaps = [
        (reason.code, reason.text)
        for reason in guards.reasons(context)
        if reason.code in KNOWN_BEFORE or not reason.code.startswith(OF_THE_DAY)
    ]
    if selectors.active_order(session) is None:
        gaps.append(("no-order", "There is no order yet."))
    return gaps
