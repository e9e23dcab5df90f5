"""The locked screen: what it answers, how it opens, when it gives up."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kapclinic.accounts.models import SignIn, User
from kapclinic.accounts.screen_lock import GRACE, LONGEST_SIGN_IN, MOST_WRONG_UNLOCKS
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def screen(client: Client, nurse: User) -> Client:
    """A nurse's browser, signed in."""
    client.force_login(nurse)
    return client


@pytest.fixture
def locked(screen: Client) -> Client:
    """The same, locked."""
    assert screen.post(reverse("accounts:lock")).status_code == 204
    return screen


def _age(**fields: timedelta) -> None:
    now = timezone.now()
    SignIn.objects.update(**{name: now - age for name, age in fields.items()})


def test_locked_screen_answers_nothing_but_the_lock_page(locked: Client) -> None:
    answer = locked.get(reverse("notices:inbox"))
    assert answer.status_code == 423
    assert "Nothing to do" not in answer.text
    assert "no-store" in answer["Cache-Control"]
    assert f'value="{reverse("notices:inbox")}"' in answer.text


def test_locked_screen_answers_423_when_a_part_of_a_page_asks(locked: Client) -> None:
    assert locked.get(reverse("notices:inbox"), headers={"HX-Request": "true"}).status_code == 423


def test_locked_screen_changes_nothing_when_a_form_is_sent(locked: Client, nurse: User) -> None:
    answer = locked.post(reverse("accounts:self"), {"name": "Somebody Else"})
    assert answer.status_code == 423
    assert "was not saved" in answer.text
    nurse.refresh_from_db()
    assert nurse.name != "Somebody Else"


def test_screen_opens_in_place_when_its_own_person_gives_the_password(locked: Client) -> None:
    assert locked.post(reverse("accounts:unlock"), {"password": PASSWORD}).status_code == 204
    assert locked.get(reverse("accounts:self")).status_code == 200


def test_screen_returns_to_the_page_when_unlocked_from_the_lock_page(locked: Client) -> None:
    answer = locked.post(reverse("accounts:unlock"), {"password": PASSWORD, "next": reverse("accounts:self")})
    assert answer.url == reverse("accounts:self")


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example/", ""])
def test_screen_returns_to_today_when_the_way_back_leads_elsewhere(locked: Client, back: str) -> None:
    answer = locked.post(reverse("accounts:unlock"), {"password": PASSWORD, "next": back})
    assert answer.url == reverse("desk:today")


def test_screen_stays_locked_when_the_password_is_wrong(locked: Client) -> None:
    answer = locked.post(reverse("accounts:unlock"), {"password": "wrong"})
    assert answer.status_code == 422
    assert answer.text == "That is not your password."
    assert locked.get(reverse("accounts:self")).status_code == 423


def test_person_is_signed_out_when_five_wrong_passwords_came(locked: Client) -> None:
    for _ in range(MOST_WRONG_UNLOCKS - 1):
        assert locked.post(reverse("accounts:unlock"), {"password": "wrong"}).status_code == 422
    assert locked.post(reverse("accounts:unlock"), {"password": "wrong"}).status_code == 401
    assert locked.post(reverse("accounts:unlock"), {"password": PASSWORD}).status_code == 401
    assert locked.get(reverse("accounts:self")).status_code == 302
    assert SignIn.objects.get().ended_at is not None


def test_wrong_passwords_are_forgotten_when_the_right_one_came(locked: Client) -> None:
    for _ in range(MOST_WRONG_UNLOCKS - 1):
        locked.post(reverse("accounts:unlock"), {"password": "wrong"})
    locked.post(reverse("accounts:unlock"), {"password": PASSWORD})
    assert SignIn.objects.get().wrong_unlocks == 0


def test_screen_locks_by_itself_when_nothing_was_sent_for_the_idle_time(screen: Client, settings) -> None:
    idle = timedelta(minutes=settings.IDLE_LOCK_MINUTES) + GRACE
    _age(seen_at=idle - timedelta(seconds=30))
    assert screen.get(reverse("accounts:self")).status_code == 200
    _age(seen_at=idle + timedelta(seconds=1))
    assert screen.get(reverse("accounts:self")).status_code == 423
    assert SignIn.objects.get().locked_at is not None


def test_idle_time_begins_anew_when_a_person_sends_something(screen: Client) -> None:
    _age(seen_at=timedelta(minutes=10))
    screen.post(reverse("accounts:touch"))
    assert timezone.now() - SignIn.objects.get().seen_at < timedelta(seconds=10)


def test_idle_time_goes_on_when_a_page_asks_by_itself(screen: Client) -> None:
    _age(seen_at=timedelta(minutes=10))
    screen.get(reverse("accounts:self"), headers={"X-Background": "1"})
    assert timezone.now() - SignIn.objects.get().seen_at > timedelta(minutes=9)


def test_person_is_signed_out_when_twelve_hours_have_passed_since_the_sign_in(screen: Client) -> None:
    _age(began_at=LONGEST_SIGN_IN - timedelta(seconds=30))
    assert screen.get(reverse("accounts:self")).status_code == 200
    _age(began_at=LONGEST_SIGN_IN + timedelta(seconds=1))
    answer = screen.get(reverse("accounts:self"))
    assert answer.status_code == 302
    assert answer.url.startswith(reverse("account_login"))
    assert screen.get(reverse("accounts:self"), headers={"HX-Request": "true"}).status_code == 401


def test_password_opens_nothing_when_the_sign_in_is_over(locked: Client) -> None:
    _age(began_at=LONGEST_SIGN_IN)
    assert locked.post(reverse("accounts:unlock"), {"password": PASSWORD}).status_code == 401


def test_lock_of_one_browser_leaves_another_open_when_the_person_has_two(locked: Client, nurse: User) -> None:
    second = Client()
    second.force_login(nurse)
    assert second.get(reverse("accounts:self")).status_code == 200
    assert locked.get(reverse("accounts:self")).status_code == 423


def test_locked_screen_lets_sign_out_and_probes_pass(locked: Client) -> None:
    assert locked.get("/livez").status_code == 200
    assert locked.post("/account/logout/").status_code == 302


def test_session_is_signed_out_when_it_belongs_to_no_sign_in(screen: Client) -> None:
    session = screen.session
    del session["sign_in"]
    session.save()
    assert screen.get(reverse("accounts:self")).status_code == 302


def test_screen_page_asks_for_sign_in_when_nobody_is_signed_in(client: Client, db: None) -> None:
    assert client.post(reverse("accounts:lock")).status_code == 401
    assert client.post(reverse("accounts:touch")).status_code == 401
    assert client.post(reverse("accounts:unlock"), {"password": PASSWORD}).status_code == 401
    assert client.get(reverse("accounts:lock")).status_code == 405
