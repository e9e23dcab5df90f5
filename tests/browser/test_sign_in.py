"""Signing in where a second step is required: an app is set up and given, a passkey signs in alone, limits stay."""

import os
import secrets
import time
from collections.abc import Callable, Iterator

import pytest
import redis
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.utils import timezone
from playwright.sync_api import Page, expect

from kapclinic.accounts.models import Role, SignIn, User
from tests import databases, factories
from tests.live import LiveClinic

SLOW_MS = 20_000
# A passkey of the device itself, with a finger always on it.
_AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def running_clinic(migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveClinic]:
    """A clinic that asks for a second step, as every one in production does; signing in needs its web alone."""
    name = f"{databases.PREFIX}_{os.environ['KAP_TEST_RUN']}_signin_{secrets.token_hex(4)}"
    databases.clone(migrated_template, name)
    clinic = LiveClinic(
        database=name,
        folder=tmp_path_factory.mktemp("clinic"),
        only=("web",),
        environment={"REQUIRE_SECOND_STEP": "1"},
    )
    try:
        clinic.start()
        yield clinic
    finally:
        clinic.stop()
        databases.drop(name)


@pytest.fixture
def nurse(live_clinic: LiveClinic) -> User:
    """A nurse of a clinic of their own, without a second step yet."""
    return factories.make_member(factories.make_clinic(), Role.NURSE)


def _give_password(page: Page, user: User) -> None:
    page.set_default_timeout(SLOW_MS)
    page.goto("/account/login/")
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def _code_of(secret: str) -> str:
    """What an app shows now, with half of its 30 seconds left at least: a slow machine needs them."""
    while time.time() % 30 > 15:
        time.sleep(0.5)
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def test_app_is_set_up_at_the_first_sign_in_and_asked_for_at_the_next(
    new_page: Callable[[], Page], nurse: User
) -> None:
    page = new_page()
    _give_password(page, nurse)
    expect(page.get_by_role("heading", name="Set up a second step")).to_be_visible()
    page.get_by_role("link", name="Set up an authenticator app").click()
    secret = page.locator("#totp-key").inner_text()
    page.get_by_label("The code that the app shows now").fill(_code_of(secret))
    page.get_by_role("button", name="Set up").click()
    codes = page.get_by_role("list", name="Recovery codes").get_by_role("listitem").all_inner_texts()
    assert len(set(codes)) == 10
    page.goto("/")
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    other = new_page()
    _give_password(other, nurse)
    expect(other.get_by_role("heading", name="Second step")).to_be_visible()
    other.get_by_label("Code").fill(codes[0])
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("navigation", name="Main")).to_be_visible()
    assert SignIn.objects.filter(user=nurse, second_step_at__isnull=False).count() == 2


def test_passkey_is_added_and_signs_in_alone(new_page: Callable[[], Page], nurse: User) -> None:
    page = new_page()
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})
    _give_password(page, nurse)
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Sign in with it alone").check()
    page.get_by_role("button", name="Add").click()
    # Ten codes are hashed as passwords are, which takes seconds on a busy machine.
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible(timeout=30_000)
    page.goto("/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/account/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    latest = SignIn.objects.filter(user=nurse)[0]
    assert latest.second_step_at is not None


def test_counted_tries_stay_when_the_broker_forgets_everything(
    live_clinic: LiveClinic, new_page: Callable[[], Page]
) -> None:
    person = factories.make_member(factories.make_clinic(), Role.THERAPIST)
    page = new_page()
    for _ in range(5):
        page.goto("/account/login/")
        page.get_by_label("E-mail address").fill(person.email)
        page.get_by_label("Password").fill("not the password at all")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_load_state()
    redis.Redis.from_url(live_clinic.broker.url).flushall()
    _give_password(page, person)
    expect(page.get_by_text("Too many failed")).to_be_visible()


def _at_work(page: Page, user: User) -> None:
    """Signed in, the second step given."""
    _give_password(page, user)
    page.wait_for_url("**/second-step/")
    SignIn.objects.filter(user=user).update(second_step_at=timezone.now())


def _shows_sign_in_alone(page: Page, hidden: str) -> None:
    expect(page.get_by_label("E-mail address")).to_be_visible()
    assert hidden not in page.content()


def test_nothing_of_the_clinic_is_left_in_the_browser_when_its_person_signed_out(
    new_page: Callable[[], Page], nurse: User
) -> None:
    clinic = nurse.memberships.get().clinic
    therapist = factories.make_member(clinic, Role.THERAPIST)
    episode = factories.make_episode(
        factories.make_patient(clinic, family_name="Heron-Ash"), nurse=nurse, therapist=therapist
    )
    chart = f"/episodes/{episode.public_id}/chart/"
    page = new_page()
    _at_work(page, nurse)
    page.goto(chart)
    expect(page.get_by_text("Heron-Ash").first).to_be_visible()
    page.evaluate("localStorage.setItem('left', 'behind'); sessionStorage.setItem('left', 'behind')")
    page.keyboard.press("?")
    page.get_by_label("Use these keys on this device").uncheck()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/account/login/")
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    page.go_back()
    _shows_sign_in_alone(page, "Heron-Ash")
    # Whose sign-in is ended elsewhere finds the same at the next press.
    _at_work(page, nurse)
    page.goto(chart)
    page.keyboard.press("?")
    expect(page.get_by_label("Use these keys on this device")).not_to_be_checked()
    page.keyboard.press("Escape")
    page.evaluate("localStorage.setItem('left', 'behind')")
    SignIn.objects.filter(user=nurse).update(ended_at=timezone.now())
    page.goto("/")
    _shows_sign_in_alone(page, "Heron-Ash")
    assert page.evaluate("localStorage.length") == 0
    page.go_back()
    _shows_sign_in_alone(page, "Heron-Ash")
