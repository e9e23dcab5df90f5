"""Lost rooms, lost hours, holidays and doses that moved: who is touched, what follows by itself, and what a person decides."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from django.urls import reverse

from integration.models import IntegrationNeed, PlanCause, PlanProposal, ProposalState
from integration.services.planning import apply_proposal, look_again, plan_need, plan_waiting, undo_proposal
from integration.services.watching import WATCH_JOB
from kapclinic.accounts.models import Role
from kapclinic.administration.services.rooms import change_room
from kapclinic.clinics.models import Room, RoomKind
from kapclinic.jobs.models import Job
from kapclinic.jobs.services import run_due
from kapclinic.notices.models import Notice, Task
from kapclinic.scheduling.models import AppointmentKind, AppointmentState, Part, WorkingHours
from kapclinic.scheduling.services import (
    add_extra_hours,
    add_holiday,
    add_patient_absence,
    add_time_off,
    book_appointment,
    close_room,
    end_working_hours,
    mark_told,
    move_appointment,
    set_planning_limits,
    withdraw_patient_row,
    withdraw_roster_row,
)
from sessions.models import Administration
from sessions.services import plan_session
from sessions.services.giving import correct_administration
from sessions.services.giving.details import details_of
from tests import factories
from tests.integration.situations import COORDINATOR, D0, T0, after, give_dose, work_weekdays

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
TUESDAY = date(2026, 6, 9)


def need_of_dose(session) -> IntegrationNeed:
    return IntegrationNeed.objects.select_related("appointment", "episode", "clinic", "dose").get(
        dose=session, part="primary"
    )


def tell(need, coordinator) -> None:
    mark_told(appointment=need.appointment, how="phone", reached=True, actor=coordinator, now=T0)


@pytest.fixture
def told(at_work, episode, nurse, coordinator):
    """A dose whose integration the patient was told: on Tuesday, in the clinic's one therapy room."""
    dose = give_dose(episode, nurse)
    plan_need(need=need_of_dose(dose), now=T0)
    tell(need_of_dose(dose), coordinator)
    assert need_of_dose(dose).appointment.starts_at.date() == TUESDAY
    return dose


@pytest.fixture
def rooms(clinic, told):
    """The room of the told session, and a second one of the kind that came later."""
    first = Room.objects.filter(clinic=clinic, kind=RoomKind.THERAPY).get()
    assert need_of_dose(told).appointment.room == first
    return first, Room.objects.create(clinic=clinic, name="Zephyr", kind=RoomKind.THERAPY)


def close(room, coordinator, *, until=100.0):
    row = close_room(
        room=room, starts_at=after(1), ends_at=after(until), reason="Burst pipe", actor=coordinator, now=T0
    )
    run_due()
    return row


def test_lost_room_moves_nothing_and_its_repair_keeps_the_told_time_in_another_room(
    told, rooms, therapist, coordinator, client
):
    before = need_of_dose(told).appointment
    close(rooms[0], coordinator)
    assert need_of_dose(told).appointment.room == rooms[0], "nothing moves by itself"
    proposal = PlanProposal.objects.get()
    assert proposal.cause == PlanCause.ROOM
    assert "is closed" in proposal.title
    assert Task.objects.get(kind="plan-repair").role == Role.COORDINATOR
    client.force_login(coordinator)
    text = client.get(reverse("integration:plan-detail", args=[proposal.pk])).content.decode()
    assert f"{rooms[0]} is closed then." in text
    assert "same time" in text
    keys = [change["need"] for change in proposal.changes]
    apply_proposal(proposal=proposal, needs=keys, actor=coordinator, roles=COORDINATOR, now=T0)
    moved = need_of_dose(told).appointment
    assert (moved.room, moved.starts_at, moved.state) == (
        rooms[1],
        before.starts_at,
        AppointmentState.TOLD,
    ), "the patient knows the time still"
    assert {notice.receiver for notice in Notice.objects.all()} == {therapist}
    proposal.refresh_from_db()
    undo_proposal(proposal=proposal, actor=coordinator, roles=COORDINATOR, now=T0)
    assert need_of_dose(told).appointment.room == rooms[0]
    # A closure that is taken back takes its repair with it.
    again = close(rooms[0], coordinator, until=90)
    assert Task.objects.filter(kind="plan-repair", done_at=None).count() == 1
    withdraw_roster_row(row=again, actor=coordinator, now=T0)
    assert PlanProposal.objects.filter(state=ProposalState.DROPPED).count() == 1
    assert not Task.objects.filter(kind="plan-repair", done_at=None).exists()


