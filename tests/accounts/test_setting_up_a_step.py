"""Setting up an authenticator app, with real commits: what follows from it happens after the commit."""

import re
import time

import time_machine
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kapclinic.accounts.models import Role
from tests import factories


def test_app_is_set_up_and_lets_the_person_work_at_once_when_required(committed_db: str, settings) -> None:
    settings.MFA_REQUIRED = True
    # A code holds for half a minute, and a slow machine takes its time.
    with time_machine.travel(timezone.now(), tick=False):
        _set_up_and_work()


def _set_up_and_work() -> None:
    nurse = factories.make_member(factories.make_clinic(), Role.NURSE)
    client = Client()
    client.post(reverse("account_login"), {"login": nurse.email, "password": factories.PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    secret = re.search(r'id="totp-key">([A-Z2-7]+)<', page.text).group(1)  # type: ignore[union-attr]
    assert "Incorrect code" in client.post(reverse("mfa_activate_totp"), {"code": "000000"}).text
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    done = client.post(reverse("mfa_activate_totp"), {"code": code})
    assert done.url == reverse("mfa_view_recovery_codes")
    assert len(re.findall(r"<li>(\d{8})</li>", client.get(done.url).text)) == 10
    assert not re.findall(r"<li>(\d{8})</li>", client.get(done.url).text), "the codes are shown once"
    assert client.get("/").status_code == 200
    assert mail.outbox[0].to == [nurse.email]
    assert "Authenticator app activated" in mail.outbox[0].body
