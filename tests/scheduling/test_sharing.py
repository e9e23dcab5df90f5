"""A nurse is in so many rooms at once, a prescriber within reach of so many doses, whoever books at the same moment."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Refused
from kapclinic.scheduling.clinical_settings import NURSE_ROOMS, PRESCRIBER_SESSIONS
from kapclinic.scheduling.models import Appointment, AppointmentKind, AppointmentParticipant, Part
from kapclinic.scheduling.services import book_appointment, move_appointment
from kapclinic.scheduling.spans import Span, busiest
from tests import factories
from tests.integration.situations import make_clinic_at_work
from tests.integration.test_concurrency import at_once

NOW = datetime(2026, 6, 8, 14, tzinfo=UTC)
# Tuesday 9 June 2026, 10:00 in Denver.
TEN = datetime(2026, 6, 9, 16, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
ROLES = frozenset({Role.COORDINATOR})


def span(first, last):
    return Span(TEN + first * HOUR, TEN + last * HOUR)


@pytest.mark.parametrize(
    ("spans", "most", "where"),
    [
        ([], 0, (0, 4)),
        ([(-2, 0), (4, 5)], 0, (0, 4)),
        ([(-2, 1)], 1, (0, 1)),
        # One after the other, never two at once.
        ([(0, 2), (2, 4)], 1, (0, 2)),
        ([(0, 2), (1, 3), (2, 4)], 2, (1, 2)),
        ([(0, 4), (1, 3), (2, 3), (3, 4)], 3, (2, 3)),
        ([(-3, 9)] * 5, 5, (0, 4)),
    ],
)
def test_busiest_stretch_is_counted_by_moments_not_by_neighbours(spans, most, where):
    assert busiest([span(*each) for each in spans], span(0, 4)) == (most, span(*where))


@pytest.fixture
def dose(clinic, nurse, prescriber, coordinator, db):
    """Books a dose of another patient, with the nurse and the prescriber sharing it."""

    def _dose(starts_at=TEN, *, hours=2, nurse=nurse, prescriber=prescriber, actor=coordinator, **changes):
        episode = factories.make_episode(factories.make_patient(clinic, family_name="Another"))
        shared = [(nurse, Part.NURSE), (prescriber, Part.PRESCRIBER)]
        return book_appointment(
            clinic=clinic, kind=AppointmentKind.SCREENING, starts_at=starts_at, ends_at=starts_at + hours * HOUR,
            episode=episode, people=[], shared_people=[each for each in shared if each[0] is not None], actor=actor,
            roles=ROLES, now=NOW, **changes,
        )  # fmt: skip

    return _dose


def test_third_room_is_refused_with_the_hours_in_which_the_nurse_is_in_two(dose, nurse):
    dose(TEN, hours=3)
    dose(TEN + HOUR, hours=3)
    with pytest.raises(Refused) as refused:
        dose(TEN + 2 * HOUR)
    [reason] = refused.value.reasons
    assert reason.text == (
        f"{nurse} is in 2 sessions already Tue 9 Jun 12:00-13:00; a nurse is in 2 at once at most."
    )
    assert reason.field == Part.NURSE
    assert reason.is_hard


@pytest.mark.parametrize(
    ("start", "is_refused"),
    [(-2 * HOUR, False), (-2 * HOUR + SECOND, True), (2 * HOUR - SECOND, True), (2 * HOUR, False)],
)
def test_rooms_that_only_touch_do_not_count(dose, start, is_refused):
    dose()
    dose()
    if is_refused:
        with pytest.raises(Refused, match="in 2 sessions already"):
            dose(TEN + start)
    else:
        assert dose(TEN + start).pk


def test_clinic_sets_how_many(dose, clinic, nurse):
    factories.approve_setting(clinic, NURSE_ROOMS, 1)
    dose()
    with pytest.raises(Refused, match="is in one session already"):
        dose()


def test_prescriber_is_within_reach_of_so_many_and_may_see_patients_meanwhile(
    dose, clinic, prescriber, coordinator
):
    factories.approve_setting(clinic, PRESCRIBER_SESSIONS, 2)
    seeing = factories.make_episode(factories.make_patient(clinic, family_name="Seen"))
    book_appointment(
        clinic=clinic, kind=AppointmentKind.SCREENING, starts_at=TEN, ends_at=TEN + HOUR, episode=seeing,
        people=[(prescriber, Part.PRESCRIBER)], reason="No hours entered", actor=coordinator, roles=ROLES, now=NOW,
    )  # fmt: skip
    dose(nurse=None)
    dose(nurse=None)
    with pytest.raises(Refused, match="is within reach of 2 sessions already Tue 9 Jun 10:00-12:00"):
        dose(nurse=None)


def test_nurse_who_is_in_a_session_alone_watches_one_room_less(dose, clinic, nurse, coordinator):
    def meet(starts_at=TEN):
        return book_appointment(
            clinic=clinic, kind=AppointmentKind.TEAM_MEETING, starts_at=starts_at, ends_at=starts_at + HOUR,
            people=[(nurse, Part.ATTENDEE)], reason="No hours entered", actor=coordinator, roles=ROLES, now=NOW,
        )  # fmt: skip

    dose()
    meet()
    with pytest.raises(Refused, match="is in 2 sessions already Tue 9 Jun 10:00-11:00"):
        dose()
    dose(TEN + HOUR)
    with pytest.raises(Refused, match="is in 2 sessions already Tue 9 Jun 11:00-12:00"):
        meet(TEN + HOUR)


def test_moving_into_a_full_hour_is_refused_and_out_of_one_is_free(dose, clinic, coordinator):
    first, _ = dose(), dose()
    third = dose(TEN + 4 * HOUR)
    with pytest.raises(Refused, match="is in 2 sessions already"):
        move_appointment(
            appointment=third, starts_at=TEN, ends_at=TEN + HOUR, actor=coordinator, roles=ROLES, now=NOW
        )
    # The bound came down after both were booked.
    factories.approve_setting(clinic, NURSE_ROOMS, 1)
    moved = move_appointment(
        appointment=first, starts_at=TEN + 9 * HOUR, ends_at=TEN + 10 * HOUR, actor=coordinator, roles=ROLES, now=NOW
    )  # fmt: skip
    assert moved.starts_at == TEN + 9 * HOUR


def _at_tomorrow_noon():
    return (timezone.now() + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)


def test_ten_people_who_want_the_same_nurse_get_two_rooms(committed_db):
    clinic, people = make_clinic_at_work()
    start, nurse = _at_tomorrow_noon(), people[Role.NURSE]
    episodes = [
        factories.make_episode(factories.make_patient(clinic, family_name=f"Patient {number}"))
        for number in range(10)
    ]

    def book(episode):
        return book_appointment(
            clinic=clinic, kind=AppointmentKind.SCREENING, episode=episode, starts_at=start, ends_at=start + HOUR,
            people=[], shared_people=[(nurse, Part.NURSE)], actor=nurse, roles=frozenset({Role.NURSE}),
        )  # fmt: skip

    results = at_once([lambda episode=episode: book(episode) for episode in episodes])
    made = [result for result in results if isinstance(result, Appointment)]
    refused = [result for result in results if isinstance(result, Refused)]
    assert (len(made), len(refused)) == (2, 8), results
    assert all("is in 2 sessions already" in str(result) for result in refused)


def test_database_refuses_the_third_room_that_no_service_saw(committed_db):
    """Two connections that take no lock and look at nothing: the second waits for the first and is refused."""
    clinic, people = make_clinic_at_work()
    start, nurse = _at_tomorrow_noon(), people[Role.NURSE]
    first, *others = (
        Appointment.objects.create(
            clinic=clinic, kind=AppointmentKind.TEAM_MEETING, starts_at=start, ends_at=start + HOUR
        )
        for _ in range(3)
    )

    def join(appointment):
        AppointmentParticipant.objects.create(
            clinic=clinic, appointment=appointment, person=nurse, part=Part.NURSE, is_exclusive=False, most_at_once=2,
            starts_at=start, ends_at=start + HOUR,
        )  # fmt: skip

    join(first)
    # Both have written before either commits, unless the database makes one wait.
    meeting = threading.Barrier(2)

    def join_slowly(appointment):
        meeting.wait()
        with transaction.atomic():
            join(appointment)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.3)")
        return "in"

    results = at_once([lambda each=each: join_slowly(each) for each in others])
    assert sorted(type(result).__name__ for result in results) == ["IntegrityError", "str"], results
    [error] = [result for result in results if isinstance(result, IntegrityError)]
    assert "scheduling_shared_not_too_often" in str(error)
    assert AppointmentParticipant.objects.filter(person=nurse, is_live=True).count() == 2
