"""Booking, moving and ending appointments."""

import uuid
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from episodes.models import CareTeamMember, EpisodeEvent, TeamPart
from kapclinic.accounts.models import Role
from kapclinic.clinics.models import Room
from kapclinic.clinics.refusals import Refused
from kapclinic.scheduling import hooks
from kapclinic.scheduling.models import (
    Appointment,
    AppointmentKind,
    AppointmentParticipant,
    AppointmentState,
    MeetingPlace,
    Part,
    TimeOff,
)
from kapclinic.scheduling.services import (
    add_time_off,
    add_working_hours,
    book_appointment,
    cancel_appointment,
    complete_appointment,
    flag_appointment,
    mark_arrived,
    mark_no_show,
    mark_told,
    move_appointment,
    rewindow_appointment,
)
from kapclinic.scheduling.spans import Span
from tests import factories

NOW = datetime(2026, 6, 8, 14, tzinfo=UTC)
# Tuesday 9 June 2026, 10:00 in Denver.
TEN = datetime(2026, 6, 9, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)
COORDINATOR = frozenset({Role.COORDINATOR})


@pytest.fixture
def office_hours(clinic, therapist, coordinator):
    """The therapist works Monday to Friday, 09:00 to 17:00."""
    for weekday in range(1, 6):
        add_working_hours(
            clinic=clinic, person=therapist, weekday=weekday, starts_at=time(9), ends_at=time(17),
            valid_from=NOW.date() - timedelta(days=30), actor=coordinator, now=NOW,
        )  # fmt: skip


@pytest.fixture
def book(clinic, episode, therapist, coordinator, office_hours):
    """Books an hour with the therapist as the coordinator."""

    def _book(starts_at=TEN, **changes):
        values = {
            "clinic": clinic,
            "kind": AppointmentKind.PREPARATION,
            "starts_at": starts_at,
            "ends_at": starts_at + HOUR,
            "people": [(therapist, Part.THERAPIST)],
            "episode": episode,
            "actor": coordinator,
            "roles": COORDINATOR,
            "now": NOW,
        }
        return book_appointment(**(values | changes))

    return _book


def codes(refused) -> set[str]:
    return {
        reason.code.split("-", 2)[0] + "-" + reason.code.split("-", 2)[1] for reason in refused.value.reasons
    }


def test_booking_takes_person_room_and_patient(book, clinic, therapist, episode):
    room = Room.objects.filter(clinic=clinic).first()
    made = book(room=room)
    fresh = Appointment.objects.with_participants().get(pk=made.pk)
    assert fresh.state == AppointmentState.HELD
    assert not fresh.is_told
    assert fresh.lead == therapist
    assert fresh.room == room
    assert fresh.people == [therapist]
    spans = AppointmentParticipant.objects.filter(appointment=made).values_list(
        "starts_at", "ends_at", "is_live"
    )
    assert set(spans) == {(TEN, TEN + HOUR, True)}
    assert len(spans) == 3
    assert (
        EpisodeEvent.objects.filter(episode=episode, kind="appointment.booked", subject_id=made.pk).count()
        == 1
    )


def test_booking_twice_with_one_request_key_makes_one_appointment(book):
    key = uuid.uuid4()
    assert book(request_key=key) == book(request_key=key)
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize("shift", [-59, -1, 0, 59])
def test_clash_is_told_in_words_for_person_and_patient(book, shift):
    book()
    with pytest.raises(Refused) as refused:
        book(TEN + timedelta(minutes=shift))
    texts = " ".join(reason.text for reason in refused.value.reasons)
    assert "Demo Therapist, LCSW is booked Tue 9 Jun 10:00-11:00." in texts
    assert "The patient has another appointment Tue 9 Jun 10:00-11:00." in texts
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize("shift", [-60, 60])
def test_sessions_may_touch(book, shift):
    book()
    book(TEN + timedelta(minutes=shift))
    assert Appointment.objects.count() == 2


def test_room_is_not_booked_twice(book, clinic, episode, therapist_off_team):
    room = Room.objects.filter(clinic=clinic).first()
    book(room=room)
    with pytest.raises(Refused) as refused:
        book(
            room=room, kind=AppointmentKind.TEAM_MEETING, episode=None, people=[(therapist_off_team, Part.ATTENDEE)],
            reason="We meet before work",
        )  # fmt: skip
    assert {"clash-room"} <= {reason.code for reason in refused.value.reasons}


