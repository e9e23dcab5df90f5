"""Rooms that are closed: recorded without touching a booking, told to whoever books, drawn on the calendar."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from kapclinic.accounts.models import Role
from kapclinic.clinics.models import Room
from kapclinic.clinics.refusals import Refused
from kapclinic.scheduling.hours import Absence, Booking, Roster, availability
from kapclinic.scheduling.models import AppointmentKind, Part, RoomClosure
from kapclinic.scheduling.rosters import room_rosters
from kapclinic.scheduling.services import book_appointment, close_room, withdraw_roster_row
from kapclinic.scheduling.spans import Span

NOW = datetime(2026, 6, 8, 14, tzinfo=UTC)
TEN = datetime(2026, 6, 9, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def monday_morning():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def room(clinic):
    return Room.objects.filter(clinic=clinic, kind="therapy").get()


def book(clinic, room, therapist, **more):
    return book_appointment(
        clinic=clinic, kind=AppointmentKind.TEAM_MEETING, title="Round", starts_at=TEN, ends_at=TEN + HOUR,
        people=[(therapist, Part.ATTENDEE)], room=room, actor=therapist, roles=frozenset({Role.THERAPIST}),
        now=NOW, **more,
    )  # fmt: skip


def close(room, coordinator, starts_at=TEN, ends_at=TEN + HOUR):
    return close_room(
        room=room, starts_at=starts_at, ends_at=ends_at, reason="Painting", actor=coordinator, now=NOW
    )


def test_time_in_which_a_room_is_closed_is_not_free():
    day = Span(TEN, TEN + 4 * HOUR)
    roster = Roster(
        weekly=None,
        absences=(Absence(Span(TEN, TEN + HOUR), "Painting"),),
        bookings=(Booking(Span(TEN + 2 * HOUR, TEN + 3 * HOUR)),),
    )
    assert availability(roster, day).free == (
        Span(TEN + HOUR, TEN + 2 * HOUR),
        Span(TEN + 3 * HOUR, TEN + 4 * HOUR),
    )


@pytest.mark.django_db
def test_closing_twice_is_one_row_and_taking_it_back_opens_the_room(room, coordinator):
    row = close(room, coordinator)
    assert close(room, coordinator) == row
    limits = Span(TEN - HOUR, TEN + 2 * HOUR)
    assert [each.label for each in room_rosters([room], limits)[room.pk].absences] == ["Painting"]
    withdraw_roster_row(row=row, actor=coordinator, now=NOW)
    assert room_rosters([room], limits)[room.pk].absences == ()


@pytest.mark.django_db
def test_closing_cancels_nothing_and_booking_then_asks_for_a_reason(clinic, room, therapist, coordinator):
    booked = book(clinic, room, therapist, reason="No hours yet")
    close(room, coordinator)
    booked.refresh_from_db()
    assert booked.is_live
    close(room, coordinator, TEN + HOUR, TEN + 3 * HOUR)
    again = {"starts_at": TEN + HOUR, "ends_at": TEN + 2 * HOUR}
    common = {
        "clinic": clinic, "kind": AppointmentKind.TEAM_MEETING, "title": "Round", "room": room, "people": [],
        "actor": therapist, "roles": frozenset({Role.THERAPIST}), "now": NOW,
    }  # fmt: skip
    with pytest.raises(Refused) as refused:
        book_appointment(**common, **again)
    (reason,) = refused.value.reasons
    assert (reason.code, reason.field) == ("room-closed", "room")
    assert "Painting" in reason.text
    assert book_appointment(**common, **again, reason="Painters come at noon").room == room


@pytest.mark.django_db
@pytest.mark.parametrize(("ends_at", "why"), [(TEN, "reversed"), (TEN + HOUR, "no-reason")])
def test_closing_without_a_reason_or_backwards_is_refused(room, coordinator, ends_at, why):
    with pytest.raises(Refused) as refused:
        close_room(
            room=room,
            starts_at=TEN,
            ends_at=ends_at,
            reason="" if why == "no-reason" else "x",
            actor=coordinator,
        )
    assert {each.code for each in refused.value.reasons} == {why}


@pytest.mark.django_db
def test_page_of_a_room_closes_it_says_what_is_booked_then_and_opens_it_again(
    clinic, room, therapist, coordinator, client
):
    book(clinic, room, therapist, reason="No hours yet")
    client.force_login(coordinator)
    url = reverse("scheduling:room-hours", args=[room.pk])
    assert url in client.get(reverse("scheduling:rosters")).content.decode()
    typed = {
        "from_day": "2026-06-09", "from_time": "09:00", "to_day": "2026-06-09", "to_time": "12:00", "reason": "Painting",
    }  # fmt: skip
    wrong = client.post(url, {**typed, "to_time": "08:00"})
    assert wrong.status_code == 422
    assert "Painting" in wrong.content.decode(), "nothing typed is lost"
    text = client.post(url, typed, follow=True).content.decode()
    assert "1 booked in that time stays until moved" in text
    assert "Booked while it is closed" in text
    week = client.get(reverse("scheduling:calendar") + f"?who={room.pk}&day=2026-06-09")
    assert week.status_code == 200
    row = RoomClosure.objects.get()
    back = client.post(reverse("scheduling:roster-withdraw", args=["closure", row.pk]), follow=True)
    assert back.redirect_chain[-1][0] == url
    assert "Open, as far as is known" in back.content.decode()


@pytest.mark.django_db
def test_therapist_sees_that_a_room_is_closed_and_may_not_close_one(room, therapist, coordinator, client):
    close(room, coordinator)
    client.force_login(therapist)
    assert "closed" in client.get(reverse("scheduling:rosters")).content.decode()
    url = reverse("scheduling:room-hours", args=[room.pk])
    assert client.post(url, {}).status_code in (403, 404)
