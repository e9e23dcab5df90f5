"""Locking the screen and opening it again."""

from typing import cast

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from kapclinic.accounts import session_keys, sign_ins, visits
from kapclinic.accounts.middleware import lock_page
from kapclinic.accounts.models import SignIn
from kapclinic.accounts.pages import public_page

WRONG = "That is not your password."


def _sign_in(request: HttpRequest) -> SignIn | None:
    return cast(SignIn | None, getattr(request, "sign_in", None))


@public_page
@require_POST
def lock(request: HttpRequest) -> HttpResponse:
    """The browser saw no hand on it for the set time, or a person locks it."""
    sign_in = _sign_in(request)
    if sign_in is None:
        return HttpResponse(status=401)
    sign_ins.lock(sign_in)
    return HttpResponse(status=204)


@public_page
@require_POST
def touch(request: HttpRequest) -> HttpResponse:
    """A hand is on the screen though nothing is sent (reading, drawing breath): the sign-in middleware notes it."""
    return HttpResponse(status=204 if _sign_in(request) is not None else 401)


@public_page
@require_POST
@sensitive_post_parameters("password")
def unlock(request: HttpRequest) -> HttpResponse:
    """Opens a locked screen to its own person: 204 in place, or back to the page that was asked for.

    A wrong password is told (422 in place); after five the person is signed out (401 in place, else sign-in).
    """
    sign_in = _sign_in(request)
    is_page = "next" in request.POST
    if sign_in is None:
        return redirect("account_login") if is_page else HttpResponse(status=401)
    result = sign_ins.unlock(sign_in, request.POST.get("password", ""))
    visits.on_unlock_tried(request, sign_in.user, result)
    if result is sign_ins.Unlock.OVER:
        logout(request)
        return redirect("account_login") if is_page else HttpResponse(status=401)
    if result is sign_ins.Unlock.WRONG:
        if is_page:
            return lock_page(request, WRONG, request.POST["next"])
        return HttpResponse(WRONG, content_type="text/plain", status=422)
    session_keys.ask_for_new_key(request)
    if not is_page:
        return HttpResponse(status=204)
    back = request.POST["next"]
    if url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return HttpResponseRedirect(back)
    return redirect("desk:today")