def test_shared_people_may_be_in_two_sessions_at_once(book, clinic, nurse, therapist_off_team, prescriber):
    book(shared_people=[(nurse, Part.NURSE)])
    other = factories.make_episode(
        factories.make_patient(clinic, family_name="Second"),
        therapist=therapist_off_team,
        prescriber=prescriber,
    )
    book(
        episode=other, people=[(therapist_off_team, Part.THERAPIST)], shared_people=[(nurse, Part.NURSE)],
        reason="No hours entered yet",
    )  # fmt: skip
    assert AppointmentParticipant.objects.filter(person=nurse, is_live=True).count() == 2


def test_person_with_two_parts_takes_part_once_and_exclusively(book, therapist):
    booked = book(shared_people=[(therapist, Part.PRESCRIBER)])
    rows = list(booked.participants.filter(person=therapist).values_list("part", "is_exclusive"))
    assert rows == [(Part.THERAPIST, True)]


def test_database_refuses_a_double_booking_that_no_check_saw(book, therapist):
    made = book()
    twin = Appointment.objects.create(
        clinic=made.clinic, kind=AppointmentKind.TEAM_MEETING, starts_at=TEN, ends_at=TEN + HOUR
    )
    doubled = AppointmentParticipant(
        clinic=made.clinic,
        appointment=twin,
        person=therapist,
        part=Part.ATTENDEE,
        starts_at=NOW,
        ends_at=NOW + HOUR,
    )
    with pytest.raises(IntegrityError, match="scheduling_person_not_twice"), transaction.atomic():
        doubled.save(force_insert=True)


def test_two_sessions_swap_their_times_when_the_constraint_is_deferred(book):
    first, second = book(), book(TEN + 2 * HOUR)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        Appointment.objects.filter(pk=first.pk).update(starts_at=second.starts_at, ends_at=second.ends_at)
        Appointment.objects.filter(pk=second.pk).update(starts_at=first.starts_at, ends_at=first.ends_at)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert AppointmentParticipant.objects.get(appointment=first, part="patient").starts_at == second.starts_at


def test_participants_follow_when_an_appointment_moves(book):
    made = book()
    moved = move_appointment(
        appointment=made,
        starts_at=TEN + 3 * HOUR,
        ends_at=TEN + 4 * HOUR,
        actor=made.created_by,
        roles=COORDINATOR,
        now=NOW,
    )
    assert moved.sequence == 1
    assert set(AppointmentParticipant.objects.values_list("starts_at", flat=True)) == {TEN + 3 * HOUR}


def test_time_off_and_missing_hours_yield_to_a_written_reason(book, clinic, therapist, coordinator):
    add_time_off(
        clinic=clinic, person=therapist, starts_at=TEN - HOUR, ends_at=TEN + 3 * HOUR, actor=coordinator,
        kind=TimeOff.Kind.TRAINING, now=NOW,
    )  # fmt: skip
    with pytest.raises(Refused) as refused:
        book()
    assert codes(refused) == {"time-off"}
    assert "is away Tue 9 Jun 09:00-13:00" in str(refused.value)
    assert book(reason="Comes in for this patient").pk
    event = EpisodeEvent.objects.get(kind="appointment.booked")
    assert event.data["explained"] is True
    assert event.data["passed"][0].startswith("time-off")
    assert "Comes in" not in str(event.data)


def test_reason_of_someone_without_a_role_gets_past_nothing(book):
    with pytest.raises(Refused):
        book(TEN - 4 * HOUR, reason="Because", roles=frozenset())


def test_program_itself_books_only_what_fits(book):
    with pytest.raises(Refused):
        book(TEN - 4 * HOUR, actor=None, reason="Because")


def test_outside_its_window_only_with_a_reason_that_is_kept(book):
    window = Span(TEN + timedelta(seconds=1), TEN + 48 * HOUR)
    with pytest.raises(Refused) as refused:
        book(window=window)
    assert [reason.code for reason in refused.value.reasons] == ["outside-window"]
    made = book(window=window, reason="The patient travels")
    assert made.outside_reason == "The patient travels"
    assert made.window == window
    assert not made.is_inside


def test_database_refuses_a_booking_outside_its_window_without_a_word(book):
    made = book(window=Span(TEN, TEN + HOUR))
    assert made.is_inside
    with pytest.raises(IntegrityError, match="scheduling_inside_or_explained"), transaction.atomic():
        Appointment.objects.filter(pk=made.pk).update(window_opens_at=TEN + timedelta(seconds=1))


