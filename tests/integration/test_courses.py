"""A whole course: proposed exactly, booked at once or not at all, taken back while nothing has happened."""

import uuid
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from episodes.models import Episode, Protocol
from episodes.stages import Stage
from integration.coursing import Preparing
from integration.models import CourseProposal, CourseState, IntegrationNeed, NeedPart
from integration.services.coursing import (
    CourseAsk,
    adjust_course,
    book_course,
    drop_course,
    propose_course,
    undo_course,
)
from integration.services.planning import plan_waiting
from kapclinic.clinics.refusals import Refused
from kapclinic.notices.models import Task
from kapclinic.scheduling.models import Appointment, AppointmentKind, AppointmentState, Part
from kapclinic.scheduling.services import (
    add_time_off,
    book_appointment,
    cancel_appointment,
    mark_told,
    move_appointment,
)
from sessions.dose import Drug, Route
from sessions.models import DosingSession, SessionState
from sessions.services.giving import GivenDetails, record_administration
from tests.integration.situations import COORDINATOR, T0, double_bookings, give_dose, work_weekdays

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 6, 15)
HOUR = timedelta(hours=1)


@pytest.fixture
def treated(at_work, clinic, episode, nurse, prescriber):
    """A patient under treatment; nurse and prescriber work weekdays too."""
    for person in (nurse, prescriber):
        work_weekdays(clinic, person)
    Episode.objects.filter(pk=episode.pk).update(stage=Stage.TREATMENT)
    episode.refresh_from_db()
    return episode


@pytest.fixture
def ask(therapist, nurse, prescriber):
    """Two doses, Mondays and Thursdays at ten."""
    return CourseAsk(
        doses=2, first=MONDAY, weekdays=(1, 4), earliest=time(9), wanted=time(10), latest=time(16),
        preparing=Preparing.SHARED, therapist=str(therapist.pk), at_doses=False, nurse=str(nurse.pk),
        prescriber=str(prescriber.pk),
    )  # fmt: skip


@pytest.fixture
def proposed(treated, ask, coordinator):
    return propose(treated, ask, coordinator)


@pytest.fixture
def booked(proposed, coordinator):
    return book(proposed, coordinator).proposal


def propose(episode, ask, actor) -> CourseProposal:
    return propose_course(episode=episode, ask=ask, actor=actor, request_key=uuid.uuid4(), now=T0)


def book(proposal, actor, **more):
    asked = {"version": proposal.version, "roles": COORDINATOR, "now": T0, **more}
    return book_course(proposal=proposal, actor=actor, **asked)


def refusal(function, *arguments, **more) -> set[str]:
    with pytest.raises(Refused) as refused:
        function(*arguments, **more)
    return {reason.code for reason in refused.value.reasons}


def live() -> list[tuple[str, datetime]]:
    return [(each.kind, each.starts_at) for each in Appointment.objects.live().order_by("starts_at")]


def line_of(course, talk, dose):
    return next(line for line in course.sessions if (line["talk"], line["dose"]) == (talk, dose))


def booking_of(line) -> Appointment:
    return Appointment.objects.get(pk=line["appointment"])


def waits_for_telling(appointment) -> bool:
    key = f"tell-patient:{appointment.pk}"
    return Task.objects.filter(key=key, done_at=None, withdrawn_at=None).exists()


def dose_of(course, number):
    return next(dose for dose in course.doses if dose["number"] == number)


def test_proposal_shows_every_dose_with_its_sessions_and_books_nothing(proposed):
    starts = [datetime.fromisoformat(dose["starts_at"]) for dose in proposed.doses]
    assert [(start.day, start.hour) for start in starts] == [(15, 16), (18, 16)]
    kinds = [(line["dose"], line["talk"]) for line in proposed.sessions]
    assert kinds == [(1, "preparation"), (1, "integration"), (2, "integration"), (2, "secondary")]
    assert [line["prepares"] for line in proposed.sessions[1:3]] == [2, None]
    assert (proposed.missing, proposed.is_proven, proposed.state) == ([], True, CourseState.OPEN)
    assert all(dose["others"] for dose in proposed.doses)
    assert not Appointment.objects.exists()


def test_same_request_is_one_proposal(treated, ask, coordinator):
    key = uuid.uuid4()
    first, second = (
        propose_course(episode=treated, ask=ask, actor=coordinator, request_key=key, now=T0) for _ in range(2)
    )
    assert first.pk == second.pk


