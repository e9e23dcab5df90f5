"""The administration's pages: staff, rooms, the clinic, switching between clinics."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kapclinic.accounts.models import Licence, Membership, Role, User
from kapclinic.clinics.models import Clinic, Room
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, manager: User) -> Client:
    """The manager's browser, after the password."""
    client.force_login(manager)
    factories.prove(client, manager)
    return client


def test_staff_are_found_by_name_address_or_licence_when_searched(
    desk: Client, nurse: User, therapist: User
) -> None:
    page = reverse("administration:staff")
    number = Licence.objects.get(user=nurse).number
    for text in (nurse.name[5:9], nurse.email.upper(), number):
        found = desk.post(page, {"q": text}).text
        assert nurse.email in found
        assert therapist.email not in found
    assert "Nobody matches" in desk.post(page, {"q": "no such person"}).text


def test_staff_are_filtered_by_role(desk: Client, nurse: User, therapist: User) -> None:
    found = desk.post(reverse("administration:staff"), {"role": "therapist"}).text
    assert therapist.email in found
    assert nurse.email not in found


def test_former_people_are_listed_apart(desk: Client, nurse: User) -> None:
    Membership.objects.filter(user=nurse).update(ended_at=timezone.now())
    page = reverse("administration:staff")
    assert nurse.email not in desk.get(page).text
    assert nurse.email in desk.post(page, {"former": "yes"}).text


@pytest.mark.parametrize(("days", "words"), [(200, "valid"), (30, "expires soon"), (-1, "expired")])
def test_licence_says_its_state_when_listed(
    desk: Client, clinic: Clinic, nurse: User, days: int, words: str
) -> None:
    today = timezone.now().astimezone(clinic.zone).date()
    Licence.objects.filter(user=nurse).update(expires_on=today + timedelta(days=days))
    assert f"RN {words}" in desk.get(reverse("administration:staff")).text
    in_care = (
        nurse.full_name
        in desk.get(reverse("administration:overview")).text.split("Licences to look after")[1]
    )
    assert in_care is (words != "valid")


def test_role_is_given_and_ended_in_the_browser(desk: Client, clinic: Clinic, nurse: User) -> None:
    person = reverse("administration:person", kwargs={"pk": nurse.pk})
    desk.post(person, {"role": "coordinator"})
    assert factories.make_actor(nurse, clinic).roles == {Role.NURSE, Role.COORDINATOR}
    given = Membership.objects.get(user=nurse, role=Role.COORDINATOR)
    desk.post(reverse("administration:role-end", kwargs={"pk": given.pk}))
    assert factories.make_actor(nurse, clinic).roles == {Role.NURSE}


def test_last_manager_is_told_when_they_end_their_own_role(desk: Client, manager: User) -> None:
    mine = Membership.objects.get(user=manager)
    answer = desk.post(reverse("administration:role-end", kwargs={"pk": mine.pk}), follow=True)
    assert "A clinic needs a manager" in answer.text


def test_credentials_are_kept_in_the_browser(desk: Client, nurse: User) -> None:
    def page(name: str, pk: object) -> str:
        return reverse(f"administration:{name}", kwargs={"pk": pk})

    fields = {"kind": "NP", "number": "77-1", "state": "CO", "expires_on": "2030-01-31"}
    assert desk.post(page("licence-add", nurse.pk), fields).status_code == 302
    again = desk.post(page("licence-add", nurse.pk), fields)
    assert again.status_code == 422
    assert 'value="77-1"' in again.text
    licence = Licence.objects.get(number="77-1")
    desk.post(page("licence-change", licence.pk), {"action": "renew", "expires_on": "2032-01-31"})
    desk.post(page("licence-change", licence.pk), {"action": "withdraw"})
    licence.refresh_from_db()
    assert licence.is_withdrawn
    hours = {"kind": "didactic", "hours": "12.5", "completed_on": "2026-01-05", "provider": "Demo Institute"}
    assert desk.post(page("training-add", nurse.pk), hours).status_code == 302
    competency = {"kind": "trauma", "basis": "made-up certificate", "since": "2024-01-05"}
    assert desk.post(page("competency-add", nurse.pk), competency).status_code == 302
    text = desk.get(page("person", nurse.pk)).text
    for words in ("12.5 h", "within", "made-up certificate", "withdrawn"):
        assert words in text
    assert (
        desk.post(page("training-strike", nurse.training.get().pk), {"reason": "typed twice"}).status_code
        == 302
    )
    assert "typed twice" in desk.get(page("person", nurse.pk)).text


