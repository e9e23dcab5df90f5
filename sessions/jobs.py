"""Work that the clock brings: a record that nobody completed, a dose that is not ready."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from episodes import guards
from episodes.guards import GuardContext
from episodes.sharing import as_kept
from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Reason
from kapclinic.jobs.registry import handler
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_task, open_task
from sessions import selectors
from sessions.clinical_settings import settings_in_force
from sessions.models import DosingSession, SessionState
from sessions.services.common import (
    COMPLETION_JOB,
    READINESS_JOB,
    READINESS_TASK,
    expected_t0,
    readiness_key,
    session_url,
)

# What was mended since leaves the list within this time.
_LOOK_AGAIN = timedelta(hours=1)
_TOLD = 3
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
def look_whether_ready(payload: dict[str, Any], *, now: datetime) -> datetime | None:
    """ "Not ready": what would hold the dose and can be mended before the day, as one task; looked at again each hour."""
    session = _session(payload)
    key = readiness_key(session)
    if session.planned_at != datetime.fromisoformat(payload["planned_at"]):
        # The new time has a job of its own.
        return None
    if session.state != SessionState.PLANNED or session.is_struck or session.planned_at <= now:
        close_task(key=key, outcome="The day has come", now=now)
        return None
    gaps = readiness_gaps(session, now=now)
    if gaps:
        is_late = session.planned_at - now <= timedelta(
            hours=settings_in_force(session.clinic).ready_hours_late
        )
        open_task(
            clinic=session.clinic,
            key=key,
            kind=READINESS_TASK,
            title=f"A dose is not ready: {len(gaps)} open {'question' if len(gaps) == 1 else 'questions'}",
            detail=_in_short([text for _code, text in gaps]),
            role=Role.NURSE,
            episode=session.episode,
            urgency=Urgency.TODAY if is_late else Urgency.ROUTINE,
            due_at=session.planned_at,
            url=session_url(session),
            now=now,
        )
    else:
        close_task(key=key, outcome="Everything is ready", now=now)
    return min(now + _LOOK_AGAIN, session.planned_at)


def _in_short(sentences: list[str]) -> str:
    """The first few; the session's page has them all."""
    shown = sentences[:_TOLD]
    more = len(sentences) - len(shown)
    return " ".join([*shown, *([f"And {more} more."] if more else [])])[:400]


def readiness_gaps(
    session: DosingSession,
    *,
    now: datetime,
    said: Callable[[Iterable[Reason]], tuple[Reason, ...]] = as_kept,
) -> list[tuple[str, str]]:
    """What would refuse the start and does not wait for the day itself, as code and sentence.

    `said` words the reasons for a reader; without one they name nothing that a sharing consent can withhold.
    """
    context = GuardContext("dose.start", session.episode, now, subject=session)
    gaps = [
        (reason.code, reason.text)
        for reason in said(guards.reasons(context))
        if reason.code in KNOWN_BEFORE or not reason.code.startswith(OF_THE_DAY)
    ]
    if selectors.active_order(session) is None:
        gaps.insert(0, ("no-order", "There is no order yet."))
    return gaps