def test_booking_makes_doses_and_holds_what_they_owe(proposed, treated, coordinator, nurse, prescriber):
    found = book(proposed, coordinator)
    assert found.changed == ()
    assert found.proposal.state == CourseState.BOOKED
    doses = DosingSession.objects.filter(episode=treated).order_by("planned_at")
    assert [each.state for each in doses] == [SessionState.PLANNED] * 2
    assert {each.doseorders.count() for each in doses} == {0}
    assert {each.room.kind for each in doses} == {"dosing"}
    with_whom = {
        (each.person, each.part) for each in doses[0].appointment.participants.filter(person__isnull=False)
    }
    assert with_whom == {(nurse, Part.NURSE), (prescriber, Part.PRESCRIBER)}
    needs = IntegrationNeed.objects.ahead().select_related("appointment").filter(episode=treated)
    assert [need.part for need in needs.order_by("part", "d0")] == [NeedPart.PRIMARY] * 2 + [
        NeedPart.SECONDARY
    ]
    for need in needs:
        assert need.appointment.state == AppointmentState.HELD
        assert need.window.covers(need.appointment.span)
        # The program made it and may move it; the patient hears of it after the dose.
        assert need.appointment.created_by is None
        assert not waits_for_telling(need.appointment)
    preparation = booking_of(line_of(found.proposal, "preparation", 1))
    assert preparation.window.covers(preparation.span)
    assert waits_for_telling(preparation)
    assert double_bookings() == 0


def test_pressing_twice_books_once(proposed, coordinator):
    book(proposed, coordinator)
    before = live()
    assert book(proposed, coordinator).proposal.state == CourseState.BOOKED
    assert live() == before


def test_holds_of_a_course_stay_when_the_clinic_plans_anew(booked, clinic):
    before = live()
    plan_waiting(clinic=clinic, now=T0)
    assert live() == before


def test_hold_of_the_secondary_session_follows_its_dose(booked, clinic, coordinator):
    dose = booking_of(dose_of(booked, 2))
    before = booking_of(line_of(booked, "secondary", 2))
    move_appointment(
        appointment=dose, starts_at=dose.starts_at + 24 * HOUR, ends_at=dose.ends_at + 24 * HOUR,
        actor=coordinator, roles=COORDINATOR, now=T0,
    )  # fmt: skip
    plan_waiting(clinic=clinic, now=T0)
    need = IntegrationNeed.objects.select_related("appointment").get(
        dose__appointment=dose, part=NeedPart.SECONDARY
    )
    assert need.opens_at == dose.starts_at + (24 + 1 + 96) * HOUR
    assert need.appointment.pk == before.pk
    assert need.window.covers(need.appointment.span)


def test_hold_of_the_secondary_session_is_kept_while_the_dose_runs(treated, ask, coordinator, nurse):
    # The only dose, given on the day.
    booked = book(propose(treated, replace(ask, doses=1), coordinator), coordinator).proposal
    session = DosingSession.objects.get(appointment=dose_of(booked, 1)["appointment"])
    start = session.planned_at
    record_administration(
        session=session,
        details=GivenDetails(
            drug=Drug.KETAMINE, route=Route.INTRAVENOUS, started_at=start, ended_at=None, amount_mg=34
        ),
        actor=nurse,
        now=start,
    )
    held = booking_of(line_of(booked, "secondary", 1))
    assert held.state == AppointmentState.HELD
    need = IntegrationNeed.objects.get(dose=session, part=NeedPart.SECONDARY)
    assert (need.appointment_id, need.withdrawn_at) == (held.pk, None)


def test_unticked_session_is_not_booked(proposed, coordinator):
    book(proposed, coordinator, without={"preparation:1", "secondary:2"})
    kinds = [kind for kind, _ in live()]
    assert AppointmentKind.PREPARATION not in kinds
    assert AppointmentKind.SECONDARY_INTEGRATION not in kinds


def test_dose_is_shifted_and_another_left_out(treated, ask, coordinator):
    proposed = propose(treated, replace(ask, doses=4), coordinator)
    shifted = datetime.fromisoformat(dose_of(proposed, 2)["others"][0])
    pins = {dose["number"]: datetime.fromisoformat(dose["starts_at"]) for dose in proposed.doses}
    changed = adjust_course(
        proposal=proposed,
        version=1,
        starts={**pins, 2: shifted},
        without={3},
        unticked={"preparation:1"},
        now=T0,
    )
    assert changed.version == 2
    assert dose_of(changed, 2)["starts_at"] == shifted.isoformat()
    assert (dose_of(changed, 3)["is_on"], dose_of(changed, 3)["starts_at"]) == (False, None)
    assert dose_of(changed, 4)["starts_at"] == dose_of(proposed, 4)["starts_at"]
    assert not line_of(changed, "preparation", 1)["is_on"]
    # A week lies between doses 2 and 4 now: a secondary session is owed, and dose 4 has a preparation of its own.
    assert line_of(changed, "secondary", 2)
    assert line_of(changed, "preparation", 4)
    assert refusal(book, proposed, coordinator, version=1) == {"changed"}
    assert not Appointment.objects.exists()
    # Ticked again, it finds its time.
    again = adjust_course(proposal=changed, version=2, starts={**pins, 2: shifted}, without=(), now=T0)
    assert dose_of(again, 3)["starts_at"]


