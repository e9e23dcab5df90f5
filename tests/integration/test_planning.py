"""Planning together keeps more windows than one by one, moves only what nobody was told, and is all or nothing."""

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from episodes.stages import Stage
from integration.models import IntegrationNeed
from integration.services.planning import apply_plan, gather, plan_need, plan_waiting, waiting_needs
from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Refused
from kapclinic.jobs.services import run_due
from kapclinic.notices.models import Task
from kapclinic.scheduling.models import Appointment, AppointmentKind, AppointmentState, Part
from kapclinic.scheduling.planner import make_plan
from kapclinic.scheduling.services import (
    add_extra_hours,
    book_appointment,
    cancel_appointment,
    mark_told,
    move_appointment,
)
from sessions.dose import Drug, Route
from sessions.services import call_off_session, plan_session
from sessions.services.giving import GivenDetails, record_administration
from tests import factories
from tests.integration.situations import D0, NURSE, T0, after, give_dose

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
# Two free hours: both lie in the window of the dose of the story, only the first in that of a dose a day before it.
EARLY, LATE = after(26) + timedelta(minutes=7), after(48) + timedelta(minutes=7)


def opens(clinic, person, start: datetime, minutes: int, actor) -> None:
    add_extra_hours(
        clinic=clinic,
        person=person,
        starts_at=start,
        ends_at=start + timedelta(minutes=minutes),
        actor=actor,
        now=T0 - HOUR,
    )


@pytest.fixture
def other_episode(clinic, nurse, therapist, prescriber):
    """Another patient of the same therapist."""
    return factories.make_episode(
        factories.make_patient(clinic, nurse, given_name="Other"),
        prescriber=prescriber,
        therapist=therapist,
        stage=Stage.TREATMENT,
    )


def need_of_dose(session) -> IntegrationNeed:
    return IntegrationNeed.objects.select_related("appointment", "episode", "clinic").get(
        dose=session, part="primary"
    )


def is_to_be_told(appointment: Appointment) -> bool:
    return Task.objects.filter(key=f"tell-patient:{appointment.pk}", done_at=None, withdrawn_at=None).exists()


def test_first_session_makes_room_for_the_second_when_only_it_can_move(
    travel, clinic, episode, other_episode, nurse, therapist
):
    opens(clinic, therapist, EARLY, 60, nurse)
    opens(clinic, therapist, LATE, 60, nurse)
    first = give_dose(episode, nurse)
    plan_need(need=need_of_dose(first), now=T0)
    assert need_of_dose(first).appointment.starts_at == EARLY
    early = timedelta(hours=24)
    travel.move_to(T0 + timedelta(minutes=1))
    second = give_dose(
        other_episode, nurse, started=D0 - early, ended=T0 - early, now=T0 + timedelta(minutes=1)
    )
    plan_need(need=need_of_dose(second), now=T0 + timedelta(minutes=1))
    assert need_of_dose(second).appointment.starts_at == EARLY
    moved = need_of_dose(first).appointment
    assert moved.starts_at == LATE
    assert moved.state == AppointmentState.HELD
    assert not Task.objects.filter(
        key__in=[f"integration-unplaced:{need_of_dose(each).pk}" for each in (first, second)],
        done_at=None,
        withdrawn_at=None,
    ).exists()


def test_told_time_stays_and_the_other_session_is_unplaced_with_its_reason(
    travel, clinic, episode, other_episode, nurse, therapist, coordinator
):
    opens(clinic, therapist, EARLY, 60, nurse)
    opens(clinic, therapist, LATE, 60, nurse)
    first = give_dose(episode, nurse)
    plan_need(need=need_of_dose(first), now=T0)
    mark_told(
        appointment=need_of_dose(first).appointment, how="phone", reached=True, actor=coordinator, now=T0
    )
    early = timedelta(hours=24)
    second = give_dose(other_episode, nurse, started=D0 - early, ended=T0 - early, now=T0)
    plan_need(need=need_of_dose(second), now=T0)
    assert need_of_dose(first).appointment.starts_at == EARLY
    left = need_of_dose(second)
    assert left.appointment is None
    assert left.unplaced_reasons
    assert Task.objects.filter(key=f"integration-unplaced:{left.pk}", done_at=None).exists()


