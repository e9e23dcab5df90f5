"""What patients said about their time, and clinicians about theirs, holds for every session that the program places."""

from datetime import time, timedelta

import pytest

from episodes.stages import Stage
from integration.models import IntegrationNeed
from integration.services.placing import propose
from integration.services.planning import plan_need, plan_waiting
from kapclinic.clinics.models import Room
from kapclinic.jobs.services import run_due
from kapclinic.scheduling.models import MeetingPlace, Wish, WorkingHours
from kapclinic.scheduling.services import (
    add_patient_absence,
    add_patient_times,
    mark_told,
    set_patient_place,
    set_planning_limits,
    withdraw_patient_row,
)
from kapclinic.scheduling.spans import Span
from tests import factories
from tests.integration.situations import D0, T0, after, give_dose

pytestmark = pytest.mark.django_db
# The window of the dose of the story: Tuesday 13:08 to Thursday 13:08 in Denver.
TUESDAY, WEDNESDAY, THURSDAY = 2, 3, 4
# 00:00 to 00:00 is the whole day.
MIDNIGHT = time(0)


@pytest.fixture
def said(patient, coordinator):
    def _said(wish, weekday, starts_at=MIDNIGHT, ends_at=MIDNIGHT):
        add_patient_times(
            patient=patient, wish=wish, weekday=weekday, starts_at=starts_at, ends_at=ends_at,
            valid_from=T0.date() - timedelta(days=30), actor=coordinator, now=T0,
        )  # fmt: skip

    return _said


@pytest.fixture
def planned(dose, need_of):
    """The booking that the program makes for the dose of the story, or None; and what it would propose to a person."""

    def _planned():
        proposed = propose(need=need_of(dose), now=T0).placement.choice
        plan_need(need=need_of(dose), now=T0)
        booking = need_of(dose).live_appointment
        assert (proposed is None) == (booking is None)
        return booking, proposed

    return _planned


def test_session_is_placed_around_weekly_times_in_which_the_patient_cannot_come(planned, said):
    said(Wish.CANNOT, TUESDAY)
    said(Wish.CANNOT, WEDNESDAY, time(8), time(15))
    booking, proposed = planned()
    ruled_out = Span(after(0), after(24 + 25) + timedelta(minutes=52))
    assert not booking.span.overlaps(ruled_out)
    assert not Span(proposed.starts_at, proposed.ends_at).overlaps(ruled_out)
    # Wednesday at 15:00, where the patient's time begins again.
    assert booking.starts_at == ruled_out.ends_at


def test_session_is_placed_around_a_dated_absence(planned, patient, coordinator):
    away = Span(after(20), after(50))
    add_patient_absence(
        patient=patient, starts_at=away.starts_at, ends_at=away.ends_at, actor=coordinator, now=T0
    )
    booking, proposed = planned()
    assert not booking.span.overlaps(away)
    assert not Span(proposed.starts_at, proposed.ends_at).overlaps(away)


def test_session_has_no_time_when_the_patient_has_none_and_the_reason_says_so(
    planned, said, dose, need_of, therapist
):
    for weekday in (TUESDAY, WEDNESDAY, THURSDAY):
        said(Wish.CANNOT, weekday)
    booking, _ = planned()
    assert booking is None
    [reason] = need_of(dose).unplaced_reasons
    assert reason.startswith(f"{therapist} has free time only where the patient cannot come: ")
    assert "the patient's availability rules out Tue 9 Jun 00:00 to " in reason


def test_preferred_time_is_kept_where_it_lies_in_the_window(planned, said):
    said(Wish.PREFERS, WEDNESDAY, time(10), time(12))
    booking, _ = planned()
    wished = Span(after(44) + timedelta(minutes=52), after(46) + timedelta(minutes=52))
    assert wished.covers(booking.span)


def test_preferred_time_outside_the_window_changes_nothing(planned, said):
    # Friday: the window has closed.
    said(Wish.PREFERS, 5, time(10), time(12))
    booking, _ = planned()
    # The first quarter of an hour in the window.
    assert booking.starts_at == after(24) + timedelta(minutes=7)


@pytest.mark.parametrize("wished", ["telehealth", "in_person"])
def test_session_is_placed_where_the_patient_can_come(planned, patient, coordinator, wished):
    set_patient_place(patient=patient, place=wished, actor=coordinator, now=T0)
    booking, proposed = planned()
    assert (booking.place, proposed.place.value) == (wished, wished)
    assert (booking.room is None) == (wished == MeetingPlace.TELEHEALTH)


def test_session_has_no_time_when_nobody_works_where_the_patient_can_come(
    planned, patient, coordinator, therapist, dose, need_of
):
    WorkingHours.objects.filter(person=therapist).update(place="in_person")
    set_patient_place(patient=patient, place="telehealth", actor=coordinator, now=T0)
    booking, _ = planned()
    assert booking is None
    assert need_of(dose).unplaced_reasons == [f"{therapist} works no hours by telehealth in the window."]


def test_held_time_moves_when_the_patient_cannot_come_any_more(
    planned, patient, coordinator, clinic, dose, need_of
):
    booking, _ = planned()
    add_patient_absence(
        patient=patient, starts_at=booking.starts_at, ends_at=booking.ends_at, actor=coordinator, now=T0
    )
    plan_waiting(clinic=clinic, now=T0)
    moved = need_of(dose).live_appointment
    assert moved.pk == booking.pk
    assert not moved.span.overlaps(booking.span)


