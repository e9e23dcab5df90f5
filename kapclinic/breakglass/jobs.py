"""The review of an emergency access as work that must happen."""

import uuid
from datetime import datetime
from typing import Any

from kapclinic.breakglass.models import EmergencyAccess
from kapclinic.breakglass.services import WATCH_REVIEW, call_for_review
from kapclinic.jobs.registry import handler


@handler(WATCH_REVIEW)
def watch_review(payload: dict[str, Any], *, now: datetime) -> datetime | None:
    """See whether the review was closed in time, and call for it every day until it is."""
    access = EmergencyAccess.objects.select_related("clinic", "user").get(pk=uuid.UUID(payload["access"]))
    return call_for_review(access=access, now=now)
