"""Recovery codes: shown once, kept as sealed hashes, each good for one sign-in."""

import json
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kapclinic.accounts import second_step
from kapclinic.accounts.models import SignIn, User
from kapclinic.accounts.recovery_codes import HASHES, codes_of
from kapclinic.encryption.rotation import missing_keys
from tests import factories
from tests.accounts.test_second_step import give_app
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def still_clock() -> Iterator[None]:
    """Limits are counted by the minute."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


def _shown_to(user: User) -> list[str]:
    """New codes, as the person sees them on the page."""
    browser = Client()
    browser.force_login(user)
    factories.prove(browser, user)
    page = browser.post(reverse("mfa_generate_recovery_codes"), follow=True)
    return re.findall(r"<li>(\d{8})</li>", page.text)


def _sign_in(user: User, code: str) -> bool:
    """Whether password and this code sign in at a new browser."""
    browser = Client()
    browser.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    return browser.post(reverse("mfa_authenticate"), {"code": code}).status_code == 302


@pytest.fixture
def codes(nurse: User) -> list[str]:
    """The nurse's ten codes, which were just shown."""
    give_app(nurse)
    return _shown_to(nurse)


def test_codes_rest_as_hashes_from_when_they_were_shown(nurse: User, codes: list[str]) -> None:
    assert len(set(codes)) == 10
    row = codes_of(nurse).get()
    assert "seed" not in row.data
    stored = json.dumps(row.data)
    opened = [second_step.unseal(each, user_id=nurse.pk) for each in row.data[HASHES]]
    for code, kept in zip(codes, opened, strict=True):
        assert code not in stored
        assert code not in kept
        assert check_password(code, kept)
    assert len({kept.split("$")[-1] for kept in opened}) == 10


def test_codes_are_shown_once(client: Client, nurse: User, codes: list[str]) -> None:
    client.force_login(nurse)
    factories.prove(client, nurse)
    page = client.get(reverse("mfa_view_recovery_codes")).text
    assert re.search(r">10</b> of 10 codes are left", page)
    assert not any(code in page for code in codes)
    assert 'The <span class="num">10</span> codes' in client.get(reverse("mfa_generate_recovery_codes")).text


def test_code_signs_in_once_however_it_is_typed(nurse: User, codes: list[str]) -> None:
    assert [_sign_in(nurse, code) for code in (codes[0], codes[0])] == [True, False]
    assert _sign_in(nurse, f" {codes[9][:4]} {codes[9][4:]} ")
    assert _sign_in(nurse, f"{codes[4][:4]}-{codes[4][4:]}")
    wrong = next(f"{number:08d}" for number in range(20) if f"{number:08d}" not in codes)
    assert not _sign_in(nurse, wrong)
    assert len(codes_of(nurse).get().data[HASHES]) == 7
    assert SignIn.objects.filter(user=nurse, second_step_at__isnull=False).count() == 3


def test_stored_hash_is_no_code(nurse: User, codes: list[str]) -> None:
    kept = second_step.unseal(codes_of(nurse).get().data[HASHES][0], user_id=nurse.pk)
    for stolen in (kept, kept.split("$")[-1]):
        assert not _sign_in(nurse, stolen)


def test_code_of_another_person_opens_nothing(nurse: User, therapist: User, codes: list[str]) -> None:
    give_app(therapist)
    theirs = _shown_to(therapist)
    assert not _sign_in(nurse, theirs[0])
    assert _sign_in(therapist, theirs[0])


def test_code_proves_who_it_is(client: Client, nurse: User, codes: list[str]) -> None:
    client.force_login(nurse)
    answer = client.post(reverse("mfa_reauthenticate"), {"code": codes[3]})
    assert answer.status_code == 302
    assert client.post(reverse("mfa_reauthenticate"), {"code": codes[3]}).status_code == 200


def test_code_counts_with_the_rounds_that_it_was_hashed_with(
    nurse: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 1000)
    nurse.set_password(PASSWORD)
    nurse.save()
    give_app(nurse)
    codes = _shown_to(nurse)
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 2000)
    assert _sign_in(nurse, codes[0])


def test_hashes_are_sealed_anew_when_the_key_changes(nurse: User, codes: list[str], settings: Any) -> None:
    old, new = settings.ENCRYPTION_KEYS, "new:" + "A" * 43 + "="
    settings.ENCRYPTION_KEYS = [new, *old]
    call_command("rotate_keys", stdout=StringIO())
    settings.ENCRYPTION_KEYS = [new]
    assert not missing_keys()
    assert all(each.startswith("v1.new.") for each in codes_of(nurse).get().data[HASHES])
    assert _sign_in(nurse, codes[0])


def test_key_may_change_when_every_code_was_used(nurse: User, codes: list[str], settings: Any) -> None:
    Authenticator.objects.filter(user=nurse, type="totp").delete()
    row = codes_of(nurse).get()
    row.data[HASHES] = []
    row.save()
    settings.ENCRYPTION_KEYS = ["new:" + "A" * 43 + "="]
    assert not missing_keys()
