"""What the episode's page says about the next step, by role and stage."""

import pytest
from django.test import Client
from django.urls import reverse

from episodes.models import Episode
from episodes.stages import Stage
from kapclinic.accounts.models import User

pytestmark = pytest.mark.django_db


def _page(client: Client, person: User, episode: Episode) -> str:
    client.force_login(person)
    return client.get(
        reverse("episodes:episode-detail", kwargs={"public_id": episode.public_id})
    ).content.decode()


def _at(episode: Episode, stage: Stage) -> Episode:
    Episode.objects.filter(pk=episode.pk).update(stage=stage)
    episode.refresh_from_db()
    return episode


def test_coordinator_reads_who_takes_the_next_step_when_it_is_not_theirs(
    client: Client, coordinator: User, episode: Episode
) -> None:
    text = _page(client, coordinator, _at(episode, Stage.PREPARATION))
    assert (
        "A nurse, prescriber or therapist of the care team moves the patient on to <b>treatment</b>" in text
    )


def test_coordinator_takes_the_step_themselves_when_it_is_theirs(
    client: Client, coordinator: User, episode: Episode
) -> None:
    text = _page(client, coordinator, _at(episode, Stage.REFERRED))
    assert "To screening" in text
    assert "of the care team moves" not in text


def test_no_stage_is_the_main_thing_to_press_in_maintenance(
    client: Client, therapist: User, episode: Episode
) -> None:
    text = _page(client, therapist, _at(episode, Stage.MAINTENANCE))
    step = text.split('id="next-title"')[1].split("</section>")[0]
    assert "btn-outline-primary" in step
    assert "btn-primary" not in step
