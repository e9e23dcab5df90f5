"""Where a patient stands within the treatment, in words, and what there is to press."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from episodes.models import Episode
from episodes.places import place_in_treatment
from episodes.stages import Stage
from integration.places import Doses, place_words
from integration.windows import NeedState
from kapclinic.accounts.models import User
from sessions.models import DosingSession, SessionState

DENVER = ZoneInfo("America/Denver")
NEXT = datetime(2026, 3, 12, 16, 0, tzinfo=UTC)


def window(state: NeedState, booked: datetime | None = None) -> Any:
    return SimpleNamespace(
        state=state, dose_number=2, booked_from=booked, closes_at=NEXT, words="superseded by the next dose"
    )


@pytest.mark.parametrize(
    ("doses", "of_last", "words", "is_over"),
    [
        (Doses(0, 6, False, None), None, "Dose 1 of 6 is to plan.", False),
        (Doses(0, 6, False, NEXT), None, "Dose 1 of 6 is planned for Thu 12 Mar, 10:00.", False),
        (Doses(0, 6, True, None), None, "Dose 1 of 6 is under way.", False),
        (Doses(2, 6, True, NEXT), window(NeedState.PROVISIONAL), "Dose 2 of 6 is under way.", False),
        (
            Doses(2, 6, False, None),
            window(NeedState.OPEN),
            "Integration after dose 2 has no time yet; its window closes Thu 12 Mar, 10:00. Dose 3 of 6 is to plan.",
            False,
        ),
        (
            Doses(2, 6, False, NEXT),
            window(NeedState.PLACED, NEXT),
            "Integration after dose 2 is booked for Thu 12 Mar, 10:00. Dose 3 of 6 is planned for Thu 12 Mar, 10:00.",
            False,
        ),
        (
            Doses(6, 6, False, None),
            window(NeedState.PLACED, NEXT),
            "Integration after dose 2 is booked for Thu 12 Mar, 10:00. The 6 planned doses have been given.",
            False,
        ),
        (
            Doses(6, 6, False, None),
            window(NeedState.MISSED),
            "The window of integration after dose 2 was missed. The 6 planned doses have been given.",
            True,
        ),
        (
            Doses(6, 6, False, None),
            window(NeedState.MET),
            "Integration after dose 2 took place. The 6 planned doses have been given.",
            True,
        ),
        (
            Doses(6, 6, False, NEXT),
            window(NeedState.MET),
            "Integration after dose 2 took place. A further dose is planned for Thu 12 Mar, 10:00.",
            False,
        ),
        (Doses(6, 6, False, None), None, "The 6 planned doses have been given.", True),
    ],
)
def test_place_in_words(doses: Doses, of_last: Any, words: str, is_over: bool) -> None:
    assert place_words(doses, of_last, zone=DENVER) == (words, is_over)


@pytest.mark.django_db
def test_page_leads_to_the_next_dose_and_not_out_of_the_treatment(
    client: Client, dose: Any, episode: Episode, therapist: User, coordinator: User
) -> None:
    Episode.objects.filter(pk=episode.pk).update(stage=Stage.TREATMENT)
    DosingSession.objects.filter(pk=dose.pk).update(state=SessionState.ENDED)
    place = place_in_treatment(episode, timezone.now())
    assert place.words.endswith("Dose 2 of 6 is to plan.")
    address = reverse("episodes:episode-detail", kwargs={"public_id": episode.public_id})
    client.force_login(therapist)
    step = client.get(address).content.decode().split('id="next-title"')[1].split("</section>")[0]
    assert step.count("btn-primary") == 1
    assert f'href="{place.url}">Plan dose 2</a>' in step
    client.force_login(coordinator)
    assert "Later, a prescriber or therapist of the care team" in client.get(address).content.decode()
