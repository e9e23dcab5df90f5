"""Work of the administration that must happen."""

import uuid
from datetime import date, datetime, time
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage

from kapclinic.administration.services.invitations import SEND_INVITATION, send_link
from kapclinic.administration.services.reviews import find_unusual_reads
from kapclinic.audit.heads import chain_name, line_of
from kapclinic.audit.models import Seal
from kapclinic.clinics.models import Clinic
from kapclinic.jobs.registry import daily, handler


@handler(SEND_INVITATION)
def send_invitation(payload: dict[str, Any], *, now: datetime) -> None:
    """Send the e-mail of one invitation."""
    send_link(invitation_id=uuid.UUID(payload["invitation"]), now=now)


@daily("administration.find_unusual_reads", at=time(5))
def find_unusual(payload: dict[str, Any], *, now: datetime) -> None:
    """Look at the reads of the days before."""
    find_unusual_reads(
        clinic=Clinic.objects.get(pk=payload["clinic"]), day=date.fromisoformat(payload["day"])
    )


@daily("administration.mail_chain_head", at=time(6))
def mail_chain_head(payload: dict[str, Any], *, now: datetime) -> None:
    """Send the record's last head to whoever keeps it outside; one e-mail a day, however many clinics share the record."""
    first_clinic = Clinic.objects.order_by("created_at", "pk").values_list("pk", flat=True).first()
    first, last = Seal.objects.filter(number=1).first(), Seal.objects.order_by("-number").first()
    if (
        not settings.AUDIT_HEAD_EMAIL
        or str(first_clinic) != payload["clinic"]
        or first is None
        or last is None
    ):
        return
    EmailMessage(
        subject=f"KAP Clinic: head of the record, seal {last.number}",
        body="Keep this. It proves later that nothing before it was altered.\n\n"
        f"{line_of(chain_name(first.previous_head), last)}\n",
        to=settings.AUDIT_HEAD_EMAIL,
    ).send()
