"""The one gate in front of every page: sign-in, scope, right, in that order."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.utils.cache import patch_cache_control

from kapclinic.accounts import policy
from kapclinic.accounts.policy import Actor

View = Callable[..., HttpResponse]


class ActorRequest(HttpRequest):
    """A request that passed the gate."""

    actor: Actor


def page(
    action: str,
    *,
    fetch: Callable[..., Any] | None = None,
    methods: tuple[str, ...] = ("GET", "HEAD", "POST"),
    about: Callable[[Any], Any] | None = None,
) -> Callable[[View], View]:
    """Guard a view with `action` of the access table.

    `fetch(actor, **url_arguments)` returns the thing that the page is about, or raises Http404; the view then gets it as
    second argument. `about(thing)` names the object that the right is asked on, where that is not the thing itself
    (a note's episode). Anonymous people are sent to sign-in; a thing out of scope is 404; in scope without the right is 403.
    """
    if action not in policy.TABLE:
        raise KeyError(f"{action} is not in the access table")

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            actor: Actor | None = getattr(request, "actor", None)
            if actor is None:
                response = render(request, "accounts/no_role.html", status=403)
                patch_cache_control(response, no_store=True, private=True)
                return response
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            if fetch is None:
                if not policy.can(actor, action):
                    raise PermissionDenied
                response = view(request, *args, **kwargs)
            else:
                thing = fetch(actor, **kwargs)
                subject = thing if about is None else about(thing)
                if not policy.can(actor, action, subject):
                    if policy.in_scope(actor, subject, action):
                        raise PermissionDenied
                    raise Http404
                response = view(request, thing)
            patch_cache_control(response, no_store=True, private=True)
            return response

        guarded.action = action  # type: ignore[attr-defined]  # read by the test that walks every URL
        return guarded

    return decorate


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign-in for a whole page; 401 for a part of one, whose script then loads the page anew."""
    if "HX-Request" in request.headers:
        return HttpResponse(status=401)
    if request.method in {"GET", "HEAD"}:
        return redirect_to_login(request.get_full_path())
    # An address that only takes what a form sends is no place to come back to.
    return redirect("account_login")


def public_page(view: View) -> View:
    """Mark a view that anyone may call (sign-in, invitation links, probes), for the test that walks every URL."""
    view.action = None  # type: ignore[attr-defined]  # read by the test that walks every URL
    return view
