"""The task "tell the patient", which follows every new or changed time until somebody did."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.urls import reverse

from kapclinic.accounts.models import Role
from kapclinic.notices.kinds import ended_by_work
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_task, open_task
from kapclinic.scheduling.models import Appointment, AppointmentState

TELL_KIND = "tell-patient"
# The appointment says how the patient was told.
ended_by_work(TELL_KIND)
# Told a day ahead where there is time for it (POLICY).
_AHEAD = timedelta(hours=24)
# What begins sooner than that still leaves somebody this long to ring (POLICY), but never past its beginning.
_TO_RING = timedelta(hours=2)


def task_key(appointment: Appointment) -> str:
    """One task per appointment: a further change opens it again."""
    return f"{TELL_KIND}:{appointment.pk}"


def follow_with_telling(appointment: Appointment, *, was_told: bool, now: datetime) -> None:
    """Open, refresh or close the task as the appointment stands now.

    `was_told`: the patient knew an earlier time, so a change or a cancellation must reach them too.
    """
    key = task_key(appointment)
    if appointment.episode is None:
        return
    if appointment.state == AppointmentState.HELD and appointment.ends_at > now:
        title = "Tell the patient the new time" if was_told else "Tell the patient the time"
        _open(appointment, key, title, was_told=was_told, now=now)
    elif appointment.state == AppointmentState.CANCELLED and was_told and appointment.starts_at > now:
        _open(appointment, key, "Tell the patient that it is cancelled", was_told=True, now=now)
    else:
        close_task(key=key, actor=appointment.told_by if appointment.is_told else None, now=now)


def hold_back_telling(appointment: Appointment, *, now: datetime) -> None:
    """Nobody tells the patient yet: the time may still move with what it depends on."""
    close_task(key=task_key(appointment), outcome="Not before the dose", now=now)


def _open(appointment: Appointment, key: str, title: str, *, was_told: bool, now: datetime) -> None:
    due_at = max(now, appointment.starts_at - _AHEAD, min(now + _TO_RING, appointment.starts_at))
    soon = appointment.starts_at - now < 2 * _AHEAD
    open_task(
        clinic=appointment.clinic,
        key=key,
        kind=TELL_KIND,
        title=title,
        detail=appointment.get_kind_display(),
        role=Role.COORDINATOR,
        episode=appointment.episode,
        urgency=Urgency.TODAY if soon or was_told else Urgency.ROUTINE,
        due_at=due_at,
        url=reverse("scheduling:appointment-tell", args=[appointment.pk]),
        now=now,
    )
