"""The second step of signing in: who has one, who gave it, and how its secrets rest.

django-allauth keeps an authenticator app's secret, recovery codes and passkeys as rows; here is what the clinic adds: the
secrets sealed and bound to their person, and the sign-in that remembers that the step was given.
"""

import time
from datetime import datetime
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from kapclinic.accounts import session_keys
from kapclinic.accounts.models import SignIn, User
from kapclinic.encryption import key_ring

# What counts as a step of its own. Recovery codes stand in for one that is lost.
STEPS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
# Where django-allauth keeps what is sealed: the kind of its row, and the place in it.
SEALED = (
    (Authenticator.Type.TOTP, "secret"),
    (Authenticator.Type.RECOVERY_CODES, "seed"),
    # A list, all of it sealed at the same time.
    (Authenticator.Type.RECOVERY_CODES, "migrated_codes"),
)


def steps_of(user: User) -> QuerySet[Authenticator]:
    """The person's authenticator app and passkeys."""
    return Authenticator.objects.filter(user=user, type__in=STEPS).order_by("created_at")


def has_step(user: User) -> bool:
    """Whether the person has an authenticator app or a passkey."""
    return bool(is_mfa_enabled(user, STEPS))


def was_given(request: HttpRequest, user: User) -> bool:
    """Whether this browser's session has given a second step for this person."""
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, user))


def proved_lately(request: HttpRequest) -> bool:
    """Whether the person gave a password, code or passkey in the last ACCOUNT_REAUTHENTICATION_TIMEOUT seconds.

    The sign-in itself counts. Another person's records, or none, do not.
    """
    if not request.user.is_authenticated:
        return False
    records = get_authentication_records(request, request.user)
    latest: float = max((record["at"] for record in records), default=0)
    return time.time() - latest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def _binding(user_id: Any) -> str:
    return f"{Authenticator._meta.db_table}.data:{user_id}"


def seal(text: str, *, user_id: Any) -> str:
    """Ciphertext of a secret under the newest key, readable for this person alone."""
    return key_ring().encrypt(text, bound_to=_binding(user_id))


def unseal(stored: str, *, user_id: Any) -> str:
    """The secret; raises DecryptionError when it was altered, belongs to another person, or its key is unknown."""
    return key_ring().decrypt(stored, bound_to=_binding(user_id))


def remove_all(*, user: User, now: datetime | None = None) -> None:
    """Take every step from a person whose device is lost, and end their sign-ins; the next sign-in sets up a new one."""
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        SignIn.objects.filter(user=user, ended_at__isnull=True).update(ended_at=now or timezone.now())


def on_step_given(
    sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **_kwargs: Any
) -> None:
    """Receiver of django-allauth's signals: a step was given, or set up, which proves it. Recovery codes made prove nothing."""
    sign_in: SignIn | None = getattr(request, "sign_in", None)
    is_use = "reauthenticated" in _kwargs
    if sign_in is not None and sign_in.user_id == user.pk and (is_use or authenticator.type in STEPS):
        SignIn.objects.filter(pk=sign_in.pk, second_step_at__isnull=True).update(
            second_step_at=timezone.now()
        )
        session_keys.ask_for_new_key(request)
