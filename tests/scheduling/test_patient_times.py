"""When patients can come, and how: recorded on the clinic's clock, kept by bookings, taken back instead of deleted."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.urls import reverse

from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Refused
from kapclinic.scheduling.hours import Place
from kapclinic.scheduling.models import (
    AppointmentKind,
    MeetingPlace,
    Part,
    PatientAbsence,
    PatientPlace,
    PatientTimes,
    Wish,
)
from kapclinic.scheduling.patient_times import Availability, availability_of
from kapclinic.scheduling.services import (
    add_patient_absence,
    add_patient_times,
    add_working_hours,
    book_appointment,
    set_patient_place,
    withdraw_roster_row,
)
from kapclinic.scheduling.spans import Span
from tests import factories

NOW = datetime(2026, 6, 8, 14, tzinfo=UTC)
# Tuesday 10:00 in Denver.
TEN = datetime(2026, 6, 9, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
DENVER = ZoneInfo("America/Denver")


@pytest.fixture(autouse=True)
def monday_morning():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def cannot(patient, coordinator):
    def _cannot(weekday, starts_at, ends_at, *, wish=Wish.CANNOT, valid_from=date(2026, 1, 1), **more):
        return add_patient_times(
            patient=patient, wish=wish, weekday=weekday, starts_at=starts_at, ends_at=ends_at, valid_from=valid_from,
            actor=coordinator, now=NOW, **more,
        )  # fmt: skip

    return _cannot


@pytest.fixture
def coming(clinic, patient):
    def _coming(starts_at, ends_at) -> Availability:
        limits = Span(starts_at, ends_at)
        return availability_of(clinic, [patient.pk], limits)[patient.pk]

    return _coming


def denver(*wall: int, fold: int = 0) -> datetime:
    return datetime(*wall, tzinfo=DENVER, fold=fold).astimezone(UTC)


def test_patient_who_said_nothing_can_come_any_time_and_any_way(coming):
    assert coming(TEN, TEN + HOUR) == Availability((), (), Place.EITHER)


def test_weekly_times_hold_on_the_clinics_clock_on_both_days_of_their_validity(cannot, coming):
    cannot(2, time(9), time(12), valid_from=date(2026, 6, 9), valid_until=date(2026, 6, 16))
    found = coming(denver(2026, 6, 1), denver(2026, 7, 1))
    assert found.unavailable == (
        Span(denver(2026, 6, 9, 9), denver(2026, 6, 9, 12)),
        Span(denver(2026, 6, 16, 9), denver(2026, 6, 16, 12)),
    )
    assert found.preferred == ()


@pytest.mark.parametrize(
    ("sunday", "hours"),
    # Wall clocks 00:30 to 04:00: an hour is skipped in March and comes twice in November.
    [(date(2027, 3, 14), 2.5), (date(2026, 11, 1), 4.5), (date(2026, 11, 8), 3.5)],
)
def test_weekly_times_last_as_the_wall_clock_says_at_both_changes_of_clocks(cannot, coming, sunday, hours):
    cannot(7, time(0, 30), time(4))
    midnight = datetime.combine(sunday, time(0), DENVER).astimezone(UTC)
    [span] = coming(midnight, midnight + timedelta(hours=26)).unavailable
    assert span.starts_at == datetime.combine(sunday, time(0, 30), DENVER)
    assert span.ends_at == datetime.combine(sunday, time(4), DENVER)
    assert span.length == timedelta(hours=hours)


def test_whole_days_and_dated_stretches_are_one_stretch(cannot, coming, patient, coordinator):
    cannot(2, time(0), time(0))
    add_patient_absence(
        patient=patient, starts_at=denver(2026, 6, 10), ends_at=denver(2026, 6, 11, 8), actor=coordinator, now=NOW
    )  # fmt: skip
    found = coming(denver(2026, 6, 8), denver(2026, 6, 13))
    assert found.unavailable == (Span(denver(2026, 6, 9), denver(2026, 6, 11, 8)),)


def test_wishes_are_kept_apart_and_the_place_is_known(cannot, coming, patient, coordinator):
    cannot(2, time(9), time(12), wish=Wish.PREFERS)
    set_patient_place(patient=patient, place="telehealth", actor=coordinator, now=NOW)
    found = coming(denver(2026, 6, 9), denver(2026, 6, 10))
    assert found.unavailable == ()
    assert found.preferred == (Span(denver(2026, 6, 9, 9), denver(2026, 6, 9, 12)),)
    assert found.place is Place.TELEHEALTH


def test_one_place_stands_and_the_earlier_one_is_in_the_record(patient, coordinator):
    for place in ("telehealth", "in_person", "in_person"):
        set_patient_place(patient=patient, place=place, actor=coordinator, now=NOW)
    [standing] = PatientPlace.objects.standing().filter(patient=patient)
    assert standing.place == "in_person"
    assert PatientPlace.objects.filter(patient=patient).count() == 2
    set_patient_place(patient=patient, place="either", actor=coordinator, now=NOW)
    assert PatientPlace.objects.standing().get(patient=patient).place == "either"


def test_what_was_taken_back_holds_no_more_and_stays_in_the_record(cannot, coming, coordinator):
    row = cannot(2, time(9), time(12))
    withdraw_roster_row(row=row, actor=coordinator, now=NOW)
    assert coming(denver(2026, 6, 9), denver(2026, 6, 10)).unavailable == ()
    kept = PatientTimes.objects.get(pk=row.pk)
    assert (kept.withdrawn_at, kept.withdrawn_by) == (NOW, coordinator)
    assert kept.history.count() == 2


def test_same_again_is_one_row(cannot, patient, coordinator):
    assert cannot(2, time(9), time(12)) == cannot(2, time(9), time(12))
    first, again = (
        add_patient_absence(patient=patient, starts_at=TEN, ends_at=TEN + HOUR, actor=coordinator)
        for _ in range(2)
    )
    assert first == again


def test_reversed_or_nameless_times_are_refused(cannot, patient, coordinator):
    for wrong in (
        lambda: cannot(2, time(12), time(9)),
        lambda: cannot(2, time(9), time(12), valid_until=date(2025, 1, 1)),
        lambda: cannot(2, time(9), time(12), wish="perhaps"),
        lambda: add_patient_absence(patient=patient, starts_at=TEN, ends_at=TEN, actor=coordinator),
        lambda: set_patient_place(patient=patient, place="by boat", actor=coordinator),
    ):
        with pytest.raises(Refused):
            wrong()


@pytest.fixture
def book(clinic, therapist, coordinator, episode):
    for weekday in range(1, 6):
        add_working_hours(
            clinic=clinic, person=therapist, weekday=weekday, starts_at=time(8), ends_at=time(18),
            valid_from=NOW.date(), actor=coordinator, now=NOW,
        )  # fmt: skip

    def _book(starts_at=TEN, *, kind=AppointmentKind.PREPARATION, **more):
        return book_appointment(
            clinic=clinic, kind=kind, episode=episode, starts_at=starts_at, ends_at=starts_at + HOUR,
            people=[(therapist, Part.THERAPIST)], actor=coordinator, roles=frozenset({Role.COORDINATOR}), now=NOW, **more,
        )  # fmt: skip

    return _book


@pytest.mark.parametrize(
    ("starts_at", "shared"),
    [
        (TEN - HOUR - SECOND, ""),
        (TEN - HOUR, ""),
        (TEN - HOUR + SECOND, "10:00-10:00"),
        (TEN - HOUR / 2, "10:00-10:30"),
        (TEN, "10:00-11:00"),
        (TEN + HOUR - SECOND, "10:59-11:00"),
        (TEN + HOUR, ""),
        (TEN + HOUR + SECOND, ""),
    ],
)
def test_booking_when_the_patient_cannot_come_needs_a_reason(book, patient, coordinator, starts_at, shared):
    add_patient_absence(patient=patient, starts_at=TEN, ends_at=TEN + HOUR, actor=coordinator, now=NOW)
    if not shared:
        assert book(starts_at).is_live
        return
    with pytest.raises(Refused) as refusal:
        book(starts_at)
    [reason] = refusal.value.reasons
    assert reason.text == f"The patient cannot come Tue 9 Jun {shared}."
    assert book(starts_at, reason="They found somebody for the children").is_live


def test_booking_in_another_place_than_the_patient_wishes_needs_a_reason_unless_it_is_a_dose(
    book, patient, coordinator
):
    set_patient_place(patient=patient, place="telehealth", actor=coordinator, now=NOW)
    with pytest.raises(Refused) as refusal:
        book()
    assert [reason.text for reason in refusal.value.reasons] == ["The patient can come by telehealth only."]
    assert book(place=MeetingPlace.TELEHEALTH).is_live
    assert book(TEN + 2 * HOUR, kind=AppointmentKind.DOSING).is_live


def test_page_records_shows_and_takes_back(client, coordinator, patient, book):
    booked = book()
    client.force_login(coordinator)
    url = reverse("scheduling:patient-availability", args=[patient.public_id])
    assert url in client.get(reverse("episodes:patient-detail", args=[patient.public_id])).content.decode()
    weekly = {
        "which": "times", "wish": "cannot", "weekdays": [2, 4], "starts_at": "09:00", "ends_at": "12:00",
        "valid_from": "2026-06-08",
    }  # fmt: skip
    assert client.post(url, weekly).status_code == 302
    away = {
        "which": "away", "away-from_day": "2026-06-20", "away-from_time": "08:00", "away-to_day": "2026-06-27",
        "away-to_time": "08:00",
    }  # fmt: skip
    assert client.post(url, away).status_code == 302
    assert client.post(url, {"which": "place", "place": "telehealth"}).status_code == 302
    page = client.get(url)
    assert [row.weekday for row in page.context["times"]] == [2, 4]
    assert page.context["affected"] == [booked]
    assert 'value="telehealth" selected' in page.content.decode()
    absence = PatientAbsence.objects.get(patient=patient)
    assert absence.starts_at == denver(2026, 6, 20, 8)
    for what, row in (("away", absence), *(("times", row) for row in page.context["times"])):
        assert client.post(reverse("scheduling:patient-withdraw", args=[what, row.pk])).status_code == 302
    page = client.get(url)
    assert not page.context["times"]
    assert not page.context["affected"]
    assert not page.context["away"]


def test_page_keeps_what_was_typed_when_it_is_refused(client, coordinator, patient):
    client.force_login(coordinator)
    url = reverse("scheduling:patient-availability", args=[patient.public_id])
    wrong = {
        "which": "times", "wish": "cannot", "weekdays": [2], "starts_at": "12:00", "ends_at": "09:00",
        "valid_from": "2026-06-08",
    }  # fmt: skip
    answer = client.post(url, wrong)
    assert answer.status_code == 422
    assert "They end after they start" in answer.content.decode()
    assert 'value="12:00"' in answer.content.decode()


def test_times_of_one_clinic_are_asked_with_three_queries(
    clinic, patient, coordinator, cannot, django_assert_num_queries
):
    others = [factories.make_patient(clinic, coordinator, family_name=f"P{number}") for number in range(3)]
    for each in others:
        set_patient_place(patient=each, place="in_person", actor=coordinator, now=NOW)
    cannot(2, time(9), time(12))
    with django_assert_num_queries(3):
        found = availability_of(clinic, [patient.pk, *(each.pk for each in others)], Span(TEN, TEN + HOUR))
    assert [len(found[patient.pk].unavailable), found[others[0].pk].place] == [1, Place.IN_PERSON]
