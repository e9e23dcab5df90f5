"""A person's own calendar reads their appointments, and not one word about a patient."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse
from icalendar import Calendar

from kapclinic.accounts.models import Membership, Role
from kapclinic.clinics.models import Room
from kapclinic.scheduling.models import AppointmentKind, CalendarFeed, Part
from kapclinic.scheduling.services import (
    book_appointment,
    cancel_appointment,
    make_feed,
    move_appointment,
    revoke_feed,
)
from tests import factories

NOW = datetime(2026, 6, 8, 14, tzinfo=UTC)
TEN = datetime(2026, 6, 9, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
ROLES = frozenset({Role.COORDINATOR})


@pytest.fixture(autouse=True)
def monday_morning():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def book(clinic, therapist, coordinator, episode):
    def _book(starts_at=TEN, *, person=therapist, kind=AppointmentKind.INTEGRATION):
        return book_appointment(
            clinic=clinic, kind=kind, episode=episode, starts_at=starts_at, ends_at=starts_at + HOUR,
            people=[(person, Part.THERAPIST)], actor=coordinator, roles=ROLES, reason="made up", now=NOW,
            room=Room.objects.filter(clinic=clinic, kind="therapy").get(),
        )  # fmt: skip

    return _book


@pytest.fixture
def feed_of(client, clinic):
    """Makes a feed for a person; what it answers then is read with `read()`."""

    def _feed_of(person, **more):
        _, secret = make_feed(person=person, clinic=clinic, now=NOW, **more)
        url = reverse("scheduling:feed-calendar", args=[secret])

        def read():
            return client.get(url)

        return read

    return _feed_of


def events(answer) -> list:
    assert answer.status_code == 200
    return Calendar.from_ical(answer.content).walk("VEVENT")


def test_feed_tells_when_and_nothing_else(book, feed_of, therapist, episode, clinic):
    booked = book()
    answer = feed_of(therapist)()
    [event] = events(answer)
    assert event["summary"] == "Clinic appointment"
    assert (event.decoded("dtstart"), event.decoded("dtend")) == (TEN, TEN + HOUR)
    assert event["class"] == "PRIVATE"
    assert event["status"] == "CONFIRMED"
    assert event.decoded("dtstamp") == NOW
    assert set(event) == {
        "UID", "DTSTAMP", "SEQUENCE", "SUMMARY", "DTSTART", "DTEND", "STATUS", "TRANSP", "CLASS",
    }  # fmt: skip
    patient = episode.patient
    text = answer.content.decode().lower()
    for datum in (
        patient.given_name, patient.family_name, patient.public_id, episode.public_id, patient.phone, patient.emergency_name,
        str(patient.pk), str(episode.pk), str(booked.pk), booked.pk.hex, str(therapist.pk), "integration", "dos", "ketamine",
        "kap", "room", "http", "@", therapist.name, clinic.name,
    ):  # fmt: skip
        assert datum.lower() not in text, datum


def test_feed_needs_no_sign_in_sets_no_cookie_and_stays_in_no_cache(book, feed_of, therapist):
    book()
    answer = feed_of(therapist)()
    assert answer["Content-Type"].startswith("text/calendar")
    assert {part.strip() for part in answer["Cache-Control"].split(",")} == {"private", "no-store"}
    assert not answer.cookies


def test_person_chooses_the_word(book, feed_of, therapist):
    book()
    [event] = events(feed_of(therapist, title="  Work,\r\nbusy; ")())
    assert event["summary"] == "Work, busy;"


def test_moved_appointment_keeps_its_uid_with_a_higher_sequence(book, feed_of, therapist, coordinator):
    booked = book()
    read = feed_of(therapist)
    [before] = events(read())
    later = TEN + timedelta(days=2)
    move_appointment(
        appointment=booked, starts_at=later, ends_at=later + HOUR, actor=coordinator, roles=ROLES,
        reason="made up", now=NOW,
    )  # fmt: skip
    [after] = events(read())
    assert after["uid"] == before["uid"]
    assert after["sequence"] > before["sequence"]
    assert after.decoded("dtstart") == later


def test_cancelled_appointment_stays_as_cancelled(book, feed_of, therapist, coordinator):
    booked = book()
    read = feed_of(therapist)
    [before] = events(read())
    cancel_appointment(appointment=booked, reason="made up", actor=coordinator, now=NOW)
    [after] = events(read())
    assert after["status"] == "CANCELLED"
    assert after["uid"] == before["uid"]
    assert after["sequence"] > before["sequence"]


def test_appointment_is_cancelled_for_who_left_it_and_goes_to_who_took_it(
    book, feed_of, therapist, therapist_off_team, coordinator
):
    booked = book()
    read, read_other = feed_of(therapist), feed_of(therapist_off_team)
    assert events(read_other()) == []
    move_appointment(
        appointment=booked, people=[(therapist_off_team, Part.THERAPIST)], actor=coordinator, roles=ROLES,
        reason="made up", now=NOW,
    )  # fmt: skip
    [left], [taken] = events(read()), events(read_other())
    assert (left["status"], taken["status"]) == ("CANCELLED", "CONFIRMED")
    assert left["uid"] != taken["uid"]
    move_appointment(
        appointment=booked, people=[(therapist, Part.THERAPIST)], actor=coordinator, roles=ROLES,
        reason="made up", now=NOW,
    )  # fmt: skip
    [back] = events(read())
    assert back["status"] == "CONFIRMED"


@pytest.mark.parametrize(
    ("starts_at", "is_in"),
    [
        (NOW - timedelta(days=30) - HOUR, False),
        (NOW - timedelta(days=30) - HOUR + SECOND, True),
        (NOW + timedelta(days=180) - SECOND, True),
        (NOW + timedelta(days=180), False),
    ],
)
def test_feed_reaches_thirty_days_back_and_half_a_year_ahead(book, feed_of, therapist, starts_at, is_in):
    book(starts_at)
    assert len(events(feed_of(therapist)())) == is_in


@pytest.mark.parametrize(
    "starts_at",
    [
        # In Denver 02:00 does not exist on 14 March 2027, and 01:30 comes twice on 1 November 2026.
        datetime(2027, 3, 14, 8, 30, tzinfo=UTC),
        datetime(2027, 3, 14, 9, 0, tzinfo=UTC),
        datetime(2026, 11, 1, 7, 30, tzinfo=UTC),
        datetime(2026, 11, 1, 8, 30, tzinfo=UTC),
    ],
)
def test_times_are_the_same_instants_at_both_changes_of_clocks(
    book, feed_of, therapist, starts_at, monday_morning
):
    monday_morning.move_to(starts_at - timedelta(days=3))
    book(starts_at)
    [event] = events(feed_of(therapist)())
    assert event.decoded("dtstart") == starts_at
    assert event.decoded("dtstart").utcoffset() == timedelta(0)
    assert event.decoded("dtend") - event.decoded("dtstart") == HOUR


def test_fetch_is_noted(feed_of, therapist, clinic, monday_morning):
    read = feed_of(therapist)
    read()
    monday_morning.move_to(NOW + HOUR)
    read()
    feed = CalendarFeed.objects.get(person=therapist, clinic=clinic)
    assert (feed.fetch_count, feed.last_fetched_at) == (2, NOW + HOUR)
    assert feed.history.count() == 1


def is_gone(answer) -> bool:
    return answer.status_code == 404 and answer.content == b"Not found\n" and not answer.cookies


def test_unknown_secret_finds_nothing(client, db):
    assert is_gone(client.get(reverse("scheduling:feed-calendar", args=["made-up"])))


def test_revoked_address_finds_nothing_and_a_new_one_ends_the_old(book, feed_of, therapist, clinic):
    book()
    first = feed_of(therapist)
    second = feed_of(therapist)
    assert is_gone(first())
    assert len(events(second())) == 1
    revoke_feed(person=therapist, clinic=clinic, now=NOW)
    assert is_gone(second())


def test_address_of_who_left_finds_nothing(book, feed_of, therapist, clinic):
    book()
    read = feed_of(therapist)
    Membership.objects.filter(user=therapist, clinic=clinic).update(ended_at=NOW)
    assert is_gone(read())


def test_address_of_who_may_not_sign_in_finds_nothing(book, feed_of, therapist):
    book()
    read = feed_of(therapist)
    therapist.is_active = False
    therapist.save()
    assert is_gone(read())


def test_feed_is_of_one_clinic_alone(book, feed_of, therapist, other_clinic, client):
    book()
    factories.Membership.objects.create(clinic=other_clinic, user=therapist, role=Role.THERAPIST)
    _, secret = make_feed(person=therapist, clinic=other_clinic, now=NOW)
    assert events(client.get(reverse("scheduling:feed-calendar", args=[secret]))) == []


def test_person_makes_an_address_that_is_shown_once_and_revokes_it(client, book, therapist, clinic):
    book()
    client.force_login(therapist)
    page = reverse("scheduling:feed")
    asked = client.post(page, {"title": ""})
    assert asked.url.startswith(reverse("account_reauthenticate"))
    assert not CalendarFeed.objects.exists()
    made = client.post(asked.url, {"password": factories.PASSWORD})
    assert f'action="{page}"' in made.text, "its form leads back to the page and not to the question"
    address = made.context["address"]
    secret = address.removesuffix(".ics").rsplit("/", 1)[1]
    # 256 random bits in base64.
    assert len(secret) == 43
    assert address in made.content.decode()
    assert secret not in client.get(page).content.decode()
    assert not CalendarFeed.objects.filter(token_digest=secret).exists()
    client.logout()
    assert len(events(client.get(address))) == 1
    client.force_login(therapist)
    assert client.post(reverse("scheduling:feed-revoke")).status_code == 302
    assert is_gone(client.get(address))


def test_word_that_is_too_long_is_refused_and_makes_nothing(client, therapist):
    client.force_login(therapist)
    factories.prove(client, therapist)
    assert client.post(reverse("scheduling:feed"), {"title": "x" * 61}).status_code == 422
    assert not CalendarFeed.objects.exists()
