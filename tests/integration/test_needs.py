"""From the end of a dose to an appointment in its window, and what corrections, no-shows and further doses do to it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from episodes.models import CareTeamMember, EpisodeEvent
from episodes.services import strike_entry
from integration.models import IntegrationNeed, IntegrationSession, MissReason, NeedPart
from integration.services import apply_choice, hold_session, plan_need, propose, record_miss
from integration.windows import NeedState
from kapclinic.clinics.refusals import Refused
from kapclinic.jobs.models import Job, JobState
from kapclinic.jobs.services import run_due
from kapclinic.notices.models import Task
from kapclinic.scheduling.models import Appointment, AppointmentKind, AppointmentState, MeetingPlace, Part
from kapclinic.scheduling.services import (
    add_time_off,
    book_appointment,
    cancel_appointment,
    mark_no_show,
    mark_told,
    move_appointment,
)
from sessions.models import Administration
from sessions.services.giving import correct_administration, details_of, stop_administration
from sessions.services.planning import plan_session
from tests import factories
from tests.integration.situations import COORDINATOR, D0, NURSE, T0, after, give_dose, work_weekdays

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
# The window opens Tuesday 13:08; the first quarter hour in it is 13:15.
FIRST_START = after(24) + timedelta(minutes=7)


def open_tasks(kind: str) -> list[Task]:
    return list(Task.objects.filter(kind=kind, done_at__isnull=True, withdrawn_at__isnull=True))


def correct_end(dose, nurse, ended, now=None):
    given = Administration.objects.current().get(session=dose)
    details = replace(details_of(given), ended_at=ended)
    return correct_administration(
        administration=given, details=details, reason="Misread the clock", actor=nurse, now=now or ended
    )


def test_running_dose_has_a_provisional_need_and_books_nothing(at_work, episode, nurse, need_of):
    dose = give_dose(episode, nurse, ended=None)
    need = need_of(dose)
    assert need.is_provisional
    assert need.state_at(D0) is NeedState.PROVISIONAL
    assert need.d0 == D0
    assert need.planned_t0 >= D0
    assert not IntegrationNeed.objects.filter(part=NeedPart.SECONDARY).exists()
    assert not Job.objects.filter(kind="plan_integration").exists()


def test_end_of_the_dose_sets_the_window_and_the_job(at_work, episode, nurse, need_of):
    dose = give_dose(episode, nurse, ended=None)
    stop_administration(
        administration=Administration.objects.get(session=dose),
        ended_at=T0,
        amount_mg=Decimal(34),
        actor=nurse,
        now=T0,
    )
    need = need_of(dose)
    assert (need.t0, need.opens_at, need.closes_at) == (T0, after(24), after(72))
    assert (need.preferred_from, need.preferred_until) == (after(24), after(48))
    job = Job.objects.get(key=f"plan_integration:{need.pk}")
    assert job.state == JobState.PENDING
    assert job.payload == {"need": str(need.pk)}
    assert job.deadline_at == after(72)


def test_worker_places_the_session_with_the_therapist_in_the_preferred_part(dose, need_of, therapist):
    assert run_due() >= 1
    need = need_of(dose)
    booking = Appointment.objects.with_participants().get(pk=need.appointment_id)
    assert booking.starts_at == FIRST_START
    assert booking.lead == therapist
    assert booking.window == need.window
    assert booking.is_inside
    assert booking.state == AppointmentState.HELD
    assert booking.created_by is None
    assert booking.room is not None
    assert booking.room.kind == "therapy"
    assert need.state_at(T0) is NeedState.PLACED
    assert [task.title for task in open_tasks("tell-patient")] == ["Tell the patient the time"] * 2


def test_placing_twice_books_once(dose, need_of):
    for _ in range(3):
        plan_need(need=need_of(dose), now=T0)
    assert Appointment.objects.filter(kind=AppointmentKind.INTEGRATION).count() == 1


def test_cover_takes_it_when_the_therapist_is_away_and_gains_access(
    dose, need_of, clinic, therapist, therapist_off_team, episode
):
    add_time_off(clinic=clinic, person=therapist, starts_at=T0, ends_at=after(100), actor=therapist, now=T0)
    work_weekdays(clinic, therapist_off_team)
    factories.make_cover(episode, therapist_off_team)
    plan_need(need=need_of(dose), now=T0)
    booking = Appointment.objects.with_participants().get(pk=need_of(dose).appointment_id)
    assert booking.lead == therapist_off_team
    assert CareTeamMember.objects.filter(user=therapist_off_team, covering=True).exists()


def test_unplaced_need_says_why_and_a_coordinator_owns_it(dose, need_of, clinic, therapist):
    add_time_off(clinic=clinic, person=therapist, starts_at=T0, ends_at=after(100), actor=therapist, now=T0)
    run_due()
    need = need_of(dose)
    assert need.state_at(T0) is NeedState.OPEN
    assert need.appointment is None
    assert need.unplaced_reasons == ["Demo Therapist, LCSW: away Mon 8 Jun 13:08 to Fri 12 Jun 17:08."]
    (task,) = open_tasks("integration-unplaced")
    assert task.role == "coordinator"
    assert task.due_at == after(71)
    assert str(need.pk) in task.url


def test_unplaced_task_is_closed_when_a_person_books(dose, need_of, clinic, therapist, coordinator, episode):
    add_time_off(clinic=clinic, person=therapist, starts_at=T0, ends_at=after(100), actor=therapist, now=T0)
    plan_need(need=need_of(dose), now=T0)
    book_appointment(
        clinic=clinic, kind=AppointmentKind.INTEGRATION, episode=episode, starts_at=after(30), ends_at=after(31),
        people=[(therapist, Part.THERAPIST)], place=MeetingPlace.TELEHEALTH, actor=coordinator, roles=COORDINATOR,
        reason="Comes in for it", now=T0,
    )  # fmt: skip
    assert need_of(dose).state_at(T0) is NeedState.PLACED
    assert open_tasks("integration-unplaced") == []


def test_no_session_is_booked_while_the_patient_is_impaired(dose, clinic, therapist, coordinator, episode):
    with pytest.raises(Refused) as refused:
        book_appointment(
            clinic=clinic, kind=AppointmentKind.INTEGRATION, episode=episode, starts_at=after(3), ends_at=after(3.5),
            people=[(therapist, Part.THERAPIST)], actor=coordinator, roles=COORDINATOR, reason="Wanted", now=T0,
        )  # fmt: skip
    assert "impaired" in {reason.code for reason in refused.value.reasons}


def test_no_show_and_cancellation_reopen_the_need(dose, need_of, therapist, coordinator, travel):
    plan_need(need=need_of(dose), now=T0)
    booking = need_of(dose).appointment
    mark_no_show(appointment=booking, actor=therapist, now=FIRST_START + HOUR)
    need = need_of(dose)
    assert need.state_at(FIRST_START + HOUR) is NeedState.OPEN
    assert need.unplaced_reasons == ["The patient did not come."]
    assert len(open_tasks("integration-unplaced")) == 1
    proposal = propose(need=need, now=FIRST_START + HOUR)
    assert proposal.placement.choice is not None
    again = apply_choice(
        need=need, starts_at=proposal.placement.choice.starts_at, person_id=proposal.placement.choice.candidate_key,
        actor=coordinator, roles=COORDINATOR, now=FIRST_START + HOUR,
    )  # fmt: skip
    assert need_of(dose).appointment == again
    assert open_tasks("integration-unplaced") == []
    cancel_appointment(appointment=again, reason="Ill", actor=coordinator, now=FIRST_START + HOUR)
    assert need_of(dose).unplaced_reasons == ["The booking was cancelled."]


def test_stale_proposal_is_refused(dose, need_of, coordinator, therapist):
    with pytest.raises(Refused, match="just been taken"):
        apply_choice(
            need=need_of(dose),
            starts_at=after(30),
            person_id=str(therapist.pk),
            actor=coordinator,
            roles=COORDINATOR,
            now=T0,
        )


def test_held_session_meets_the_window_by_its_recorded_times(dose, need_of, therapist):
    plan_need(need=need_of(dose), now=T0)
    booking = need_of(dose).appointment
    held = hold_session(
        appointment=booking,
        held_from=after(24),
        held_until=after(25),
        actor=therapist,
        now=FIRST_START + 2 * HOUR,
    )
    need = need_of(dose)
    assert need.met_by == held
    assert need.met_at == after(25)
    assert need.state_at(after(100)) is NeedState.MET
    assert open_tasks("tell-patient") == [] or all(
        str(booking.pk) not in task.key for task in open_tasks("tell-patient")
    )
    assert EpisodeEvent.objects.filter(kind="integration.window-met").count() == 1
    again = hold_session(
        appointment=booking,
        held_from=after(24),
        held_until=after(25),
        actor=therapist,
        now=FIRST_START + 2 * HOUR,
    )
    assert again == held
    assert IntegrationSession.objects.count() == 1


@pytest.mark.parametrize(("shift", "met"), [(-SECOND, False), (timedelta(0), True), (SECOND, True)])
def test_only_times_wholly_inside_count(dose, need_of, therapist, shift, met):
    plan_need(need=need_of(dose), now=T0)
    hold_session(
        appointment=need_of(dose).appointment, held_from=after(24) + shift, held_until=after(25), actor=therapist,
        now=after(26),
    )  # fmt: skip
    need = need_of(dose)
    assert (need.met_at is not None) is met
    assert need.state_at(after(26)) is (NeedState.MET if met else NeedState.OPEN)
    if not met:
        assert need.unplaced_reasons == ["The session was held outside the window."]


def test_struck_session_meets_nothing_any_more(dose, need_of, therapist):
    plan_need(need=need_of(dose), now=T0)
    held = hold_session(
        appointment=need_of(dose).appointment,
        held_from=after(24),
        held_until=after(25),
        actor=therapist,
        now=after(26),
    )
    strike_entry(entry=held, reason="Wrong patient", actor=therapist, now=after(27))
    need = need_of(dose)
    assert need.met_at is None
    assert need.state_at(after(27)) is NeedState.OPEN
    assert len(open_tasks("integration-unplaced")) == 1


def test_booking_that_still_fits_stays_when_t0_is_corrected(dose, need_of, nurse):
    plan_need(need=need_of(dose), now=T0)
    booking = need_of(dose).appointment
    correct_end(dose, nurse, T0 - timedelta(minutes=5), now=T0)
    plan_need(need=need_of(dose), now=T0)
    need = need_of(dose)
    assert need.appointment_id == booking.pk
    assert need.appointment.flagged_at is None
    assert need.appointment.window == need.window
    assert need.opens_at == after(24) - timedelta(minutes=5)


@pytest.mark.parametrize(
    ("later", "words"),
    [(20, "starts 13 min before its window and will not count"), (120, "the window is now")],
)
def test_corrected_t0_flags_the_booking_and_never_moves_it(dose, need_of, nurse, later, words):
    plan_need(need=need_of(dose), now=T0)
    moved_end = T0 + timedelta(minutes=later)
    correct_end(dose, nurse, moved_end)
    run_due()
    need = need_of(dose)
    assert need.appointment.starts_at == FIRST_START
    assert words in need.appointment.flag_reason
    assert f"integration-flagged:{need.pk}" in {task.key for task in open_tasks("integration-flagged")}
    assert need.appointment.state == AppointmentState.HELD


def test_flag_goes_when_the_correction_is_taken_back(dose, need_of, nurse):
    plan_need(need=need_of(dose), now=T0)
    correct_end(dose, nurse, T0 + 2 * HOUR)
    plan_need(need=need_of(dose), now=T0 + 2 * HOUR)
    correct_end(dose, nurse, T0, now=T0 + 2 * HOUR)
    plan_need(need=need_of(dose), now=T0 + 2 * HOUR)
    assert need_of(dose).appointment.flagged_at is None
    assert open_tasks("integration-flagged") == []


def test_told_time_becomes_a_proposal_that_a_person_applies(dose, need_of, nurse, coordinator):
    plan_need(need=need_of(dose), now=T0)
    mark_told(appointment=need_of(dose).appointment, how="phone", reached=True, actor=coordinator, now=T0)
    correct_end(dose, nurse, T0 + 2 * HOUR)
    plan_need(need=need_of(dose), now=T0 + 2 * HOUR)
    need = need_of(dose)
    assert need.appointment.is_told
    assert need.appointment.flagged_at is not None
    proposal = propose(need=need, now=T0 + 2 * HOUR)
    assert proposal.replaces == need.appointment
    assert proposal.placement.choice is not None
    moved = apply_choice(
        need=need, starts_at=proposal.placement.choice.starts_at, person_id=proposal.placement.choice.candidate_key,
        actor=coordinator, roles=COORDINATOR, now=T0 + 2 * HOUR,
    )  # fmt: skip
    assert moved.pk == need.appointment_id
    assert moved.is_inside
    assert not moved.is_told
    assert moved.flagged_at is None
    assert open_tasks("integration-flagged") == []
    assert "Tell the patient the new time" in {task.title for task in open_tasks("tell-patient")}


def test_struck_dose_takes_back_its_need_and_the_hold(dose, need_of, nurse):
    plan_need(need=need_of(dose), now=T0)
    booking = need_of(dose).appointment
    strike_entry(entry=Administration.objects.get(session=dose), reason="Wrong patient", actor=nurse, now=T0)
    need = need_of(dose)
    assert need.state_at(T0) is NeedState.WITHDRAWN
    assert need.appointment is None
    booking.refresh_from_db()
    assert booking.state == AppointmentState.CANCELLED


def test_struck_dose_flags_what_the_patient_was_told(dose, need_of, nurse, coordinator):
    plan_need(need=need_of(dose), now=T0)
    booking = mark_told(
        appointment=need_of(dose).appointment, how="phone", reached=True, actor=coordinator, now=T0
    )
    strike_entry(entry=Administration.objects.get(session=dose), reason="Wrong patient", actor=nurse, now=T0)
    booking.refresh_from_db()
    assert booking.is_live
    assert booking.flag_reason == "The dose was entered in error."
    assert len(open_tasks("integration-flagged")) == 1


def test_secondary_session_is_planned_where_the_protocol_asks(dose, need_of):
    run_due()
    second = need_of(dose, NeedPart.SECONDARY)
    assert (second.opens_at, second.closes_at) == (after(96), after(168))
    assert second.appointment.kind == AppointmentKind.SECONDARY_INTEGRATION
    assert second.window.covers(second.appointment.span)


@pytest.mark.parametrize(("hours", "superseded"), [(96, False), (72, True)])
def test_next_dose_before_96_hours_supersedes_the_secondary_session(
    dose, need_of, episode, nurse, travel, hours, superseded
):
    run_due()
    booking = need_of(dose, NeedPart.SECONDARY).appointment
    start = after(hours)
    travel.move_to(start + HOUR)
    give_dose(episode, nurse, started=start, ended=start + HOUR)
    need = need_of(dose, NeedPart.SECONDARY)
    assert (need.state_at(after(400)) is NeedState.SUPERSEDED) is superseded
    booking.refresh_from_db()
    assert (booking.state == AppointmentState.CANCELLED) is superseded
    assert need_of(dose).superseded_at is None


def test_supersession_is_undone_when_the_next_dose_is_struck(dose, need_of, episode, nurse, travel):
    start = after(72)
    travel.move_to(start + HOUR)
    second = give_dose(episode, nurse, started=start, ended=start + HOUR)
    strike_entry(
        entry=Administration.objects.get(session=second), reason="Wrong", actor=nurse, now=start + HOUR
    )
    assert need_of(dose, NeedPart.SECONDARY).superseded_at is None
    assert need_of(second).withdrawn_at is not None


def test_planned_next_dose_keeps_the_secondary_session_unbooked_without_a_task(
    dose, need_of, episode, nurse, therapist, clinic
):
    start = after(68)
    plan_session(
        episode=episode, planned_at=start, planned_until=start + 2 * HOUR, actor=nurse, roles=NURSE,
        people=[(therapist, Part.THERAPIST)], reason="As ordered", now=T0,
    )  # fmt: skip
    run_due()
    second = need_of(dose, NeedPart.SECONDARY)
    assert second.appointment is None
    assert "takes its place" in second.unplaced_reasons[0]
    assert open_tasks("integration-unplaced") == []
    first = need_of(dose).appointment
    assert first is not None
    assert first.ends_at <= start


def test_one_session_serves_two_doses_when_it_lies_in_both_windows(
    dose, need_of, episode, nurse, therapist, travel, clinic
):
    cancel_all = Appointment.objects.filter(kind=AppointmentKind.INTEGRATION)
    start = after(22)
    travel.move_to(start + HOUR)
    second = give_dose(episode, nurse, started=start, ended=start + HOUR)
    book_appointment(
        clinic=clinic, kind=AppointmentKind.INTEGRATION, episode=episode, starts_at=after(68), ends_at=after(69),
        people=[(therapist, Part.THERAPIST)], actor=therapist, now=start + HOUR,
    )  # fmt: skip
    run_due()
    one, two = need_of(dose), need_of(second)
    assert one.appointment_id == two.appointment_id is not None
    assert cancel_all.count() == 1
    held = hold_session(
        appointment=one.appointment, held_from=one.appointment.starts_at, held_until=one.appointment.ends_at,
        actor=nurse, now=one.appointment.ends_at,
    )  # fmt: skip
    assert set(IntegrationNeed.objects.filter(met_by=held).values_list("dose", flat=True)) == {
        dose.pk,
        second.pk,
    }


def test_closed_window_asks_for_its_reason(dose, need_of, travel, coordinator, clinic, therapist):
    add_time_off(clinic=clinic, person=therapist, starts_at=T0, ends_at=after(100), actor=therapist, now=T0)
    run_due()
    travel.move_to(after(72))
    run_due()
    assert open_tasks("integration-missed") == []
    with pytest.raises(Refused, match="not missed"):
        record_miss(need=need_of(dose), reason=MissReason.NO_SLOT, note="", actor=coordinator, now=after(72))
    travel.move_to(after(72) + SECOND)
    run_due()
    assert len(open_tasks("integration-missed")) == 1
    assert open_tasks("integration-unplaced") == []
    missed = record_miss(
        need=need_of(dose), reason=MissReason.NO_SLOT, note="Both ill", actor=coordinator, now=after(73)
    )
    assert missed.miss_reason == "no_slot"
    assert open_tasks("integration-missed") == []
    record_miss(
        need=need_of(dose), reason=MissReason.NO_SLOT, note="Both ill", actor=coordinator, now=after(73)
    )
    assert EpisodeEvent.objects.filter(kind="integration.window-missed").count() == 1


def test_booking_moved_out_of_its_window_leaves_the_need_served_with_a_reason(dose, need_of, coordinator):
    plan_need(need=need_of(dose), now=T0)
    moved = move_appointment(
        appointment=need_of(dose).appointment, starts_at=after(74), ends_at=after(75), actor=coordinator,
        roles=COORDINATOR, reason="The patient travels", now=T0,
    )  # fmt: skip
    assert moved.outside_reason == "The patient travels"
    assert need_of(dose).state_at(T0) is NeedState.PLACED
    assert need_of(dose).state_at(after(73)) is NeedState.MISSED


def test_parallel_protocol_books_nothing_by_itself_but_the_window_counts(
    at_work, clinic, prescriber, nurse, therapist
):
    episode = factories.make_episode(
        factories.make_patient(clinic, family_name="Parallel"),
        prescriber=prescriber,
        therapist=therapist,
        protocol="parallel",
    )
    dose = give_dose(episode, nurse)
    run_due()
    need = IntegrationNeed.objects.get(dose=dose, part=NeedPart.PRIMARY)
    assert not need.is_planned_here
    assert need.appointment is None
    assert need.unplaced_reasons == []
    assert open_tasks("integration-unplaced") == []


def test_within_48h_protocol_plans_from_24_and_counts_from_4(
    at_work, clinic, prescriber, nurse, therapist, coordinator
):
    episode = factories.make_episode(
        factories.make_patient(clinic, family_name="Within"), prescriber=prescriber, therapist=therapist,
        protocol="within-48h",
    )  # fmt: skip
    dose = give_dose(episode, nurse)
    need = IntegrationNeed.objects.get(dose=dose, part=NeedPart.PRIMARY)
    assert (need.opens_at, need.closes_at, need.plan_from) == (after(4), after(48), after(24))
    plan_need(need=need, now=T0)
    need.refresh_from_db()
    assert need.appointment.starts_at == FIRST_START
    earlier = move_appointment(
        appointment=need.appointment,
        starts_at=after(20),
        ends_at=after(21),
        actor=coordinator,
        roles=COORDINATOR,
        now=T0,
    )
    assert earlier.is_inside
    assert earlier.outside_reason == ""


def test_every_second_dose_owes_when_the_protocol_says_so(
    at_work, clinic, prescriber, nurse, therapist, travel
):
    from episodes.models import Protocol
    from episodes.services import save_protocol_version

    protocol = Protocol.objects.get(clinic=clinic, slug="kap")
    data = dict(protocol.latest.data)
    data["induction"] = {**data["induction"], "integration_every_nth": 2}
    save_protocol_version(protocol=protocol, data=data, change_note="Every other dose", actor=prescriber)
    episode = factories.make_episode(
        factories.make_patient(clinic, family_name="Other"),
        prescriber=prescriber,
        therapist=therapist,
        protocol="kap",
    )
    first = give_dose(episode, nurse)
    travel.move_to(after(73))
    second = give_dose(episode, nurse, started=after(72), ended=after(73))
    assert not IntegrationNeed.objects.filter(dose=first).exists()
    assert IntegrationNeed.objects.get(dose=second, part=NeedPart.PRIMARY).dose_number == 2
