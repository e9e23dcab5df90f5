"""The second step: required or offered, given, sealed, lost; and proving once more before what matters."""

import time
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kapclinic.accounts import second_step
from kapclinic.accounts.adapter import secrets_of
from kapclinic.accounts.devices import device_words
from kapclinic.accounts.models import Membership, Role, SignIn, User
from kapclinic.clinics.models import Clinic
from kapclinic.encryption import DecryptionError
from kapclinic.encryption.rotation import missing_keys
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
TODAY = "/"


def code_now(*, periods_ago: int = 0) -> str:
    return format_hotp_value(hotp_value(SECRET, int(time.time()) // 30 - periods_ago))


def give_app(user: User) -> Authenticator:
    """An authenticator app whose secret is known here."""
    return Authenticator.objects.create(
        user=user, type=Authenticator.Type.TOTP, data={"secret": second_step.seal(SECRET, user_id=user.pk)}
    )


def _password(client: Client, user: User):
    return client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})


@pytest.fixture(autouse=True)
def still_clock() -> Iterator[None]:
    """A code holds for half a minute: on a slow machine it would run out between two lines of a test."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


@pytest.fixture
def required(settings) -> None:
    """As in production."""
    settings.MFA_REQUIRED = True


# Required and offered


def test_person_without_a_step_reaches_nothing_but_setting_one_up_when_required(
    client: Client, nurse: User, required: None
) -> None:
    _password(client, nurse)
    for address in (TODAY, reverse("accounts:self"), reverse("notices:inbox")):
        assert client.get(address).url == reverse("mfa_index")
    assert client.post(reverse("accounts:self"), {"name": "x"}).url == reverse("mfa_index")
    part = client.get(TODAY, headers={"HX-Request": "true"})
    assert (part.status_code, part["HX-Redirect"]) == (403, reverse("mfa_index"))
    assert "Set up a second step" in client.get(reverse("mfa_index")).text
    assert client.get(reverse("mfa_activate_totp")).status_code == 200
    assert client.post(reverse("account_logout")).status_code == 302


def test_person_without_a_step_works_when_it_is_only_offered(client: Client, nurse: User) -> None:
    _password(client, nurse)
    assert client.get(TODAY).status_code == 200
    assert "your password alone" in client.get(reverse("accounts:self")).text


def test_sign_in_ends_with_the_code_when_an_app_is_set_up(client: Client, nurse: User) -> None:
    give_app(nurse)
    assert _password(client, nurse).url == reverse("mfa_authenticate")
    assert client.get(TODAY).status_code == 302, "the password alone opens nothing"
    assert not SignIn.objects.exists()
    wrong = client.post(reverse("mfa_authenticate"), {"code": code_now(periods_ago=5)})
    assert "Incorrect code" in wrong.text
    assert client.post(reverse("mfa_authenticate"), {"code": code_now()}).url == TODAY
    assert SignIn.objects.get().second_step_at is not None


def test_code_works_once_when_somebody_has_looked_over_the_shoulder(client: Client, nurse: User) -> None:
    give_app(nurse)
    code = code_now()
    answers = []
    for browser in (client, Client()):
        _password(browser, nurse)
        answers.append(browser.post(reverse("mfa_authenticate"), {"code": code}).status_code)
    assert answers == [302, 200]


def test_right_code_is_refused_when_five_wrong_ones_came_before(client: Client, nurse: User) -> None:
    give_app(nurse)
    for _ in range(5):
        browser = Client()
        _password(browser, nurse)
        browser.post(reverse("mfa_authenticate"), {"code": "000000"})
    _password(client, nurse)
    assert "Too many failed" in client.post(reverse("mfa_authenticate"), {"code": code_now()}).text


def test_sign_in_gives_the_step_when_it_was_set_up_elsewhere_meanwhile(
    client: Client, nurse: User, required: None
) -> None:
    _password(client, nurse)
    give_app(nurse)
    answer = client.get(reverse("notices:inbox"))
    assert answer.url.startswith(reverse("mfa_reauthenticate"))
    assert client.get(reverse("mfa_add_webauthn")).url.startswith(reverse("mfa_reauthenticate")), (
        "a password alone must not add another way in"
    )
    assert client.post(answer.url, {"code": code_now()}).url == reverse("notices:inbox")
    assert client.get(reverse("notices:inbox")).status_code == 200


def test_recovery_code_signs_in_once_when_the_device_is_lost(client: Client, nurse: User) -> None:
    give_app(nurse)
    Authenticator.objects.create(
        user=nurse,
        type=Authenticator.Type.RECOVERY_CODES,
        data={"seed": second_step.seal("a1" * 40, user_id=nurse.pk), "used_mask": 0},
    )
    with secrets_of(nurse):
        code = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
    answers = []
    for browser in (client, Client()):
        _password(browser, nurse)
        answers.append(browser.post(reverse("mfa_authenticate"), {"code": code}).status_code)
    assert answers == [302, 200]


@pytest.mark.parametrize(("is_required", "left"), [(True, 1), (False, 0)])
def test_last_step_stays_when_one_is_required(
    client: Client, nurse: User, settings, is_required: bool, left: int
) -> None:
    give_app(nurse)
    _password(client, nurse)
    client.post(reverse("mfa_authenticate"), {"code": code_now()})
    settings.MFA_REQUIRED = is_required
    client.post(reverse("mfa_deactivate_totp"))
    assert Authenticator.objects.filter(user=nurse).count() == left


@pytest.mark.parametrize(("is_required", "left"), [(True, 1), (False, 0)])
def test_last_passkey_stays_when_one_is_required(
    client: Client, nurse: User, settings, is_required: bool, left: int
) -> None:
    client.force_login(nurse)
    factories.prove(client, nurse)
    key = Authenticator.objects.create(user=nurse, type="webauthn", data={"name": "Key", "credential": {}})
    SignIn.objects.update(second_step_at=timezone.now())
    settings.MFA_REQUIRED = is_required
    client.post(reverse("mfa_remove_webauthn", kwargs={"pk": key.pk}))
    assert Authenticator.objects.filter(user=nurse).count() == left


# Sealed secrets


def test_secret_rests_sealed_and_opens_for_its_person_alone(nurse: User, therapist: User) -> None:
    stored = give_app(nurse).data["secret"]
    assert SECRET not in stored
    assert second_step.unseal(stored, user_id=nurse.pk) == SECRET
    with pytest.raises(DecryptionError):
        second_step.unseal(stored, user_id=therapist.pk)


def test_secrets_are_sealed_anew_when_the_key_changes(client: Client, nurse: User, settings) -> None:
    give_app(nurse)
    Authenticator.objects.create(user=nurse, type="webauthn", data={"name": "Key", "credential": {}})
    old = settings.ENCRYPTION_KEYS
    new = "new:" + "A" * 43 + "="
    settings.ENCRYPTION_KEYS = [new]
    assert list(missing_keys().values()) == [["mfa_authenticator.data"]]
    settings.ENCRYPTION_KEYS = [new, *old]
    call_command("rotate_keys", stdout=StringIO())
    settings.ENCRYPTION_KEYS = [new]
    assert not missing_keys()
    _password(client, nurse)
    assert client.post(reverse("mfa_authenticate"), {"code": code_now()}).url == TODAY


# Lost device


def test_manager_removes_the_step_of_a_person_whose_device_is_lost(
    client: Client, clinic: Clinic, manager: User, nurse: User
) -> None:
    give_app(nurse)
    theirs = Client()
    theirs.force_login(nurse)
    client.force_login(manager)
    factories.prove(client, manager)
    person = reverse("administration:person", kwargs={"pk": nurse.pk})
    assert "Device lost" in client.get(person).text
    client.post(reverse("administration:second-step-remove", kwargs={"pk": nurse.pk}))
    assert not Authenticator.objects.filter(user=nurse).exists()
    assert theirs.get(reverse("accounts:self")).status_code == 302, "their sign-ins are over"
    assert mail.outbox[0].to == [nurse.email]
    assert "removed the second step" in mail.outbox[0].body


# Proving once more


@pytest.mark.parametrize("age", [timedelta(seconds=301), None])
def test_export_asks_who_it_is_and_then_goes_on_when_the_proof_is_old_or_missing(
    client: Client, manager: User, age: timedelta | None
) -> None:
    client.force_login(manager)
    if age is not None:
        factories.prove(client, manager, ago=age)
    export = reverse("outcomes:export-csv")
    asked = client.get(export)
    assert asked.url.startswith(reverse("account_reauthenticate"))
    assert client.post(asked.url, {"password": "wrong"}).status_code == 200
    assert client.get(export).status_code == 302
    done = client.post(asked.url, {"password": PASSWORD})
    assert done.url == export
    assert client.get(export)["Content-Type"].startswith("text/csv")


def test_role_is_given_without_typing_anew_when_the_person_proves_who_they_are(
    client: Client, manager: User, nurse: User
) -> None:
    client.force_login(manager)
    person = reverse("administration:person", kwargs={"pk": nurse.pk})
    asked = client.post(person, {"role": "coordinator"})
    assert asked.url.startswith(reverse("account_reauthenticate"))
    assert not Membership.objects.filter(user=nurse, role=Role.COORDINATOR).exists()
    client.post(asked.url, {"password": PASSWORD})
    assert Membership.objects.filter(user=nurse, role=Role.COORDINATOR).exists()


def test_right_comes_before_the_question_who_it_is(client: Client, nurse: User) -> None:
    client.force_login(nurse)
    assert client.get(reverse("outcomes:export-csv")).status_code == 403


def test_proof_of_another_person_counts_for_nobody_else(client: Client, manager: User, nurse: User) -> None:
    client.force_login(manager)
    factories.prove(client, nurse)
    assert client.get(reverse("outcomes:export-csv")).status_code == 302


# Sign-ins


def test_person_ends_a_sign_in_of_theirs_elsewhere(client: Client, nurse: User) -> None:
    elsewhere = Client(headers={"User-Agent": "Mozilla/5.0 (iPad; CPU OS 18_0) Safari/605.1"})
    _password(elsewhere, nurse)
    other = SignIn.objects.get()
    _password(client, nurse)
    assert "Safari on iPad" in client.get(reverse("accounts:self")).text
    client.post(reverse("accounts:sign-in-end", kwargs={"pk": other.pk}))
    assert elsewhere.get(reverse("accounts:self")).status_code == 302
    assert client.get(reverse("accounts:self")).status_code == 200


def test_all_other_sign_ins_end_at_once(client: Client, nurse: User) -> None:
    others = [Client(), Client()]
    for browser in (*others, client):
        _password(browser, nurse)
    answer = client.post(reverse("accounts:sign-ins-end"), follow=True)
    assert "2 other sign-ins ended" in answer.text
    assert [browser.get(reverse("accounts:self")).status_code for browser in others] == [302, 302]


def test_sign_in_of_another_person_is_not_there_to_end(client: Client, nurse: User, therapist: User) -> None:
    _password(Client(), therapist)
    _password(client, nurse)
    theirs = SignIn.objects.get(user=therapist)
    assert client.post(reverse("accounts:sign-in-end", kwargs={"pk": theirs.pk})).status_code == 404
    theirs.refresh_from_db()
    assert theirs.ended_at is None


def test_manager_ends_a_persons_sign_ins(client: Client, manager: User, nurse: User) -> None:
    theirs = Client()
    _password(theirs, nurse)
    client.force_login(manager)
    client.post(reverse("administration:sign-ins-end", kwargs={"pk": nurse.pk}))
    assert theirs.get(reverse("accounts:self")).status_code == 302


def test_open_form_is_refused_when_the_role_is_taken_away_meanwhile(
    client: Client, clinic: Clinic, coordinator: User
) -> None:
    client.force_login(coordinator)
    form = reverse("episodes:patient-register")
    assert client.get(form).status_code == 200
    Membership.objects.filter(user=coordinator).update(ended_at=timezone.now())
    Membership.objects.create(clinic=clinic, user=coordinator, role=Role.MANAGER)
    assert client.post(form, {"given_name": "Mei"}).status_code == 403


def test_open_form_is_refused_when_the_person_is_revoked_meanwhile(client: Client, coordinator: User) -> None:
    client.force_login(coordinator)
    User.objects.filter(pk=coordinator.pk).update(is_active=False)
    answer = client.post(reverse("episodes:patient-register"), {"given_name": "Mei"})
    assert answer.url == reverse("account_login")


def test_counted_tries_stay_when_a_stranger_tries_hundreds_of_addresses(client: Client, nurse: User) -> None:
    for _ in range(5):
        client.post(reverse("account_login"), {"login": nurse.email, "password": "wrong"})
    # What as many tries under made-up addresses would write.
    for number in range(400):
        cache.set(f"allauth:rl:made-up:{number}", [1.0], 300)
    assert "Too many failed" in _password(Client(), nurse).text


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0",
         "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/130.0 Mobile Safari/604.1", "Chrome on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "Safari on Mac"),
        ("curl/8.5", ""),
    ],
)  # fmt: skip
def test_device_has_a_name_that_people_know(sent: str, words: str) -> None:
    assert device_words(sent) == words
