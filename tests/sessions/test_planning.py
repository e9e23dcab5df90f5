"""Planning, the appointment behind it, duty, preparation notes."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from episodes.models import Episode
from episodes.services import strike_entry
from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Refused
from kapclinic.scheduling.models import AppointmentState, Part
from kapclinic.scheduling.services import cancel_appointment, move_appointment
from sessions.models import DosingSession, PreparationSession, SessionState
from sessions.services import (
    add_preparation_addendum,
    call_off_session,
    plan_session,
    put_on_duty,
    save_preparation,
    sign_preparation,
)
from tests import factories
from tests.sessions.situations import PRESCRIBER

pytestmark = pytest.mark.django_db


@pytest.fixture
def planned(room):
    """A dose booked for the day after tomorrow."""
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    return plan_session(
        episode=room.episode,
        planned_at=start,
        planned_until=start + timedelta(hours=3),
        people=[(room.therapist, Part.THERAPIST)],
        shared_people=[(room.nurse, Part.NURSE)],
        reason="Made for a test: outside the working hours",
        actor=room.prescriber,
        roles=PRESCRIBER,
    )


def test_session_follows_its_appointment(room, planned):
    assert planned.appointment is not None
    later = planned.planned_at + timedelta(hours=1)
    move_appointment(
        appointment=planned.appointment,
        starts_at=later,
        ends_at=later + timedelta(hours=3),
        reason="Made for a test",
        roles=PRESCRIBER,
        actor=room.prescriber,
    )
    planned.refresh_from_db()
    assert planned.planned_at == later
    cancel_appointment(appointment=planned.appointment, reason="Fever", actor=room.nurse)
    planned.refresh_from_db()
    assert (planned.state, planned.called_off_reason) == (SessionState.CANCELLED, "Fever")


def test_calling_off_cancels_the_appointment(room, planned):
    with pytest.raises(Refused):
        call_off_session(session=planned, reason=" ", actor=room.nurse)
    call_off_session(session=planned, reason="Fever", actor=room.nurse)
    planned.appointment.refresh_from_db()
    assert planned.appointment.state == AppointmentState.CANCELLED


def test_striking_a_planned_dose_cancels_its_appointment(room, planned):
    strike_entry(entry=planned, reason="Booked for the wrong patient", actor=room.prescriber)
    planned.appointment.refresh_from_db()
    assert planned.appointment.state == AppointmentState.CANCELLED
    assert planned.appointment.cancel_reason == "Session entered in error"


def test_home_dose_needs_an_address(room):
    with pytest.raises(Refused) as refused:
        room.plan(place="home")
    assert {reason.code for reason in refused.value.reasons} == {"place-note"}


def test_duty_opens_the_patients_of_the_day_and_no_others(room, planned):
    other = factories.make_member(room.clinic, Role.NURSE, name="Demo Nurse on duty")

    def visible():
        # Each request asks anew.
        return list(Episode.objects.visible_to(factories.make_actor(other, room.clinic)))

    assert visible() == []
    today = timezone.now().astimezone(room.clinic.zone).date()
    put_on_duty(clinic=room.clinic, person=other, role=Role.NURSE, on=today, actor=room.nurse)
    assert visible() == []
    DosingSession.objects.filter(pk=planned.pk).update(
        planned_at=timezone.now(), planned_until=timezone.now() + timedelta(hours=3)
    )
    assert visible() == [room.episode]


def test_nobody_is_put_on_duty_without_the_role(room):
    today = timezone.now().date()
    with pytest.raises(Refused):
        put_on_duty(clinic=room.clinic, person=room.therapist, role=Role.NURSE, on=today, actor=room.nurse)


def details(room, **changes):
    held = room.start - timedelta(hours=48)
    return {
        "held_from": held,
        "held_until": held + timedelta(minutes=50),
        "intention": "To rest.",
        "safety_plan": "Call the sister.",
        "instructions": ["fasting"],
        "parts": {"intention": {"covered": True, "note": ""}},
        **changes,
    }


def test_preparation_is_signed_by_its_author_and_then_final(room):
    note = room.prepare()
    assert note.is_signed
    assert note.signature_holds()
    with pytest.raises(IntegrityError), transaction.atomic():
        PreparationSession.objects.update(intention="Something else")
    with pytest.raises(Refused):
        save_preparation(
            episode=room.episode, note=note, details=details(room), actor=room.therapist, now=room.start
        )
    addendum = add_preparation_addendum(note=note, text="Sister's number changed.", actor=room.therapist)
    assert (
        add_preparation_addendum(note=note, text="Sister's number changed.", actor=room.therapist) == addendum
    )


def test_signature_is_refused_with_every_reason_when_the_note_is_thin(room):
    note = save_preparation(
        episode=room.episode,
        details=details(room, intention="", safety_plan="", parts={}),
        actor=room.therapist,
        now=room.start,
    )
    with pytest.raises(Refused) as refused:
        sign_preparation(note=note, actor=room.prescriber, now=room.start)
    assert {reason.code for reason in refused.value.reasons} == {
        "not-author",
        "no-part",
        "no-intention",
        "no-safety-plan",
    }


def test_draft_is_not_overwritten_when_someone_else_changed_it(room):
    note = save_preparation(episode=room.episode, details=details(room), actor=room.therapist, now=room.start)
    save_preparation(
        episode=room.episode,
        note=note,
        expected_version=1,
        details=details(room),
        actor=room.therapist,
        now=room.start,
    )
    with pytest.raises(Refused) as refused:
        save_preparation(
            episode=room.episode,
            note=note,
            expected_version=1,
            details=details(room, intention="Mine"),
            actor=room.therapist,
            now=room.start,
        )
    assert {reason.code for reason in refused.value.reasons} == {"stale"}


def test_plan_of_a_time_that_has_passed_books_nothing(room):
    assert room.plan().appointment is None
