"""Granting and ending roles."""

import pytest
from django.test import Client
from django.urls import reverse

from kapclinic.accounts import services
from kapclinic.accounts.models import Membership, Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Refused
from tests import factories

pytestmark = pytest.mark.django_db


def test_role_is_held_once_when_it_is_given_twice(clinic: Clinic, manager: User, nurse: User) -> None:
    first = services.grant_role(user=nurse, clinic=clinic, role=Role.COORDINATOR, actor=manager)
    second = services.grant_role(user=nurse, clinic=clinic, role=Role.COORDINATOR, actor=manager)
    assert first == second
    assert factories.make_actor(nurse, clinic).roles == {Role.NURSE, Role.COORDINATOR}


def test_role_may_be_given_again_when_it_had_ended(clinic: Clinic, manager: User, nurse: User) -> None:
    old = Membership.objects.get(user=nurse)
    services.end_role(membership=old, actor=manager)
    new = services.grant_role(user=nurse, clinic=clinic, role=Role.NURSE, actor=manager)
    assert new != old
    old.refresh_from_db()
    assert old.ended_by == manager


def test_last_manager_stays_when_somebody_ends_the_role(clinic: Clinic, manager: User) -> None:
    membership = Membership.objects.get(user=manager)
    with pytest.raises(Refused) as refusal:
        services.end_role(membership=membership, actor=manager)
    assert [reason.code for reason in refusal.value.reasons] == ["last-manager"]
    membership.refresh_from_db()
    assert membership.ended_at is None


def test_manager_of_another_clinic_does_not_count_when_the_last_is_ended(
    clinic: Clinic, other_clinic: Clinic, manager: User
) -> None:
    factories.make_member(other_clinic, Role.MANAGER)
    with pytest.raises(Refused):
        services.end_role(membership=Membership.objects.get(user=manager), actor=manager)


def test_inactive_manager_does_not_count_when_the_last_is_ended(clinic: Clinic, manager: User) -> None:
    gone = factories.make_member(clinic, Role.MANAGER)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    with pytest.raises(Refused):
        services.end_role(membership=Membership.objects.get(user=manager), actor=manager)


def test_rights_end_at_once_when_a_signed_in_persons_role_is_ended(
    client: Client, clinic: Clinic, manager: User, coordinator: User
) -> None:
    client.force_login(coordinator)
    assert client.get(reverse("jobs:list")).status_code == 200
    services.end_role(membership=Membership.objects.get(user=coordinator), actor=manager)
    answer = client.get(reverse("jobs:list"))
    assert answer.status_code == 403
    assert "no role at a clinic" in answer.text


@pytest.mark.parametrize("role", [Role.NURSE, Role.THERAPIST, Role.COORDINATOR, Role.MANAGER])
def test_medical_director_is_refused_when_not_a_prescriber(clinic: Clinic, manager: User, role: Role) -> None:
    person = factories.make_member(clinic, role)
    with pytest.raises(Refused):
        services.set_medical_director(
            membership=Membership.objects.get(user=person), is_director=True, actor=manager
        )


def test_medical_director_is_marked_when_a_prescriber(
    clinic: Clinic, manager: User, prescriber: User
) -> None:
    membership = Membership.objects.get(user=prescriber)
    services.set_medical_director(membership=membership, is_director=True, actor=manager)
    assert factories.make_actor(prescriber, clinic).is_medical_director
    services.set_medical_director(membership=membership, is_director=False, actor=manager)
    assert not factories.make_actor(prescriber, clinic).is_medical_director