def test_plan_is_given_up_whole_when_something_changed_meanwhile(
    travel, clinic, episode, other_episode, nurse, therapist, at_work
):
    first, second = give_dose(episode, nurse), give_dose(other_episode, nurse)
    found = gather(clinic, waiting_needs(clinic, now=T0), now=T0)
    plan = make_plan(found.problem)
    taken = plan.placement_of[str(need_of_dose(second).pk)]
    book_appointment(
        clinic=clinic,
        kind=AppointmentKind.TEAM_MEETING,
        starts_at=taken.starts_at,
        ends_at=taken.ends_at,
        people=[(therapist, Part.ATTENDEE)],
        actor=therapist,
        title="Meeting",
        now=T0,
    )
    with pytest.raises(Refused) as refused:
        apply_plan(clinic, found, plan, reasons={}, actor=None, now=T0)
    assert all(reason.code.startswith("clash") for reason in refused.value.reasons)
    assert not Appointment.objects.filter(kind=AppointmentKind.INTEGRATION).exists()
    assert need_of_dose(first).appointment is None
    assert plan_waiting(clinic=clinic, now=T0).booked == len(found.needs)


def test_two_sessions_change_places_in_one_plan(travel, clinic, episode, other_episode, nurse, therapist):
    opens(clinic, therapist, EARLY, 60, nurse)
    opens(clinic, therapist, LATE, 60, nurse)
    first, second = give_dose(episode, nurse), give_dose(other_episode, nurse)
    plan_waiting(clinic=clinic, now=T0)
    found = gather(clinic, waiting_needs(clinic, now=T0), now=T0)
    now_at = {key: booking.starts_at for key, booking in found.bookings.items()}
    assert len(now_at) == 2, "nobody works when the secondary sessions are due"
    assert sorted(now_at.values()) == [EARLY, LATE]
    plan = make_plan(found.problem)
    a, b = plan.placements
    swapped = dataclasses.replace(
        plan,
        placements=(
            dataclasses.replace(a, starts_at=b.starts_at, ends_at=b.ends_at),
            dataclasses.replace(b, starts_at=a.starts_at, ends_at=a.ends_at),
        ),
    )
    vars(swapped).pop("placement_of", None)
    assert apply_plan(clinic, found, swapped, reasons={}, actor=None, now=T0).moved == 2
    then = {str(need.pk): need.appointment.starts_at for need in map(need_of_dose, (first, second))}
    assert then == {key: EARLY if at == LATE else LATE for key, at in now_at.items()}


def test_planned_dose_has_a_time_held_and_gives_it_back_when_it_is_called_off(
    at_work, clinic, episode, nurse, therapist
):
    planned = plan_session(
        episode=episode, planned_at=D0 + timedelta(days=1), planned_until=D0 + timedelta(days=1, hours=2),
        actor=nurse, roles=NURSE, now=T0,
    )  # fmt: skip
    run_due()
    need = need_of_dose(planned)
    assert need.is_ahead
    hold = need.appointment
    assert hold.state == AppointmentState.HELD
    assert need.window.covers(hold.span)
    margin = timedelta(hours=2)
    assert need.opens_at + margin <= hold.starts_at
    assert hold.ends_at <= need.closes_at - margin
    assert not is_to_be_told(hold)
    assert not IntegrationNeed.objects.standing().exists(), "nothing is owed before the dose"
    call_off_session(session=planned, reason="The patient has a cold.", actor=nurse, now=T0)
    hold.refresh_from_db()
    assert hold.state == AppointmentState.CANCELLED
    assert need_of_dose(planned).withdrawn_at is not None


def test_hold_moves_with_the_planned_dose(at_work, clinic, episode, nurse, coordinator):
    start = D0 + timedelta(days=1)
    planned = plan_session(
        episode=episode, planned_at=start, planned_until=start + 2 * HOUR, actor=nurse, roles=NURSE, now=T0
    )
    run_due()
    before = need_of_dose(planned).appointment
    move_appointment(
        appointment=planned.appointment,
        starts_at=start + timedelta(days=6),
        ends_at=start + timedelta(days=6, hours=2),
        actor=coordinator,
        now=T0,
    )
    run_due()
    need = need_of_dose(planned)
    assert need.appointment_id == before.pk
    assert need.window.covers(need.appointment.span)


