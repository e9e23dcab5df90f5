"""How django-allauth behaves here: nobody signs up without an invitation."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse


class InvitationOnlyAdapter(DefaultAccountAdapter):
    """Closes open sign-up; people come in through an invitation link of a manager."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:self")

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        # Only who knew the password gets here, so this tells nobody which addresses exist.
        messages.error(request, "This account is closed. Ask a manager of your clinic.")
        return redirect("account_login")
