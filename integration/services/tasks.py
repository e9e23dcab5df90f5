"""What people owe around a need: find a time, look at a booking, mind a window before it closes, say why it was missed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.urls import reverse

from integration.models import IntegrationNeed
from kapclinic.accounts.models import Role, User
from kapclinic.notices.kinds import ended_by_work
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_tasks, open_task
from kapclinic.scheduling.wording import moment_words

UNPLACED = "integration-unplaced"
FLAGGED = "integration-flagged"
MISSED = "integration-missed"
LATE = "integration-late"
LATE_FOR_MANAGER = "integration-late-manager"
LAST_CALL = "integration-last-call"
LAST_CALL_FOR_THERAPIST = "integration-last-call-therapist"
# What a new booking answers; and all that falls away with the need itself.
UNTIL_BOOKED = (UNPLACED, FLAGGED, LATE, LATE_FOR_MANAGER, LAST_CALL, LAST_CALL_FOR_THERAPIST)
OF_A_NEED = (*UNTIL_BOOKED, MISSED)
# Each ends with a booking, a session, a word on it, or the reason on record.
ended_by_work(*OF_A_NEED)

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
    role: Role = Role.COORDINATOR,
    person: User | None = None,
    now: datetime,
) -> None:
    open_task(
        clinic=need.clinic,
        key=_key(kind, need),
        kind=kind,
        title=title,
        detail=detail[:400],
        role=role,
        person=person,
        episode=need.episode,
        urgency=urgency,
        due_at=due_at,
        url=reverse("integration:need-detail", args=[need.pk]),
        now=now,
    )


def _latest_start(need: IntegrationNeed) -> datetime:
    return need.closes_at - timedelta(minutes=need.duration_minutes)


def ask_for_a_time(need: IntegrationNeed, *, now: datetime) -> None:
    """A coordinator finds a time for what the program could not place."""
    latest_start = _latest_start(need)
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


def _closing_words(need: IntegrationNeed) -> str:
    return f"Its window closes {moment_words(need.closes_at, need.clinic.time_zone)}."


def alarm_coordinator(need: IntegrationNeed, *, now: datetime) -> None:
    """Some hours after the dose its session has no appointment."""
    _open(
        LATE,
        need,
        f"No appointment yet: {need}",
        detail=_closing_words(need),
        urgency=Urgency.NOW,
        due_at=_latest_start(need),
        now=now,
    )


def alarm_manager(need: IntegrationNeed, *, now: datetime) -> None:
    """The same, later, for the managers, who know no patient: how many and until when stands on the page it leads to."""
    open_task(
        clinic=need.clinic,
        key=_key(LATE_FOR_MANAGER, need),
        kind=LATE_FOR_MANAGER,
        title="An integration window has no appointment yet",
        role=Role.MANAGER,
        urgency=Urgency.NOW,
        due_at=_latest_start(need),
        url=reverse("integration:waiting"),
        now=now,
    )


def call_last(need: IntegrationNeed, *, therapist: User | None, now: datetime) -> None:
    """The window is about to close without a held session: a coordinator hears of it, and the therapist where there is one."""
    receivers: list[tuple[str, Role, User | None]] = [(LAST_CALL, Role.COORDINATOR, None)]
    if therapist is not None:
        receivers.append((LAST_CALL_FOR_THERAPIST, Role.THERAPIST, therapist))
    for kind, role, person in receivers:
        _open(
            kind,
            need,
            f"No session held yet: {need}",
            detail=_closing_words(need),
            urgency=Urgency.NOW,
            due_at=need.closes_at,
            role=role,
            person=person,
            now=now,
        )


def close(
    need: IntegrationNeed, *kinds: str, actor: User | None = None, outcome: str = "", now: datetime
) -> None:
    """What the tasks asked for has happened, or fell away."""
    close_tasks(keys=[_key(kind, need) for kind in kinds], actor=actor, outcome=outcome, now=now)
