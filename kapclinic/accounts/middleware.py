"""Puts the person at work on the request, keeps a locked screen locked, and asks for the second step."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.http import urlencode

from kapclinic.accounts import second_step, session_keys, sign_ins
from kapclinic.accounts.models import Membership, Role, SignIn, User
from kapclinic.accounts.policy import Actor
from kapclinic.accounts.screen_lock import Screen

CLINIC_SESSION_KEY = "clinic_id"
LOCKED_STATUS = 423
# What a locked screen still answers: itself, and the way out.
_OPEN_WHILE_LOCKED = frozenset(
    {"accounts:lock", "accounts:unlock", "account_logout", "livez", "readyz", "healthz"}
)


class SignInMiddleware:
    """Signs out after 12 hours, answers nothing but the lock page while the screen is locked (423), and gives the session
    a new key when its person proves who they are."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.sign_in = None  # type: ignore[attr-defined]  # the attribute is ours
        request.is_locked = False  # type: ignore[attr-defined]  # the attribute is ours
        if request.user.is_authenticated:
            self._look(request)
        elif session_keys.came_too_early(request):
            # The answer must not take the new key from the browser, which sends the same again under it.
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME)
            return HttpResponseRedirect(request.get_full_path(), preserve_request=True)
        response = self.get_response(request)
        # At the very end, so that what the person's other windows ask for meanwhile still finds its session; an answer that
        # failed saves no session.
        if session_keys.is_asked_for(request) and response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            session_keys.renew_key(request)
        return response

    def _look(self, request: HttpRequest) -> None:
        now = timezone.now()
        sign_in: SignIn | None = sign_ins.sign_in_of(request)
        screen = Screen.OVER if sign_in is None else sign_ins.screen_of(sign_in, now=now)
        if sign_in is None or screen is Screen.OVER:
            logout(request)
            return
        request.sign_in = sign_in  # type: ignore[attr-defined]  # the attribute is ours
        if screen is Screen.LOCKED:
            request.is_locked = True  # type: ignore[attr-defined]  # the attribute is ours
            if sign_in.locked_at is None:
                sign_ins.lock(sign_in, now=now)
        elif sign_ins.BACKGROUND_HEADER not in request.headers:
            sign_ins.note_seen(sign_in, now=now)

    def process_view(
        self,
        request: HttpRequest,
        _view: Callable[..., HttpResponse],
        _args: list[Any],
        _kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        """Refuse a locked screen's request before its view is called."""
        match = request.resolver_match
        if not request.is_locked or match is None or match.view_name in _OPEN_WHILE_LOCKED:  # type: ignore[attr-defined]
            return None
        return lock_page(request)


# Without a second step given, where one is required: setting the first one up, or giving the one that there is.
_OPEN_TO_SET_UP = frozenset(
    {
        "mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_view_recovery_codes", "account_reauthenticate",
    }
)  # fmt: skip
_OPEN_TO_GIVE = frozenset({"mfa_reauthenticate", "mfa_reauthenticate_webauthn"})
_ALWAYS_OPEN = _OPEN_WHILE_LOCKED | {"accounts:touch"}


class SecondStepMiddleware:
    """Where MFA_REQUIRED is on, answers nothing but the second step to a sign-in that was made with a password alone.

    Who has no step yet sets one up. Who has one, set up elsewhere since this sign-in began, gives it: they may not add
    another instead.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        _view: Callable[..., HttpResponse],
        _args: list[Any],
        _kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        """Send to the second step before the view is called."""
        sign_in: SignIn | None = request.sign_in  # type: ignore[attr-defined]  # the attribute is ours
        match = request.resolver_match
        if not settings.MFA_REQUIRED or sign_in is None or sign_in.second_step_at is not None:
            return None
        name = "" if match is None else match.view_name
        if name in _ALWAYS_OPEN:
            return None
        if second_step.has_step(sign_in.user):
            return None if name in _OPEN_TO_GIVE else _to_give(request, sign_in.user)
        return None if name in _OPEN_TO_SET_UP else _go(request, reverse("mfa_index"))


def _to_give(request: HttpRequest, user: User) -> HttpResponse:
    is_app = is_mfa_enabled(user, [Authenticator.Type.TOTP])
    place = reverse("mfa_reauthenticate" if is_app else "mfa_reauthenticate_webauthn")
    back = request.get_full_path() if request.method == "GET" else reverse("desk:today")
    return _go(request, f"{place}?{urlencode({'next': back})}")


def _go(request: HttpRequest, place: str) -> HttpResponse:
    """To another page; a part of a page has its whole page go there."""
    if "HX-Request" in request.headers:
        return HttpResponse(status=403, headers={"HX-Redirect": place})
    return redirect(place)


def lock_page(request: HttpRequest, error: str = "", next_path: str | None = None) -> HttpResponse:
    """The lock page, for a whole page or a part of one; unlocking returns to the page that was asked for."""
    if next_path is None:
        next_path = request.get_full_path() if request.method == "GET" else ""
    response = render(
        request,
        "accounts/locked.html",
        {
            "next": next_path,
            "error": error,
            "was_sending": request.method not in {"GET", "HEAD"} and not error,
        },
        status=LOCKED_STATUS,
    )
    patch_cache_control(response, no_store=True, private=True)
    return response


def actor_of(user: User, clinic_id: str | None = None) -> Actor | None:
    """The actor for a signed-in person at the chosen clinic (the first by name when none or a lost one is chosen).

    Returns None for a person without a current role anywhere. One query.
    """
    memberships = list(
        Membership.objects.current()
        .filter(user=user)
        .select_related("clinic")
        .order_by("clinic__name", "role")
    )
    if not memberships:
        return None
    clinic = next((m.clinic for m in memberships if str(m.clinic_id) == clinic_id), memberships[0].clinic)
    here = [membership for membership in memberships if membership.clinic_id == clinic.pk]
    return Actor(
        user=user,
        clinic=clinic,
        roles=frozenset(Role(membership.role) for membership in here),
        is_medical_director=any(membership.is_medical_director for membership in here),
    )


class ActorMiddleware:
    """Sets `request.actor` anew on every request, so a role that is taken away ends at once; times are in its clinic's zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = None  # type: ignore[attr-defined]  # the attribute is ours
        if request.user.is_authenticated:
            request.actor = actor_of(  # type: ignore[attr-defined]  # the attribute is ours
                request.user, request.session.get(CLINIC_SESSION_KEY)
            )
        if request.actor is None:  # type: ignore[attr-defined]  # the attribute is ours
            return self.get_response(request)
        with timezone.override(request.actor.zone):  # type: ignore[attr-defined]  # the attribute is ours
            return self.get_response(request)
