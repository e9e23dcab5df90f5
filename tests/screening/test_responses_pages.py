"""The pages of questionnaires, by role."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from screening.models import Response, RiskAssessment
from screening.services.responses import record_response
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def response(episode, nurse):
    """A complete PHQ-9."""
    return record_response(
        patient=episode.patient, episode=episode, instrument_id="phq-9", answers=[1] * 8 + [0], actor=nurse
    )


def form(answers="222211200", **fields):
    """What the browser sends for a PHQ-9."""
    items = {f"item_{n}": value for n, value in enumerate(answers, start=1) if value != "-"}
    at = timezone.localtime(timezone=ZoneInfo("America/Denver")).strftime("%Y-%m-%dT%H:%M")
    return {"completed_at": at, "phase": "screening", "mode": "staff", **items, **fields}


@pytest.mark.parametrize("instrument_id", ["phq-9", "gad-7", "audit-c", "pcl-5"])
def test_form_shows_exact_wording_and_attribution_when_opened(client, episode, nurse, instrument_id):
    client.force_login(nurse)
    page = client.get(reverse("screening:response-create", args=[episode.public_id, instrument_id]))
    assert page.status_code == 200
    assert page.content.decode().count("data-question=") >= 3
    assert "Regenstrief" in page.content.decode()


def test_nurse_records_a_questionnaire_when_sending_the_form(client, episode, nurse):
    client.force_login(nurse)
    answer = client.post(reverse("screening:response-create", args=[episode.public_id, "phq-9"]), form())
    stored = Response.objects.get()
    assert answer.url == reverse("screening:response-detail", args=[stored.pk])
    page = client.get(answer.url).content.decode()
    assert "Moderate" in page
    assert client.get(reverse("screening:response-list", args=[episode.public_id])).status_code == 200


def test_incomplete_is_kept_and_said_so_when_a_question_is_open(client, episode, nurse):
    client.force_login(nurse)
    answer = client.post(
        reverse("screening:response-create", args=[episode.public_id, "phq-9"]),
        form("22-211200"),
        follow=True,
    )
    assert "no total" in answer.content.decode()
    assert Response.objects.get().total is None


def test_form_keeps_what_was_typed_when_refused(client, episode, nurse):
    client.force_login(nurse)
    address = reverse("screening:response-create", args=[episode.public_id, "phq-9"])
    answer = client.post(address, form("---------", phase="other"))
    assert answer.status_code in (200, 422)
    assert "Answer at least one question." in answer.content.decode()
    answer = client.post(address, form(completed_at="2999-01-01T10:00"))
    assert "lies in the future" in answer.content.decode()
    assert "checked" in answer.content.decode()
    assert not Response.objects.exists()


def test_patient_sees_whom_to_reach_and_no_score_when_item_nine_is_endorsed(client, episode, nurse):
    client.force_login(nurse)
    address = reverse("screening:response-create", args=[episode.public_id, "phq-9"])
    page = client.post(address, form("000000001", mode="patient"), follow=True).content.decode()
    assert "988" in page
    assert "None-minimal" not in page
    assert RiskAssessment.objects.count() == 1


def test_coordinator_may_enter_but_not_read_when_not_clinical(client, episode, coordinator, response):
    client.force_login(coordinator)
    address = reverse("screening:response-create", args=[episode.public_id, "phq-9"])
    answer = client.post(address, form())
    stored = Response.objects.exclude(pk=response.pk).get()
    assert answer.url == reverse("screening:response-saved", args=[stored.pk])
    page = client.get(reverse("screening:response-list", args=[episode.public_id])).content.decode()
    assert "None-minimal" not in page
    assert "Mild" not in page
    assert client.get(reverse("screening:response-detail", args=[response.pk])).status_code == 403


def test_questionnaires_do_not_exist_when_out_of_scope(
    client, episode, therapist_off_team, other_clinic, response
):
    stranger = factories.make_member(other_clinic, factories.Role.PRESCRIBER)
    for user in (therapist_off_team, stranger):
        client.force_login(user)
        assert client.get(reverse("screening:response-detail", args=[response.pk])).status_code == 404
        assert client.get(reverse("screening:response-list", args=[episode.public_id])).status_code == 404


def test_correction_supersedes_when_sent_with_a_reason(client, nurse, response):
    client.force_login(nurse)
    address = reverse("screening:response-correct", args=[response.pk])
    assert client.get(address).status_code == 200
    answer = client.post(address, {**form("000000000"), "reason": "copied from the wrong sheet"})
    new = Response.objects.current().get()
    assert answer.url == reverse("screening:response-detail", args=[new.pk])
    assert new.supersedes == response
    assert (
        "version in force"
        in client.get(reverse("screening:response-detail", args=[response.pk])).content.decode()
    )


def test_review_list_empties_when_a_clinician_has_looked(client, episode, nurse, coordinator):
    old = record_response(
        patient=episode.patient, episode=episode, instrument_id="phq-9", answers=[0] * 8 + [2], actor=nurse,
        completed_at=timezone.now() - timedelta(days=30),
    )  # fmt: skip
    client.force_login(nurse)
    assert "item 9 = 2" in client.get(reverse("screening:response-review")).content.decode()
    client.post(reverse("screening:response-review-done", args=[old.pk]), {"note": "known"})
    assert "Nothing to look at" in client.get(reverse("screening:response-review")).content.decode()
    client.force_login(coordinator)
    assert client.get(reverse("screening:response-review")).status_code == 403


def test_about_page_names_licences_and_what_is_left_out(client, nurse):
    client.force_login(nurse)
    page = client.get(reverse("screening:response-about")).content.decode()
    assert "C-SSRS" in page
    assert "No permission required" in page
