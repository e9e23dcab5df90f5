"""How fast one person may read; counted from the record."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from episodes.models import Episode
from kapclinic.accounts.models import User
from kapclinic.accounts.pace import Span, is_reading
from kapclinic.audit.models import AccessEvent, Outcome
from tests import factories

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BACKGROUND = {"X-Background": "1"}


@pytest.mark.parametrize(
    ("count", "ago", "seconds"),
    [(0, None, 0), (2, 59, 0), (3, 0, 60), (3, 59, 1), (3, 59.5, 1), (9, 20, 40)],
)
def test_wait_ends_when_the_oldest_reading_leaves_the_span(
    count: int, ago: float | None, seconds: int
) -> None:
    first_at = None if ago is None else NOW - timedelta(seconds=ago)
    span = Span(timedelta(minutes=1), 3)
    assert span.seconds_left(count=count, first_at=first_at, now=NOW) == seconds


@pytest.mark.parametrize(
    ("method", "action", "reads"),
    [
        ("GET", "chart.view", True),
        ("HEAD", "dose.vitals", True),
        ("POST", "patient.list", True),
        ("POST", "outcomes.export", True),
        ("POST", "dose.vitals", False),
        ("POST", "dose.give", False),
    ],
)
def test_writing_is_no_reading(method: str, action: str, reads: bool) -> None:
    assert is_reading(method, action) is reads


@pytest.fixture
def still() -> Any:
    """The clock stands, so that a slow machine counts the same minute."""
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


@pytest.fixture
def paper(client: Client, episode: Episode, therapist: User, settings: Any, still: Any) -> str:
    """A page of a patient that the therapist may open three times a minute."""
    settings.READS_A_MINUTE = 3
    client.force_login(therapist)
    return reverse("episodes:disclosures", kwargs={"public_id": episode.public_id})


@pytest.mark.django_db
def test_person_who_reads_faster_than_hands_can_is_held_back(
    client: Client, paper: str, episode: Episode, nurse: User, still: Any
) -> None:
    assert [client.get(paper).status_code for _ in range(3)] == [200] * 3
    still.shift(timedelta(seconds=20))
    held = client.get(paper)
    assert (held.status_code, held["Retry-After"]) == (429, "40")
    assert "Wait 1 minute, then go on." in held.text
    assert episode.patient.family_name not in held.text
    assert AccessEvent.objects.latest("id").outcome == Outcome.LOCKED_OUT
    assert client.get(paper, headers=BACKGROUND).status_code == 200, "a part that asks by itself, read before"
    other = Client()
    other.force_login(nurse)
    assert other.get(paper).status_code == 200, "each person is counted alone"
    still.shift(timedelta(seconds=40))
    assert client.get(paper).status_code == 200, "what was held back does not count"


@pytest.mark.django_db
def test_header_of_a_part_that_asks_by_itself_opens_no_further_patient(
    client: Client, paper: str, clinic: Any, therapist: User, prescriber: User
) -> None:
    for _ in range(3):
        client.get(paper)
    patient = factories.make_patient(clinic, given_name="Ana")
    other = factories.make_episode(patient, prescriber=prescriber, therapist=therapist)
    unread = reverse("episodes:disclosures", kwargs={"public_id": other.public_id})
    assert client.get(unread, headers=BACKGROUND).status_code == 429


@pytest.mark.django_db
def test_what_was_done_is_recorded_however_much_was_read(
    client: Client, paper: str, episode: Episode
) -> None:
    for _ in range(4):
        client.get(paper)
    goal = reverse("episodes:goal-add", kwargs={"public_id": episode.public_id})
    client.post(goal, {"text": "Walk to the river"})
    assert episode.goals.get().text == "Walk to the river"


@pytest.mark.django_db
def test_hour_has_a_limit_of_its_own(client: Client, paper: str, settings: Any, still: Any) -> None:
    settings.READS_AN_HOUR = 4
    for _ in range(4):
        assert client.get(paper).status_code == 200
        still.shift(timedelta(minutes=3))
    held = client.get(paper)
    assert (held.status_code, held["Retry-After"]) == (429, str(48 * 60))
    still.shift(timedelta(minutes=48))
    # The screen has locked meanwhile.
    client.post(reverse("accounts:unlock"), {"password": factories.PASSWORD})
    assert client.get(paper).status_code == 200


@pytest.mark.django_db
def test_stranger_who_presses_sign_in_holds_nobody_back(client: Client, paper: str, therapist: User) -> None:
    for _ in range(5):
        Client().post(reverse("account_login"), {"login": therapist.email, "password": "wrong"})
    assert client.get(paper).status_code == 200


@pytest.mark.django_db
def test_counting_costs_one_query_of_a_page_about_a_patient_and_none_of_another(
    client: Client, paper: str, settings: Any
) -> None:
    settings.READS_A_MINUTE = 100
    client.get(paper)
    counted = []
    for url in (paper, reverse("accounts:self")):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(url)
        counted.append(
            len(
                [
                    query
                    for query in queries
                    if query["sql"].startswith("SELECT COUNT") and "audit_accessevent" in query["sql"]
                ]
            )
        )
    assert counted == [1, 0]
