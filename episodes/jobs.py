"""Work of the spine that the clock brings."""

from datetime import datetime, time
from typing import Any

from episodes.services.watching import watch_sharing_consents
from kapclinic.clinics.models import Clinic
from kapclinic.jobs.registry import daily

WATCH_CONSENTS = "episodes.watch-sharing-consents"
# With the rest of what is judged anew each night, before the first staff come in.
_AT_NIGHT = time(3, 0)


@daily(WATCH_CONSENTS, at=_AT_NIGHT)
def watch_consents(payload: dict[str, Any], *, now: datetime) -> None:
    """Name the sharing consents that end soon."""
    watch_sharing_consents(clinic=Clinic.objects.get(pk=payload["clinic"]), now=now)
