"""Banner and journey bar: what stands above a patient's pages, and for whom."""

from datetime import timedelta

import pytest
from django.utils import timezone

from episodes.models import Allergy, Episode
from episodes.stages import JOURNEY, Stage
from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.desk.banner import build_banner, build_journey, tabs_of
from kapclinic.desk.chart import build_chart
from tests import factories

pytestmark = pytest.mark.django_db


def words(episode: Episode, user: User, clinic: Clinic) -> dict[str, str]:
    banner = build_banner(episode, factories.make_actor(user, clinic), now=timezone.now())
    return {flag.words: flag.tone for flag in banner.flags}


def test_banner_says_who_it_is_and_whom_to_ring(clinic: Clinic, episode: Episode, therapist: User) -> None:
    banner = build_banner(episode, factories.make_actor(therapist, clinic), now=timezone.now())
    assert (banner.name, banner.public_id) == ("Demo, Mei", episode.patient.public_id)
    assert "Sam Demo" in banner.emergency
    assert len(banner.team) == 2


def test_allergies_are_named_to_clinicians_and_not_to_a_coordinator(
    clinic: Clinic, episode: Episode, nurse: User, coordinator: User
) -> None:
    Allergy.objects.create(clinic=clinic, patient=episode.patient, substance="latex", created_by=nurse)
    assert words(episode, nurse, clinic)["Allergy: latex"] == "red"
    assert not any("latex" in text for text in words(episode, coordinator, clinic))


def test_missing_allergy_list_is_not_taken_for_none(clinic: Clinic, episode: Episode, nurse: User) -> None:
    assert words(episode, nurse, clinic)["No allergy recorded"] == "neutral"


def test_consent_state_is_said_in_words(clinic: Clinic, episode: Episode, coordinator: User) -> None:
    assert words(episode, coordinator, clinic)["No valid treatment consent"] == "red"
    today = timezone.localtime(timezone=clinic.zone).date()
    factories.make_treatment_consent(episode, coordinator, expires_on=today + timedelta(days=14))
    found = words(episode, coordinator, clinic)
    assert any(text.startswith("Treatment consent ends") and tone == "amber" for text, tone in found.items())
    factories.make_treatment_consent(episode, coordinator, expires_on=today + timedelta(days=15))
    assert words(episode, coordinator, clinic)["Treatment consent in force"] == "green"


def test_banner_links_only_to_pages_that_are_open_to_the_person(
    clinic: Clinic, episode: Episode, coordinator: User, manager: User
) -> None:
    now = timezone.now()
    banner = build_banner(episode, factories.make_actor(manager, clinic), now=now)
    assert [banner.url, *(flag.url for flag in banner.flags)] == ["", "", ""]
    banner = build_banner(episode, factories.make_actor(coordinator, clinic), now=now)
    assert all([banner.url, *(flag.url for flag in banner.flags)])


def test_journey_marks_where_we_are_and_what_blocks_the_next_step(
    clinic: Clinic, patient, prescriber: User
) -> None:
    episode = factories.make_episode(patient, prescriber=prescriber, stage=Stage.SCREENING)
    journey = build_journey(episode, factories.make_actor(prescriber, clinic), now=timezone.now())
    assert [step.state for step in journey.steps] == ["done", "now", "later", "later", "later", "later"]
    assert journey.next_label == "preparation"
    assert "The care team has no therapist." in journey.blocks
    assert len(journey.steps) == len(JOURNEY)


def test_tabs_lead_only_to_pages_that_are_open_to_the_person(
    clinic: Clinic, episode: Episode, coordinator: User, therapist: User
) -> None:
    def labels(user: User) -> list[str]:
        actor = factories.make_actor(user, clinic)
        return [tab.label for tab in tabs_of(episode, actor, view_name="desk:chart")]

    assert "Chart" in labels(therapist)
    assert "Chart" not in labels(coordinator)
    assert "Consents" in labels(coordinator)


@pytest.mark.parametrize(
    ("view_name", "label"),
    [
        ("dosing:preparation-new", "Preparation"),
        ("dosing:vitals", "Doses"),
        ("episodes:consent-revoke", "Consents"),
        ("episodes:disclosures", "Consents"),
        ("episodes:give-out", "Consents"),
        ("episodes:goal-reword", "Episode"),
        ("scheduling:appointment-book", ""),
    ],
)
def test_one_tab_at_most_is_marked_as_the_place_where_one_is(
    clinic: Clinic, episode: Episode, therapist: User, view_name: str, label: str
) -> None:
    tabs = tabs_of(episode, factories.make_actor(therapist, clinic), view_name=view_name)
    assert [tab.label for tab in tabs if tab.is_here] == ([label] if label else [])


def test_chart_gathers_the_timeline_and_what_is_new_since_the_readers_own_entry(
    clinic: Clinic, episode: Episode, therapist: User, prescriber: User
) -> None:
    chart = build_chart(episode, factories.make_actor(therapist, clinic), now=timezone.now())
    assert chart.timeline
    assert chart.since_words == "the latest"
    mine = build_chart(episode, factories.make_actor(prescriber, clinic), now=timezone.now())
    assert mine.since_words.startswith("since your entry of")
    assert mine.since_last == []
