"""The one gate in front of every page: sign-in, scope, right, in that order."""

import math
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.utils.cache import patch_cache_control

from kapclinic.accounts import policy, second_step
from kapclinic.accounts.models import SignIn
from kapclinic.accounts.pace import TooFast
from kapclinic.accounts.policy import Actor, Relation
from kapclinic.accounts.visits import Visit

View = Callable[..., HttpResponse]


class ActorRequest(HttpRequest):
    """A request that passed the gate."""

    actor: Actor
    sign_in: SignIn
    # Through which relation of the access table, on a page about a thing.
    relation: Relation


def page(
    action: str,
    *,
    fetch: Callable[..., Any] | None = None,
    methods: tuple[str, ...] = ("GET", "HEAD", "POST"),
    about: Callable[[Any], Any] | None = None,
    confirm: tuple[str, ...] = (),
) -> Callable[[View], View]:
    """Guard a view with `action` of the access table.

    `fetch(actor, **url_arguments)` returns the thing that the page is about, or raises Http404; the view then gets it as
    second argument. `about(thing)` names the object that the right is asked on, where that is not the thing itself
    (a note's episode). Anonymous people are sent to sign-in; a thing out of scope is 404; in scope without the right is 403.
    For the methods in `confirm` the person proves once more who they are, unless they did in the last minutes; what a form
    sent is kept meanwhile and goes on by itself. Who reads faster than hands can is answered 429 (kapclinic/accounts/pace.py).
    The view finds in `request.relation` through which relation it was let in.
    """
    if action not in policy.TABLE:
        raise KeyError(f"{action} is not in the access table")

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            actor: Actor | None = getattr(request, "actor", None)
            visit = Visit(request, action, kwargs)
            if actor is None:
                response = render(request, "accounts/no_role.html", status=403)
                visit.record(response.status_code)
                patch_cache_control(response, no_store=True, private=True)
                return response
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            if any("\0" in value for value in kwargs.values() if isinstance(value, str)):
                # No name holds it, and the database takes no question with it.
                raise Http404
            try:
                with visit.refusals_recorded():
                    if fetch is None:
                        visit.relation = policy.relation_for(actor, action)
                        if visit.relation is None:
                            raise PermissionDenied
                        visit.hold_back()
                        _ask_to_confirm(request, confirm)
                        response = view(request, *args, **kwargs)
                    else:
                        visit.thing = fetch(actor, **kwargs)
                        subject = visit.thing if about is None else about(visit.thing)
                        visit.relation = policy.relation_for(actor, action, subject)
                        if visit.relation is None:
                            if policy.in_scope(actor, subject, action):
                                raise PermissionDenied
                            raise Http404
                        request.relation = visit.relation  # type: ignore[attr-defined]  # the attribute is ours
                        visit.hold_back()
                        _ask_to_confirm(request, confirm)
                        for on_entry in _on_entry:
                            on_entry(request, action, subject, visit.relation)
                        response = view(request, visit.thing)
            except TooFast as held:
                return _come_again(request, held)
            visit.record(response.status_code)
            patch_cache_control(response, no_store=True, private=True)
            return response

        guarded.action = action  # type: ignore[attr-defined]  # read by the test that walks every URL
        return guarded

    return decorate


# Told of everyone who is let in to a thing, before the view: (request, action, subject, relation).
OnEntry = Callable[[HttpRequest, str, Any, Relation], None]
_on_entry: list[OnEntry] = []


def register_on_entry(function: OnEntry) -> None:
    """Have `function` told whenever the gate lets somebody in to a thing; it may take part in the request, not refuse it."""
    if function not in _on_entry:
        _on_entry.append(function)


def _ask_to_confirm(request: HttpRequest, methods: tuple[str, ...]) -> None:
    if request.method in methods:
        ask_who_it_is(request)


def ask_who_it_is(request: HttpRequest) -> None:
    """Raises ReauthenticationRequired unless the person proved who they are in the last minutes.

    For a view that asks only sometimes; one that always does says so with `confirm`.
    """
    if not second_step.proved_lately(request):
        # The library's middleware keeps what a form sent and asks for password, code or passkey.
        raise ReauthenticationRequired


def _come_again(request: HttpRequest, held: TooFast) -> HttpResponse:
    """429, with the seconds after which there is room again."""
    minutes = math.ceil(held.seconds / 60)
    response = render(
        request, "accounts/too_fast.html", {"minutes": minutes}, status=HTTPStatus.TOO_MANY_REQUESTS
    )
    response["Retry-After"] = str(held.seconds)
    patch_cache_control(response, no_store=True, private=True)
    return response


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
