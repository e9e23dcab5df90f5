"""Why a session has no time: which ones compete for which hours, what was tried and helps, and who may read whose name."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from episodes.models import TeamPart
from episodes.services import add_team_member, end_team_member
from episodes.stages import Stage
from integration.models import IntegrationNeed
from integration.services.planning import explain_need, plan_need
from kapclinic.accounts.models import Licence, Role
from kapclinic.jobs.services import run_due
from kapclinic.scheduling.extra_time import extra_stretches
from kapclinic.scheduling.hours import Absence, Roster, WeeklyHours
from kapclinic.scheduling.models import AppointmentKind, Part
from kapclinic.scheduling.planner import RepairKind
from kapclinic.scheduling.services import add_extra_hours, book_appointment, mark_told
from kapclinic.scheduling.spans import Span
from sessions.services import plan_session
from tests import factories
from tests.integration.situations import T0, after, give_dose, work_weekdays
from tests.sessions.situations import set_for

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
ZONE = "America/Denver"
# Tuesday 15:15 in Denver: inside the windows of all doses that end at T0.
SLOT = after(26) + timedelta(minutes=7)


def opens(clinic, person, start, minutes) -> None:
    add_extra_hours(
        clinic=clinic,
        person=person,
        starts_at=start,
        ends_at=start + timedelta(minutes=minutes),
        actor=person,
        now=T0 - HOUR,
    )


def need_of_dose(session) -> IntegrationNeed:
    return IntegrationNeed.objects.select_related("appointment", "episode", "clinic").get(
        dose=session, part="primary"
    )


@pytest.fixture
def three(travel, clinic, episode, nurse, therapist, prescriber):
    """Three patients of one therapist, who works two hours in their windows and none beside: two have a time, one has none."""
    opens(clinic, therapist, SLOT, 135)
    episodes = [episode] + [
        factories.make_episode(
            factories.make_patient(clinic, nurse, given_name=name),
            prescriber=prescriber, therapist=therapist, stage=Stage.TREATMENT,
        )
        for name in ("Ada", "Ben")
    ]  # fmt: skip
    doses = [give_dose(each, nurse) for each in episodes]
    for dose in doses:
        plan_need(need=need_of_dose(dose), now=T0)
    needs = [need_of_dose(dose) for dose in doses]
    assert sum(need.appointment is not None for need in needs) == 2
    return needs


def left_of(needs) -> IntegrationNeed:
    (left,) = [need for need in needs if need.appointment is None]
    return left


def test_competing_sessions_and_their_hours_are_named_and_stored_without_a_patient(three, therapist):
    left = left_of(three)
    (words,) = left.unplaced_reasons
    assert words.startswith("These 3 sessions (3 h in all) need these 2 h 15 min: ")
    assert f"{therapist} Tue 9 Jun 15:15-17:30" in words
    assert "Take one away and the others fit" in words
    found = explain_need(need=left, now=T0)
    assert found.reasons == (words,)
    assert {each.pk for each in found.competing} == {need.pk for need in three} - {left.pk}


def test_extra_hour_of_the_own_therapist_is_offered_and_works(three, clinic, therapist):
    left = left_of(three)
    (repair,) = explain_need(need=left, now=T0).helps
    assert repair.kind is RepairKind.EXTRA_HOUR
    assert repair.person == therapist
    assert repair.words.startswith(f"1 h 15 min more of {therapist}: Tue 9 Jun 14:00-15:15.")
    opens(clinic, therapist, datetime(2026, 6, 9, 20, tzinfo=UTC), 75)
    plan_need(need=left, now=T0)
    assert IntegrationNeed.objects.get(pk=left.pk).appointment is not None


def test_cover_is_someone_licensed_who_works_in_the_window(three, clinic, coordinator):
    left = left_of(three)
    expired = factories.make_member(clinic, Role.THERAPIST, name="Demo Alma")
    Licence.objects.filter(user=expired).update(expires_on=T0.date() - timedelta(days=1))
    work_weekdays(clinic, expired)
    factories.make_member(clinic, Role.THERAPIST, name="Demo Bo")
    theo = factories.make_member(clinic, Role.THERAPIST, name="Demo Theo")
    work_weekdays(clinic, theo)
    repairs = {each.kind: each for each in explain_need(need=left, now=T0).helps}
    cover = repairs[RepairKind.COVER]
    assert cover.person == theo
    assert cover.words.startswith("Demo Theo, LCSW could take it as a cover: ")
    add_team_member(episode=left.episode, part=TeamPart.COVER_THERAPIST, user=theo, actor=coordinator, now=T0)
    plan_need(need=left, now=T0)
    assert IntegrationNeed.objects.get(pk=left.pk).appointment.lead == theo


def test_planned_dose_is_offered_another_day(travel, clinic, episode, nurse, therapist, prescriber):
    # The therapist works on one Thursday alone: a dose on Tuesday leads there, the one on Friday does not.
    opens(clinic, therapist, datetime(2026, 6, 18, 15, tzinfo=UTC), 120)
    friday = datetime(2026, 6, 19, 16, tzinfo=UTC)
    planned = plan_session(
        episode=episode, planned_at=friday, planned_until=friday + 2 * HOUR, actor=therapist,
        roles=frozenset({Role.THERAPIST}), reason="Her wish", now=T0,
    )  # fmt: skip
    run_due()
    need = need_of_dose(planned)
    assert need.appointment is None
    repairs = {each.kind: each for each in explain_need(need=need, now=T0).helps}
    assert repairs[RepairKind.DOSE_TIME].words.startswith(
        "Dose on Tue 16 Jun 10:00 MDT instead of Fri 19 Jun 10:00 MDT: the session is then Thu 18 Jun"
    )


def test_one_session_alone_is_explained_by_the_calendar(dose, clinic, therapist, need_of):
    member = need_of(dose).episode.team.get(user=therapist)
    end_team_member(member=member, actor=therapist, now=T0)
    found = explain_need(need=need_of(dose), now=T0)
    assert found.reasons == (
        "Nobody on the care team can take it: the episode has no therapist and no cover.",
    )
    assert found.competing == ()


def test_days_that_are_full_by_the_clinics_limit_are_the_reason(
    at_work, clinic, episode, nurse, therapist, prescriber, need_of
):
    set_for(clinic, prescriber, scheduling__most_sessions_per_day=1)
    for day in (9, 10, 11):
        start = datetime(2026, 6, day, 15, tzinfo=UTC)
        book_appointment(
            clinic=clinic, kind=AppointmentKind.TEAM_MEETING, starts_at=start, ends_at=start + HOUR,
            people=[(therapist, Part.ATTENDEE)], title="Meeting", actor=therapist, now=T0,
        )  # fmt: skip
    dose = give_dose(episode, nurse)
    plan_need(need=need_of(dose), now=T0)
    assert need_of(dose).unplaced_reasons == [
        f"{therapist}: as many sessions as a day may hold (1) on Tue 9 Jun, Wed 10 Jun, Thu 11 Jun."
    ]


def test_team_without_a_licence_in_force_is_the_reason(dose, therapist, need_of):
    Licence.objects.filter(user=therapist).update(expires_on=T0.date() - timedelta(days=1))
    plan_need(need=need_of(dose), now=T0)
    assert need_of(dose).unplaced_reasons == [
        "Nobody on the care team who could take it has a licence in force."
    ]


def test_time_that_a_new_plan_finds_is_said(three, clinic, therapist, coordinator):
    left = left_of(three)
    opens(clinic, therapist, after(48) + timedelta(minutes=7), 60)
    found = explain_need(need=left, now=T0)
    assert found.would_fit == f"{therapist}, Wed 10 Jun 13:15-14:15"
    assert found.reasons == ()


def test_time_that_patients_were_told_is_the_calendars_reason(three, therapist, coordinator):
    left = left_of(three)
    for need in three:
        if need.appointment is not None:
            mark_told(appointment=need.appointment, how="phone", reached=True, actor=coordinator, now=T0)
    found = explain_need(need=left, now=T0)
    assert found.competing == ()
    assert any("booked Tue 9 Jun" in reason for reason in found.reasons)


def test_page_names_other_patients_to_a_coordinator_alone(three, client, coordinator, therapist):
    left = left_of(three)
    others = [str(need.episode.patient) for need in three if need.pk != left.pk]
    url = reverse("integration:need-detail", args=[left.pk])
    client.force_login(coordinator)
    text = client.get(url).content.decode()
    assert all(name in text for name in others)
    assert "What would help" in text
    assert "Add the hours and book" in text
    client.force_login(therapist)
    text = client.get(url).content.decode()
    assert not any(name in text for name in others)
    assert text.count("another patient") == 2


def test_prescriber_sees_the_repair_and_whom_to_ask_where_the_hours_are_not_theirs(
    three, client, prescriber, therapist
):
    client.force_login(prescriber)
    text = client.get(reverse("integration:need-detail", args=[left_of(three).pk])).content.decode()
    assert f"1 h 15 min more of {therapist}" in text
    assert f"Ask {therapist}, or a coordinator." in text
    assert reverse("integration:need-repair", args=[left_of(three).pk]) not in text


def test_page_of_a_planned_dose_offers_to_move_it(
    travel, clinic, episode, nurse, therapist, client, coordinator
):
    opens(clinic, therapist, datetime(2026, 6, 18, 15, tzinfo=UTC), 120)
    friday = datetime(2026, 6, 19, 16, tzinfo=UTC)
    planned = plan_session(
        episode=episode, planned_at=friday, planned_until=friday + 2 * HOUR, actor=therapist,
        roles=frozenset({Role.THERAPIST}), reason="Her wish", now=T0,
    )  # fmt: skip
    run_due()
    client.force_login(coordinator)
    text = client.get(reverse("integration:need-detail", args=[need_of_dose(planned).pk])).content.decode()
    assert "Dose on Tue 16 Jun 10:00 MDT" in text
    assert "Move the dose" in text
    assert "Book it" not in text


WEEK = tuple(WeeklyHours(weekday, 9 * 60, 17 * 60, ZONE) for weekday in range(1, 6))
TUESDAY = datetime(2026, 6, 9, 6, tzinfo=UTC)


def stretches(roster, limits, *lengths):
    return extra_stretches(
        roster, limits, lengths=lengths or (60,), from_hour=8, until_hour=19, zone=ZONE, grid_minutes=15
    )


def test_extra_time_lies_after_and_before_the_hours_of_a_day_inside_the_limits():
    day = Span(TUESDAY, TUESDAY + 24 * HOUR)
    after_hours, before = datetime(2026, 6, 9, 23, tzinfo=UTC), datetime(2026, 6, 9, 14, tzinfo=UTC)
    found = stretches(Roster(weekly=WEEK), day)
    assert found == (Span(before, before + HOUR), Span(after_hours, after_hours + HOUR))
    late = Span(after_hours + timedelta(minutes=8), TUESDAY + 24 * HOUR)
    start = after_hours + timedelta(minutes=15)
    assert stretches(Roster(weekly=WEEK), late) == (Span(start, start + HOUR),)
    assert stretches(Roster(weekly=WEEK), day, 60, 90) == (
        *found,
        Span(after_hours, after_hours + HOUR * 1.5),
    )
    assert stretches(Roster(weekly=WEEK), day, 180) == ()


def test_extra_time_on_a_free_day_begins_when_work_usually_does_and_never_in_time_off():
    saturday = Span(datetime(2026, 6, 13, 6, tzinfo=UTC), datetime(2026, 6, 14, 6, tzinfo=UTC))
    nine = datetime(2026, 6, 13, 15, tzinfo=UTC)
    assert stretches(Roster(weekly=WEEK), saturday) == (Span(nine, nine + HOUR),)
    assert stretches(Roster(weekly=WEEK, absences=(Absence(saturday),)), saturday) == ()
