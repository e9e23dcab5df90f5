"""What a person booked, moved or cancelled by hand is undone, once, while nothing was done to it since."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.urls import reverse
from icalendar import Calendar

from episodes.models import EpisodeEvent
from kapclinic.accounts.models import Role
from kapclinic.clinics.models import Room
from kapclinic.clinics.refusals import Refused
from kapclinic.notices.models import Task
from kapclinic.scheduling.models import Appointment, AppointmentKind, AppointmentState, HandChange, Part
from kapclinic.scheduling.services import (
    add_time_off,
    add_working_hours,
    book_appointment,
    cancel_appointment,
    flag_appointment,
    make_feed,
    mark_arrived,
    mark_told,
    move_appointment,
    undo_change,
    undoable_change,
)
from kapclinic.scheduling.services.telling import task_key
from kapclinic.scheduling.spans import Span
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 6, 8, 14, tzinfo=UTC)
# Tuesday 9 June 2026, 10:00 in Denver.
TEN = datetime(2026, 6, 9, 16, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
ROLES = frozenset({Role.COORDINATOR})


@pytest.fixture
def hours(clinic, therapist, coordinator):
    for weekday in range(1, 6):
        add_working_hours(
            clinic=clinic, person=therapist, weekday=weekday, starts_at=time(9), ends_at=time(17),
            valid_from=NOW.date() - timedelta(days=30), actor=coordinator, now=NOW,
        )  # fmt: skip


@pytest.fixture
def book(clinic, episode, therapist, coordinator, hours):
    def _book(starts_at=TEN, **changes):
        values = {
            "clinic": clinic, "kind": AppointmentKind.PREPARATION, "starts_at": starts_at, "ends_at": starts_at + HOUR,
            "people": [(therapist, Part.THERAPIST)], "episode": episode, "actor": coordinator, "roles": ROLES, "now": NOW,
        }  # fmt: skip
        return book_appointment(**(values | changes))

    return _book


@pytest.fixture
def told(book, coordinator):
    return mark_told(appointment=book(), how="phone", reached=True, actor=coordinator, now=NOW)


@pytest.fixture
def move(coordinator):
    def _move(appointment, by=2 * HOUR, **changes):
        values = {
            "starts_at": appointment.starts_at + by, "ends_at": appointment.ends_at + by, "actor": coordinator,
            "roles": ROLES, "now": NOW,
        }  # fmt: skip
        return move_appointment(appointment=appointment, **(values | changes))

    return _move


@pytest.fixture
def undo(coordinator):
    def _undo(appointment, *, now=NOW + MINUTE):
        change = HandChange.objects.filter(appointment=appointment).first()
        return undo_change(change=change, actor=coordinator, roles=ROLES, now=now)

    return _undo


def fresh(appointment):
    return Appointment.objects.with_participants().get(pk=appointment.pk)


def telling(appointment):
    """The open task to tell the patient, in its words; None when there is none."""
    task = Task.objects.filter(
        key=task_key(appointment), done_at__isnull=True, withdrawn_at__isnull=True
    ).first()
    return None if task is None else task.title


def test_booking_is_undone_and_its_hour_is_free_again(book, undo, coordinator):
    made = book()
    back = undo(made)
    assert (back.state, back.cancel_reason) == (AppointmentState.CANCELLED, "The booking was undone.")
    assert telling(made) is None
    change = HandChange.objects.get(appointment=made)
    assert (change.undone_at, change.undone_by) == (NOW + MINUTE, coordinator)
    assert book().pk != made.pk


def test_move_is_undone_with_people_room_and_place(book, undo, move, clinic, therapist_off_team):
    rooms = list(Room.objects.filter(clinic=clinic))
    made = book(room=rooms[0])
    move(made, people=[(therapist_off_team, Part.THERAPIST)], room=rooms[1], reason="Covers for a day")
    back = fresh(undo(made))
    assert back.span == made.span
    assert (back.lead, back.room, back.place) == (made.lead, rooms[0], made.place)
    assert back.outside_reason == ""


def test_what_the_patient_knew_is_known_again_when_nobody_told_them_otherwise(told, undo, move, coordinator):
    move(told)
    assert telling(told) == "Tell the patient the new time"
    back = undo(told)
    assert (back.state, back.told_at, back.told_by, back.told_how) == (
        AppointmentState.TOLD, NOW, coordinator, "phone",
    )  # fmt: skip
    assert telling(told) is None


def test_patient_who_heard_of_the_move_must_be_told_again(told, undo, move, coordinator):
    moved = move(told)
    mark_told(appointment=moved, how="phone", reached=True, actor=coordinator, now=NOW + MINUTE)
    assert undoable_change(fresh(told), now=NOW + 2 * MINUTE).must_tell
    back = undo(told, now=NOW + 2 * MINUTE)
    assert (back.state, back.starts_at, back.told_at) == (AppointmentState.HELD, TEN, None)
    assert telling(told) == "Tell the patient the new time"


def test_patient_who_was_told_of_a_booking_hears_that_it_is_off(told, undo):
    assert undo(told).state == AppointmentState.CANCELLED
    assert telling(told) == "Tell the patient that it is cancelled"


def test_cancellation_is_undone_as_if_nothing_had_been(told, undo, coordinator):
    cancel_appointment(appointment=told, reason="Wrong patient", actor=coordinator, now=NOW)
    assert telling(told) == "Tell the patient that it is cancelled"
    back = fresh(undo(told))
    assert (back.state, back.told_at, back.cancel_reason, back.ended_state_at) == (
        AppointmentState.TOLD, NOW, "", None,
    )  # fmt: skip
    assert set(back.participants.values_list("is_live", flat=True)) == {True}
    assert telling(told) is None
    assert EpisodeEvent.objects.filter(kind="appointment.restored", subject_id=told.pk).count() == 1


def test_patient_who_heard_of_the_cancellation_must_be_told_again(told, undo, coordinator):
    cancelled = cancel_appointment(appointment=told, reason="Wrong patient", actor=coordinator, now=NOW)
    for _ in range(2):
        mark_told(appointment=cancelled, how="voicemail", reached=True, actor=coordinator, now=NOW + MINUTE)
    assert EpisodeEvent.objects.filter(kind="appointment.cancellation-told").count() == 1
    back = undo(told, now=NOW + 2 * MINUTE)
    assert (back.state, back.told_at) == (AppointmentState.HELD, None)
    assert telling(told) == "Tell the patient the new time"


def test_flag_comes_back_with_the_time_that_had_it(book, undo, move):
    made = flag_appointment(appointment=book(), reason="T0 moved", now=NOW)
    assert move(made).flagged_at is None
    assert fresh(undo(made)).flag_reason == "T0 moved"


def test_reason_for_lying_outside_its_window_comes_back_too(book, undo, move):
    window = Span(TEN + 2 * HOUR, TEN + 5 * HOUR)
    made = book(window=window, reason="The patient travels")
    move(made)
    back = undo(made)
    assert (back.outside_reason, back.window) == ("The patient travels", window)


def test_undoing_twice_changes_nothing(book, undo, move):
    made = book()
    move(made)
    once, again = undo(made), undo(made)
    assert (once.sequence, once.starts_at) == (again.sequence, again.starts_at) == (2, TEN)
    assert undoable_change(fresh(made), now=NOW + MINUTE) is None, "an undoing is not undone"


@pytest.mark.parametrize(("after", "is_late"), [(-SECOND, False), (0 * SECOND, True), (SECOND, True)])
def test_it_can_be_undone_for_ten_minutes(book, undo, after, is_late):
    made, when = book(), NOW + 10 * MINUTE + after
    assert (undoable_change(fresh(made), now=when) is None) == is_late
    if is_late:
        with pytest.raises(Refused, match="too late to undo"):
            undo(made, now=when)
    else:
        assert not undo(made, now=when).is_live


def test_clinic_sets_for_how_long(book, undo, clinic):
    factories.approve_setting(clinic, "scheduling.undo_minutes", 2)
    with pytest.raises(Refused, match="too late to undo"):
        undo(book(), now=NOW + 2 * MINUTE)


def test_what_changed_since_is_not_undone(book, undo, move, coordinator):
    made = book()
    change = HandChange.objects.get(appointment=made)
    moved = move(made)
    with pytest.raises(Refused, match="The booking has changed since: it is held Tue 9 Jun 12:00-13:00"):
        undo_change(change=change, actor=coordinator, roles=ROLES, now=NOW + MINUTE)
    mark_arrived(appointment=moved, actor=coordinator, now=NOW + MINUTE)
    with pytest.raises(Refused, match="has changed since: it is arrived"):
        undo(made)
    assert undoable_change(fresh(made), now=NOW + MINUTE) is None


def test_old_time_that_was_taken_is_told_in_words(book, undo, move, clinic, therapist, coordinator):
    made = book()
    move(made)
    other = factories.make_episode(factories.make_patient(clinic, family_name="Second"), therapist=therapist)
    book(episode=other)
    with pytest.raises(Refused, match="is booked Tue 9 Jun 10:00-11:00"):
        undo(made)
    assert fresh(made).starts_at == TEN + 2 * HOUR
    assert HandChange.objects.filter(appointment=made, undone_at__isnull=False).count() == 0


def test_cancelled_time_that_was_taken_is_told_in_words(book, undo, clinic, therapist, coordinator):
    made = book()
    cancel_appointment(appointment=made, reason="x", actor=coordinator, now=NOW)
    other = factories.make_episode(factories.make_patient(clinic, family_name="Second"), therapist=therapist)
    book(episode=other)
    with pytest.raises(Refused, match="is booked Tue 9 Jun 10:00-11:00"):
        undo(made)
    assert fresh(made).state == AppointmentState.CANCELLED


def test_old_time_that_is_over_does_not_come_back(book, undo, move):
    made = book(NOW - HOUR, reason="Written down late")
    move(made, by=26 * HOUR)
    with pytest.raises(Refused, match="old time has passed"):
        undo(made)


def test_what_speaks_against_the_old_time_does_not_hinder(book, undo, move, clinic, therapist, coordinator):
    made = book()
    move(made, by=24 * HOUR)
    add_time_off(
        clinic=clinic, person=therapist, starts_at=TEN - HOUR, ends_at=TEN + HOUR, actor=coordinator, kind="away", now=NOW
    )  # fmt: skip
    assert undo(made).starts_at == TEN


def test_what_the_program_did_is_nobodys_to_undo(book, therapist):
    made = book(actor=None)
    move_appointment(appointment=made, starts_at=TEN + HOUR, ends_at=TEN + 2 * HOUR, actor=None, now=NOW)
    assert not HandChange.objects.exists()


def test_person_who_shares_a_session_and_takes_it_over_is_put_back_as_they_were(
    book, undo, nurse, therapist, coordinator
):
    made = book(shared_people=[(nurse, Part.NURSE)])
    moved = move_appointment(
        appointment=made, people=[(nurse, Part.NURSE)], reason="Therapist ill", actor=coordinator, roles=ROLES, now=NOW
    )  # fmt: skip
    assert (fresh(moved).lead, fresh(moved).shared_people) == (nurse, [])
    back = fresh(undo(made))
    assert (back.lead, back.shared_people) == (therapist, [(nurse, Part.NURSE)])


def test_feed_shows_the_same_entry_again_with_a_higher_sequence(
    book, undo, client, clinic, therapist, coordinator
):
    with time_machine.travel(NOW, tick=False):
        _, secret = make_feed(person=therapist, clinic=clinic, now=NOW)
        address = reverse("scheduling:feed-calendar", args=[secret])
        made = book()
        cancel_appointment(appointment=made, reason="x", actor=coordinator, now=NOW)
        [off] = Calendar.from_ical(client.get(address).content).walk("VEVENT")
        undo(made)
        [on] = Calendar.from_ical(client.get(address).content).walk("VEVENT")
    assert (off["status"], on["status"]) == ("CANCELLED", "CONFIRMED")
    assert on["uid"] == off["uid"]
    assert on["sequence"] > off["sequence"]
