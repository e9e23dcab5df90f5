"""The outcome report: whose it is, what is hidden, and that it holds no person."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from integration.models import IntegrationNeed
from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.documents.models import Document, Rendition
from kapclinic.outcomes.report import COLUMNS, build_report, rows_of
from kapclinic.outcomes.rules import Rate
from kapclinic.outcomes.services import issue_report
from tests import factories
from tests.outcomes.situations import phq9, treated_episode

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_treated(
    clinic: Clinic, prescriber: User, therapist: User, nurse: User, therapist_off_team: User
) -> list:
    """Two treated patients: one of the therapist's, who responded, one of another's, who was not asked again."""
    first = timezone.now() - timedelta(days=60)
    mine = treated_episode(
        clinic, prescriber=prescriber, therapist=therapist, nurse=nurse, first_dose_at=first
    )
    other = treated_episode(
        clinic, prescriber=prescriber, therapist=therapist_off_team, nurse=nurse, first_dose_at=first
    )
    phq9(mine, first - timedelta(days=2), 18, nurse)
    phq9(mine, first + timedelta(days=30), 4, nurse)
    phq9(other, first - timedelta(days=2), 12, nurse)
    return [mine, other]


def test_clinicians_see_their_own_caseload_with_every_figure(
    clinic: Clinic, two_treated: list, therapist: User, prescriber: User
) -> None:
    factories.make_sharing_consent(two_treated[0], therapist, ["scores"])
    report = build_report(
        factories.make_actor(therapist, clinic), is_clinic=False, period="12", now=timezone.now()
    )
    whole = report.instruments[0].whole
    assert report.dosed_text == "1"
    assert (whole.response, whole.remission) == (Rate(1, 1), Rate(1, 1))
    both = build_report(
        factories.make_actor(prescriber, clinic), is_clinic=False, period="12", now=timezone.now()
    )
    assert both.dosed == 2
    assert both.instruments[0].whole.has_follow_up == Rate(1, 2)
    assert both.windows.rate == Rate(0, 2)
    assert both.miss_reasons == (("No reason recorded", "2"),)


def test_small_clinic_shows_its_manager_nothing_that_points_at_a_person(
    clinic: Clinic, two_treated: list, manager: User
) -> None:
    report = build_report(
        factories.make_actor(manager, clinic), is_clinic=True, period="all", now=timezone.now()
    )
    assert report.dosed_text == "fewer than 11"
    numbers = [row for row in rows_of(report) if row[3] not in ("", "0")]
    assert numbers == []


def test_report_names_no_patient_and_no_date_of_one(clinic: Clinic, two_treated: list, manager: User) -> None:
    report = build_report(
        factories.make_actor(manager, clinic), is_clinic=True, period="all", now=timezone.now()
    )
    text = " ".join(cell for row in rows_of(report) for cell in row)
    for episode in two_treated:
        assert episode.patient.given_name not in text
        assert episode.public_id not in text
        assert str(episode.patient.date_of_birth.year) not in text
    assert all(len(row) == len(COLUMNS) for row in rows_of(report))


def test_period_counts_by_the_first_dose(clinic: Clinic, two_treated: list, prescriber: User) -> None:
    actor = factories.make_actor(prescriber, clinic)
    later = timezone.now() + timedelta(days=200)
    assert build_report(actor, is_clinic=False, period="6", now=later).dosed == 0
    assert build_report(actor, is_clinic=False, period="12", now=later).dosed == 2
    with pytest.raises(KeyError):
        build_report(actor, is_clinic=False, period="7", now=later)


def test_window_still_open_is_not_in_the_rate(clinic: Clinic, two_treated: list, prescriber: User) -> None:
    now = timezone.now()
    IntegrationNeed.objects.filter(episode=two_treated[0]).update(closes_at=now + timedelta(seconds=1))
    report = build_report(factories.make_actor(prescriber, clinic), is_clinic=False, period="12", now=now)
    assert report.windows.rate == Rate(0, 1)


def test_issued_report_is_one_document_however_often_it_is_asked_for(
    clinic: Clinic, two_treated: list, manager: User
) -> None:
    now = timezone.now()
    actor = factories.make_actor(manager, clinic)
    document = issue_report(actor=actor, period="12", now=now)
    assert issue_report(actor=actor, period="12", now=now) == document
    assert document.subject_id == clinic.pk
    assert document.snapshot["patient"] is None
    assert Rendition.objects.filter(document=document).count() == 1
    assert Document.objects.count() == 1


@pytest.mark.parametrize("size", [1, 4])
def test_report_costs_the_same_queries_when_the_group_grows(
    clinic: Clinic,
    prescriber: User,
    therapist: User,
    nurse: User,
    size: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    first = timezone.now() - timedelta(days=60)
    for _ in range(size):
        treated_episode(clinic, prescriber=prescriber, therapist=therapist, nurse=nurse, first_dose_at=first)
    actor = factories.make_actor(prescriber, clinic)
    with django_assert_num_queries(13):
        build_report(actor, is_clinic=False, period="12", now=timezone.now())
