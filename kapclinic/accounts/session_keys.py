"""The browser's session gets a new key when its person proves who they are (OWASP ASVS 5.0, 7.2.4)."""

import hashlib
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

# Longer than any answer is on its way; no page is served under the old key in it.
RENEWED_FOR = timedelta(seconds=10)


def ask_for_new_key(request: HttpRequest) -> None:
    """Have the middleware renew the key when the answer is ready: whoever asked was proved, or may do more from now on."""
    request.renews_key = True  # type: ignore[attr-defined]  # the attribute is ours


def is_asked_for(request: HttpRequest) -> bool:
    """Whether something in this request asked for a new key."""
    return getattr(request, "renews_key", False)


def renew_key(request: HttpRequest) -> None:
    """Give the browser's session a new key, as after a sign-in; what it holds stays, and the old key opens nothing.

    What the browser had sent under the old key meanwhile is known by `came_too_early` for RENEWED_FOR.
    """
    old = request.session.session_key
    request.session.cycle_key()
    if old is not None:
        cache.set(_renewed(old), True, RENEWED_FOR.total_seconds())


def came_too_early(request: HttpRequest) -> bool:
    """Whether this stranger's request was on its way while its session got a new key. A query only where the key is unknown."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    return bool(key) and request.session.is_empty() and cache.get(_renewed(str(key))) is not None


def _renewed(key: str) -> str:
    return f"accounts:renewed:{hashlib.sha256(key.encode()).hexdigest()}"
