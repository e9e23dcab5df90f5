"""Looking early whether a dose is ready: what is a gap days before, and what becomes of the task."""

from datetime import timedelta
from decimal import Decimal

import pytest

from kapclinic.accounts.models import Role
from kapclinic.jobs.models import Job
from kapclinic.jobs.registry import handler_of
from kapclinic.notices.models import Task, Urgency
from kapclinic.scheduling.models import Part
from kapclinic.scheduling.services import move_appointment
from sessions.dose import Drug, Route, Unit
from sessions.jobs import readiness_gaps
from sessions.models import DosingSession
from sessions.services import call_off_session
from sessions.services.common import READINESS_JOB, readiness_key
from tests.handoffs.situations import read_before
from tests.sessions.situations import PRESCRIBER, set_for

pytestmark = pytest.mark.django_db

BOOKED_BEFORE = timedelta(hours=60)


def hours_before(room, hours, seconds=0):
    return room.start - timedelta(hours=hours) + timedelta(seconds=seconds)


@pytest.fixture
def booked(room):
    """A cleared patient with a signed preparation; the dose was booked 60 h ahead, nothing is ordered."""
    room.clear()
    room.prepare()
    room.plan(
        people=[(room.therapist, Part.THERAPIST)],
        shared_people=[(room.nurse, Part.NURSE)],
        reason="Made for a test: outside the working hours",
        actor=room.prescriber,
        roles=PRESCRIBER,
        now=room.start - BOOKED_BEFORE,
    )
    read_before(room)
    return room


def order(room, hours):
    return room.order(
        -60 * hours, route=Route.SUBLINGUAL, amount=Decimal(150), unit=Unit.MG, infusion_minutes=None
    )


def look(room, now, planned_at=None):
    payload = {"session": str(room.session.pk), "planned_at": (planned_at or room.start).isoformat()}
    return handler_of(READINESS_JOB)(payload, now=now)


def task_of(room):
    return Task.objects.get(key=readiness_key(room.session))


def codes(room, now):
    return [code for code, _text in readiness_gaps(DosingSession.objects.get(pk=room.session.pk), now=now)]


def test_first_look_is_due_the_hours_of_the_setting_before_the_dose(booked):
    (job,) = Job.objects.filter(kind=READINESS_JOB)
    assert job.due_at == hours_before(booked, 48)
    assert job.payload["planned_at"] == booked.start.isoformat()


def test_look_finds_its_dose_when_the_time_was_written_on_another_clock(booked):
    local = booked.start.astimezone(booked.clinic.zone)
    assert local.isoformat() != booked.start.isoformat()
    look(booked, hours_before(booked, 30), planned_at=local)
    assert task_of(booked).is_open


def test_order_alone_is_missing_days_before_and_the_day_itself_says_nothing(booked):
    now = hours_before(booked, 30)
    assert codes(booked, now) == ["no-order"]
    order(booked, 28)
    assert codes(booked, hours_before(booked, 27)) == []


def test_preparation_and_clearance_are_gaps_days_before(room):
    room.plan(
        people=[(room.therapist, Part.THERAPIST)],
        reason="Made for a test",
        actor=room.prescriber,
        roles=PRESCRIBER,
        now=room.start - BOOKED_BEFORE,
    )
    assert {"no-order", "preparation-missing", "no-eligibility"} <= set(codes(room, hours_before(room, 30)))


def test_rems_enrolment_is_a_gap_days_before_an_esketamine_dose(booked):
    booked.order(
        -60 * 28,
        drug=Drug.ESKETAMINE,
        route=Route.INTRANASAL,
        amount=Decimal(56),
        unit=Unit.MG,
        infusion_minutes=None,
    )
    assert "finding-DAY-REMS-ENROL" in codes(booked, hours_before(booked, 27))


def test_gaps_become_one_task_of_a_nurse_that_ends_when_everything_is_ready(booked):
    again_at = look(booked, hours_before(booked, 40))
    task = task_of(booked)
    assert (task.role, task.due_at, task.is_open) == (Role.NURSE, booked.start, True)
    assert task.title == "A dose is not ready: 1 open question"
    assert again_at is not None
    assert hours_before(booked, 40) < again_at < booked.start
    look(booked, hours_before(booked, 39))
    assert Task.objects.filter(key=readiness_key(booked.session)).count() == 1
    order(booked, 28)
    look(booked, hours_before(booked, 27))
    assert not task_of(booked).is_open


@pytest.mark.parametrize(
    ("seconds", "urgency"), [(-1, Urgency.ROUTINE), (0, Urgency.TODAY), (1, Urgency.TODAY)]
)
def test_gaps_are_pressing_from_the_later_hours_of_the_setting(booked, seconds, urgency):
    look(booked, hours_before(booked, 24, seconds))
    assert task_of(booked).urgency == urgency


def test_gaps_are_pressing_from_the_hours_that_the_clinic_set(booked):
    set_for(booked.clinic, booked.prescriber, dosing__ready_hours_late=36)
    look(booked, hours_before(booked, 35))
    assert task_of(booked).urgency == Urgency.TODAY


@pytest.mark.parametrize(("seconds", "stands"), [(-1, True), (0, False), (1, False)])
def test_task_ends_when_the_hour_has_come(booked, seconds, stands):
    look(booked, hours_before(booked, 20))
    again_at = look(booked, booked.start + timedelta(seconds=seconds))
    assert task_of(booked).is_open is stands
    assert (again_at == booked.start) if stands else (again_at is None)


def test_moved_dose_is_looked_at_by_its_new_time_alone(booked):
    earlier = booked.start
    look(booked, hours_before(booked, 30))
    later = earlier + timedelta(days=1)
    move_appointment(
        appointment=booked.session.appointment,
        starts_at=later,
        ends_at=later + timedelta(hours=3),
        reason="Made for a test",
        roles=PRESCRIBER,
        actor=booked.prescriber,
        now=hours_before(booked, 29),
    )
    assert look(booked, hours_before(booked, 28), planned_at=earlier) is None
    assert not task_of(booked).is_open
    look(booked, hours_before(booked, 20), planned_at=later)
    assert task_of(booked).due_at == later


def test_called_off_dose_is_nobodys_task(booked):
    look(booked, hours_before(booked, 30))
    call_off_session(session=booked.session, reason="Fever", actor=booked.nurse, now=hours_before(booked, 29))
    assert look(booked, hours_before(booked, 28)) is None
    assert not task_of(booked).is_open
