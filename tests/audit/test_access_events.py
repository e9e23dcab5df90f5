"""Who reached for what: one event for each read, each refusal, each sign-in and its failures; never a clinical word in it."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from episodes.models import Episode, Patient
from episodes.record_subjects import subject_of
from kapclinic.accounts.models import User
from kapclinic.accounts.policy import Relation
from kapclinic.accounts.visits import SIGN_IN, UNLOCK
from kapclinic.audit.access import Subject
from kapclinic.audit.models import AccessEvent, Outcome
from kapclinic.clinics.models import Clinic, Room
from kapclinic.documents.models import Document
from kapclinic.scheduling.services import make_feed
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN = "/account/login/"


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    AccessEventOnly.forget()
    return client


class AccessEventOnly:
    """The events since the last sign-in: rows of the record cannot be removed, so they are counted from a mark."""

    mark = 0

    @classmethod
    def forget(cls) -> None:
        last = AccessEvent.objects.order_by("-id").first()
        cls.mark = last.pk if last is not None else 0

    @classmethod
    def one(cls) -> AccessEvent:
        return AccessEvent.objects.get(pk__gt=cls.mark)

    @classmethod
    def count(cls) -> int:
        return AccessEvent.objects.filter(pk__gt=cls.mark).count()


def _chart(episode: Episode) -> str:
    return reverse("desk:chart", kwargs={"public_id": episode.public_id})


@pytest.mark.parametrize("name", ["desk:chart-windows", "desk:today-card"])
def test_part_that_asks_by_itself_is_one_read_in_half_an_hour(
    episode: Episode, therapist: User, name: str
) -> None:
    client = _signed_in(therapist)
    address = reverse(name, args=["windows" if name == "desk:today-card" else episode.public_id])
    events = AccessEvent.objects.filter(url_name=name)
    begin = timezone.now()
    for minutes, expected in ((0, 1), (1, 1), (10, 1), (20, 1), (29, 1), (31, 2)):
        with time_machine.travel(begin + timedelta(minutes=minutes), tick=False):
            # A hand on another page keeps the screen open.
            client.get("/")
            assert client.get(address, headers={"X-Background": "1"}).status_code == 200
        assert events.count() == expected, minutes
    # Asked for by hand it is always written down.
    client.get(address)
    assert events.count() == 3


def test_chart_read_is_recorded_with_who_whose_and_why(episode: Episode, therapist: User) -> None:
    answer = _signed_in(therapist).get(_chart(episode) + "?about=Demo")
    assert answer.status_code == 200
    event = AccessEventOnly.one()
    assert (event.action, event.outcome, event.relation) == (
        "chart.view",
        Outcome.ALLOWED,
        Relation.TEAM.value,
    )
    assert (event.user_id, event.clinic_id) == (therapist.pk, episode.clinic_id)
    assert (event.patient_id, event.episode_id) == (episode.patient_id, episode.pk)
    assert (event.object_type, event.object_id) == ("episodes.episode", str(episode.pk))
    assert (event.url_name, event.method, event.client_address) == ("desk:chart", "GET", "127.0.0.1")
    assert "Demo" not in str(vars(event))


def test_out_of_scope_chart_is_recorded_as_not_found(
    episode: Episode, therapist_off_team: User, other_clinic: Clinic
) -> None:
    client = _signed_in(therapist_off_team)
    assert client.get(_chart(episode)).status_code == 404
    event = AccessEventOnly.one()
    assert (event.outcome, event.relation, event.episode_id) == (Outcome.NOT_FOUND, "", episode.pk)
    AccessEventOnly.forget()
    assert client.get(_chart(Episode(public_id="ZZZ-0000"))).status_code == 404
    event = AccessEventOnly.one()
    assert (event.outcome, event.object_id, event.episode_id) == (Outcome.NOT_FOUND, "ZZZ-0000", None)


def test_refusal_in_scope_is_recorded_as_forbidden(episode: Episode, coordinator: User, nurse: User) -> None:
    assert _signed_in(coordinator).get(_chart(episode)).status_code == 403
    assert AccessEventOnly.one().outcome == Outcome.FORBIDDEN
    assert _signed_in(nurse).post(reverse("administration:rooms")).status_code == 403
    event = AccessEventOnly.one()
    assert (event.action, event.outcome, event.method) == ("rooms.manage", Outcome.FORBIDDEN, "POST")


def test_person_without_a_role_is_recorded_when_refused(db: None) -> None:
    user = get_user_model().objects.create_user("nobody@demo.example", name="Demo Nobody")
    assert _signed_in(user).get(reverse("desk:today")).status_code == 403
    event = AccessEventOnly.one()
    assert (event.outcome, event.user_id, event.clinic_id) == (Outcome.FORBIDDEN, user.pk, None)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("desk:today", "get"),
        ("desk:patients", "get"),
        ("desk:board", "get"),
        ("desk:search", "post"),
        ("scheduling:calendar", "get"),
        ("handoffs:list", "get"),
        ("integration:waiting", "get"),
        ("screening:response-review", "get"),
    ],
)
def test_list_is_one_event_with_its_number_of_rows(
    episode: Episode, therapist: User, name: str, method: str
) -> None:
    client = _signed_in(therapist)
    term = {"q": episode.patient.family_name} if method == "post" else {}
    assert getattr(client, method)(reverse(name), term).status_code == 200
    event = AccessEventOnly.one()
    assert event.rows is not None
    assert (event.patient_id, event.episode_id) == (None, None)
    if name in {"desk:patients", "desk:search", "desk:board"}:
        assert event.rows == 1
    assert episode.patient.family_name not in str(vars(event))


def test_page_of_the_house_is_no_event_when_let_in(clinic: Clinic, manager: User) -> None:
    assert _signed_in(manager).get(reverse("administration:rooms")).status_code == 200
    assert AccessEventOnly.count() == 0


def test_event_and_history_of_one_request_carry_the_same_id(episode: Episode, therapist: User) -> None:
    client = _signed_in(therapist)
    url = reverse("episodes:goal-add", kwargs={"public_id": episode.public_id})
    assert client.post(url, {"text": "Sleep through the night."}).status_code in {200, 302}
    event = AccessEventOnly.one()
    (goal,) = episode.goals.all()
    context = goal.history.select_related("pgh_context").get().pgh_context
    assert context.metadata["request"] == event.request != ""
    assert context.metadata["user"] == str(therapist.pk)
    assert "Sleep" not in str(vars(event))


def test_nothing_is_shown_when_the_event_cannot_be_written(
    episode: Episode, therapist: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = _signed_in(therapist)
    client.raise_request_exception = False
    monkeypatch.setattr(AccessEvent._meta.get_field("object_id"), "get_db_prep_save", _broken)
    answer = client.get(_chart(episode))
    assert answer.status_code == 500
    assert episode.patient.family_name not in answer.content.decode()


def _broken(*_args: Any, **_kwargs: Any) -> None:
    raise OSError("no room left")


def test_sign_in_and_its_failures_are_recorded(client: Client, nurse: User) -> None:
    cache.clear()
    AccessEventOnly.forget()
    client.post(LOGIN, {"login": nurse.email, "password": "not the password"})
    failed = AccessEventOnly.one()
    assert (failed.action, failed.outcome, failed.user_id) == (SIGN_IN, Outcome.FAILED, nurse.pk)
    AccessEventOnly.forget()
    client.post(LOGIN, {"login": "nobody@demo.example", "password": "not the password"})
    assert AccessEventOnly.one().user_id is None
    AccessEventOnly.forget()
    client.post(LOGIN, {"login": nurse.email, "password": PASSWORD})
    assert AccessEventOnly.one().outcome == Outcome.SIGNED_IN
    AccessEventOnly.forget()
    client.post("/account/logout/")
    event = AccessEventOnly.one()
    assert (event.outcome, event.user_id) == (Outcome.SIGNED_OUT, nurse.pk)


def test_lock_out_is_recorded_when_too_many_tries_came(client: Client, nurse: User) -> None:
    cache.clear()
    for _ in range(5):
        client.post(LOGIN, {"login": nurse.email, "password": "not the password"})
    AccessEventOnly.forget()
    client.post(LOGIN, {"login": nurse.email, "password": PASSWORD})
    event = AccessEventOnly.one()
    assert (event.outcome, event.user_id) == (Outcome.LOCKED_OUT, nurse.pk)


def test_wrong_password_on_a_locked_screen_is_recorded(nurse: User, clinic: Clinic) -> None:
    client = _signed_in(nurse)
    client.post(reverse("accounts:lock"))
    client.post(reverse("accounts:unlock"), {"password": "not the password"})
    event = AccessEventOnly.one()
    assert (event.action, event.outcome, event.user_id) == (UNLOCK, Outcome.FAILED, nurse.pk)
    client.post(reverse("accounts:unlock"), {"password": PASSWORD})
    assert AccessEventOnly.count() == 1


def test_calendar_feed_is_recorded_without_its_secret(
    client: Client, therapist: User, clinic: Clinic
) -> None:
    feed, secret = make_feed(person=therapist, clinic=clinic)
    AccessEventOnly.forget()
    assert client.get(reverse("scheduling:feed-calendar", args=[secret])).status_code == 200
    event = AccessEventOnly.one()
    assert (event.action, event.user_id, event.clinic_id) == ("calendar.feed", therapist.pk, clinic.pk)
    assert secret not in str(vars(event))
    history = type(feed).history.rel.related_model.objects.select_related("pgh_context")
    assert not any(secret in str(entry.pgh_context.metadata) for entry in history if entry.pgh_context)


def test_subject_is_found_on_the_thing_itself(episode: Episode, django_assert_num_queries: Any) -> None:
    room, document_id = Room(clinic=episode.clinic), uuid.uuid4()
    with django_assert_num_queries(0):
        assert subject_of(episode) == Subject(episode.patient_id, episode.pk)
        assert subject_of(Patient(pk=document_id)) == Subject(document_id, None)
        assert subject_of(Document(clinic=episode.clinic, subject_id=episode.pk)) == Subject(None, episode.pk)
        assert subject_of(Document(clinic=episode.clinic, subject_id=episode.clinic_id)) == Subject()
        assert subject_of(room) == Subject()
        assert not subject_of("a word").is_patient
