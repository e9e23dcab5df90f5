"""How django-allauth behaves here: nobody signs up without an invitation; secrets of a second step rest encrypted."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from smtplib import SMTPException
from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from kapclinic.accounts import second_step, visits
from kapclinic.accounts.models import User

log = structlog.get_logger(__name__)
# Whose secret is being read, where that is not the person who is signed in: half-way through a sign-in nobody is.
_owner: ContextVar[User | None] = ContextVar("owner_of_second_step", default=None)


class InvitationOnlyAdapter(DefaultAccountAdapter):
    """Closes open sign-up; people come in through an invitation link of a manager."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            visits.on_locked_out(request, credentials)
            raise

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:self")

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        # Only who knew the password gets here, so this tells nobody which addresses exist.
        messages.error(request, "This account is closed. Ask a manager of your clinic.")
        return redirect("account_login")

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        # A sign-in of a moment ago proves as much as giving the password once more.
        return not second_step.proved_lately(context.request)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Any,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        # The address is the account's own: there is no list of addresses beside it.
        try:
            super().send_notification_mail(
                template_prefix, user, {"user": user, **(context or {})}, email or user.email
            )
        except (OSError, SMTPException) as error:
            # What the mail tells of has happened: a mail server that is away must not say that it failed.
            log.warning("mail about an account was not sent", error_class=type(error).__name__)


@contextmanager
def secrets_of(user: User) -> Iterator[None]:
    """Within it, secrets of a second step are read as this person's; another person's do not decrypt."""
    token = _owner.set(user)
    try:
        yield
    finally:
        _owner.reset(token)


class SecondStepAdapter(DefaultMFAAdapter):
    """Seals the secrets of authenticator apps and recovery codes under the key ring, bound to their person.

    A row that is copied to another person does not decrypt there: `kapclinic.encryption.DecryptionError`.
    """

    def encrypt(self, text: str) -> str:
        return second_step.seal(text, user_id=self._owner_id())

    def decrypt(self, encrypted_text: str) -> str:
        return second_step.unseal(encrypted_text, user_id=self._owner_id())

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """False for the last app or passkey where a second step is required."""
        others = second_step.steps_of(authenticator.user).exclude(pk=authenticator.pk)
        return not settings.MFA_REQUIRED or others.exists()

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        return f"Passkey of {timezone.localdate():%-d %b %Y}"

    def _owner_id(self) -> Any:
        owner = _owner.get()
        return context.request.user.pk if owner is None else owner.pk