def test_room_is_added_renamed_and_taken_out_of_use(desk: Client, clinic: Clinic) -> None:
    assert desk.post(reverse("administration:rooms"), {"name": "Aspen", "kind": "dosing"}).status_code == 302
    room = Room.objects.get(name="Aspen")
    taken = desk.post(reverse("administration:rooms"), {"name": " Aspen", "kind": "therapy"})
    assert taken.status_code == 422
    assert "has a room of this name" in taken.text
    desk.post(reverse("administration:room", kwargs={"pk": room.pk}), {"name": "Birch", "kind": "therapy"})
    room.refresh_from_db()
    assert (room.name, room.kind, room.is_active) == ("Birch", "therapy", False)


def test_clinic_keeps_its_name_when_the_form_is_wrong(desk: Client, clinic: Clinic) -> None:
    page = reverse("administration:details")
    answer = desk.post(page, {"name": "", "time_zone": "Mars/Olympus"})
    assert answer.status_code == 422
    clinic.refresh_from_db()
    assert clinic.name
    assert desk.post(page, {"name": "Aspen Demo Clinic", "time_zone": "America/Chicago"}).status_code == 302
    clinic.refresh_from_db()
    assert (clinic.name, clinic.time_zone) == ("Aspen Demo Clinic", "America/Chicago")


def test_person_works_at_the_chosen_clinic_when_they_have_two(
    client: Client, clinic: Clinic, other_clinic: Clinic, nurse: User
) -> None:
    Membership.objects.create(clinic=other_clinic, user=nurse, role=Role.MANAGER)
    client.force_login(nurse)
    assert client.get(reverse("administration:staff")).status_code == 403
    client.post(reverse("accounts:switch-clinic"), {"clinic": other_clinic.pk})
    assert client.get(reverse("administration:staff")).status_code == 200
    Membership.objects.filter(clinic=other_clinic).update(ended_at=timezone.now())
    assert client.get(reverse("administration:staff")).status_code == 403


@pytest.mark.parametrize("chosen", ["", "not-a-key"])
def test_clinic_is_not_found_when_it_is_not_ones_own(
    client: Client, other_clinic: Clinic, nurse: User, chosen: str
) -> None:
    client.force_login(nurse)
    for key in (chosen, str(other_clinic.pk)):
        assert client.post(reverse("accounts:switch-clinic"), {"clinic": key}).status_code == 404


def test_profile_keeps_what_was_typed_when_it_is_wrong(client: Client, nurse: User) -> None:
    client.force_login(nurse)
    answer = client.post(reverse("accounts:self"), {"name": "", "phone": "+1 303 555 0199"})
    assert answer.status_code == 422
    assert "+1 303 555 0199" in answer.text
    client.post(
        reverse("accounts:self"), {"name": "Demo New Name", "credentials_suffix": "RN, BSN", "phone": ""}
    )
    nurse.refresh_from_db()
    assert nurse.full_name == "Demo New Name, RN, BSN"


@pytest.mark.parametrize(
    "name", ["administration:overview", "administration:staff", "administration:settings"]
)
def test_page_costs_the_same_when_the_clinic_is_large(
    desk: Client, clinic: Clinic, name: str, django_assert_num_queries
) -> None:
    page = reverse(name)
    factories.make_member(clinic, Role.NURSE)
    desk.get(page)
    with CaptureQueriesContext(connection) as few:
        desk.get(page)
    for _ in range(15):
        factories.make_member(clinic, Role.NURSE, Role.COORDINATOR)
    with django_assert_num_queries(len(few)):
        desk.get(page)
