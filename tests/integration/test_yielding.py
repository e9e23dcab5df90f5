"""A dose over the patient's own session: what is merely held gives way, what the patient knows does not; and undoing a dose."""

from datetime import timedelta

import pytest

from episodes.services import strike_entry
from integration.models import IntegrationNeed
from integration.services.planning import plan_need
from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Refused
from kapclinic.jobs.services import run_due
from kapclinic.scheduling.models import Appointment, AppointmentKind, AppointmentState, HandChange, Part
from kapclinic.scheduling.services import (
    add_time_off,
    book_appointment,
    cancel_appointment,
    mark_told,
    move_appointment,
    undo_change,
)
from sessions.models import DosingSession, SessionState
from sessions.services import call_off_session
from tests.integration.situations import T0, after, double_bookings, give_dose

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# Who may go on without a time for the integration of the dose itself: that is another rule.
ROLES = frozenset({Role.PRESCRIBER})


def need_of_dose(session) -> IntegrationNeed:
    return IntegrationNeed.objects.select_related("appointment", "episode", "clinic").get(
        dose=session, part="primary"
    )


@pytest.fixture
def held(at_work, episode, nurse):
    """A dose whose integration is held for the patient, who does not know of it."""
    session = give_dose(episode, nurse)
    plan_need(need=need_of_dose(session), now=T0)
    assert need_of_dose(session).appointment.state == AppointmentState.HELD
    return session


@pytest.fixture
def dose_at(clinic, episode, therapist, prescriber):
    """Books the next dose, with the patient's therapist."""

    def _dose_at(starts_at, *, hours=2):
        return book_appointment(
            clinic=clinic, kind=AppointmentKind.DOSING, episode=episode, starts_at=starts_at,
            ends_at=starts_at + hours * HOUR, people=[(therapist, Part.THERAPIST)], reason="Made for a test",
            actor=prescriber, roles=ROLES, now=T0,
        )  # fmt: skip

    return _dose_at


def test_dose_moves_what_is_merely_held_to_another_time_in_its_window(held, dose_at):
    before = need_of_dose(held).appointment
    made = dose_at(before.starts_at)
    need = need_of_dose(held)
    assert need.appointment_id == before.pk
    assert need.appointment.state == AppointmentState.HELD
    assert need.window.covers(need.appointment.span)
    assert not need.appointment.span.overlaps(made.span)
    assert need.appointment.ends_at <= made.starts_at or need.appointment.starts_at >= made.ends_at + 4 * HOUR
    assert double_bookings() == 0
    assert not HandChange.objects.filter(appointment=before).exists(), "the program moved it"


def test_hold_in_the_hours_of_recovery_gives_way_too(held, dose_at):
    before = need_of_dose(held).appointment
    made = dose_at(before.starts_at - 3 * HOUR)
    moved = need_of_dose(held).appointment
    assert moved.ends_at <= made.starts_at or moved.starts_at >= made.ends_at + 4 * HOUR


def test_dose_is_refused_when_the_hold_has_no_other_time(held, dose_at, clinic, therapist, coordinator):
    before = need_of_dose(held)
    hold = before.appointment
    for starts_at, ends_at in ((T0, hold.starts_at), (hold.ends_at, after(120))):
        add_time_off(
            clinic=clinic, person=therapist, starts_at=starts_at, ends_at=ends_at, kind="away", actor=coordinator, now=T0
        )  # fmt: skip
    with pytest.raises(Refused) as refused:
        dose_at(hold.starts_at)
    [reason] = [each for each in refused.value.reasons if each.code == "hold-in-the-way"]
    assert "no other time is left for it" in reason.text
    assert "away Tue 9 Jun" in reason.text
    assert need_of_dose(held).appointment.starts_at == hold.starts_at
    assert not Appointment.objects.filter(kind=AppointmentKind.DOSING, starts_at=hold.starts_at).exists()


def test_what_the_patient_knows_stays_and_the_refusal_says_what_to_do(held, dose_at, coordinator):
    hold = need_of_dose(held).appointment
    mark_told(appointment=hold, how="phone", reached=True, actor=coordinator, now=T0)
    with pytest.raises(Refused, match="They know of it: move that first, or choose another time"):
        dose_at(hold.starts_at)
    assert need_of_dose(held).appointment.starts_at == hold.starts_at


def test_dose_that_is_moved_onto_a_hold_moves_it(held, dose_at, prescriber):
    hold = need_of_dose(held).appointment
    made = dose_at(hold.starts_at + 7 * 24 * HOUR)
    moved = move_appointment(
        appointment=made, starts_at=hold.starts_at, ends_at=hold.starts_at + 2 * HOUR, reason="Made for a test",
        actor=prescriber, roles=ROLES, now=T0,
    )  # fmt: skip
    now_is = need_of_dose(held).appointment
    assert need_of_dose(held).window.covers(now_is.span)
    assert not now_is.span.overlaps(moved.span)
    assert double_bookings() == 0


