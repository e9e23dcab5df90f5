"""A window that nobody serves is heard of in time, by the right people, and only while it is so."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from integration.models import IntegrationNeed, NeedPart
from integration.services import plan_need
from integration.services import tasks as kinds
from kapclinic.accounts.models import Role
from kapclinic.jobs.models import Job, JobState
from kapclinic.jobs.services import run_due
from kapclinic.notices.models import Task, Urgency
from kapclinic.notices.reach import tasks_owed_by
from kapclinic.scheduling.models import AppointmentKind, Part
from kapclinic.scheduling.services import add_time_off, book_appointment, cancel_appointment
from tests import factories
from tests.integration.situations import COORDINATOR, T0, after, give_dose, work_weekdays

MINUTE = timedelta(minutes=1)
ALARMS = {kinds.LATE, kinds.LATE_FOR_MANAGER, kinds.LAST_CALL, kinds.LAST_CALL_FOR_THERAPIST}


def open_alarms() -> set[str]:
    rows = Task.objects.filter(kind__in=ALARMS, done_at__isnull=True, withdrawn_at__isnull=True)
    return set(rows.values_list("kind", flat=True))


@pytest.fixture
def at(travel: Any):
    """Goes to an instant and does what is due then."""

    def go(moment: datetime) -> set[str]:
        travel.move_to(moment)
        run_due()
        return open_alarms()

    return go


@pytest.fixture
def away(clinic, therapist, at_work):
    """The therapist is away for the whole window; a coordinator works on weekdays."""
    add_time_off(clinic=clinic, person=therapist, starts_at=T0, ends_at=after(100), actor=therapist, now=T0)


@pytest.fixture
def unplaced(away, dose, coordinator, clinic):
    work_weekdays(clinic, coordinator)
    return dose


def book(dose, need_of, therapist, *, hours: float, now: datetime):
    return book_appointment(
        clinic=dose.clinic, kind=AppointmentKind.INTEGRATION, episode=dose.episode, starts_at=after(hours),
        ends_at=after(hours + 1), people=[(therapist, Part.THERAPIST)], window=need_of(dose).window,
        reason="She comes in for it", actor=therapist, roles=COORDINATOR, now=now,
    )  # fmt: skip


def test_steps_follow_the_clock_when_no_time_is_found(unplaced, at):
    second = timedelta(seconds=1)
    assert at(after(1)) == set()
    assert at(after(20) - second) == set()
    assert at(after(20)) == {kinds.LATE}
    assert at(after(36) - second) == {kinds.LATE}
    assert at(after(36)) == {kinds.LATE, kinds.LATE_FOR_MANAGER}
    assert at(after(66) - second) == {kinds.LATE, kinds.LATE_FOR_MANAGER}
    assert at(after(66)) == ALARMS
    assert at(after(72) + second) == set()
    assert (
        Task.objects.filter(kind=kinds.MISSED, done_at__isnull=True, withdrawn_at__isnull=True).count() == 1
    )


def test_alarms_go_to_those_who_can_act(
    unplaced, at, coordinator, manager, therapist, therapist_off_team, clinic
):
    at(after(66))
    owed = {
        user: {task.kind for task in tasks_owed_by(factories.make_actor(user, clinic))} & ALARMS
        for user in (coordinator, manager, therapist, therapist_off_team)
    }
    assert owed == {
        coordinator: {kinds.LATE, kinds.LAST_CALL},
        manager: {kinds.LATE_FOR_MANAGER},
        therapist: {kinds.LAST_CALL_FOR_THERAPIST},
        therapist_off_team: set(),
    }
    assert set(Task.objects.filter(kind__in=ALARMS).values_list("urgency", flat=True)) == {Urgency.NOW}


def test_managers_task_knows_no_patient(unplaced, at):
    at(after(36))
    task = Task.objects.get(kind=kinds.LATE_FOR_MANAGER)
    assert task.episode is None
    assert task.role == Role.MANAGER
    assert task.detail == ""
    assert task.url == reverse("integration:waiting")
    assert "Demo" not in task.title


def test_nobody_is_alarmed_when_the_session_was_placed(dose, at):
    at(T0)
    for hours in (20, 36):
        assert at(after(hours)) == set()
    # It was to be held on Tuesday and nobody has said that it was.
    assert at(after(66)) == {kinds.LAST_CALL, kinds.LAST_CALL_FOR_THERAPIST}


def test_planner_comes_first_when_everything_is_late(dose, at, travel, need_of):
    """The workers were away until the last staffed hour was over: what can still be placed alarms nobody."""
    assert at(after(60)) == set()
    assert need_of(dose).live_appointment is not None


def test_booking_ends_the_alarms_and_its_cancellation_brings_them_back(unplaced, at, need_of, therapist):
    assert at(after(40)) == {kinds.LATE, kinds.LATE_FOR_MANAGER}
    booking = book(unplaced, need_of, therapist, hours=50, now=after(40))
    assert open_alarms() == set()
    assert at(after(41)) == set()
    cancel_appointment(appointment=booking, reason="Ill", actor=therapist, now=after(41))
    assert at(after(41) + 14 * MINUTE) == set()
    assert at(after(41) + 15 * MINUTE) == {kinds.LATE, kinds.LATE_FOR_MANAGER}


def test_last_call_waits_until_a_late_session_is_over(unplaced, at, need_of, therapist):
    book(unplaced, need_of, therapist, hours=69, now=after(40))
    assert at(after(66)) == set()
    assert at(after(70) + 14 * MINUTE) == set()
    assert at(after(70) + 15 * MINUTE) == {kinds.LAST_CALL, kinds.LAST_CALL_FOR_THERAPIST}


def test_managers_hear_on_friday_when_the_window_closes_at_the_weekend(
    clinic, away, at_work, episode, nurse, coordinator, travel, at
):
    work_weekdays(clinic, coordinator)
    thursday = after(72)
    add_time_off(
        clinic=clinic, person=episode.team.get(part="therapist").user, starts_at=thursday, ends_at=after(200),
        actor=coordinator, now=T0,
    )  # fmt: skip
    travel.move_to(thursday)
    give_dose(episode, nurse, started=thursday - timedelta(minutes=40), ended=thursday)
    # Friday 16:00 in Denver is the last staffed hour before Sunday 12:08.
    friday = datetime.fromisoformat("2026-06-12T16:00:00-06:00")
    assert kinds.LATE_FOR_MANAGER not in at(friday - timedelta(seconds=1))
    assert at(friday) >= {kinds.LATE, kinds.LATE_FOR_MANAGER, kinds.LAST_CALL}


def test_alarms_are_taken_back_when_the_dose_was_entered_in_error(unplaced, at, nurse):
    from episodes.services import strike_entry
    from sessions.models import Administration

    at(after(40))
    given = Administration.objects.current().get(session=unplaced)
    strike_entry(entry=given, reason="Wrong patient", actor=nurse, now=after(41))
    assert open_alarms() == set()
    assert at(after(66)) == set()


def test_job_is_written_with_the_need_and_looks_once_an_instant(dose, need_of, at):
    need = need_of(dose)
    job = Job.objects.get(key=f"watch_integration_window:{need.pk}")
    assert (job.state, job.due_at) == (JobState.PENDING, T0 + 15 * MINUTE)
    at(T0 + 15 * MINUTE)
    job.refresh_from_db()
    assert (job.state, job.due_at) == (JobState.PENDING, after(66))


def test_looking_again_opens_nothing_twice(unplaced, at, need_of):
    at(after(40))
    before = set(Task.objects.values_list("pk", flat=True))
    plan_need(need=need_of(unplaced), now=after(40))
    Job.objects.filter(kind="watch_integration_window").update(
        state=JobState.PENDING, due_at=after(40), finished_at=None
    )
    at(after(40) + MINUTE)
    assert set(Task.objects.values_list("pk", flat=True)) == before


def test_need_of_a_running_dose_is_not_watched(at_work, episode, nurse):
    give_dose(episode, nurse, ended=None)
    assert IntegrationNeed.objects.filter(part=NeedPart.PRIMARY).exists()
    assert not Job.objects.filter(kind="watch_integration_window").exists()
