"""The watch over handoffs as work that must happen."""

from datetime import datetime, time, timedelta
from typing import Any

from kapclinic.clinics.models import Clinic
from kapclinic.handoffs.services.asking import LOOK_JOB
from kapclinic.handoffs.services.watching import watch_handoffs
from kapclinic.jobs.registry import daily, handler

WATCH_JOB = "watch_handoffs"
_LOOKS_EVERY = timedelta(minutes=15)


@handler(LOOK_JOB)
def look(payload: dict[str, Any], *, now: datetime) -> None:
    """Look once, because something was written or read."""
    watch_handoffs(clinic=Clinic.objects.get(pk=payload["clinic"]), now=now)


@daily(WATCH_JOB, at=time(0))
def watch(payload: dict[str, Any], *, now: datetime) -> datetime | None:
    """Look for late handoffs, again and again until the clinic's day ends; the next day's row goes on."""
    clinic = Clinic.objects.get(pk=payload["clinic"])
    watch_handoffs(clinic=clinic, now=now)
    again_at = now + _LOOKS_EVERY
    is_same_day = again_at.astimezone(clinic.zone).date().isoformat() == payload["day"]
    return again_at if is_same_day else None
