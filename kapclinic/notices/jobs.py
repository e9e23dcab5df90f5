"""E-mail as work that must happen."""

import uuid
from datetime import datetime, time, timedelta
from typing import Any

from kapclinic.clinics.models import Clinic
from kapclinic.jobs.registry import daily, handler
from kapclinic.notices.digests import SEND_DIGEST, queue_digests, send_digest

LOOK_FOR_EMAIL = "look_for_email"
_LOOKS_EVERY = timedelta(minutes=5)


@daily(LOOK_FOR_EMAIL, at=time(0))
def look_for_email(payload: dict[str, Any], *, now: datetime) -> datetime | None:
    """See for whom something waits, again and again until the clinic's day ends; the next day's row goes on."""
    clinic = Clinic.objects.get(pk=payload["clinic"])
    queue_digests(clinic=clinic, now=now)
    again_at = now + _LOOKS_EVERY
    is_same_day = again_at.astimezone(clinic.zone).date().isoformat() == payload["day"]
    return again_at if is_same_day else None


@handler(SEND_DIGEST)
def send(payload: dict[str, Any], *, now: datetime) -> datetime | None:
    """Send one e-mail."""
    return send_digest(digest_id=uuid.UUID(payload["digest"]), now=now)