def test_window_that_moved_away_flags_the_booking_and_leaves_it(book):
    made = book(window=Span(TEN, TEN + 48 * HOUR))
    moved_away = Span(TEN + HOUR, TEN + 49 * HOUR)
    with pytest.raises(Refused):
        rewindow_appointment(appointment=made, window=moved_away, now=NOW)
    flagged = rewindow_appointment(appointment=made, window=moved_away, flag="T0 moved", now=NOW)
    assert flagged.starts_at == TEN
    assert flagged.flag_reason == "T0 moved"
    back = rewindow_appointment(appointment=made, window=Span(TEN, TEN + 48 * HOUR), now=NOW)
    assert back.flagged_at is None
    assert back.flag_reason == ""


def test_flag_is_set_once(book):
    made = book()
    assert flag_appointment(appointment=made, reason="T0 moved", now=NOW).flagged_at == NOW
    again = flag_appointment(appointment=made, reason="T0 moved", now=NOW + HOUR)
    assert again.flagged_at == NOW


def test_patient_must_be_told_again_when_the_time_moves(book, coordinator):
    made = book()
    told = mark_told(appointment=made, how="phone", reached=True, actor=coordinator, now=NOW)
    assert told.is_told
    assert told.told_by == coordinator
    moved = move_appointment(
        appointment=told,
        starts_at=TEN + HOUR,
        ends_at=TEN + 2 * HOUR,
        actor=coordinator,
        roles=COORDINATOR,
        now=NOW,
    )
    assert moved.state == AppointmentState.HELD
    assert moved.told_at is None


def test_patient_need_not_be_told_when_only_the_room_changes(book, clinic, coordinator):
    rooms = list(Room.objects.filter(clinic=clinic))
    made = book(room=rooms[0])
    told = mark_told(appointment=made, how="phone", reached=True, actor=coordinator, now=NOW)
    moved = move_appointment(appointment=told, room=rooms[1], actor=coordinator, roles=COORDINATOR, now=NOW)
    assert moved.is_told
    assert Appointment.objects.with_participants().get(pk=made.pk).room == rooms[1]


def test_program_never_moves_what_the_patient_was_told(book, coordinator):
    told = mark_told(appointment=book(), how="phone", reached=True, actor=coordinator, now=NOW)
    with pytest.raises(Refused, match="only a person"):
        move_appointment(appointment=told, starts_at=TEN + HOUR, ends_at=TEN + 2 * HOUR, actor=None, now=NOW)


def test_not_reached_leaves_the_state_and_is_logged(book, coordinator):
    made = mark_told(appointment=book(), how="phone", reached=False, actor=coordinator, now=NOW)
    assert made.state == AppointmentState.HELD
    assert EpisodeEvent.objects.filter(kind="appointment.not-reached").exists()


def test_moving_is_refused_when_someone_changed_it_meanwhile(book, coordinator):
    made = book()
    move_appointment(
        appointment=made,
        starts_at=TEN + HOUR,
        ends_at=TEN + 2 * HOUR,
        actor=coordinator,
        roles=COORDINATOR,
        now=NOW,
    )
    with pytest.raises(Refused, match="Someone changed it meanwhile: it is held Tue 9 Jun 11:00-12:00"):
        move_appointment(
            appointment=made, starts_at=TEN, ends_at=TEN + HOUR, expected_sequence=0, actor=coordinator,
            roles=COORDINATOR, now=NOW,
        )  # fmt: skip


def test_moving_to_where_it_is_changes_nothing(book, coordinator):
    made = book()
    same = move_appointment(appointment=made, actor=coordinator, roles=COORDINATOR, now=NOW)
    assert same.sequence == 0


def test_cover_who_takes_over_has_the_teams_rights_around_the_session(
    book, coordinator, episode, therapist_off_team
):
    factories.make_cover(episode, therapist_off_team)
    CareTeamMember.objects.filter(user=therapist_off_team).update(starts_at=NOW - HOUR)
    made = move_appointment(
        appointment=book(), people=[(therapist_off_team, Part.THERAPIST)], actor=coordinator, roles=COORDINATOR,
        reason="Therapist ill", now=NOW,
    )  # fmt: skip
    assert [person.pk for person in Appointment.objects.with_participants().get(pk=made.pk).people] == [
        therapist_off_team.pk
    ]
    granted = CareTeamMember.objects.get(user=therapist_off_team, covering=True)
    assert granted.part == TeamPart.COVER_THERAPIST
    assert (granted.starts_at, granted.ends_at) == (TEN - timedelta(days=1), TEN + HOUR + timedelta(days=7))


