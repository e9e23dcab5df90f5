"""Work of screening that a worker does."""

import uuid
from datetime import datetime
from typing import Any

from kapclinic.jobs.registry import handler
from screening.importing.services import JOB_KIND, run_import


@handler(JOB_KIND)
def import_responses(payload: dict[str, Any], *, now: datetime) -> None:
    """Run one import of answered questionnaires."""
    run_import(batch_id=uuid.UUID(payload["batch"]), now=now)
