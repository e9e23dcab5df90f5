"""Verbs over sign-ins: begin, see a hand on the screen, lock, unlock, end."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from kapclinic.accounts import second_step, session_keys
from kapclinic.accounts.devices import device_words
from kapclinic.accounts.models import SignIn, User
from kapclinic.accounts.screen_lock import MOST_WRONG_UNLOCKS, SEEN_EVERY, Screen, SignInTimes, screen_at

SESSION_KEY = "sign_in"
# A page that asks by itself, without a hand on it, sends this header: it keeps no screen open.
BACKGROUND_HEADER = "X-Background"


class Unlock(StrEnum):
    """How a try to unlock ended."""

    OPEN = "open"
    WRONG = "wrong"
    OVER = "over"


def begin(request: HttpRequest, user: User, *, now: datetime | None = None) -> SignIn:
    """Write down a sign-in that has just succeeded and tie the session to it."""
    now = now or timezone.now()
    sign_in = SignIn.objects.create(
        user=user,
        began_at=now,
        seen_at=now,
        second_step_at=now if _is_strong(request, user) else None,
        device=device_words(request.META.get("HTTP_USER_AGENT", "")),
        address=_address_of(request),
    )
    request.session[SESSION_KEY] = str(sign_in.pk)
    return sign_in


def _is_strong(request: HttpRequest, user: User) -> bool:
    """Whether more than a password was given: here, or at the identity provider that says so."""
    return second_step.was_given(request, user) or getattr(request, "is_strong_sign_in", False)


def _address_of(request: HttpRequest) -> str | None:
    """Where the request came from, as the limits count it; None behind a proxy on a Unix socket that does not say."""
    if not request.META.get("REMOTE_ADDR") and "HTTP_X_FORWARDED_FOR" not in request.META:
        return None
    address: str = get_adapter(request).get_client_ip(request)
    return address


def sign_in_of(request: HttpRequest) -> SignIn | None:
    """The sign-in that the request's session belongs to, if it is the signed-in person's own."""
    key = request.session.get(SESSION_KEY)
    if key is None or not request.user.is_authenticated:
        return None
    return SignIn.objects.filter(pk=key, user=request.user).first()


def screen_of(sign_in: SignIn, *, now: datetime) -> Screen:
    """Open, locked or over at `now`."""
    times = SignInTimes(sign_in.began_at, sign_in.seen_at, sign_in.locked_at, sign_in.ended_at)
    return screen_at(times, now=now, idle=timedelta(minutes=settings.IDLE_LOCK_MINUTES))


def note_seen(sign_in: SignIn, *, now: datetime) -> None:
    """A person did something; a lock that came in between stays."""
    if now - sign_in.seen_at >= SEEN_EVERY:
        SignIn.objects.filter(pk=sign_in.pk, locked_at__isnull=True).update(seen_at=now)


def lock(sign_in: SignIn, *, now: datetime | None = None) -> None:
    """Lock the screen; one that is locked stays as it is."""
    SignIn.objects.filter(pk=sign_in.pk, locked_at__isnull=True).update(locked_at=now or timezone.now())


def unlock(sign_in: SignIn, password: str, *, now: datetime | None = None) -> Unlock:
    """Open the screen to its own person's password; after MOST_WRONG_UNLOCKS wrong ones the sign-in is over.

    Each try is counted before the password is looked at, so that tries side by side count as well.
    """
    now = now or timezone.now()
    row = SignIn.objects.filter(pk=sign_in.pk, ended_at__isnull=True)
    if not row.filter(wrong_unlocks__lt=MOST_WRONG_UNLOCKS).update(wrong_unlocks=F("wrong_unlocks") + 1):
        row.update(ended_at=now)
        return Unlock.OVER
    if sign_in.user.check_password(password):
        row.update(locked_at=None, seen_at=now, wrong_unlocks=0)
        return Unlock.OPEN
    sign_in.refresh_from_db(fields=["wrong_unlocks"])
    if sign_in.wrong_unlocks >= MOST_WRONG_UNLOCKS:
        row.update(ended_at=now)
        return Unlock.OVER
    return Unlock.WRONG


def end(sign_in: SignIn, *, now: datetime | None = None) -> None:
    """The person signed out, or was signed out."""
    SignIn.objects.filter(pk=sign_in.pk, ended_at__isnull=True).update(ended_at=now or timezone.now())


def end_others(*, user: User, but: SignIn | None = None, now: datetime | None = None) -> int:
    """End every sign-in of a person, except one where given; returns how many were open. Their next request finds it out."""
    now = now or timezone.now()
    still_open = SignIn.objects.open_at(now).filter(user=user)
    if but is not None:
        still_open = still_open.exclude(pk=but.pk)
    return still_open.update(ended_at=now)


def on_proved(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    """Receiver of django-allauth's signal: a password, code or passkey was given once more; the middleware renews the key."""
    if kwargs.get("reauthenticated"):
        session_keys.ask_for_new_key(request)


def on_signed_in(sender: Any, request: HttpRequest, user: User, **_kwargs: Any) -> None:
    """Receiver of Django's signal: every way in passes here."""
    begin(request, user)


def on_signed_out(sender: Any, request: HttpRequest, user: User | None, **_kwargs: Any) -> None:
    """Receiver of Django's signal: every way out passes here."""
    request.has_signed_out = True  # type: ignore[attr-defined]  # read by HeadersMiddleware
    key = request.session.get(SESSION_KEY) if hasattr(request, "session") else None
    if user is not None and key is not None:
        SignIn.objects.filter(pk=key, user=user, ended_at__isnull=True).update(ended_at=timezone.now())
