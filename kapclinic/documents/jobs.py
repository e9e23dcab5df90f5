"""Job handlers of this room."""

import uuid
from datetime import datetime
from typing import Any

from kapclinic.documents.services import RENDER, render_rendition
from kapclinic.jobs.registry import handler


@handler(RENDER)
def render_document(payload: dict[str, Any], *, now: datetime) -> None:
    """Make the PDF of one rendition."""
    render_rendition(rendition_id=uuid.UUID(payload["rendition_id"]), now=now)
