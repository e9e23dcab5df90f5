"""What people owe around a need: find a time, look at a booking that does not fit, say why a window was missed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.urls import reverse

from integration.models import IntegrationNeed
from kapclinic.accounts.models import Role, User
from kapclinic.notices.kinds import ended_by_work
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_task, open_task

UNPLACED = "integration-unplaced"
FLAGGED = "integration-flagged"
MISSED = "integration-missed"
# Each ends with a booking, a word on it, or the reason on record.
ended_by_work(UNPLACED, FLAGGED, MISSED)

_SOON = timedelta(hours=24)


def _key(kind: str, need: IntegrationNeed) -> str:
    return f"{kind}:{need.pk}"


def _open(
    kind: str,
    need: IntegrationNeed,
    title: str,
    *,
    detail: str,
    urgency: Urgency,
    due_at: datetime,
    now: datetime,
) -> None:
    open_task(
        clinic=need.clinic,
        key=_key(kind, need),
        kind=kind,
        title=title,
        detail=detail[:400],
        role=Role.COORDINATOR,
        episode=need.episode,
        urgency=urgency,
        due_at=due_at,
        url=reverse("integration:need-detail", args=[need.pk]),
        now=now,
    )


def ask_for_a_time(need: IntegrationNeed, *, now: datetime) -> None:
    """A coordinator finds a time for what the program could not place."""
    latest_start = need.closes_at - timedelta(minutes=need.duration_minutes)
    urgency = Urgency.NOW if latest_start - now < _SOON else Urgency.TODAY
    _open(
        UNPLACED,
        need,
        f"Find a time: {need}",
        detail=" ".join(need.unplaced_reasons),
        urgency=urgency,
        due_at=latest_start,
        now=now,
    )


def ask_about_booking(need: IntegrationNeed, why: str, *, now: datetime) -> None:
    """A coordinator looks at a booking that the window moved away from."""
    _open(
        FLAGGED,
        need,
        f"Look at the booking: {need}",
        detail=why,
        urgency=Urgency.TODAY,
        due_at=need.closes_at,
        now=now,
    )


def ask_for_reason(need: IntegrationNeed, *, now: datetime) -> None:
    """A closed window without a session inside asks for its reason."""
    _open(
        MISSED,
        need,
        f"Say why the window was missed: {need}",
        detail="Declined, no time, clinician absent, told too late, or clinical judgement.",
        urgency=Urgency.ROUTINE,
        due_at=need.closes_at + _SOON,
        now=now,
    )


def close(
    need: IntegrationNeed, *kinds: str, actor: User | None = None, outcome: str = "", now: datetime
) -> None:
    """What the tasks asked for has happened, or fell away."""
    for kind in kinds:
        close_task(key=_key(kind, need), actor=actor, outcome=outcome, now=now)