def test_hold_stays_and_the_patient_is_told_when_the_dose_ends_in_time(
    travel, at_work, clinic, episode, nurse
):
    start = D0 + timedelta(days=1)
    planned = plan_session(
        episode=episode, planned_at=start, planned_until=start + 2 * HOUR, actor=nurse, roles=NURSE, now=T0
    )
    run_due()
    hold = need_of_dose(planned).appointment
    travel.move_to(start + HOUR)
    record_administration(
        session=planned,
        details=GivenDetails(
            drug=Drug.KETAMINE,
            route=Route.INTRAVENOUS,
            started_at=start + timedelta(minutes=15),
            ended_at=start + timedelta(minutes=55),
            amount_mg=Decimal(34),
        ),
        actor=nurse,
        now=start + HOUR,
    )
    run_due()
    need = need_of_dose(planned)
    assert not need.is_ahead
    assert need.t0 == start + timedelta(minutes=55)
    assert (need.appointment_id, need.appointment.starts_at) == (hold.pk, hold.starts_at)
    assert need.appointment.window == need.window
    assert is_to_be_told(hold)


def test_hold_that_a_person_cancels_is_found_anew(at_work, clinic, episode, nurse, coordinator):
    start = D0 + timedelta(days=1)
    planned = plan_session(
        episode=episode, planned_at=start, planned_until=start + 2 * HOUR, actor=nurse, roles=NURSE, now=T0
    )
    run_due()
    cancel_appointment(
        appointment=need_of_dose(planned).appointment, reason="Not then", actor=coordinator, now=T0
    )
    assert need_of_dose(planned).appointment is None
    plan_waiting(clinic=clinic, now=T0)
    assert need_of_dose(planned).appointment.is_live


def test_gathering_costs_the_same_queries_however_many_wait(
    at_work, clinic, episode, nurse, prescriber, therapist
):
    give_dose(episode, nurse)
    with CaptureQueriesContext(connection) as one:
        gather(clinic, waiting_needs(clinic, now=T0), now=T0)
    for number in range(4):
        more = factories.make_episode(
            factories.make_patient(clinic, nurse, given_name=f"P{number}"),
            prescriber=prescriber,
            therapist=therapist,
            stage=Stage.TREATMENT,
        )
        give_dose(more, nurse)
    with CaptureQueriesContext(connection) as five:
        found = gather(clinic, waiting_needs(clinic, now=T0), now=T0)
    assert len(found.needs) >= 5
    assert len(five) == len(one)


def test_dose_is_refused_where_no_time_is_left_and_other_times_are_offered(
    travel, clinic, episode, nurse, therapist
):
    # The therapist works on one Thursday alone: a dose on Tuesday or Wednesday leads there, one on Friday does not.
    opens(clinic, therapist, datetime(2026, 6, 18, 15, tzinfo=UTC), 120, nurse)
    friday = datetime(2026, 6, 19, 16, tzinfo=UTC)
    with pytest.raises(Refused) as refused:
        plan_session(
            episode=episode, planned_at=friday, planned_until=friday + 2 * HOUR, actor=nurse, roles=NURSE,
            reason="As ordered", now=T0,
        )  # fmt: skip
    (reason,) = refused.value.reasons
    assert reason.code == "integration-no-time"
    assert "works no hours in the window" in reason.text
    assert "The dose could begin Mon 15 Jun 10:00 MDT, Tue 16 Jun 10:00 MDT instead." in reason.text
    planned = plan_session(
        episode=episode, planned_at=friday, planned_until=friday + 2 * HOUR, actor=therapist,
        roles=frozenset({Role.THERAPIST}), reason="She goes on holiday after it.", now=T0,
    )  # fmt: skip
    run_due()
    assert need_of_dose(planned).appointment is None
    tuesday = datetime(2026, 6, 16, 16, tzinfo=UTC)
    call_off_session(session=planned, reason="Another day", actor=nurse, now=T0)
    better = plan_session(
        episode=episode,
        planned_at=tuesday,
        planned_until=tuesday + 2 * HOUR,
        actor=nurse,
        roles=NURSE,
        now=T0,
    )
    run_due()
    assert need_of_dose(better).appointment is not None


def test_dose_is_refused_when_it_would_take_the_time_of_another_ones_session(
    travel, clinic, episode, other_episode, nurse, therapist
):
    opens(clinic, therapist, datetime(2026, 6, 18, 15, tzinfo=UTC), 60, nurse)
    tuesday = datetime(2026, 6, 16, 16, tzinfo=UTC)
    plan_session(
        episode=episode,
        planned_at=tuesday,
        planned_until=tuesday + 2 * HOUR,
        actor=nurse,
        roles=NURSE,
        now=T0,
    )
    run_due()
    with pytest.raises(Refused) as refused:
        plan_session(
            episode=other_episode, planned_at=tuesday, planned_until=tuesday + 2 * HOUR, actor=nurse,
            roles=NURSE, now=T0,
        )  # fmt: skip
    assert {reason.code for reason in refused.value.reasons} == {"integration-no-time"}
