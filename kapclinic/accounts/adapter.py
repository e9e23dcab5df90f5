"""How django-allauth behaves here: nobody signs up without an invitation."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitationOnlyAdapter(DefaultAccountAdapter):
    """Closes open sign-up; people come in through an invitation link of a manager."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
