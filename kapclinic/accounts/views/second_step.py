"""A person's second step: what there is, and taking a passkey away. Adding and giving one are pages of django-allauth."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import ViewRecoveryCodesView
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kapclinic.accounts import second_step
from kapclinic.accounts.adapter import secrets_of
from kapclinic.accounts.models import User
from kapclinic.accounts.pages import public_page
from kapclinic.accounts.recovery_codes import codes_of, keep_hashes


def _codes_left(user: User) -> int | None:
    codes = codes_of(user).first()
    if codes is None:
        return None
    with secrets_of(user):
        return len(codes.wrap().get_unused_codes())


@public_page
@never_cache
@login_required
@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The app, the passkeys and how many recovery codes are left; where a step is required and none is there: set one up."""
    user: Any = request.user
    steps = list(second_step.steps_of(user))
    return render(
        request,
        "accounts/second_step.html",
        {
            "app": next((step for step in steps if step.type == Authenticator.Type.TOTP), None),
            "passkeys": [step.wrap() for step in steps if step.type == Authenticator.Type.WEBAUTHN],
            "codes_left": _codes_left(user),
            "is_required": settings.MFA_REQUIRED,
            "is_missing": settings.MFA_REQUIRED and not steps,
        },
    )


class ShowRecoveryCodes(ViewRecoveryCodesView):
    """The codes, once; from then on hashes of them are kept (kapclinic/accounts/recovery_codes.py)."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user: Any = self.request.user
        with transaction.atomic():
            # Two windows side by side: the second one is told that they were shown.
            list(codes_of(user).select_for_update())
            context: dict[str, Any] = super().get_context_data(**kwargs)
            if context["can_view_codes"]:
                keep_hashes(codes_of(user).get(), context["unused_codes"])
        return context


@method_decorator(reauthentication_required(app="allauth.mfa"), name="dispatch")
class RemovePasskey(RemoveWebAuthnView):
    """Take a passkey away; where a second step is required, not the last one."""

    success_url = reverse_lazy("mfa_index")

    def form_valid(self, form: Any) -> HttpResponse:
        if not get_adapter().can_delete_authenticator(self.object):
            messages.error(
                self.request,
                "This is your only second step, and one is required: set another up before you remove it.",
            )
            return redirect("mfa_index")
        response: HttpResponse = super().form_valid(form)
        return response
