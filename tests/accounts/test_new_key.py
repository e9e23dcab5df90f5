"""Whoever proves once more who they are goes on under a new session key; their other windows lose nothing by it."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kapclinic.accounts.middleware import CLINIC_SESSION_KEY
from kapclinic.accounts.models import Role, SignIn, User
from kapclinic.accounts.session_keys import RENEWED_FOR
from kapclinic.clinics.models import Clinic
from tests import factories
from tests.accounts.test_second_step import code_now, give_app
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
AGAIN = {
    "password": ("account_reauthenticate", lambda: {"password": PASSWORD}),
    "code": ("mfa_reauthenticate", lambda: {"code": code_now()}),
    "unlock": ("accounts:unlock", lambda: {"password": PASSWORD}),
}


def _key(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _under(key: str) -> Client:
    """Another request of the browser that still carries this key."""
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    return client


def _prove(client: Client, way: str) -> None:
    name, fields = AGAIN[way]
    assert client.post(reverse(name), fields()).status_code in (204, 302)


@pytest.mark.parametrize("way", AGAIN)
def test_key_is_new_and_the_session_the_same_when_somebody_proves_who_they_are(
    client: Client, clinic: Clinic, other_clinic: Clinic, nurse: User, way: str
) -> None:
    give_app(nurse)
    factories.Membership.objects.create(clinic=other_clinic, user=nurse, role=Role.NURSE)
    client.force_login(nurse)
    client.post(reverse("accounts:switch-clinic"), {"clinic": other_clinic.pk})
    if way == "unlock":
        client.post(reverse("accounts:lock"))
    old, before = _key(client), dict(client.session)
    _prove(client, way)
    assert _key(client) != old
    assert not Session.objects.filter(session_key=old).exists()
    after = client.session
    assert {name: after[name] for name in before if name != "account_authentication_methods"} == {
        name: value for name, value in before.items() if name != "account_authentication_methods"
    }
    assert after[CLINIC_SESSION_KEY] == str(other_clinic.pk)
    sign_in = SignIn.objects.get()
    assert (sign_in.locked_at, sign_in.ended_at) == (None, None)
    assert client.get(reverse("accounts:self")).status_code == 200


def test_key_stays_when_the_proof_is_wrong(client: Client, nurse: User) -> None:
    client.force_login(nurse)
    old = _key(client)
    client.post(reverse("account_reauthenticate"), {"password": "wrong"})
    assert (_key(client), Session.objects.count()) == (old, 1)


def test_old_key_opens_nothing_when_it_was_copied_before(client: Client, nurse: User) -> None:
    client.force_login(nurse)
    thief = _under(_key(client))
    assert thief.get(reverse("accounts:self")).status_code == 200
    _prove(client, "password")
    for path in (reverse("accounts:self"), reverse("notices:inbox")):
        assert thief.get(path).status_code == 307
    with time_machine.travel(timezone.now() + RENEWED_FOR + timedelta(seconds=1)):
        assert thief.get(reverse("accounts:self")).url.startswith(reverse("account_login"))


def test_request_on_its_way_is_sent_again_under_the_new_key_and_takes_no_cookie(
    client: Client, nurse: User
) -> None:
    client.force_login(nurse)
    on_its_way = _under(_key(client))
    _prove(client, "password")
    for headers in ({}, {"HX-Request": "true", "X-Background": "true"}):
        answer = on_its_way.post(reverse("accounts:touch") + "?a=1", headers=headers)
        assert (answer.status_code, answer["Location"]) == (307, reverse("accounts:touch") + "?a=1")
        assert settings.SESSION_COOKIE_NAME not in answer.cookies
    assert client.post(reverse("accounts:touch") + "?a=1").status_code == 204


def test_form_in_another_window_is_taken_when_its_person_proved_who_they_are_meanwhile(nurse: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(nurse)
    form = browser.get(reverse("accounts:self"))
    again = browser.get(reverse("account_reauthenticate"))
    proof = {"password": PASSWORD, "csrfmiddlewaretoken": str(again.context["csrf_token"])}
    old = _key(browser)
    assert browser.post(reverse("account_reauthenticate"), proof).status_code == 302
    assert _key(browser) != old
    typed = {"name": "Renamed in an old form", "csrfmiddlewaretoken": str(form.context["csrf_token"])}
    assert browser.post(reverse("accounts:self"), typed).status_code == 302
    nurse.refresh_from_db()
    assert nurse.name == "Renamed in an old form"
