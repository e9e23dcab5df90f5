"""On duty: whose charts a shift opens, for how long, and the page on which shifts are named."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from episodes.access import episodes_for
from episodes.models import Episode
from kapclinic.accounts.models import Role
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.refusals import Refused
from sessions.models import DutyShift
from sessions.services import call_off_session, put_on_duty
from tests import factories
from tests.sessions.situations import set_for

pytestmark = pytest.mark.django_db

PAGE = reverse("dosing:duty-list")


@pytest.fixture
def stand_in(clinic):
    """A nurse of the clinic who is not on the patient's team."""
    return factories.make_member(clinic, Role.NURSE, name="Demo Nurse Stand-in")


def dose_in(room, days):
    """A dose planned at noon of the clinic's day `days` from today; gives that day."""
    noon = timezone.now().astimezone(room.clinic.zone).replace(hour=12, minute=0, second=0, microsecond=0)
    room.start = noon + timedelta(days=days)
    room.plan()
    return room.start.date()


def sees(room, person):
    actor = Actor(person, room.clinic, frozenset({Role.NURSE}))
    return Episode.objects.filter(episodes_for(actor, "dose.view"), pk=room.episode.pk).exists()


def put_on(room, person, day, role=Role.NURSE):
    return put_on_duty(clinic=room.clinic, person=person, role=role, on=day, actor=room.prescriber)


@pytest.mark.parametrize(("days", "opens"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_shift_opens_the_charts_of_its_day_from_the_day_before_to_the_day_after(room, stand_in, days, opens):
    day = dose_in(room, days)
    assert not sees(room, stand_in)
    put_on(room, stand_in, day)
    assert sees(room, stand_in) is opens


@pytest.mark.parametrize(("days", "opens"), [(-4, False), (-3, True), (0, True), (1, False)])
def test_shift_opens_charts_for_the_days_that_the_clinic_set(room, stand_in, days, opens):
    set_for(room.clinic, room.prescriber, dosing__duty_days_before=0, dosing__duty_days_after=3)
    put_on(room, stand_in, dose_in(room, days))
    assert sees(room, stand_in) is opens


def test_shift_opens_nothing_when_the_day_has_no_dose_any_more(room, stand_in):
    put_on(room, stand_in, dose_in(room, 1))
    call_off_session(session=room.session, reason="Ill", actor=room.nurse)
    assert not sees(room, stand_in)


def test_shift_opens_nothing_of_another_day_or_person(room, stand_in):
    put_on(room, stand_in, dose_in(room, 1) - timedelta(days=1))
    assert not sees(room, stand_in)
    put_on(room, factories.make_member(room.clinic, Role.NURSE), room.start.date())
    assert not sees(room, stand_in)


def test_page_names_who_is_on_duty_and_for_how_long_it_counts(client, room, stand_in):
    set_for(room.clinic, room.prescriber, dosing__duty_days_after=3)
    today = timezone.now().astimezone(room.clinic.zone).date()
    for days in (-4, -3):
        put_on(
            room,
            factories.make_member(room.clinic, Role.NURSE, name=f"Nurse of {days}"),
            today + timedelta(days),
        )
    client.force_login(room.nurse)
    answer = client.get(PAGE)
    assert [shift.on for shift in answer.context["shifts"]] == [today - timedelta(days=3)]
    assert "from 1 day before to 3 days after" in answer.content.decode()


def test_page_puts_somebody_on_duty_once_when_sent_twice(client, room, stand_in):
    day = dose_in(room, 1)
    client.force_login(room.nurse)
    typed = {"on": day.isoformat(), "role": "nurse", "person": str(stand_in.pk)}
    for _ in range(2):
        assert client.post(PAGE, typed).status_code == 302
    shift = DutyShift.objects.get()
    assert (shift.person, shift.on, shift.role, shift.created_by) == (stand_in, day, "nurse", room.nurse)
    client.force_login(stand_in)
    address = reverse("dosing:session-detail", kwargs={"pk": room.session.pk})
    assert client.get(address).status_code == 200


def test_page_refuses_a_role_that_the_person_does_not_hold_and_keeps_what_was_typed(client, room, stand_in):
    client.force_login(room.nurse)
    typed = {"on": "2026-03-11", "role": "prescriber", "person": str(stand_in.pk)}
    answer = client.post(PAGE, typed)
    assert answer.status_code == 422
    assert 'value="2026-03-11"' in answer.content.decode()
    assert not DutyShift.objects.exists()
    with pytest.raises(Refused):
        put_on(room, stand_in, room.start.date(), role=Role.PRESCRIBER)


def test_page_offers_no_therapist_and_nobody_of_another_clinic(client, room, other_clinic):
    client.force_login(room.nurse)
    stranger = factories.make_member(other_clinic, Role.NURSE)
    for person in (room.therapist, stranger):
        typed = {"on": "2026-03-11", "role": "nurse", "person": str(person.pk)}
        assert client.post(PAGE, typed).status_code == 422
    assert not DutyShift.objects.exists()


def test_page_stays_closed_for_a_therapist(client, room):
    client.force_login(room.therapist)
    assert client.get(PAGE).status_code == 403