def test_dose_in_a_lost_room_gets_a_free_one_of_its_kind_and_is_named_where_there_is_none(
    at_work, clinic, episode, nurse, therapist, coordinator
):
    lost = Room.objects.filter(clinic=clinic, kind=RoomKind.DOSING).first()
    Room.objects.filter(clinic=clinic, kind=RoomKind.DOSING).exclude(pk=lost.pk).update(is_active=False)
    planned = plan_session(
        episode=episode, planned_at=after(48), planned_until=after(50), actor=therapist, room=lost,
        roles=frozenset({Role.THERAPIST}), reason="Her wish", now=T0,
    )  # fmt: skip
    close(lost, coordinator)
    proposal = PlanProposal.objects.get()
    assert [each["appointment"] for each in proposal.others] == [str(planned.appointment_id)]
    assert not [change for change in proposal.changes if change["need"] is None]

    spare = Room.objects.create(clinic=clinic, name="Spare", kind=RoomKind.DOSING)
    proposal = look_again(proposal=proposal, now=T0)
    (change,) = [change for change in proposal.changes if change["need"] is None]
    assert proposal.others == []
    apply_proposal(
        proposal=proposal, needs=[change["appointment"]], actor=coordinator, roles=COORDINATOR, now=T0
    )
    planned.refresh_from_db()
    assert planned.room == spare
    assert planned.planned_at == after(48)
    proposal.refresh_from_db()
    undo_proposal(proposal=proposal, actor=coordinator, roles=COORDINATOR, now=T0)
    planned.refresh_from_db()
    assert planned.room == lost


def test_closed_room_is_not_planned_in(at_work, clinic, episode, nurse, coordinator):
    room = Room.objects.filter(clinic=clinic, kind=RoomKind.THERAPY).get()
    close(room, coordinator, until=36)
    dose = give_dose(episode, nurse)
    plan_need(need=need_of_dose(dose), now=T0)
    booked = need_of_dose(dose).appointment
    assert booked.room == room
    assert booked.starts_at >= after(36)


def test_room_of_another_use_gives_up_its_sessions_in_a_proposal(told, rooms):
    change_room(room=rooms[0], name=rooms[0].name, kind=RoomKind.OFFICE, is_active=True)
    run_due()
    proposal = PlanProposal.objects.get()
    assert "has another use" in proposal.title
    (change,) = proposal.changes
    assert change["after"]["room"] == str(rooms[1].pk)
    assert need_of_dose(told).appointment.room == rooms[0]


@pytest.fixture
def held(at_work, episode, nurse):
    """A dose whose integration on Tuesday only the program holds."""
    dose = give_dose(episode, nurse)
    plan_need(need=need_of_dose(dose), now=T0)
    assert need_of_dose(dose).appointment.starts_at.date() == TUESDAY
    return dose