def test_dose_that_is_moved_onto_its_own_hold_takes_it_along(at_work, dose_at, prescriber, travel):
    made = dose_at(after(44))
    run_due()
    session = DosingSession.objects.get(appointment=made)
    hold = need_of_dose(session).appointment
    move_appointment(
        appointment=made, starts_at=hold.starts_at, ends_at=hold.starts_at + 2 * HOUR, reason="Made for a test",
        actor=prescriber, roles=ROLES, now=T0,
    )  # fmt: skip
    need = need_of_dose(session)
    assert need.appointment_id == hold.pk
    assert need.window.covers(need.appointment.span)


def test_calling_a_dose_off_is_undone_with_its_session_and_its_hold(at_work, dose_at, prescriber, travel):
    made = dose_at(after(44))
    run_due()
    session = DosingSession.objects.get(appointment=made)
    hold = need_of_dose(session).appointment
    call_off_session(session=session, reason="Slip", actor=prescriber, now=T0)
    assert not Appointment.objects.get(pk=hold.pk).is_live
    change = HandChange.objects.filter(appointment=made).first()
    travel.move_to(T0 + MINUTE)
    undo_change(change=change, actor=prescriber, roles=ROLES)
    run_due()
    session.refresh_from_db()
    assert (session.state, session.called_off_reason) == (SessionState.PLANNED, "")
    assert need_of_dose(session).live_appointment is not None


def test_booking_of_a_dose_is_undone_with_its_session_and_its_hold(at_work, dose_at, prescriber):
    made = dose_at(after(44))
    run_due()
    session = DosingSession.objects.get(appointment=made)
    undo_change(
        change=HandChange.objects.get(appointment=made), actor=prescriber, roles=ROLES, now=T0 + MINUTE
    )
    session.refresh_from_db()
    assert session.state == SessionState.CANCELLED
    assert not Appointment.objects.live().filter(episode=session.episode).exists()


def test_dose_that_was_entered_in_error_does_not_come_back(at_work, dose_at, prescriber):
    made = dose_at(after(44))
    strike_entry(
        entry=DosingSession.objects.get(appointment=made), reason="Wrong patient", actor=prescriber, now=T0
    )
    change = HandChange.objects.filter(appointment=made).first()
    with pytest.raises(Refused, match="entered in error: plan the dose anew"):
        undo_change(change=change, actor=prescriber, roles=ROLES, now=T0 + MINUTE)


def test_cancelled_session_comes_back_to_its_window(held, coordinator):
    booking = need_of_dose(held).appointment
    cancel_appointment(appointment=booking, reason="Slip", actor=coordinator, now=T0)
    assert need_of_dose(held).live_appointment is None
    change = HandChange.objects.get(appointment=booking)
    undo_change(change=change, actor=coordinator, roles=frozenset({Role.COORDINATOR}), now=T0 + MINUTE)
    assert need_of_dose(held).live_appointment.pk == booking.pk


def test_cancelled_session_does_not_come_back_beside_the_one_that_took_its_place(
    held, coordinator, clinic, episode, therapist
):
    booking = need_of_dose(held).appointment
    cancel_appointment(appointment=booking, reason="Slip", actor=coordinator, now=T0)
    starts_at = booking.starts_at + 20 * HOUR
    book_appointment(
        clinic=clinic, kind=AppointmentKind.INTEGRATION, episode=episode, starts_at=starts_at, ends_at=starts_at + HOUR,
        people=[(therapist, Part.THERAPIST)], actor=coordinator, roles=frozenset({Role.COORDINATOR}), now=T0,
    )  # fmt: skip
    change = HandChange.objects.get(appointment=booking)
    with pytest.raises(Refused, match="has another session by now"):
        undo_change(change=change, actor=coordinator, roles=frozenset({Role.COORDINATOR}), now=T0 + MINUTE)


def test_cancelled_hold_of_a_planned_dose_comes_back_to_it(at_work, dose_at, coordinator):
    made = dose_at(after(44))
    run_due()
    session = DosingSession.objects.get(appointment=made)
    hold = need_of_dose(session).appointment
    cancel_appointment(appointment=hold, reason="Slip", actor=coordinator, now=T0)
    change = HandChange.objects.get(appointment=hold)
    undo_change(change=change, actor=coordinator, roles=frozenset({Role.COORDINATOR}), now=T0 + MINUTE)
    assert need_of_dose(session).live_appointment.pk == hold.pk
