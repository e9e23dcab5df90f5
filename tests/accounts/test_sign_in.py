"""Signing in, its limits, the forgotten password, and the pages that are not there."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from kapclinic.accounts.models import CachedValue, SignIn, User
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
SIGN_IN = "/account/login/"


def _try(client: Client, email: str, password: str):
    return client.post(SIGN_IN, {"login": email, "password": password})


def test_person_comes_in_when_the_password_is_right_whatever_the_case_of_the_address(
    client: Client, nurse: User
) -> None:
    answer = _try(client, nurse.email.upper(), PASSWORD)
    assert answer.status_code == 302
    assert answer.url == reverse("desk:today")
    assert SignIn.objects.get(user=nurse).ended_at is None


def test_same_words_are_said_when_the_address_or_the_password_is_wrong(client: Client, nurse: User) -> None:
    wrong_password = _try(client, nurse.email, "not the password at all")
    wrong_address = _try(client, "nobody@demo.example", PASSWORD)
    said = [
        re.search(r"The email address and/or password[^<]*", answer.text)
        for answer in (wrong_password, wrong_address)
    ]
    assert all(said)
    assert said[0].group() == said[1].group()  # type: ignore[union-attr]


def test_person_stays_out_when_no_longer_active(client: Client, nurse: User) -> None:
    User.objects.filter(pk=nurse.pk).update(is_active=False)
    answer = client.post(SIGN_IN, {"login": nurse.email, "password": PASSWORD}, follow=True)
    assert "This account is closed" in answer.text
    assert not SignIn.objects.filter(user=nurse).exists()


def test_right_password_is_refused_when_five_wrong_ones_came_before(client: Client, nurse: User) -> None:
    for _ in range(5):
        _try(client, nurse.email, "not the password at all")
    answer = _try(client, nurse.email, PASSWORD)
    assert answer.status_code == 200
    assert "Too many failed" in answer.text
    assert CachedValue.objects.exists(), "the limit must outlive a restart, so it stands in the database"


def test_limit_holds_when_the_tries_come_from_browsers_of_their_own(nurse: User) -> None:
    for _ in range(5):
        _try(Client(), nurse.email, "not the password at all")
    assert "Too many failed" in _try(Client(), nurse.email, PASSWORD).text


def test_sign_out_ends_the_sign_in(client: Client, nurse: User) -> None:
    _try(client, nurse.email, PASSWORD)
    assert client.get("/account/logout/").status_code == 200
    client.post("/account/logout/")
    assert SignIn.objects.get(user=nurse).ended_at is not None
    assert client.get(reverse("accounts:self")).status_code == 302


def test_password_is_set_anew_when_the_link_of_the_mail_is_followed(client: Client, nurse: User) -> None:
    client.post("/account/password/reset/", {"email": nurse.email})
    assert len(mail.outbox) == 1
    path = re.search(r"https?://[^/]+(/\S+)", mail.outbox[0].body).group(1)  # type: ignore[union-attr]
    form = client.get(path, follow=True)
    fields = {"password1": "another long made-up one", "password2": "another long made-up one"}
    done = client.post(form.request["PATH_INFO"], fields, follow=True)
    assert "Your new password is saved" in done.text
    assert _try(client, nurse.email, "another long made-up one").status_code == 302
    assert "does not work any more" in Client().get(path, follow=True).text


def test_no_mail_goes_out_when_the_address_has_no_account(client: Client) -> None:
    answer = client.post("/account/password/reset/", {"email": "stranger@demo.example"}, follow=True)
    assert "Look into your mail" in answer.text
    assert mail.outbox == []


def test_other_browsers_are_signed_out_when_the_password_is_changed(client: Client, nurse: User) -> None:
    other = Client()
    for browser in (client, other):
        _try(browser, nurse.email, PASSWORD)
    fields = {
        "oldpassword": PASSWORD,
        "password1": "a third long made-up one",
        "password2": "a third long made-up one",
    }
    assert client.post("/account/password/change/", fields).url == reverse("accounts:self")
    assert client.get(reverse("accounts:self")).status_code == 200
    assert other.get(reverse("accounts:self")).status_code == 302


def test_weak_password_is_refused_when_changing(client: Client, nurse: User) -> None:
    client.force_login(nurse)
    fields = {"oldpassword": PASSWORD, "password1": "short", "password2": "short"}
    answer = client.post("/account/password/change/", fields)
    assert answer.status_code == 200
    assert "too short" in answer.text


@pytest.mark.parametrize(
    "name",
    ["account_signup", "account_email", "account_set_password", "account_inactive",
     "account_confirm_email", "account_request_login_code", "mfa_trust", "mfa_signup_webauthn",
     "mfa_download_recovery_codes"],
)  # fmt: skip
def test_page_of_the_sign_in_library_is_absent_when_it_is_not_used(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(name, kwargs={"key": "x"} if name == "account_confirm_email" else None)


def test_cache_is_a_table_of_the_database() -> None:
    assert settings.CACHES["default"]["BACKEND"].endswith("db.DatabaseCache")
    cache.set("made-up", 1, 30)
    assert cache.get("made-up") == 1
    assert CachedValue._meta.db_table == settings.CACHES["default"]["LOCATION"]


def test_session_cookie_ends_with_the_browser() -> None:
    assert settings.SESSION_EXPIRE_AT_BROWSER_CLOSE
    assert settings.SESSION_COOKIE_HTTPONLY
    assert Path(settings.BASE_DIR, "templates/account/login.html").exists()


FORGOTTEN = '"cache", "storage"'


def _told_to_forget(client: Client, address: str = "/", **fields: str) -> bool:
    answer = client.post(address, fields) if fields else client.get(address)
    return answer.headers.get("Clear-Site-Data") == FORGOTTEN


@pytest.mark.parametrize(
    "how", ["signs out", "ended elsewhere", "new password", "five wrong unlocks", "late"]
)
def test_browser_forgets_the_clinic_when_a_sign_in_is_over(client: Client, nurse: User, how: str) -> None:
    _try(client, nurse.email, PASSWORD)
    other = Client()
    _try(other, nurse.email, PASSWORD)
    assert not _told_to_forget(client)
    sign_ins = SignIn.objects.filter(pk=client.session["sign_in"])
    match how:
        case "signs out":
            assert _told_to_forget(client, reverse("account_logout"), really="yes")
        case "ended elsewhere":
            sign_ins.update(ended_at=timezone.now())
        case "new password":
            nurse.set_password("another long made-up password")
            nurse.save()
        case "late":
            sign_ins.update(began_at=timezone.now() - timedelta(hours=13))
        case "five wrong unlocks":
            client.post(reverse("accounts:lock"))
            told = [_told_to_forget(client, reverse("accounts:unlock"), password="wrong") for _ in range(5)]
            assert told == [False] * 4 + [True]
    if how not in ("signs out", "five wrong unlocks"):
        assert _told_to_forget(client)
    assert _told_to_forget(other) is (how == "new password")


def test_browser_keeps_everything_while_the_screen_is_locked_or_a_stranger_looks(
    client: Client, nurse: User
) -> None:
    assert not _told_to_forget(client, SIGN_IN)
    _try(client, nurse.email, PASSWORD)
    client.post(reverse("accounts:lock"))
    assert not _told_to_forget(client)
    assert not _told_to_forget(client, reverse("accounts:unlock"), password=PASSWORD)