def test_holiday_moves_what_is_held_by_itself_and_asks_about_what_is_told(
    held, clinic, coordinator, nurse, therapist, prescriber
):
    other = factories.make_episode(
        factories.make_patient(clinic, nurse, given_name="Ada"), prescriber=prescriber, therapist=therapist
    )
    away = add_patient_absence(
        patient=other.patient, starts_at=after(33), ends_at=after(90), actor=coordinator, now=T0
    )
    second = give_dose(other, nurse)
    plan_need(need=need_of_dose(second), now=T0)
    tell(need_of_dose(second), coordinator)
    withdraw_patient_row(row=away, actor=coordinator, now=T0)
    at = need_of_dose(second).appointment.starts_at
    assert at.date() == TUESDAY
    add_holiday(clinic=clinic, on=TUESDAY, name="Founders' Day", actor=coordinator, now=T0)
    run_due()
    assert need_of_dose(held).appointment.starts_at.date() > TUESDAY
    assert need_of_dose(second).appointment.starts_at == at, "a told time never moves by itself"
    proposal = PlanProposal.objects.get()
    assert proposal.cause == PlanCause.HOURS
    change = next(each for each in proposal.changes if each["need"] == str(need_of_dose(second).pk))
    assert change["why"] == "The clinic is closed then for Founders' Day."


def test_hours_that_end_touch_only_what_lay_in_them(told, clinic, therapist, coordinator):
    tuesdays = WorkingHours.objects.get(person=therapist, weekday=2)
    wednesdays = WorkingHours.objects.get(person=therapist, weekday=3)
    end_working_hours(row=wednesdays, last_day=T0.date(), actor=coordinator, now=T0)
    run_due()
    assert not PlanProposal.objects.exists()
    end_working_hours(row=tuesdays, last_day=T0.date(), actor=coordinator, now=T0)
    run_due()
    (change,) = PlanProposal.objects.get().changes
    assert change["need"] == str(need_of_dose(told).pk)
    assert need_of_dose(told).appointment.starts_at.date() == TUESDAY


def test_extra_hours_that_are_taken_back_leave_the_told_time_and_propose_another(
    travel, clinic, episode, nurse, therapist, coordinator
):
    slots = (after(26) + timedelta(minutes=7), after(50) + timedelta(minutes=7))
    rows = [
        add_extra_hours(
            clinic=clinic, person=therapist, starts_at=slot, ends_at=slot + HOUR, actor=therapist, now=T0
        )
        for slot in slots
    ]
    dose = give_dose(episode, nurse)
    plan_need(need=need_of_dose(dose), now=T0)
    tell(need_of_dose(dose), coordinator)
    withdraw_roster_row(row=rows[0], actor=therapist, now=T0)
    run_due()
    assert need_of_dose(dose).appointment.starts_at == slots[0]
    (change,) = PlanProposal.objects.get().changes
    assert change["why"] == f"{therapist} does not work then any more."
    assert change["after"]["starts_at"] == slots[1].isoformat()


def test_own_limits_plan_anew_once_for_many_changes(held, clinic, therapist, nurse, prescriber):
    doses = [held]
    for name in ("Ada", "Ben"):
        patient = factories.make_patient(clinic, nurse, given_name=name)
        other = factories.make_episode(patient, prescriber=prescriber, therapist=therapist)
        doses.append(give_dose(other, nurse))
    plan_waiting(clinic=clinic, now=T0)

    def days():
        return {need_of_dose(dose).appointment.starts_at.date() for dose in doses}

    assert len(days()) == 2, "all three in the preferred part of their windows"
    for most in (4, 3, 1):
        set_planning_limits(
            clinic=clinic, person=therapist, most_sessions_per_day=most, actor=therapist, now=T0
        )
    assert Job.objects.filter(kind="replan_integration", state="pending").count() == 1
    run_due()
    assert len(days()) == 3


def test_nothing_is_planned_anew_where_nothing_waits(travel, clinic, therapist):
    set_planning_limits(clinic=clinic, person=therapist, most_sessions_per_day=1, actor=therapist, now=T0)
    assert not Job.objects.filter(kind="replan_integration").exists()


