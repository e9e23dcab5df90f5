"""Accepting an invitation. Sending one is work for a job (kapclinic.administration)."""

import hashlib
import secrets
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from kapclinic.accounts.models import Invitation, User
from kapclinic.accounts.services.roles import grant_role
from kapclinic.clinics.refusals import Reason, Refused

_SECRET_BYTES = 32


def new_secret() -> str:
    """A secret for a link, 256 random bits, safe in an address."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def digest_of(secret: str) -> str:
    """What the database keeps of a secret. It is random and long, so a plain SHA-256 cannot be searched."""
    return hashlib.sha256(secret.encode()).hexdigest()


def invitation_by_digest(digest: str) -> Invitation | None:
    """The invitation that a link belongs to, used or not; None for a wrong or replaced one."""
    return Invitation.objects.select_related("clinic").filter(token_digest=digest).first()


def person_invited(invitation: Invitation) -> User | None:
    """The person who has the invited address already, if there is one."""
    return User.objects.filter(email__iexact=invitation.email).first()


def _locked_open(invitation: Invitation, now: datetime) -> Invitation:
    locked = Invitation.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=invitation.pk)
    if not locked.is_open(now) or locked.token_digest != invitation.token_digest:
        raise Refused(
            Reason("invitation-closed", "This invitation was used, withdrawn or replaced in the meantime.")
        )
    return locked


def _take_up(invitation: Invitation, user: User, now: datetime) -> None:
    for role in invitation.roles:
        grant_role(user=user, clinic=invitation.clinic, role=role, actor=invitation.created_by, now=now)
    invitation.accepted_at = now
    invitation.accepted_by = user
    invitation.save(update_fields=["accepted_at", "accepted_by"])


def accept_as_new_person(
    *, invitation: Invitation, name: str, password: str, suffix: str = "", now: datetime | None = None
) -> User:
    """Make the invited person and their roles; raises Refused when the link has closed or the address has a person."""
    now = now or timezone.now()
    with transaction.atomic():
        invitation = _locked_open(invitation, now)
        if person_invited(invitation) is not None:
            raise Refused(Reason("has-account", "This address has an account: sign in to accept."))
        user = User.objects.create_user(
            invitation.email, password, name=name.strip(), credentials_suffix=suffix.strip(), date_joined=now
        )
        _take_up(invitation, user, now)
        return user


def accept_as_existing_person(*, invitation: Invitation, user: User, now: datetime | None = None) -> None:
    """Add the roles to a person who is signed in; raises Refused when the invitation is somebody else's or has closed."""
    now = now or timezone.now()
    with transaction.atomic():
        invitation = _locked_open(invitation, now)
        if user.email.lower() != invitation.email.lower():
            raise Refused(Reason("not-yours", "This invitation was written to another address."))
        _take_up(invitation, user, now)
