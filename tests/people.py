"""Fixtures: the people of a demo clinic and a patient in their care."""

import pytest

from episodes.models import Episode, Patient
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic
from tests import factories


@pytest.fixture
def clinic(db: None) -> Clinic:
    """A clinic in Denver."""
    return factories.make_clinic()


@pytest.fixture
def other_clinic(db: None) -> Clinic:
    """A clinic that has nothing to do with the first."""
    return factories.make_clinic("Other Demo Clinic", time_zone="America/New_York")


@pytest.fixture
def coordinator(clinic: Clinic) -> User:
    """A coordinator."""
    return factories.make_member(clinic, Role.COORDINATOR)


@pytest.fixture
def nurse(clinic: Clinic) -> User:
    """A nurse."""
    return factories.make_member(clinic, Role.NURSE)


@pytest.fixture
def therapist(clinic: Clinic) -> User:
    """The episode's therapist."""
    return factories.make_member(clinic, Role.THERAPIST)


@pytest.fixture
def therapist_off_team(clinic: Clinic) -> User:
    """A therapist of the clinic who does not care for the patient."""
    return factories.make_member(clinic, Role.THERAPIST, name="Demo Therapist Elsewhere")


@pytest.fixture
def prescriber(clinic: Clinic) -> User:
    """The episode's prescriber."""
    return factories.make_member(clinic, Role.PRESCRIBER)


@pytest.fixture
def manager(clinic: Clinic) -> User:
    """A manager."""
    return factories.make_member(clinic, Role.MANAGER)


@pytest.fixture
def patient(clinic: Clinic, coordinator: User) -> Patient:
    """A registered patient."""
    return factories.make_patient(clinic, coordinator)


@pytest.fixture
def episode(patient: Patient, prescriber: User, therapist: User, nurse: User) -> Episode:
    """A referred patient with prescriber, therapist and nurse on the team."""
    return factories.make_episode(patient, prescriber=prescriber, therapist=therapist, nurse=nurse)
