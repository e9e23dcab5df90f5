"""Inviting people: the link goes out through a job, and the database knows a digest of its secret alone."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from kapclinic.accounts.models import Invitation, Membership, Role, User
from kapclinic.accounts.services import digest_of, new_secret
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.jobs.services import enqueue

SEND_INVITATION = "send_invitation"


def invite(
    *,
    clinic: Clinic,
    email: str,
    name: str,
    roles: Iterable[Role | str],
    actor: User,
    now: datetime | None = None,
) -> Invitation:
    """Invite a person to roles of the clinic; the link works for INVITATION_DAYS.

    Raises Refused without a role, when the person holds all of them, or when an invitation to the address is open.
    """
    now = now or timezone.now()
    wanted = sorted({Role(role) for role in roles})
    refuse_if(_reasons(clinic, email, wanted))
    try:
        with transaction.atomic():
            invitation = Invitation.objects.create(
                clinic=clinic, email=email.strip(), name=name.strip(), roles=wanted, token_digest=digest_of(new_secret()),
                expires_at=now + timedelta(days=settings.INVITATION_DAYS), created_at=now, created_by=actor,
            )  # fmt: skip
            _ask_to_send(invitation, now)
            return invitation
    except IntegrityError as error:
        raise Refused(
            Reason("invited", "An invitation to this address is open: send that one again.", field="email")
        ) from error


def _reasons(clinic: Clinic, email: str, roles: list[Role]) -> list[Reason]:
    if not roles:
        return [Reason("no-role", "Choose at least one role.", field="roles")]
    held = set(
        Membership.objects.current()
        .filter(clinic=clinic, user__email__iexact=email.strip())
        .values_list("role", flat=True)
    )
    if held.issuperset(roles):
        return [Reason("has-roles", "This person has these roles here already.", field="email")]
    return []


def _ask_to_send(invitation: Invitation, now: datetime) -> None:
    enqueue(
        kind=SEND_INVITATION,
        key=f"{SEND_INVITATION}:{invitation.pk}",
        payload={"invitation": str(invitation.pk)},
        clinic=invitation.clinic,
        now=now,
    )


def resend_invitation(*, invitation: Invitation, now: datetime | None = None) -> Invitation:
    """Send a new link, which works anew for INVITATION_DAYS; the old link dies when the new one goes out."""
    now = now or timezone.now()
    with transaction.atomic():
        invitation = (
            Invitation.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=invitation.pk)
        )
        if invitation.accepted_at is not None or invitation.revoked_at is not None:
            raise Refused(Reason("closed", "This invitation was accepted or withdrawn in the meantime."))
        invitation.expires_at = now + timedelta(days=settings.INVITATION_DAYS)
        invitation.sent_at = None
        invitation.save(update_fields=["expires_at", "sent_at"])
        _ask_to_send(invitation, now)
        return invitation


def revoke_invitation(*, invitation: Invitation, now: datetime | None = None) -> None:
    """Take an invitation back; one that was accepted stays accepted."""
    Invitation.objects.filter(pk=invitation.pk, accepted_at__isnull=True, revoked_at__isnull=True).update(
        revoked_at=now or timezone.now()
    )


def send_link(*, invitation_id: uuid.UUID, now: datetime) -> None:
    """Make a new secret, keep its digest, and send the link; a closed invitation is left alone.

    The secret exists in this function and in the e-mail. When the mail server refuses, the job comes back with a new one.
    """
    with transaction.atomic():
        invitation = (
            Invitation.objects.select_for_update(of=("self",))
            .select_related("clinic", "created_by")
            .get(pk=invitation_id)
        )
        if not invitation.is_open(now):
            return
        secret = new_secret()
        invitation.token_digest = digest_of(secret)
        invitation.save(update_fields=["token_digest"])
    link = settings.SITE_URL.rstrip("/") + reverse("accounts:invitation-follow", kwargs={"secret": secret})
    context = {
        "invitation": invitation,
        "link": link,
        "expires_at": invitation.expires_at.astimezone(invitation.clinic.zone),
    }
    send_mail(
        subject=f"KAP Clinic: join {' '.join(invitation.clinic.name.split())}",
        message=render_to_string("administration/email/invitation.txt", context),
        from_email=None,
        recipient_list=[invitation.email],
    )
    Invitation.objects.filter(pk=invitation.pk, token_digest=invitation.token_digest).update(sent_at=now)