def test_person_who_left_is_free_again(book, coordinator, therapist, therapist_off_team, clinic, prescriber):
    move_appointment(
        appointment=book(), people=[(therapist_off_team, Part.THERAPIST)], actor=coordinator, roles=COORDINATOR,
        reason="Swap", now=NOW,
    )  # fmt: skip
    other = factories.make_episode(factories.make_patient(clinic, family_name="Second"), therapist=therapist)
    assert book(episode=other).pk


def test_cancelling_frees_the_time_and_asks_for_a_reason(book, coordinator):
    made = book()
    with pytest.raises(Refused, match="Say why"):
        cancel_appointment(appointment=made, reason=" ", actor=coordinator, now=NOW)
    cancelled = cancel_appointment(appointment=made, reason="Patient ill", actor=coordinator, now=NOW)
    again = cancel_appointment(appointment=made, reason="Other", actor=coordinator, now=NOW)
    assert cancelled.state == again.state == AppointmentState.CANCELLED
    assert again.cancel_reason == "Patient ill"
    assert book().pk != made.pk


@pytest.mark.parametrize(("minutes", "refused"), [(-1, True), (0, False), (1, False)])
def test_no_show_only_once_it_has_begun(book, coordinator, minutes, refused):
    made, when = book(), TEN + timedelta(minutes=minutes)
    if refused:
        with pytest.raises(Refused, match="not begun"):
            mark_no_show(appointment=made, actor=coordinator, now=when)
    else:
        assert mark_no_show(appointment=made, actor=coordinator, now=when).state == AppointmentState.NO_SHOW


def test_completing_keeps_the_real_times_and_happens_once(book, therapist):
    made = mark_arrived(appointment=book(), actor=therapist, now=TEN)
    done = complete_appointment(
        appointment=made, held_from=TEN, held_until=TEN + HOUR, actor=therapist, now=TEN + 2 * HOUR
    )
    again = complete_appointment(
        appointment=made,
        held_from=TEN,
        held_until=TEN + timedelta(minutes=30),
        actor=therapist,
        now=TEN + 2 * HOUR,
    )
    assert done.state == AppointmentState.COMPLETED
    assert again.held_until == TEN + HOUR
    with pytest.raises(Refused, match="completed already"):
        cancel_appointment(appointment=made, reason="x", actor=therapist, now=NOW)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [(HOUR, timedelta(0), "ends after it starts"), (timedelta(0), 3 * HOUR, "not ended yet")],
)
def test_impossible_times_are_refused(book, therapist, start, end, words):
    with pytest.raises(Refused, match=words):
        complete_appointment(
            appointment=book(),
            held_from=TEN + start,
            held_until=TEN + end,
            actor=therapist,
            now=TEN + 2 * HOUR,
        )


def test_listeners_are_told_in_the_same_transaction(book, coordinator, monkeypatch):
    heard = []
    monkeypatch.setattr(hooks, "_listeners", {})
    hooks.on_change(AppointmentKind.PREPARATION, heard.append)
    made = book()
    cancel_appointment(appointment=made, reason="x", actor=coordinator, now=NOW)
    assert [change.what for change in heard] == ["booked", "cancelled"]
    assert heard[1].before["state"] == AppointmentState.HELD


def test_telehealth_takes_no_room_when_moved(book, clinic, coordinator):
    made = book(room=Room.objects.filter(clinic=clinic).first())
    moved = move_appointment(
        appointment=made, place=MeetingPlace.TELEHEALTH, actor=coordinator, roles=COORDINATOR, now=NOW
    )
    assert Appointment.objects.with_participants().get(pk=moved.pk).room is None


def test_closed_episode_books_nothing(book, episode, prescriber):
    type(episode).objects.filter(pk=episode.pk).update(
        stage="closed", closed_at=NOW, closed_by=prescriber, close_reason="completed", opened_at=NOW - HOUR
    )
    with pytest.raises(Refused, match="episode is closed"):
        book()


def test_appointments_are_never_deleted(book):
    made = book()
    with pytest.raises(Exception, match=r"(permission denied|Cannot delete)"), transaction.atomic():
        Appointment.objects.filter(pk=made.pk)._raw_delete("default")