def take(clinic, therapist, line, *, actor) -> Appointment:
    """Somebody books the therapist for a meeting at the time of this session."""
    return book_appointment(
        clinic=clinic, kind=AppointmentKind.TEAM_MEETING, starts_at=datetime.fromisoformat(line["starts_at"]),
        ends_at=datetime.fromisoformat(line["ends_at"]), people=[(therapist, Part.ATTENDEE)], actor=actor,
        roles=COORDINATOR, now=T0,
    )  # fmt: skip


def test_session_whose_time_was_just_taken_finds_another_and_that_is_told(
    proposed, clinic, therapist, coordinator
):
    taken = line_of(proposed, "integration", 2)
    take(clinic, therapist, taken, actor=coordinator)
    found = book(proposed, coordinator)
    assert any(words.startswith("Integration of dose 2: now ") for words in found.changed)
    now_at = booking_of(line_of(found.proposal, "integration", 2))
    assert now_at.starts_at != datetime.fromisoformat(taken["starts_at"])
    assert found.proposal.state == CourseState.BOOKED
    assert [dose["starts_at"] for dose in found.proposal.doses] == [
        dose["starts_at"] for dose in proposed.doses
    ]
    assert double_bookings() == 0


def test_nothing_is_booked_when_a_dose_would_have_to_move(proposed, clinic, therapist, coordinator):
    # The therapist is away for all of what dose 2 would owe.
    first = datetime.fromisoformat(dose_of(proposed, 2)["starts_at"])
    add_time_off(
        clinic=clinic, person=therapist, starts_at=first + 24 * HOUR, ends_at=first + 74 * HOUR, kind="ill",
        actor=coordinator, now=T0,
    )  # fmt: skip
    assert "taken" in refusal(book, proposed, coordinator)
    assert not Appointment.objects.exists()
    proposed.refresh_from_db()
    assert (proposed.state, proposed.version) == (CourseState.OPEN, 2)
    # Dose 2 found no Monday or Thursday in reach; why stands beside it.
    assert dose_of(proposed, 2)["starts_at"] is None
    assert any("integration" in words for words in dose_of(proposed, 2)["reasons"])
    assert book(proposed, coordinator).proposal.state == CourseState.BOOKED
    assert DosingSession.objects.count() == 1


def test_course_that_was_left_lying_is_worked_out_again(proposed, coordinator):
    later = datetime.fromisoformat(dose_of(proposed, 1)["starts_at"]) + HOUR
    assert {"taken", "in-the-past"} <= refusal(book, proposed, coordinator, now=later)
    assert not Appointment.objects.exists()
    proposed.refresh_from_db()
    assert proposed.version == 2
    assert all(
        dose["starts_at"] is None or datetime.fromisoformat(dose["starts_at"]) > later
        for dose in proposed.doses
    )


def test_protocol_whose_sessions_are_held_elsewhere_gets_its_doses_alone(treated, clinic, ask, coordinator):
    parallel = Protocol.objects.get(clinic=clinic, slug="parallel").latest
    Episode.objects.filter(pk=treated.pk).update(protocol_version=parallel)
    found = propose(Episode.objects.get(pk=treated.pk), ask, coordinator)
    assert [bool(dose["starts_at"]) for dose in found.doses] == [True] * 2
    assert (found.sessions, found.missing) == ([], [])
    book(found, coordinator)
    assert {kind for kind, _ in live()} == {AppointmentKind.DOSING}


def test_refusal_that_no_other_time_would_help_is_told_as_it_is(proposed, treated, coordinator):
    Episode.objects.filter(pk=treated.pk).update(stage=Stage.MAINTENANCE)
    proposed = CourseProposal.objects.get(pk=proposed.pk)
    assert refusal(book, proposed, coordinator) == {"stage"}
    proposed.refresh_from_db()
    assert (proposed.version, proposed.state) == (1, CourseState.OPEN)


