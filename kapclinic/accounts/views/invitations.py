"""Following an invitation link."""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from kapclinic.accounts import services
from kapclinic.accounts.forms import AcceptInvitationForm
from kapclinic.accounts.middleware import CLINIC_SESSION_KEY
from kapclinic.accounts.models import Invitation, User
from kapclinic.accounts.pages import public_page
from kapclinic.accounts.services.invitations import person_invited
from kapclinic.clinics.refusals import Reason, Refused

_SESSION_KEY = "invitation"
_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@public_page
@never_cache
@require_safe
def follow(request: HttpRequest, secret: str) -> HttpResponse:
    """The link of the e-mail: remembers its digest and moves on, so that the secret stands in no address that is kept.

    Following it changes nothing else: mail programs open links on their own.
    """
    digest = services.digest_of(secret)
    if services.invitation_by_digest(digest) is None:
        return _closed(request, "wrong")
    request.session[_SESSION_KEY] = digest
    return redirect("accounts:invitation-accept")


@public_page
@never_cache
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password1", "password2")
def accept(request: HttpRequest) -> HttpResponse:
    """Join the clinic: with a new account, or with the one that the address has."""
    now = timezone.now()
    invitation = services.invitation_by_digest(request.session.get(_SESSION_KEY, ""))
    if invitation is None:
        return _closed(request, "wrong")
    if invitation.accepted_at is not None:
        return _closed(request, "used")
    if invitation.revoked_at is not None:
        return _closed(request, "withdrawn")
    if not invitation.is_open(now):
        return _closed(request, "expired")
    person = person_invited(invitation)
    if request.user.is_authenticated:
        if person is None or person.pk != request.user.pk:
            return render(request, "accounts/invitation_other.html", {"invitation": invitation}, status=403)
        return _join(request, invitation, request.user)
    if person is not None:
        return redirect_to_login(reverse("accounts:invitation-accept"))
    return _register(request, invitation)


def _closed(request: HttpRequest, why: str) -> HttpResponse:
    return render(
        request, "accounts/invitation_closed.html", {"why": why}, status=404 if why == "wrong" else 410
    )


def _join(request: HttpRequest, invitation: Invitation, user: User) -> HttpResponse:
    reasons: tuple[Reason, ...] = ()
    if request.method == "POST":
        try:
            services.accept_as_existing_person(invitation=invitation, user=user)
        except Refused as refusal:
            reasons = refusal.reasons
        else:
            return _welcome(request, invitation)
    return render(
        request,
        "accounts/invitation_join.html",
        {"invitation": invitation, "reasons": reasons},
        status=422 if reasons else 200,
    )


def _register(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    form = AcceptInvitationForm(
        request.POST if request.method == "POST" else None,
        email=invitation.email,
        initial={"name": invitation.name},
    )
    if form.is_valid():
        try:
            user = services.accept_as_new_person(
                invitation=invitation,
                name=form.cleaned_data["name"],
                password=form.cleaned_data["password1"],
                suffix=form.cleaned_data["suffix"],
            )
        except Refused as refusal:
            refusal.add_to(form)
        else:
            login(request, user, backend=_BACKEND)
            return _welcome(request, invitation)
    return render(
        request,
        "accounts/invitation_accept.html",
        {"invitation": invitation, "form": form},
        status=422 if form.errors else 200,
    )


def _welcome(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    request.session.pop(_SESSION_KEY, None)
    request.session[CLINIC_SESSION_KEY] = str(invitation.clinic_id)
    messages.success(request, f"Welcome to {invitation.clinic}.")
    return redirect("desk:today")
