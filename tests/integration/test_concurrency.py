"""Two workers at once, with real commits."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from threading import Barrier

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from episodes.models import EpisodeEvent
from episodes.stages import Stage
from integration.coursing import Preparing
from integration.models import CourseProposal, CourseState, PlanCause, ProposalState
from integration.services import plan_need
from integration.services.coursing import CourseAsk, book_course, propose_course
from integration.services.planning import drop_proposal, propose_plan
from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Refused
from kapclinic.scheduling.models import (
    Appointment,
    AppointmentKind,
    AppointmentParticipant,
    HandChange,
    Part,
)
from kapclinic.scheduling.services import book_appointment, cancel_appointment, undo_change
from tests import factories
from tests.integration.situations import double_bookings, make_clinic_at_work, need_of_new_dose


@pytest.fixture
def clinic_at_work(committed_db):
    """A clinic whose one therapist works day and night, and its people."""
    return make_clinic_at_work()


def at_once(functions):
    """Run the functions together, each on a connection of its own; their results or exceptions."""
    barrier = Barrier(len(functions))

    def run(function):
        barrier.wait()
        try:
            return function()
        except (Refused, DatabaseError) as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))


def test_one_need_is_placed_once_when_four_workers_take_it(clinic_at_work):
    clinic, people = clinic_at_work
    need = need_of_new_dose(clinic, people, "Once")
    results = at_once([lambda: plan_need(need=need, now=timezone.now())] * 4)
    assert results == [None] * 4
    assert Appointment.objects.filter(kind=AppointmentKind.INTEGRATION).count() == 1


def test_needs_for_the_same_hour_are_placed_side_by_side_in_time(clinic_at_work):
    clinic, people = clinic_at_work
    needs = [need_of_new_dose(clinic, people, f"Patient {number}") for number in range(4)]
    results = at_once([lambda need=need: plan_need(need=need, now=timezone.now()) for need in needs])
    # Whoever lost the hour three times over comes back through the job; none is booked twice.
    for need, result in zip(needs, results, strict=True):
        if isinstance(result, Refused):
            plan_need(need=need, now=timezone.now())
        else:
            assert result is None
    starts = list(
        Appointment.objects.filter(kind=AppointmentKind.INTEGRATION).values_list("starts_at", flat=True)
    )
    assert len(starts) == len(set(starts)) == 4
    assert double_bookings() == 0


def test_ten_people_booking_the_same_hour_make_one_booking(clinic_at_work):
    clinic, people = clinic_at_work
    therapist = people[Role.THERAPIST]
    episodes = [
        factories.make_episode(
            factories.make_patient(clinic, family_name=f"Patient {number}"),
            prescriber=people[Role.PRESCRIBER],
            therapist=therapist,
        )
        for number in range(10)
    ]
    start = (timezone.now() + timedelta(days=3)).astimezone(UTC).replace(minute=0, second=0, microsecond=0)

    def book(episode, starts_at: datetime = start):
        return book_appointment(
            clinic=clinic, kind=AppointmentKind.SCREENING, episode=episode, starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1), people=[(therapist, Part.THERAPIST)], actor=therapist,
            roles=frozenset({Role.THERAPIST}),
        )  # fmt: skip

    results = at_once([lambda episode=episode: book(episode) for episode in episodes])
    made = [result for result in results if isinstance(result, Appointment)]
    refused = [result for result in results if isinstance(result, Refused)]
    assert (len(made), len(refused)) == (1, 9), results
    assert all("is booked" in str(result) for result in refused)
    assert AppointmentParticipant.objects.filter(person=therapist, is_live=True).count() == 1
    assert double_bookings() == 0


def test_four_people_who_undo_at_the_same_moment_undo_once(clinic_at_work):
    clinic, people = clinic_at_work
    therapist, roles = people[Role.THERAPIST], frozenset({Role.THERAPIST})
    start = (timezone.now() + timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
    made = book_appointment(
        clinic=clinic, kind=AppointmentKind.SCREENING, starts_at=start, ends_at=start + timedelta(hours=1),
        episode=factories.make_episode(factories.make_patient(clinic), therapist=therapist),
        people=[(therapist, Part.THERAPIST)], actor=therapist, roles=roles,
    )  # fmt: skip
    cancel_appointment(appointment=made, reason="Slip", actor=therapist)
    change = HandChange.objects.filter(appointment=made).get(what=HandChange.What.CANCELLED)
    results = at_once([lambda: undo_change(change=change, actor=therapist, roles=roles)] * 4)
    assert [(each.state, each.sequence) for each in results] == [("held", 2)] * 4
    assert EpisodeEvent.objects.filter(kind="appointment.restored", subject_id=made.pk).count() == 1


def test_plan_that_is_decided_meanwhile_keeps_what_was_decided(committed_db):
    clinic = factories.make_clinic()
    manager = factories.make_member(clinic, Role.MANAGER)
    asked = {"clinic": clinic, "key": "asked:race", "cause": PlanCause.ASKED}
    shown = propose_plan(**asked, title="As shown")
    answers: list[object] = []

    def look_again() -> None:
        try:
            answers.append(propose_plan(**asked, title="Looked at again"))
        except Refused as refused:
            answers.append({reason.code for reason in refused.reasons})
        finally:
            connection.close()

    other = threading.Thread(target=look_again)
    with transaction.atomic():
        drop_proposal(proposal=shown, actor=manager)
        other.start()
        other.join(timeout=2)
    other.join()
    shown.refresh_from_db()
    assert answers == [{"decided"}]
    assert (shown.title, shown.state) == ("As shown", ProposalState.DROPPED)


def make_course(clinic, people, name: str) -> CourseProposal:
    """A proposed course of two doses for a new patient; nurse and prescriber are always there."""
    episode = factories.make_episode(
        factories.make_patient(clinic, family_name=name),
        prescriber=people[Role.PRESCRIBER],
        therapist=people[Role.THERAPIST],
        nurse=people[Role.NURSE],
        stage=Stage.TREATMENT,
    )
    ask = CourseAsk(
        doses=2, first=timezone.localdate() + timedelta(days=10), weekdays=(), earliest=time(9), wanted=time(9),
        latest=time(17), preparing=Preparing.SHARED, therapist=str(people[Role.THERAPIST].pk), at_doses=True,
    )  # fmt: skip
    return propose_course(episode=episode, ask=ask, actor=people[Role.PRESCRIBER], request_key=uuid.uuid4())


def book(course, people):
    """What came of it; deadlocks and lost times are for the caller to see."""
    return book_course(
        proposal=CourseProposal.objects.get(pk=course.pk),
        version=1,
        actor=people[Role.PRESCRIBER],
        roles=frozenset({Role.PRESCRIBER}),
    )


def test_course_is_booked_once_when_three_people_press_at_the_same_time(clinic_at_work):
    clinic, people = clinic_at_work
    course = make_course(clinic, people, "Pressed")
    results = at_once([lambda: book(course, people)] * 3)
    assert {result.proposal.state for result in results} == {CourseState.BOOKED}
    assert Appointment.objects.filter(kind=AppointmentKind.DOSING).count() == 2
    assert double_bookings() == 0


def test_two_courses_for_the_same_hours_are_never_booked_in_part(clinic_at_work):
    clinic, people = clinic_at_work
    courses = [make_course(clinic, people, f"Course {number}") for number in range(2)]
    results = at_once([lambda course=course: book(course, people) for course in courses])
    lost = [result for result in results if isinstance(result, Refused)]
    # The therapist gives both first doses at the same hour: one course stands whole, the other is worked out again.
    assert len(lost) == 1, results
    assert "taken" in {reason.code for reason in lost[0].reasons}
    assert Appointment.objects.filter(kind=AppointmentKind.DOSING).count() == 2
    assert {course.state for course in CourseProposal.objects.all()} == {CourseState.OPEN, CourseState.BOOKED}
    again = CourseProposal.objects.get(state=CourseState.OPEN)
    assert again.version == 2
    booked = book_course(
        proposal=again, version=2, actor=people[Role.PRESCRIBER], roles=frozenset({Role.PRESCRIBER})
    )
    assert booked.proposal.state == CourseState.BOOKED
    assert Appointment.objects.filter(kind=AppointmentKind.DOSING).count() == 4
    assert double_bookings() == 0
