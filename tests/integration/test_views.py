"""Pages of integration, by role."""

import pytest
from django.urls import reverse

from integration.models import IntegrationSession, NeedPart
from integration.services import plan_need, record_session
from kapclinic.scheduling.models import AppointmentState
from kapclinic.scheduling.services import add_time_off
from tests.integration.situations import after


@pytest.fixture
def sign_in(client):
    """Signs a person in at this moment of the story."""

    def _sign_in(user):
        client.force_login(user)
        return client

    return _sign_in


@pytest.fixture
def need(dose, need_of):
    return need_of(dose)


@pytest.mark.parametrize(
    ("who", "status"),
    [("therapist", 200), ("coordinator", 200), ("nurse", 403), ("manager", 403), ("therapist_off_team", 404)],
)
def test_need_page_by_role(need, sign_in, request, who, status):
    url = reverse("integration:need-detail", args=[need.pk])
    assert sign_in(request.getfixturevalue(who)).get(url).status_code == status


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("therapist", 200),
        ("nurse", 200),
        ("prescriber", 200),
        ("coordinator", 403),
        ("therapist_off_team", 404),
    ],
)
def test_overview_by_role(need, episode, sign_in, request, who, status):
    url = reverse("integration:overview", args=[episode.public_id])
    assert sign_in(request.getfixturevalue(who)).get(url).status_code == status


def test_proposal_on_the_page_is_applied_by_a_click(need, sign_in, coordinator, need_of, dose):
    client = sign_in(coordinator)
    page = client.get(reverse("integration:need-detail", args=[need.pk]))
    choice = page.context["proposal"].placement.choice
    assert "What would fit" in page.content.decode()
    data = {"starts_at": choice.starts_at.strftime("%Y-%m-%dT%H:%M:%S+0000"), "person": choice.candidate_key}
    assert data["starts_at"] in page.content.decode()
    answer = client.post(reverse("integration:need-apply", args=[need.pk]), data)
    assert answer.status_code == 302
    assert need_of(dose).appointment.starts_at == choice.starts_at
    again = client.post(reverse("integration:need-apply", args=[need.pk]), data)
    assert again.url == answer.url


def test_page_says_why_nothing_fits(need, sign_in, coordinator, therapist, clinic):
    add_time_off(clinic=clinic, person=therapist, starts_at=after(0), ends_at=after(100), actor=therapist)
    text = sign_in(coordinator).get(reverse("integration:need-detail", args=[need.pk])).content.decode()
    assert "Why nothing fits" in text
    assert "away Mon 8 Jun 13:08 to Fri 12 Jun 17:08" in text


def test_waiting_page_lists_what_has_no_time(need, sign_in, coordinator, episode):
    text = sign_in(coordinator).get(reverse("integration:waiting")).content.decode()
    assert str(episode.patient) in text
    assert "Without a time" in text


def test_miss_is_recorded_on_the_page(need, sign_in, coordinator, travel, need_of, dose):
    travel.move_to(after(73))
    client = sign_in(coordinator)
    url = reverse("integration:need-miss", args=[need.pk])
    assert client.post(url, {"note": "kept text"}).status_code == 422
    assert client.post(url, {"reason": "declined", "note": "Felt well"}).status_code == 302
    assert need_of(dose).miss_reason == "declined"


def test_booked_session_is_held_written_and_signed_in_the_browser(
    need, sign_in, therapist, travel, need_of, dose
):
    plan_need(need=need, now=after(0))
    booking = need_of(dose).appointment
    travel.move_to(after(26))
    client = sign_in(therapist)
    hold = reverse("integration:session-hold", args=[booking.pk])
    assert client.get(hold).status_code == 200
    assert client.post(hold, {"day": "2026-06-09", "began": "13:15", "ended": "18:00"}).status_code == 422
    answer = client.post(hold, {"day": "2026-06-09", "began": "13:15", "ended": "14:10"})
    session = IntegrationSession.objects.get()
    assert answer.url == reverse("integration:session-detail", args=[session.pk])
    assert client.get(answer.url).status_code == 200
    note = {
        "version": 1,
        "covered_narrative": "on",
        "note_narrative": "Light",
        "modalities": ["act"],
        "then": "sign",
    }
    refused = client.post(answer.url, {**note, "modalities": []})
    assert refused.status_code == 422
    assert "Choose how you worked" in refused.content.decode()
    assert "Light" in refused.content.decode()
    done = client.post(answer.url, {**note, "version": 2, "new_step_0": "Walk"})
    assert done.status_code == 302
    session.refresh_from_db()
    assert session.is_signed
    assert session.action_steps.get().text == "Walk"
    text = client.get(answer.url).content.decode()
    assert "signed" in text
    assert "Meets the window of dose 1" in text
    assert client.get(hold).url == answer.url
    assert client.post(reverse("integration:session-addendum", args=[session.pk]), {
        "text": "And a dream", "addendum_id": "9b0a4dbe-4f43-4b5a-9c80-7d9d7c6b0a01"}).status_code == 302  # fmt: skip
    assert "And a dream" in client.get(answer.url).content.decode()


def test_outside_session_is_recorded_in_the_browser(need, sign_in, therapist, travel, episode, need_of, dose):
    travel.move_to(after(26))
    client = sign_in(therapist)
    url = reverse("integration:session-record", args=[episode.public_id])
    assert client.get(url).status_code == 200
    answer = client.post(
        url,
        {
            "held_by": f"person:{therapist.pk}", "day": "2026-06-09", "began": "14:00", "ended": "15:00",
            "place": "telehealth", "request_key": "9b0a4dbe-4f43-4b5a-9c80-7d9d7c6b0a02",
        },
    )  # fmt: skip
    assert answer.status_code == 302
    assert need_of(dose).met_at is not None


def test_nurse_reads_a_note_and_writes_none(need, sign_in, nurse, therapist, episode):
    session = record_session(
        episode=episode,
        held_from=after(-30),
        held_until=after(-29),
        therapist=therapist,
        actor=therapist,
        now=after(0),
    )
    client = sign_in(nurse)
    url = reverse("integration:session-detail", args=[session.pk])
    page = client.get(url)
    assert page.status_code == 200
    assert "note_narrative" not in page.content.decode()
    client.post(url, {"version": 1, "themes": "x"})
    session.refresh_from_db()
    assert session.version == 1


def test_overview_shows_the_bar_of_a_booked_window(need, sign_in, therapist, episode, need_of, dose):
    plan_need(need=need, now=after(0))
    booking = need_of(dose).appointment
    text = sign_in(therapist).get(reverse("integration:overview", args=[episode.public_id])).content.decode()
    assert "After dose 1" in text
    assert booking.state == AppointmentState.HELD
    assert "Secondary session" in text
    assert need_of(dose, NeedPart.SECONDARY) is not None


def test_day_draws_a_window_behind_the_times_of_the_care_team_alone(
    need, sign_in, coordinator, therapist, therapist_off_team
):
    url = reverse("scheduling:calendar")
    answer = sign_in(coordinator).get(url, {"view": "day", "day": f"{need.preferred_from:%Y-%m-%d}"})
    behind = {column.key: column.windows for column in answer.context["columns"]}
    assert [block.item.episode for block in behind[str(therapist.pk)]] == [need.episode]
    assert behind[str(therapist_off_team.pk)] == ()
    assert "cal-window" in answer.content.decode()