@pytest.mark.parametrize(
    ("stage", "is_allowed"),
    [
        (Stage.PREPARATION, True),
        (Stage.TREATMENT, True),
        (Stage.SCREENING, False),
        (Stage.MAINTENANCE, False),
    ],
)
def test_course_is_asked_for_while_being_prepared_or_treated(treated, ask, coordinator, stage, is_allowed):
    Episode.objects.filter(pk=treated.pk).update(stage=stage)
    treated.refresh_from_db()
    asked = replace(ask, doses=1)
    if is_allowed:
        assert propose(treated, asked, coordinator).doses[0]["starts_at"]
    else:
        assert refusal(propose, treated, asked, coordinator) == {"stage"}


def test_days_on_which_nobody_works_are_refused_in_words(treated, ask, coordinator):
    assert refusal(propose, treated, replace(ask, weekdays=(6, 7)), coordinator) == {"no-days"}


def test_course_keeps_away_from_a_dose_that_was_given(treated, ask, coordinator, nurse):
    give_dose(treated, nurse)
    # T0 is Monday 13:08; a day later at the earliest, and the numbers go on from one.
    found = propose(treated, replace(ask, first=T0.date(), weekdays=(), doses=2), coordinator)
    assert [dose["number"] for dose in found.doses] == [2, 3]
    assert all(
        datetime.fromisoformat(dose["starts_at"]) >= T0 + 24 * HOUR
        for dose in found.doses
        if dose["starts_at"]
    )
    assert found.doses[0]["minutes"] == treated.protocol.later_dose_minutes


def test_therapist_who_is_there_at_doses_is_booked_for_them_alone(treated, ask, coordinator, therapist):
    found = book(propose(treated, replace(ask, at_doses=True), coordinator), coordinator)
    dose = booking_of(dose_of(found.proposal, 1))
    part = dose.participants.get(person=therapist)
    assert (part.part, part.is_exclusive) == (Part.THERAPIST, True)
    assert double_bookings() == 0


def test_taking_back_cancels_all_of_it_and_only_that(booked, treated, clinic, therapist, coordinator):
    other = book_appointment(
        clinic=clinic, kind=AppointmentKind.SCREENING, episode=treated, starts_at=T0 + 20 * HOUR,
        ends_at=T0 + 21 * HOUR, people=[(therapist, Part.THERAPIST)], actor=coordinator, roles=COORDINATOR, now=T0,
    )  # fmt: skip
    undone = undo_course(proposal=booked, actor=coordinator, now=T0)
    assert undone.state == CourseState.UNDONE
    assert live() == [(AppointmentKind.SCREENING, other.starts_at)]
    assert not IntegrationNeed.objects.ahead().exists()
    assert not Task.objects.filter(kind="tell-patient", done_at=None, withdrawn_at=None).exclude(
        key=f"tell-patient:{other.pk}"
    )
    assert undo_course(proposal=booked, actor=coordinator, now=T0).state == CourseState.UNDONE


def test_course_is_not_taken_back_once_something_happened(booked, coordinator):
    preparation = booking_of(line_of(booked, "preparation", 1))
    mark_told(appointment=preparation, how="phone", reached=True, actor=coordinator, now=T0)
    cancel_appointment(
        appointment=booking_of(dose_of(booked, 2)), reason="By hand", actor=coordinator, now=T0
    )
    first = booking_of(dose_of(booked, 1))
    move_appointment(
        appointment=first, starts_at=first.starts_at + HOUR, ends_at=first.ends_at + HOUR, actor=coordinator,
        roles=COORDINATOR, now=T0,
    )  # fmt: skip
    before = live()
    assert refusal(undo_course, proposal=booked, actor=coordinator, now=T0) == {"told", "ended", "moved"}
    assert live() == before
    booked.refresh_from_db()
    assert booked.state == CourseState.BOOKED


def test_holds_that_the_program_moved_hinder_no_taking_back(booked, clinic, therapist, coordinator):
    line = line_of(booked, "integration", 2)
    held = booking_of(line)
    move_appointment(
        appointment=held, starts_at=held.starts_at + HOUR, ends_at=held.ends_at + HOUR, actor=None, now=T0
    )
    assert undo_course(proposal=booked, actor=coordinator, now=T0).state == CourseState.UNDONE
    assert live() == []


def test_dropped_course_cannot_be_booked(proposed, coordinator):
    assert drop_course(proposal=proposed, actor=coordinator, now=T0).state == CourseState.DROPPED
    assert refusal(book, proposed, coordinator) == {"decided"}
    assert refusal(undo_course, proposal=proposed, actor=coordinator, now=T0) == {"not-booked"}
