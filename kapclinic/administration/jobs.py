"""Work of the administration that must happen."""

import uuid
from datetime import datetime
from typing import Any

from kapclinic.administration.services.invitations import SEND_INVITATION, send_link
from kapclinic.jobs.registry import handler


@handler(SEND_INVITATION)
def send_invitation(payload: dict[str, Any], *, now: datetime) -> None:
    """Send the e-mail of one invitation."""
    send_link(invitation_id=uuid.UUID(payload["invitation"]), now=now)
