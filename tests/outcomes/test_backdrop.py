"""A reference sample as the backdrop of the caseload's own baselines."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from screening.instruments import instrument
from screening.models import ReferenceCount, ReferenceSample
from tests import factories
from tests.outcomes.situations import phq9, treated_episode

pytestmark = pytest.mark.django_db
PAGE = reverse("outcomes:overview")


@pytest.fixture
def sample(clinic: Clinic) -> ReferenceSample:
    """Seven people of a made-up town: four with 2 points, three with 20."""
    made = ReferenceSample.objects.create(
        clinic=clinic,
        key="made-up-town",
        title="Made-up town 2020",
        instrument_id="phq-9",
        instrument_version=instrument("phq-9").version,
        people=8,
        complete=7,
        total_sum=68,
        content_digest="0" * 64,
    )
    for total, people in ((2, 4), (20, 3)):
        ReferenceCount.objects.create(sample=made, item=0, value=total, people=people)
    return made


@pytest.fixture
def baseline(clinic: Clinic, prescriber: User, therapist: User, nurse: User) -> None:
    """One patient of the therapist's who began at 18 points."""
    first = timezone.now() - timedelta(days=60)
    episode = treated_episode(
        clinic, prescriber=prescriber, therapist=therapist, nurse=nurse, first_dose_at=first
    )
    phq9(episode, first - timedelta(days=2), 18, nurse)
    factories.make_sharing_consent(episode, nurse, ["scores"])


def test_own_baselines_stand_before_the_sample(
    client: Client, sample: ReferenceSample, baseline: None, therapist: User
) -> None:
    client.force_login(therapist)
    text = client.get(PAGE).text
    assert "1 baseline before 7 complete questionnaires of Made-up town 2020" in text
    chart = text[text.index(f'id="baseline-{sample.pk.hex[:12]}') :]
    table = chart[: chart.index("</table>")]
    assert "Made-up town 2020" in table
    assert "57" in table, "four of seven people have 0 to 2 points: 57 %"
    assert "43" in table, "three of seven have 18 to 20: 43 %"


def test_sample_is_left_out_where_nobody_of_the_group_answered(
    client: Client, sample: ReferenceSample, baseline: None, therapist_off_team: User
) -> None:
    client.force_login(therapist_off_team)
    assert "Made-up town" not in client.get(PAGE).text


def test_small_group_is_hidden_from_the_manager_here_too(
    client: Client, sample: ReferenceSample, baseline: None, manager: User
) -> None:
    client.force_login(manager)
    assert "Made-up town" not in client.get(PAGE).text
