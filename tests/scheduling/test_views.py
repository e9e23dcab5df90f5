"""Pages of the calendar, by role."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine
from django.urls import reverse

from episodes.models import CareTeamMember
from kapclinic.accounts.models import Role
from kapclinic.clinics.models import Room
from kapclinic.scheduling.models import (
    Appointment,
    AppointmentKind,
    AppointmentState,
    HandChange,
    Part,
    TimeOff,
    WorkingHours,
)
from kapclinic.scheduling.services import add_working_hours, book_appointment
from tests import factories

NOW = datetime(2026, 6, 8, 14, tzinfo=UTC)
TEN = datetime(2026, 6, 9, 16, tzinfo=UTC)


@pytest.fixture(autouse=True)
def monday_morning():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def sign_in(client):
    def _sign_in(user):
        client.force_login(user)
        return client

    return _sign_in


@pytest.fixture
def booking(clinic, therapist, coordinator, episode):
    for weekday in range(1, 6):
        add_working_hours(
            clinic=clinic, person=therapist, weekday=weekday, starts_at=time(9), ends_at=time(17),
            valid_from=NOW.date(), actor=coordinator, now=NOW,
        )  # fmt: skip
    return book_appointment(
        clinic=clinic, kind=AppointmentKind.PREPARATION, episode=episode, starts_at=TEN, ends_at=TEN + timedelta(hours=1),
        people=[(therapist, Part.THERAPIST)], room=Room.objects.filter(clinic=clinic, kind="therapy").get(),
        actor=coordinator, roles=frozenset({Role.COORDINATOR}), now=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(
    "query", ["", "?view=day", "?view=day&by=room&day=2026-06-09", "?day=nonsense&who=x"]
)
def test_calendar_shows_to_everyone_and_names_patients_to_the_team_alone(
    booking, sign_in, therapist, therapist_off_team, query, episode
):
    url = reverse("scheduling:calendar")
    assert sign_in(therapist).get(url + query).status_code == 200
    week = f"{url}?who={therapist.pk}"
    assert str(episode.patient) in sign_in(therapist).get(week).content.decode()
    text = sign_in(therapist_off_team).get(week).content.decode()
    assert str(episode.patient) not in text
    assert "Booked" in text


def test_calendar_asks_few_queries_however_much_is_booked(
    booking, sign_in, coordinator, therapist, clinic, django_assert_max_num_queries
):
    client = sign_in(coordinator)
    for number in range(5):
        episode = factories.make_episode(
            factories.make_patient(clinic, family_name=f"P{number}"), therapist=therapist
        )
        book_appointment(
            clinic=clinic, kind=AppointmentKind.SCREENING, episode=episode, starts_at=TEN + timedelta(hours=1 + number / 2),
            ends_at=TEN + timedelta(hours=1.5 + number / 2), people=[(therapist, Part.THERAPIST)], actor=coordinator,
            roles=frozenset({Role.COORDINATOR}), now=NOW,
        )  # fmt: skip
    with django_assert_max_num_queries(45):
        client.get(f"{reverse('scheduling:calendar')}?who={therapist.pk}")


@pytest.mark.parametrize(
    ("who", "status"),
    [("coordinator", 200), ("manager", 200), ("therapist", 200), ("nurse", 200), ("therapist_off_team", 404)],
)
def test_appointment_page_by_role(booking, sign_in, request, who, status):
    url = reverse("scheduling:appointment-detail", args=[booking.pk])
    assert sign_in(request.getfixturevalue(who)).get(url).status_code == status


def test_clash_keeps_everything_typed_and_says_who_is_booked(
    booking, sign_in, coordinator, therapist, clinic
):
    other = factories.make_episode(factories.make_patient(clinic, family_name="Second"), therapist=therapist)
    client = sign_in(coordinator)
    url = reverse("scheduling:appointment-book", args=[other.public_id])
    page = client.get(url)
    data = {
        "kind": "screening", "person": str(therapist.pk), "day": "2026-06-09", "starts": "10:30", "minutes": "60",
        "place": "in_person", "reason": "typed with care", "request_key": str(page.context["form"]["request_key"].value()),
    }  # fmt: skip
    answer = client.post(url, data)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "is booked Tue 9 Jun 10:00-11:00" in text
    assert "typed with care" in text
    assert "10:30" in text
    for _ in range(2):
        assert client.post(url, {**data, "starts": "11:00"}).status_code == 302
    assert Appointment.objects.filter(episode=other).count() == 1


def test_time_that_the_clock_skips_is_an_error_at_its_field(
    booking, sign_in, coordinator, episode, therapist
):
    url = reverse("scheduling:appointment-book", args=[episode.public_id])
    data = {
        "kind": "screening", "person": str(therapist.pk), "day": "2027-03-14", "starts": "02:30", "minutes": "60",
        "place": "in_person", "request_key": "9b0a4dbe-4f43-4b5a-9c80-7d9d7c6b0a03",
    }  # fmt: skip
    text = sign_in(coordinator).post(url, data).content.decode()
    assert "The clock skips or repeats this time" in text


def test_moving_telling_and_cancelling_in_the_browser(booking, sign_in, coordinator):
    client = sign_in(coordinator)
    move = reverse("scheduling:appointment-move", args=[booking.pk])
    page = client.get(move)
    data = {
        name: page.context["form"][name].value()
        for name in ("kind", "person", "minutes", "place", "sequence", "request_key")
    }
    room = page.context["form"]["room"].value()
    assert (
        client.post(move, {**data, "room": room, "day": "2026-06-09", "starts": "14:00"}).status_code == 302
    )
    stale = client.post(move, {**data, "room": room, "day": "2026-06-09", "starts": "15:00"})
    assert stale.status_code == 422
    assert "Someone changed it meanwhile" in stale.content.decode()
    tell = reverse("scheduling:appointment-tell", args=[booking.pk])
    assert client.get(tell).status_code == 200
    assert client.post(tell, {"how": "phone", "reached": "yes"}).status_code == 302
    booking.refresh_from_db()
    assert booking.state == AppointmentState.TOLD
    cancel = reverse("scheduling:appointment-cancel", args=[booking.pk])
    assert client.post(cancel, {"reason": ""}).status_code == 422
    assert client.post(cancel, {"reason": "Ill"}).status_code == 302
    booking.refresh_from_db()
    assert booking.state == AppointmentState.CANCELLED


def test_what_was_done_is_undone_from_the_message_and_from_the_page(
    booking, sign_in, coordinator, monday_morning
):
    client = sign_in(coordinator)
    detail = reverse("scheduling:appointment-detail", args=[booking.pk])
    answer = client.post(
        reverse("scheduling:appointment-cancel", args=[booking.pk]), {"reason": "Slip"}, follow=True
    )
    undo = reverse("scheduling:change-undo", args=[HandChange.objects.filter(what="cancelled").get().pk])
    text = answer.content.decode()
    assert text.count(f'action="{undo}"') == 2
    assert "Undo the cancellation" in text
    assert "it can be undone until 08:10" in text
    for _ in range(2):
        answer = client.post(undo, follow=True)
        assert answer.redirect_chain[-1][0] == detail
        assert "Undone." in answer.content.decode()
    booking.refresh_from_db()
    assert (booking.state, booking.sequence) == (AppointmentState.HELD, 2)
    assert "Undo" not in client.get(detail).content.decode()


def test_patient_who_knew_of_a_cancelled_session_is_told_from_its_page(
    booking, sign_in, coordinator, monday_morning
):
    client = sign_in(coordinator)
    tell = reverse("scheduling:appointment-tell", args=[booking.pk])
    client.post(tell, {"how": "phone", "reached": "yes"})
    monday_morning.shift(timedelta(minutes=1))
    cancel = reverse("scheduling:appointment-cancel", args=[booking.pk])
    text = client.post(cancel, {"reason": "Ill"}, follow=True).content.decode()
    assert "Tell the patient." in text
    assert f'href="{tell}"' in text
    monday_morning.shift(timedelta(minutes=1))
    text = client.post(tell, {"how": "phone", "reached": "yes"}, follow=True).content.decode()
    assert f'href="{tell}"' not in text
    assert "The patient was told meanwhile and must be told again." in text


def test_undoing_too_late_says_so_and_changes_nothing(booking, sign_in, coordinator, monday_morning):
    client = sign_in(coordinator)
    undo = reverse("scheduling:change-undo", args=[HandChange.objects.get().pk])
    monday_morning.move_to(NOW + timedelta(minutes=10))
    text = client.post(undo, follow=True).content.decode()
    assert "It is too late to undo this" in text
    assert "Undo the" not in text
    booking.refresh_from_db()
    assert booking.is_live


def test_who_handed_a_session_over_may_undo_it_and_a_stranger_to_the_patient_may_not(
    booking, sign_in, therapist, therapist_off_team
):
    """Whoever did it may, though they do not see the session any more; so may who takes part in it now."""
    CareTeamMember.objects.filter(user=therapist).update(ends_at=NOW)
    client = sign_in(therapist)
    page = client.get(reverse("scheduling:appointment-move", args=[booking.pk]))
    names = ("kind", "day", "starts", "minutes", "place", "room", "sequence", "request_key")
    data = {name: page.context["form"][name].value() for name in names}
    answer = client.post(
        reverse("scheduling:appointment-move", args=[booking.pk]),
        {**data, "person": str(therapist_off_team.pk), "starts": "10:00", "reason": "No hours entered"},
        follow=True,
    )
    assert answer.redirect_chain == [(reverse("scheduling:calendar"), 302)]
    undo = reverse("scheduling:change-undo", args=[HandChange.objects.get(what="moved").pk])
    assert f'action="{undo}"' in answer.content.decode()
    stranger = factories.make_member(booking.clinic, Role.THERAPIST)
    assert sign_in(stranger).post(undo).status_code == 404
    assert sign_in(therapist).post(undo).status_code == 302
    assert Appointment.objects.with_participants().get(pk=booking.pk).lead == therapist


def test_form_that_was_overtaken_says_so_once_and_then_goes_through(booking, sign_in, coordinator):
    client = sign_in(coordinator)
    move = reverse("scheduling:appointment-move", args=[booking.pk])
    page = client.get(move)
    names = ("kind", "person", "day", "minutes", "place", "room", "sequence", "request_key")
    data = {name: page.context["form"][name].value() for name in names}
    assert client.post(move, {**data, "starts": "14:00"}).status_code == 302
    stale = client.post(move, {**data, "starts": "15:00"})
    assert "Someone changed it meanwhile: it is held Tue 9 Jun 14:00-15:00." in stale.content.decode()
    assert stale.context["form"]["starts"].value() == "15:00"
    again = {**data, "starts": "15:00", "sequence": stale.context["form"]["sequence"].value()}
    assert client.post(move, again).status_code == 302
    booking.refresh_from_db()
    assert booking.starts_at == TEN + timedelta(hours=5)


def test_empty_hour_leads_to_a_booking_that_begins_with_it(booking, sign_in, coordinator, therapist, clinic):
    other = factories.make_episode(
        factories.make_patient(clinic, family_name="Quillfeather"), therapist=therapist
    )
    client = sign_in(coordinator)
    slot = f"{reverse('scheduling:slot-book')}?day=2026-06-10&starts=14:15&person={therapist.pk}"
    text = client.get(slot).content.decode()
    assert "Wednesday 10 June 2026, 14:15" in text
    found = client.post(slot, {"q": "quillfether"})
    [(episode, address)] = found.context["found"]
    assert episode == other
    form = client.get(address).context["form"]
    assert {name: str(form[name].value()) for name in ("day", "starts", "person")} == {
        "day": "2026-06-10", "starts": "14:15:00", "person": str(therapist.pk),
    }  # fmt: skip


def test_therapist_is_offered_their_own_patients_alone_and_a_broken_address_offers_the_page(
    booking, sign_in, therapist, therapist_off_team, episode
):
    address = f"{reverse('scheduling:slot-book')}?day=nonsense&starts=99"
    assert str(episode.patient) in sign_in(therapist).get(address).content.decode()
    assert str(episode.patient) not in sign_in(therapist_off_team).get(address).content.decode()
    assert (
        sign_in(therapist_off_team).post(address, {"q": episode.patient.family_name}).context["found"] == []
    )


def test_team_meeting_is_booked(booking, sign_in, coordinator, nurse, prescriber):
    client = sign_in(coordinator)
    url = reverse("scheduling:meeting-book")
    key = str(client.get(url).context["form"]["request_key"].value())
    answer = client.post(
        url,
        {
            "title": "Case review", "day": "2026-06-10", "starts": "12:00", "minutes": "30",
            "people": [str(nurse.pk), str(prescriber.pk)], "place": "telehealth", "reason": "No hours entered",
            "request_key": key,
        },
    )  # fmt: skip
    assert answer.status_code == 302
    assert client.get(answer.url).status_code == 200


@pytest.mark.parametrize(
    ("who", "status"),
    [("therapist", 200), ("coordinator", 200), ("manager", 200), ("nurse", 403), ("prescriber", 403)],
)
def test_hours_are_changed_by_their_owner_and_the_coordinator(
    booking, sign_in, request, therapist, who, status
):
    url = reverse("scheduling:roster", args=[therapist.pk])
    client = sign_in(request.getfixturevalue(who))
    got = client.get(url).status_code
    assert got == status or (status == 403 and got == 404)


def test_time_off_warns_of_bookings_and_cancels_none(booking, sign_in, therapist):
    client = sign_in(therapist)
    url = reverse("scheduling:roster", args=[therapist.pk])
    data = {
        "which": "off", "off-from_day": "2026-06-09", "off-from_time": "09:00", "off-to_day": "2026-06-09",
        "off-to_time": "17:00", "off-kind": "ill",
    }  # fmt: skip
    answer = client.post(url, data, follow=True)
    assert "1 booked in that time stays until moved" in answer.content.decode()
    assert "Booked while away" in answer.content.decode()
    booking.refresh_from_db()
    assert booking.is_live
    assert TimeOff.objects.count() == 1
    row = TimeOff.objects.get()
    assert client.post(reverse("scheduling:roster-withdraw", args=["off", row.pk])).status_code == 302
    assert TimeOff.objects.standing().count() == 0


def test_weekly_hours_are_added_once_and_ended(booking, sign_in, nurse):
    client = sign_in(nurse)
    url = reverse("scheduling:roster", args=[nurse.pk])
    data = {
        "which": "hours", "weekdays": ["1", "2"], "starts_at": "08:00", "ends_at": "12:00", "place": "either",
        "valid_from": "2026-06-01",
    }  # fmt: skip
    for _ in range(2):
        assert client.post(url, data).status_code == 302
    rows = WorkingHours.objects.filter(person=nurse)
    assert rows.count() == 2
    client.post(reverse("scheduling:roster-withdraw", args=["hours", rows[0].pk]))
    assert WorkingHours.objects.get(pk=rows[0].pk).valid_until == date(2026, 6, 7)
    bad = client.post(url, {**data, "ends_at": "07:00"})
    assert bad.status_code == 422


def test_holidays_are_the_coordinators(booking, sign_in, coordinator, nurse):
    url = reverse("scheduling:holiday-add")
    assert sign_in(nurse).post(url, {"on": "2026-07-03", "name": "Independence Day"}).status_code == 403
    client = sign_in(coordinator)
    for _ in range(2):
        client.post(url, {"on": "2026-07-03", "name": "Independence Day"})
    text = client.get(reverse("scheduling:rosters")).content.decode()
    assert text.count("Independence Day") >= 1