def test_told_session_of_a_planned_dose_that_moves_earlier_is_repaired_in_a_proposal(
    at_work, clinic, episode, therapist, coordinator
):
    planned = plan_session(
        episode=episode, planned_at=after(72), planned_until=after(74), actor=therapist,
        roles=frozenset({Role.THERAPIST}), reason="Her wish", now=T0,
    )  # fmt: skip
    run_due()
    tell(need_of_dose(planned), coordinator)
    booked = need_of_dose(planned).appointment
    prepared = book_appointment(
        clinic=clinic, kind=AppointmentKind.PREPARATION, episode=episode, starts_at=after(21), ends_at=after(22),
        people=[(therapist, Part.THERAPIST)], actor=therapist, roles=COORDINATOR, now=T0,
    )  # fmt: skip
    move_appointment(
        appointment=planned.appointment, starts_at=after(24), ends_at=after(26), reason="She asked for it",
        actor=coordinator, roles=COORDINATOR, now=T0,
    )  # fmt: skip
    run_due()
    assert need_of_dose(planned).appointment.starts_at == booked.starts_at, "never moved in silence"
    proposal = PlanProposal.objects.get()
    assert proposal.cause == PlanCause.DOSE
    (change,) = [each for each in proposal.changes if each["need"] == str(need_of_dose(planned).pk)]
    assert change["why"] == "Its dose moved, and the window with it."
    assert [each["appointment"] for each in proposal.others] == [str(prepared.pk)]
    apply_proposal(proposal=proposal, needs=[change["need"]], actor=coordinator, roles=COORDINATOR, now=T0)
    now_is = need_of_dose(planned)
    assert now_is.window.covers(now_is.appointment.span)


def test_dose_that_ended_earlier_than_recorded_brings_the_repair_of_what_the_patient_knew(
    at_work, episode, nurse, coordinator
):
    # Told for the very end of the window, which then closes half a day sooner.
    dose = give_dose(episode, nurse)
    plan_need(need=need_of_dose(dose), now=T0)
    need = need_of_dose(dose)
    late = after(68) + timedelta(minutes=7)
    move_appointment(
        appointment=need.appointment, starts_at=late, ends_at=late + HOUR, reason="Her wish", actor=coordinator,
        roles=COORDINATOR, now=T0,
    )  # fmt: skip
    tell(need_of_dose(dose), coordinator)
    given = Administration.objects.get(session=dose)
    earlier = replace(details_of(given), started_at=D0 - 12 * HOUR, ended_at=T0 - 12 * HOUR)
    correct_administration(
        administration=given, details=earlier, reason="Written down for the wrong time", actor=nurse, now=T0
    )
    run_due()
    booked = need_of_dose(dose).appointment
    assert booked.starts_at == late
    assert booked.flagged_at is not None
    proposal = PlanProposal.objects.get(cause=PlanCause.DOSE)
    (change,) = proposal.changes
    assert change["before"]["told"]
    apply_proposal(proposal=proposal, needs=[change["need"]], actor=coordinator, roles=COORDINATOR, now=T0)
    now_is = need_of_dose(dose)
    assert now_is.window.covers(now_is.appointment.span)
    assert now_is.appointment.flagged_at is None


def test_time_off_entered_after_a_look_brings_the_next_one_forward(
    at_work, clinic, episode, nurse, therapist, coordinator
):
    """The only coordinator of the evening goes away: the alarm comes while they can still hear it."""
    work_weekdays(clinic, coordinator, starts=time(9), ends=time(22))
    add_time_off(clinic=clinic, person=therapist, starts_at=T0, ends_at=after(100), actor=therapist, now=T0)
    dose = give_dose(episode, nurse)
    run_due()
    job = Job.objects.get(key=f"{WATCH_JOB}:{need_of_dose(dose).pk}")
    Job.objects.filter(pk=job.pk).update(due_at=after(40))
    add_time_off(
        clinic=clinic, person=coordinator, starts_at=after(4), ends_at=after(90), actor=coordinator, now=T0
    )
    run_due()
    job.refresh_from_db()
    assert job.due_at < after(4)


def test_new_hours_are_planned_for_without_anybody_asking(travel, clinic, episode, nurse, therapist):
    dose = give_dose(episode, nurse)
    run_due()
    assert need_of_dose(dose).appointment is None
    work_weekdays(clinic, therapist)
    run_due()
    assert need_of_dose(dose).appointment is not None
