"""Check-in, vital signs, and the log."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from episodes.services import record_event
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, refuse_if
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_task
from kapclinic.scheduling.models import AppointmentState
from kapclinic.scheduling.services import mark_arrived
from sessions import selectors
from sessions.clinical_settings import settings_in_force
from sessions.models import (
    CheckIn,
    DosingSession,
    IncidentKind,
    LogEntry,
    LogKind,
    SessionState,
    VitalsReading,
)
from sessions.services.common import (
    clock,
    lock_session,
    made_before,
    open_incident,
    refuse_if_over,
    set_state,
    tell_prescriber,
)
from sessions.vitals import Alert, AlertLevel, alerts_of, impossibilities_of


def check_in(
    *,
    session: DosingSession,
    details: dict[str, Any],
    actor: User,
    correction_reason: str = "",
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> CheckIn:
    """Write down what was asked at the door. Once more: a new row that supersedes the old."""
    now = clock(now)
    with transaction.atomic():
        session = lock_session(session)
        known = made_before(CheckIn, request_key)
        if known is not None:
            return known
        refuse_if_over(session)
        before = session.checkins.current().select_for_update(of=("self",)).first()
        refuse_if(_impossible_check_in(details, now))
        if before is not None:
            before.superseded_at = now
            before.save(update_fields=["superseded_at"])
        made = CheckIn.objects.create(
            clinic=session.clinic,
            session=session,
            request_key=request_key,
            created_at=now,
            created_by=actor,
            checked_by=actor,
            supersedes=before,
            correction_reason=(correction_reason.strip() or "Asked again") if before is not None else "",
            **details,
        )
        set_state(session, SessionState.CHECKED_IN)
        appointment = session.appointment
        if appointment is not None and appointment.state in (AppointmentState.HELD, AppointmentState.TOLD):
            mark_arrived(appointment=appointment, actor=actor, now=now)
        record_event(
            episode=session.episode,
            kind="dose.checked-in",
            summary="Checked in for a dose" if before is None else "Check-in changed",
            actor=actor,
            at=made.at,
            now=now,
            subject=session,
        )
        return made


def _impossible_check_in(details: dict[str, Any], now: datetime) -> list[Reason]:
    found: list[Reason] = []
    for name in ("at", "last_food_at", "last_drink_at", "nasal_medicine_at"):
        value = details.get(name)
        if value is not None and value > now:
            found.append(Reason(f"{name}-future", "This lies in the future.", name))
    for flag, name in (("nothing_eaten", "last_food_at"), ("nothing_drunk", "last_drink_at")):
        if details.get(flag) and details.get(name) is not None:
            found.append(Reason(f"{name}-both", "Either nothing today, or a time.", name))
    weight = details.get("weight_kg")
    if weight is not None and weight <= 0:
        found.append(Reason("weight", "A weight is more than nothing.", "weight_kg"))
    return found


def record_vitals(
    *,
    session: DosingSession,
    details: dict[str, Any],
    actor: User,
    supersedes: VitalsReading | None = None,
    correction_reason: str = "",
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> VitalsReading:
    """Write down one set of vital signs; refuse only what is impossible; call whom the values ask for.

    With `supersedes` the new row corrects an earlier one and says why.
    """
    now = clock(now)
    with transaction.atomic():
        session = lock_session(session)
        known = made_before(VitalsReading, request_key)
        if known is not None:
            return known
        refuse_if_over(session)
        reading = VitalsReading(
            clinic=session.clinic,
            session=session,
            request_key=request_key,
            created_at=now,
            created_by=actor,
            taken_by=actor,
            **details,
        )
        values = reading.as_reading()
        reasons = [Reason(each.code, each.text, each.field) for each in impossibilities_of(values, now)]
        if supersedes is not None:
            supersedes = VitalsReading.objects.select_for_update(of=("self",)).get(pk=supersedes.pk)
            if not correction_reason.strip():
                reasons.append(Reason("correction-reason", "Say what was wrong.", "correction_reason"))
            if not supersedes.is_current:
                reasons.append(
                    Reason("not-current", "This reading was already corrected: correct the newer one.")
                )
        refuse_if(reasons)
        settings = settings_in_force(session.clinic)
        order = selectors.active_order(session)
        alerts = alerts_of(values, settings.vitals, *([order.hold] if order is not None else []))
        reading.alerts = [
            {"code": each.code, "level": each.level.value, "text": each.text, "action": each.action}
            for each in alerts
        ]
        if supersedes is not None:
            supersedes.superseded_at = now
            supersedes.save(update_fields=["superseded_at"])
            reading.supersedes, reading.correction_reason = supersedes, correction_reason.strip()
        reading.save()
        is_late = now - reading.taken_at > timedelta(minutes=settings.late_entry_minutes)
        _call(session, reading, alerts, actor=actor, now=now, is_late=is_late)
        return reading


def _call(
    session: DosingSession,
    reading: VitalsReading,
    alerts: tuple[Alert, ...],
    *,
    actor: User,
    now: datetime,
    is_late: bool,
) -> None:
    """Tell the prescriber. A newer calm reading takes the call back; one entered late calls nobody at once."""
    key = f"dosing-vitals:{session.pk}"
    newer = session.vitalsreadings.current().filter(taken_at__gt=reading.taken_at).exists()
    if not alerts:
        if not newer:
            close_task(key=key, outcome="A newer reading is within limits", now=now)
        return
    is_emergency = any(alert.level is AlertLevel.EMERGENCY for alert in alerts)
    if not newer:
        tell_prescriber(
            session=session,
            key=key,
            kind="vitals",
            title="Vital signs outside limits in the dosing room",
            now=now,
            urgency=Urgency.ROUTINE if is_late else Urgency.NOW,
            due_at=now + timedelta(hours=24) if is_late else now,
            actor=actor,
        )
    if is_emergency:
        open_incident(
            session=session,
            kind=IncidentKind.EMERGENCY,
            subject=f"vitals:{reading.pk}",
            findings=[{"code": alert.code, "text": alert.text} for alert in alerts],
            at=reading.taken_at,
            actor=actor,
            now=now,
        )


def write_log(
    *,
    session: DosingSession,
    at: datetime,
    actor: User,
    kind: str = LogKind.NOTE,
    text: str = "",
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> LogEntry:
    """Add a line to the log; a note and a narrative need words."""
    now = clock(now)
    with transaction.atomic():
        session = lock_session(session)
        known = made_before(LogEntry, request_key)
        if known is not None:
            return known
        refuse_if_over(session)
        reasons: list[Reason] = []
        if at > now:
            reasons.append(Reason("future", "The time lies in the future.", "at"))
        if kind in (LogKind.NOTE, LogKind.NARRATIVE) and not text.strip():
            reasons.append(Reason("no-text", "Write what happened.", "text"))
        refuse_if(reasons)
        return LogEntry.objects.create(
            clinic=session.clinic,
            session=session,
            request_key=request_key,
            at=at,
            kind=kind,
            text=text.strip(),
            created_at=now,
            created_by=actor,
        )
