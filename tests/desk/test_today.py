"""Today by role: who sees which card, that it is bounded, and that nobody sees what is not theirs."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from episodes.models import Episode
from episodes.stages import Stage
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Refused
from kapclinic.desk.today import Card, Place, Row, cards_for
from kapclinic.desk.today.registry import _with_one_primary
from kapclinic.jobs.models import Job, JobState
from kapclinic.jobs.services import run_due
from kapclinic.notices.models import Task, Urgency
from kapclinic.notices.services import complete_by_hand, open_task
from screening.services.responses import record_response, review_safety_answer
from sessions.models import DosingSession
from sessions.services import ask_for_readiness, call_off_session
from sessions.services.common import READINESS_TASK
from tests import factories

pytestmark = pytest.mark.django_db


def keys(user: User, clinic: Clinic, place: Place) -> list[str]:
    return [shown.key for shown in cards_for(factories.make_actor(user, clinic), timezone.now())[place]]


def card(user: User, clinic: Clinic, key: str) -> Card:
    cards = cards_for(factories.make_actor(user, clinic), timezone.now())
    return next(shown.card for place in Place for shown in cards[place] if shown.key == key)


def test_each_role_sees_its_own_cards(
    clinic: Clinic, coordinator: User, nurse: User, therapist: User, prescriber: User, manager: User
) -> None:
    assert keys(coordinator, clinic, Place.MAIN) == ["rooms", "windows", "handoffs"]
    assert keys(nurse, clinic, Place.MAIN) == ["rooms", "windows"]
    assert keys(therapist, clinic, Place.MAIN) == ["rooms", "windows", "handoffs"]
    assert keys(prescriber, clinic, Place.MAIN) == ["rooms", "windows", "handoffs"]
    assert keys(manager, clinic, Place.MAIN) == []
    assert keys(manager, clinic, Place.ASIDE) == ["for-you"]
    assert "referrals" in keys(coordinator, clinic, Place.ASIDE)


def test_most_urgent_task_stands_first_with_its_patient(
    clinic: Clinic, episode: Episode, therapist: User
) -> None:
    open_task(clinic=clinic, key="a", kind="k", title="Sign", role=Role.THERAPIST, episode=episode)
    open_task(
        clinic=clinic,
        key="b",
        kind="k",
        title="Suicide-risk assessment",
        role=Role.THERAPIST,
        episode=episode,
        urgency=Urgency.NOW,
    )
    rows = card(therapist, clinic, "for-you").rows
    assert [(row.who, row.tone) for row in rows] == [("Suicide-risk assessment", "red"), ("Sign", "neutral")]
    assert rows[0].line == "Demo, Mei"


def test_managers_task_names_no_patient(clinic: Clinic, episode: Episode, manager: User) -> None:
    open_task(clinic=clinic, key="a", kind="k", title="Look", role=Role.MANAGER, episode=episode)
    assert "Mei" not in card(manager, clinic, "for-you").rows[0].line


def test_dose_of_today_is_seen_by_the_team_and_by_nobody_else(
    clinic: Clinic, episode: Episode, therapist: User, therapist_off_team: User, coordinator: User
) -> None:
    Episode.objects.filter(pk=episode.pk).update(stage=Stage.TREATMENT)
    noon = timezone.now().astimezone(clinic.zone).replace(hour=12, minute=0)
    DosingSession.objects.create(
        clinic=clinic,
        episode=episode,
        planned_at=noon,
        planned_until=noon + timedelta(hours=3),
        created_by=therapist,
    )
    assert [row.who for row in card(therapist, clinic, "rooms").rows] == ["Demo, Mei"]
    assert card(therapist, clinic, "rooms").rows[0].line == "Dose 1 · no order yet"
    assert card(therapist_off_team, clinic, "rooms").rows == ()
    plain = card(coordinator, clinic, "rooms").rows[0]
    assert plain.line == ""
    assert plain.what == "12:00 to 15:00"


def test_dose_that_is_not_ready_is_shown_until_it_is(
    clinic: Clinic, episode: Episode, therapist: User, therapist_off_team: User, coordinator: User
) -> None:
    Episode.objects.filter(pk=episode.pk).update(stage=Stage.TREATMENT)
    planned = timezone.now() + timedelta(hours=30)
    session = DosingSession.objects.create(
        clinic=clinic,
        episode=episode,
        planned_at=planned,
        planned_until=planned + timedelta(hours=3),
        created_by=therapist,
    )
    ask_for_readiness(session, now=timezone.now())
    assert run_due() == 1
    (row,) = card(therapist, clinic, "not-ready").rows
    assert row.who == "Demo, Mei"
    assert "There is no order yet." in row.line
    assert row.button_url == reverse("dosing:session-detail", args=[session.pk])
    assert "not-ready" not in keys(therapist_off_team, clinic, Place.MAIN)
    assert "order" not in card(coordinator, clinic, "not-ready").rows[0].line, "that, not which"
    task = Task.objects.get(kind=READINESS_TASK)
    with pytest.raises(Refused):
        complete_by_hand(task=task, actor=therapist)
    call_off_session(session=session, reason="The patient has a cold.", actor=therapist)
    assert "not-ready" not in keys(therapist, clinic, Place.MAIN)


def test_old_answer_waits_on_today_until_a_clinician_has_looked(
    clinic: Clinic, episode: Episode, nurse: User, therapist_off_team: User
) -> None:
    response = record_response(
        patient=episode.patient,
        episode=None,
        instrument_id="phq-9",
        answers=[0, 0, 0, 0, 0, 0, 0, 0, 2],
        completed_at=timezone.now() - timedelta(days=400),
        actor=nurse,
        request_key=uuid.uuid4(),
    )
    assert [row.who for row in card(nurse, clinic, "review-history").rows] == ["Demo, Mei"]
    assert "review-history" not in keys(therapist_off_team, clinic, Place.ASIDE)
    review_safety_answer(response=response, actor=nurse, note="")
    assert "review-history" not in keys(nurse, clinic, Place.ASIDE)


def test_new_referral_waits_for_a_coordinator(clinic: Clinic, coordinator: User, episode: Episode) -> None:
    assert [row.who for row in card(coordinator, clinic, "referrals").rows] == ["Demo, Mei"]


def test_failed_work_is_shown_to_those_who_can_send_it_off_again(
    clinic: Clinic, coordinator: User, nurse: User
) -> None:
    now = timezone.now()
    Job.objects.create(
        clinic=clinic,
        kind="render_document",
        key="j",
        due_at=now,
        state=JobState.FAILED,
        attempts=8,
        last_error_at=now,
    )
    assert card(coordinator, clinic, "failed-jobs").rows[0].tone == "red"
    assert "failed-jobs" not in keys(nurse, clinic, Place.ASIDE)


def test_card_has_one_primary_button_at_most() -> None:
    rows = (Row("a"), Row("b", is_primary=True), Row("c", is_primary=True))
    assert [row.is_primary for row in _with_one_primary(Card("Title", rows)).rows] == [False, True, False]


@pytest.mark.parametrize("size", [1, 6])
def test_today_costs_the_same_queries_when_there_is_more_to_do(
    clinic: Clinic,
    coordinator: User,
    prescriber: User,
    therapist: User,
    size: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    noon = timezone.now().astimezone(clinic.zone).replace(hour=12, minute=0)
    for number in range(size):
        episode = factories.make_episode(
            factories.make_patient(clinic, coordinator, given_name=f"P{number}"),
            prescriber=prescriber,
            therapist=therapist,
            stage=Stage.TREATMENT,
        )
        DosingSession.objects.create(
            clinic=clinic,
            episode=episode,
            planned_at=noon,
            planned_until=noon + timedelta(hours=3),
            created_by=prescriber,
        )
        open_task(clinic=clinic, key=f"t{number}", kind="k", title="T", role=Role.PRESCRIBER, episode=episode)
    for user in (prescriber, coordinator):
        actor = factories.make_actor(user, clinic)
        with django_assert_max_num_queries(28):
            cards_for(actor, timezone.now())


def test_live_card_is_given_anew_to_those_who_hold_it_alone(
    client: Client, clinic: Clinic, therapist: User, manager: User
) -> None:
    address = reverse("desk:today-card", kwargs={"key": "windows"})
    client.force_login(therapist)
    assert b"No window is open." in client.get(address).content
    # "For you" is no live card, and there is none of the other name.
    for key in ("for-you", "elsewhere"):
        assert client.get(reverse("desk:today-card", kwargs={"key": key})).status_code == 404
    client.force_login(manager)
    answer = client.get(address)
    assert (answer.status_code, answer.content) == (200, b"")
