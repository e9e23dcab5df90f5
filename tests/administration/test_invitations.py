"""From an invitation to a person at work."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kapclinic.accounts.models import Invitation, Membership, Role, User
from kapclinic.accounts.services import accept_as_new_person, digest_of, new_secret
from kapclinic.administration.services import invite, resend_invitation, revoke_invitation
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Refused
from kapclinic.jobs.services import run_due
from tests import factories

pytestmark = pytest.mark.django_db
ADDRESS = "noor@demo.example"
FORM = {
    "name": "Demo Noor",
    "suffix": "RN",
    "password1": "a very long made-up one",
    "password2": "a very long made-up one",
}


def _invite(clinic: Clinic, manager: User, *roles: Role, email: str = ADDRESS) -> Invitation:
    return invite(clinic=clinic, email=email, name="Demo Noor", roles=roles or (Role.NURSE,), actor=manager)


def _link() -> str:
    """Does the waiting work and returns the path of the last link that went out."""
    run_due()
    return re.search(r"https?://[^/]+(/\S+)", mail.outbox[-1].body).group(1)  # type: ignore[union-attr]


def test_person_comes_to_work_when_the_link_is_followed(
    client: Client, clinic: Clinic, manager: User
) -> None:
    invitation = _invite(clinic, manager, Role.NURSE, Role.COORDINATOR)
    page = client.get(_link(), follow=True)
    assert page.request["PATH_INFO"] == reverse("accounts:invitation-accept"), (
        "the secret leaves the address at once"
    )
    assert clinic.name in page.text
    done = client.post(reverse("accounts:invitation-accept"), FORM)
    assert done.url == reverse("desk:today")
    person = User.objects.get(email=ADDRESS)
    assert person.check_password(FORM["password1"])
    assert factories.make_actor(person, clinic).roles == {Role.NURSE, Role.COORDINATOR}
    assert client.get(reverse("accounts:self")).status_code == 200
    invitation.refresh_from_db()
    assert invitation.accepted_by == person


def test_mail_tells_who_invites_and_nothing_else(clinic: Clinic, manager: User) -> None:
    _invite(clinic, manager)
    _link()
    body = mail.outbox[0].body
    assert manager.name in body
    assert clinic.name in body
    assert mail.outbox[0].to == [ADDRESS]


def test_database_knows_the_digest_of_the_secret_alone(clinic: Clinic, manager: User) -> None:
    invitation = _invite(clinic, manager)
    secret = _link().rstrip("/").rsplit("/", 1)[-1]
    invitation.refresh_from_db()
    assert invitation.token_digest == digest_of(secret)
    assert secret not in str(invitation.__dict__)
    assert not any(field.name == "token_digest" for field in invitation.history.model._meta.get_fields())
    assert len(secret) >= 43, "256 random bits"
    assert new_secret() != new_secret()


def test_opening_the_link_changes_nothing(client: Client, clinic: Clinic, manager: User) -> None:
    _invite(clinic, manager)
    link = _link()
    for _ in range(3):
        assert client.get(link, follow=True).status_code == 200
    assert Invitation.objects.get().accepted_at is None
    assert not User.objects.filter(email=ADDRESS).exists()


def test_link_is_closed_when_it_was_used(client: Client, clinic: Clinic, manager: User) -> None:
    _invite(clinic, manager)
    link = _link()
    client.get(link)
    client.post(reverse("accounts:invitation-accept"), FORM)
    answer = Client().get(link, follow=True)
    assert answer.status_code == 410
    assert "has been accepted" in answer.text


@pytest.mark.parametrize(("seconds", "status"), [(1, 200), (0, 410), (-1, 410)])
def test_link_is_closed_when_its_time_is_over(
    client: Client, clinic: Clinic, manager: User, time_machine, seconds: int, status: int
) -> None:
    invitation = _invite(clinic, manager)
    assert invitation.expires_at - invitation.created_at == timedelta(days=7)
    link = _link()
    time_machine.move_to(invitation.expires_at - timedelta(seconds=seconds), tick=False)
    assert client.get(link, follow=True).status_code == status


def test_link_is_closed_when_the_invitation_was_withdrawn(
    client: Client, clinic: Clinic, manager: User
) -> None:
    invitation = _invite(clinic, manager)
    link = _link()
    client.get(link)
    revoke_invitation(invitation=invitation)
    answer = client.post(reverse("accounts:invitation-accept"), FORM)
    assert answer.status_code == 410
    assert "withdrawn" in answer.text
    assert not User.objects.filter(email=ADDRESS).exists()


def test_link_is_wrong_when_nobody_sent_it(client: Client, clinic: Clinic) -> None:
    answer = client.get(reverse("accounts:invitation-follow", kwargs={"secret": new_secret()}))
    assert answer.status_code == 404
    assert "does not work" in answer.text
    assert client.get(reverse("accounts:invitation-accept")).status_code == 404


def test_old_link_dies_and_the_time_begins_anew_when_it_is_sent_again(
    client: Client, clinic: Clinic, manager: User
) -> None:
    invitation = _invite(clinic, manager)
    old = _link()
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    resend_invitation(invitation=invitation)
    new = _link()
    assert old != new
    assert client.get(old, follow=True).status_code == 404
    assert client.get(new, follow=True).status_code == 200


def test_nothing_is_sent_when_the_invitation_was_withdrawn_before(clinic: Clinic, manager: User) -> None:
    revoke_invitation(invitation=_invite(clinic, manager))
    run_due()
    assert mail.outbox == []


def test_roles_are_added_when_a_person_with_an_account_accepts(
    client: Client, clinic: Clinic, other_clinic: Clinic, manager: User
) -> None:
    person = factories.make_member(other_clinic, Role.THERAPIST, email="Jo@demo.example")
    _invite(clinic, manager, email="jo@demo.example")
    link = _link()
    answer = client.get(link, follow=True)
    assert answer.request["PATH_INFO"] == reverse("account_login"), "a person with an account signs in first"
    client.post(reverse("account_login"), {"login": person.email, "password": factories.PASSWORD})
    assert "Join" in client.get(link, follow=True).text
    client.post(reverse("accounts:invitation-accept"))
    assert factories.make_actor(person, clinic).roles == {Role.NURSE}
    assert User.objects.filter(email__iexact="jo@demo.example").count() == 1
    assert clinic.name in client.get(reverse("accounts:self")).text


def test_invitation_is_refused_when_somebody_else_is_signed_in(
    client: Client, clinic: Clinic, manager: User
) -> None:
    _invite(clinic, manager)
    link = _link()
    client.force_login(manager)
    answer = client.get(link, follow=True)
    assert answer.status_code == 403
    assert client.post(reverse("accounts:invitation-accept")).status_code == 403
    assert Invitation.objects.get().accepted_at is None


def test_invitation_is_taken_once_when_two_browsers_accept(clinic: Clinic, manager: User) -> None:
    invitation = _invite(clinic, manager)
    accept_as_new_person(invitation=invitation, name="First", password="a long made-up one")
    with pytest.raises(Refused):
        accept_as_new_person(invitation=invitation, name="Second", password="a long made-up one")
    assert Membership.objects.filter(user__email=ADDRESS).count() == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password2": "another made-up one"}, "differ"),
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"password1": "password1234", "password2": "password1234"}, "too common"),
        ({"password1": "noor@demo.example", "password2": "noor@demo.example"}, "too similar"),
        ({"name": ""}, "required"),
    ],
)
def test_form_keeps_what_was_typed_when_something_is_wrong(
    client: Client, clinic: Clinic, manager: User, changes: dict[str, str], words: str
) -> None:
    _invite(clinic, manager)
    client.get(_link())
    answer = client.post(reverse("accounts:invitation-accept"), {**FORM, **changes})
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="RN"' in answer.text


def _codes(error: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in error.value.reasons]


def test_invitation_is_refused_when_one_is_open(clinic: Clinic, manager: User) -> None:
    _invite(clinic, manager)
    with pytest.raises(Refused) as error:
        _invite(clinic, manager, email=ADDRESS.upper())
    assert _codes(error) == ["invited"]


def test_invitation_is_refused_when_the_person_has_the_roles(
    clinic: Clinic, manager: User, nurse: User
) -> None:
    with pytest.raises(Refused) as error:
        _invite(clinic, manager, email=nurse.email.upper())
    assert _codes(error) == ["has-roles"]
    assert _invite(clinic, manager, Role.NURSE, Role.MANAGER, email=nurse.email)


def test_invitation_is_refused_when_no_role_is_chosen(clinic: Clinic, manager: User) -> None:
    with pytest.raises(Refused) as error:
        invite(clinic=clinic, email=ADDRESS, name="x", roles=[], actor=manager)
    assert _codes(error) == ["no-role"]


def test_manager_invites_sends_again_and_withdraws_in_the_browser(
    client: Client, clinic: Clinic, manager: User
) -> None:
    client.force_login(manager)
    factories.prove(client, manager)
    fields = {"name": "Demo Noor", "email": ADDRESS, "roles": [Role.NURSE]}
    assert client.post(reverse("administration:invite"), fields).url == reverse("administration:staff")
    invitation = Invitation.objects.get()
    assert "waits to be sent" in client.get(reverse("administration:staff")).text
    run_due()
    assert "sent " in client.get(reverse("administration:staff")).text
    client.post(reverse("administration:invitation-resend", kwargs={"pk": invitation.pk}))
    run_due()
    assert len(mail.outbox) == 2
    client.post(reverse("administration:invitation-revoke", kwargs={"pk": invitation.pk}))
    invitation.refresh_from_db()
    assert invitation.revoked_at is not None
