"""How many inductions can start in a week: the days of a course, its sessions, the count, and the bottleneck in words."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.urls import reverse

from episodes.models import Protocol
from integration.courses import course_of, dose_days, spread
from integration.services.planning import induction_capacity, plan_need
from kapclinic.clinics.refusals import Refused
from kapclinic.scheduling.planner import Candidate
from kapclinic.scheduling.services import add_working_hours
from tests.integration.situations import T0, work_weekdays
from tests.sessions.situations import set_for

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 6, 15)
HOUR = timedelta(hours=1)


def weekday(day: date) -> bool:
    return day.isoweekday() <= 5


@pytest.fixture
def version(clinic):
    """The protocol of the practice guide: six doses, two a week, each with integration."""
    return Protocol.objects.get(clinic=clinic, slug="preparation-integration").latest


@pytest.fixture
def doses_on_weekdays(travel, clinic, nurse):
    work_weekdays(clinic, nurse)


def ask(clinic, version, most, monday=MONDAY):
    return induction_capacity(clinic=clinic, version=version, monday=monday, most=most, now=T0)


def works(clinic, person, days, starts, ends) -> None:
    for day in days:
        add_working_hours(
            clinic=clinic, person=person, weekday=day, starts_at=time(starts), ends_at=time(ends),
            valid_from=T0.date() - timedelta(days=60), actor=person, now=T0,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("first", "days"),
    [
        (date(2026, 6, 15), [15, 18, 22, 25]),
        # Saturday is nearer to Friday than to Monday.
        (date(2026, 6, 17), [17, 19, 24, 26]),
        # Sunday is nearer to Monday, and Monday of the week after follows it.
        (date(2026, 6, 18), [18, 22, 25, 29]),
    ],
)
def test_doses_fall_on_possible_days_at_the_protocols_pace(first, days):
    found = dose_days(first, count=4, per_week=2, is_possible=weekday)
    assert [day.day for day in found] == days


def test_doses_that_find_no_day_make_no_course():
    assert dose_days(MONDAY, count=3, per_week=2, is_possible=lambda day: day == MONDAY) == ()


def test_starts_are_spread_over_the_days_and_then_over_the_hours():
    at = [[datetime(2026, 6, day, hour, tzinfo=UTC) for hour in (15, 17)] for day in (15, 16)]
    found = spread([[], *at], 5)
    assert [(each.day, each.hour) for each in found] == [(15, 15), (16, 15), (15, 17), (16, 17), (15, 15)]
    assert spread([[], []], 5) == ()


def test_course_owes_what_its_protocol_says(version):
    doses = [datetime(2026, 6, day, 16, tzinfo=UTC) for day in (15, 18, 22, 25, 29)]
    course = course_of(
        "c", version.spec, doses, planned_minutes=60, candidates=(Candidate("x"),), room_kind=None, now=T0
    )
    windows = {each.key: each.window for each in course.sessions}
    # A secondary session is owed unless the next dose comes before its window opens.
    assert list(windows) == [
        "c/preparation", "c/integration 1", "c/integration 2", "c/integration 3", "c/integration 4",
        "c/integration 5", "c/secondary 5",
    ]  # fmt: skip
    assert windows["c/preparation"].starts_at == doses[0] - 72 * HOUR
    assert windows["c/preparation"].ends_at == doses[0] - 24 * HOUR
    assert windows["c/integration 2"].starts_at == doses[1] + 25 * HOUR
    assert windows["c/integration 2"].ends_at == doses[1] + 73 * HOUR
    assert windows["c/secondary 5"].ends_at == doses[4] + 169 * HOUR


def test_all_start_where_there_is_time(doses_on_weekdays, clinic, version, therapist):
    works(clinic, therapist, range(1, 8), 9, 17)
    found = ask(clinic, version, 3)
    assert (found.asked, found.started, found.bound, found.bottlenecks) == (3, 3, 3, ())
    assert found.is_proven
    assert [(row.day.day, row.asked, row.started) for row in found.days] == [
        (15, 1, 1),
        (16, 1, 1),
        (17, 1, 1),
    ]
    assert [row.uncovered for row in found.days] == [(), (), ()]


def test_preparation_that_falls_on_a_weekend_keeps_a_course_from_starting(
    doses_on_weekdays, at_work, clinic, version
):
    # Preparation for Tuesday, 9:00, belongs between Saturday and Monday, 9:00, when nobody works yet.
    found = ask(clinic, version, 3)
    assert [(row.day.day, row.started) for row in found.days] == [(15, 1), (16, 0), (17, 1)]
    assert found.days[1].uncovered == ("preparation (Sat 13 Jun 09:00 to Mon 15 Jun 09:00)",)
    assert (found.started, found.bound) == (2, 2)


def test_bottleneck_is_the_therapists_hours_by_name(doses_on_weekdays, clinic, version, therapist):
    works(clinic, therapist, range(1, 6), 9, 12)
    found = ask(clinic, version, 6)
    assert 0 < found.started < 6
    assert any(words.startswith("Hours of therapists: with more of them") for words in found.bottlenecks)
    assert any(f"More hours of {therapist} alone would help." in words for words in found.bottlenecks)
    assert sum(row.started for row in found.days) == found.started
    assert sum(row.asked for row in found.days) == 6


def test_windows_over_a_weekend_without_a_therapist_are_named(doses_on_weekdays, clinic, version, therapist):
    # Nobody works from Friday to Monday: what a dose on Thursday opens closes on Sunday.
    works(clinic, therapist, (2, 3, 4), 9, 17)
    found = ask(clinic, version, 5)
    monday = found.days[0]
    assert (monday.day, monday.started) == (MONDAY, 0)
    assert any(words.startswith("integration 2 (Fri 19 Jun") for words in monday.uncovered)


def test_day_limit_is_named_where_it_hinders(doses_on_weekdays, at_work, clinic, version, prescriber):
    set_for(clinic, prescriber, scheduling__most_sessions_per_day=1)
    found = ask(clinic, version, 6)
    assert found.started < 6
    assert any("sessions of a therapist on one day (1)" in words for words in found.bottlenecks)


def test_sessions_that_are_held_now_keep_their_time(dose, doses_on_weekdays, need_of, clinic, version):
    plan_need(need=need_of(dose), now=T0)
    before = need_of(dose).appointment
    ask(clinic, version, 2, date(2026, 6, 8))
    assert (need_of(dose).appointment.pk, need_of(dose).appointment.starts_at) == (
        before.pk,
        before.starts_at,
    )


def test_week_that_has_begun_offers_only_what_is_ahead(doses_on_weekdays, at_work, clinic, version):
    # It is Monday, 13:08: preparation belongs 24 h before the first dose at least.
    found = ask(clinic, version, 5, date(2026, 6, 8))
    assert all(row.day > date(2026, 6, 7) for row in found.days)
    today = found.days[0]
    assert today.started == 0
    assert any(words.startswith("preparation (its window is over)") for words in today.uncovered)


@pytest.mark.parametrize(
    ("slug", "code"), [("parallel", "not-planned"), ("preparation-integration", "no-therapist")]
)
def test_refused_where_nothing_is_booked_here_or_nobody_could_take_it(doses_on_weekdays, clinic, slug, code):
    with pytest.raises(Refused) as refused:
        ask(clinic, Protocol.objects.get(clinic=clinic, slug=slug).latest, 2)
    assert {reason.code for reason in refused.value.reasons} == {code}


def test_refused_where_no_dose_could_start(travel, clinic, version, therapist):
    work_weekdays(clinic, therapist)
    with pytest.raises(Refused) as refused:
        ask(clinic, version, 2)
    assert {reason.code for reason in refused.value.reasons} == {"no-dosing-day"}


def test_page_asks_answers_and_can_be_bookmarked(
    doses_on_weekdays, clinic, version, therapist, client, coordinator
):
    works(clinic, therapist, range(1, 8), 9, 17)
    client.force_login(coordinator)
    url = reverse("integration:capacity")
    empty = client.get(url)
    assert empty.status_code == 200
    assert "can start in the week" not in empty.content.decode()
    # Any day stands for its week.
    page = client.get(url, {"version": str(version.pk), "week": "2026-06-17", "most": "2"})
    assert page.status_code == 200
    text = page.content.decode()
    assert "2 of 2 can start in the week of 15 June 2026" in text
    assert "proven" in text
    assert reverse("integration:capacity") in client.get(reverse("integration:plans")).content.decode()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"week": "2026-06-05"}, "That week is over."),
        ({"week": "2036-06-05"}, "Choose a week within the next year."),
        ({"most": "0"}, "greater than or equal to 1"),
        ({"version": "5b0a4dbe-4f43-4b5a-9c80-7d9d7c6b0a01"}, "Select a valid choice"),
    ],
)
def test_page_says_what_is_wrong_with_the_question(
    doses_on_weekdays, at_work, clinic, version, client, coordinator, changed, words
):
    client.force_login(coordinator)
    asked = {"version": str(version.pk), "week": "2026-06-15", "most": "2", **changed}
    page = client.get(reverse("integration:capacity"), asked)
    assert page.status_code == 422
    assert words in page.content.decode()


@pytest.mark.parametrize(("who", "status"), [("manager", 200), ("coordinator", 200), ("therapist", 403)])
def test_page_by_role(travel, client, request, who, status):
    client.force_login(request.getfixturevalue(who))
    assert client.get(reverse("integration:capacity")).status_code == status