def test_held_time_moves_by_itself_once_a_worker_looks(planned, patient, coordinator, dose, need_of, said):
    booking, _ = planned()
    run_due()
    said(Wish.CANNOT, TUESDAY)
    said(Wish.CANNOT, WEDNESDAY)
    assert need_of(dose).live_appointment.starts_at == booking.starts_at
    run_due()
    assert need_of(dose).live_appointment.starts_at >= after(24 + 34) + timedelta(minutes=52)


def test_need_without_a_time_gets_one_when_the_absence_is_taken_back(
    planned, patient, coordinator, dose, need_of
):
    absence = add_patient_absence(
        patient=patient, starts_at=T0, ends_at=after(96), actor=coordinator, now=T0 - timedelta(hours=1)
    )
    assert planned() == (None, None)
    run_due()
    withdraw_patient_row(row=absence, actor=coordinator, now=T0)
    run_due()
    assert need_of(dose).live_appointment is not None


def test_told_time_stays_when_the_patient_cannot_come_any_more(planned, patient, coordinator, dose, need_of):
    booking, _ = planned()
    mark_told(appointment=booking, how="phone", reached=True, actor=coordinator, now=T0)
    add_patient_absence(patient=patient, starts_at=T0, ends_at=after(96), actor=coordinator, now=T0)
    run_due()
    assert need_of(dose).live_appointment.starts_at == booking.starts_at


@pytest.fixture
def second_dose(clinic, nurse, therapist, prescriber, travel):
    """A dose of another patient of the same therapist, ended at the same moment."""
    episode = factories.make_episode(
        factories.make_patient(clinic, nurse, given_name="Other"),
        prescriber=prescriber,
        therapist=therapist,
        stage=Stage.TREATMENT,
    )
    return lambda: give_dose(episode, nurse, started=D0, ended=T0)


@pytest.fixture
def placed_on_tuesday(second_dose, clinic, therapist, need_of, dose):
    """How many of two sessions of an hour are placed when the therapist works on Tuesday from 14:00 `until` alone."""

    def _placed(until: time) -> int:
        # A room for each, so that rooms keep nobody apart.
        Room.objects.create(clinic=clinic, name="Another room", kind="therapy")
        rows = WorkingHours.objects.filter(person=therapist)
        rows.exclude(weekday=TUESDAY).update(withdrawn_at=T0)
        rows.update(starts_at=time(14), ends_at=until)
        needs = [need_of(dose), need_of(second_dose())]
        assert [need.duration_minutes for need in needs] == [60, 60]
        plan_waiting(clinic=clinic, now=T0)
        return sum(need_of(need.dose).live_appointment is not None for need in needs)

    return _placed


@pytest.mark.parametrize(("most", "placed"), [(None, 2), (2, 2), (1, 1)])
def test_clinicians_own_most_sessions_a_day_are_kept(placed_on_tuesday, clinic, therapist, most, placed):
    set_planning_limits(clinic=clinic, person=therapist, actor=therapist, most_sessions_per_day=most, now=T0)
    assert placed_on_tuesday(time(18)) == placed


def test_reason_names_the_clinicians_own_most_sessions_a_day(placed_on_tuesday, clinic, therapist):
    set_planning_limits(clinic=clinic, person=therapist, actor=therapist, most_sessions_per_day=1, now=T0)
    assert placed_on_tuesday(time(18)) == 1
    plan_waiting(clinic=clinic, now=T0)
    left = IntegrationNeed.objects.get(appointment=None, part="primary")
    (why,) = left.unplaced_reasons
    assert why.startswith(f"These 2 sessions (2 h in all) need these 4 h: {therapist} Tue 9 Jun")
    assert "days' limits" in why


@pytest.mark.parametrize(
    ("buffer", "until", "placed"),
    # The clinic's buffer is 10 min, and sessions start on the quarter of an hour.
    [
        (0, time(16), 2),
        (None, time(16, 14), 1),
        (None, time(16, 15), 2),
        (45, time(16, 44), 1),
        (45, time(16, 45), 2),
    ],
)
def test_clinicians_own_buffer_is_kept(placed_on_tuesday, clinic, therapist, buffer, until, placed):
    set_planning_limits(clinic=clinic, person=therapist, actor=therapist, buffer_minutes=buffer, now=T0)
    assert placed_on_tuesday(until) == placed


def test_proposal_to_a_person_keeps_the_clinicians_own_buffer(
    second_dose, clinic, therapist, need_of, dose, travel
):
    plan_need(need=need_of(dose), now=T0)
    taken = need_of(dose).live_appointment
    second = need_of(second_dose())
    gaps = []
    for buffer in (0, 60):
        set_planning_limits(clinic=clinic, person=therapist, actor=therapist, buffer_minutes=buffer, now=T0)
        Room.objects.get_or_create(clinic=clinic, name="Another room", kind="therapy")
        choice = propose(need=second, now=T0).placement.choice
        gaps.append((choice.starts_at - taken.ends_at) / timedelta(minutes=1))
    assert 0 <= gaps[0] < 15
    assert 60 <= gaps[1] < 75
