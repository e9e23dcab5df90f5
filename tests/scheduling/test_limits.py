"""A clinician's own limits, and public holidays that a clinic may add."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.urls import reverse

from kapclinic.clinics.refusals import Refused
from kapclinic.scheduling.limits import Limits
from kapclinic.scheduling.models import ClinicHoliday, PlanningLimits
from kapclinic.scheduling.public_holidays import PublicHoliday, state_in, suggested
from kapclinic.scheduling.rosters import limits_of
from kapclinic.scheduling.services import set_planning_limits

NOW = datetime(2026, 6, 8, 14, tzinfo=UTC)


@pytest.fixture(autouse=True)
def monday_morning():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.mark.parametrize(
    ("own", "limits"),
    [
        ((None, None), Limits(6, 10)),
        ((3, None), Limits(3, 10)),
        ((None, 0), Limits(6, 0)),
        ((20, 60), Limits(20, 60)),
    ],
)
def test_own_limits_stand_in_place_of_the_clinics(clinic, therapist, therapist_off_team, own, limits):
    most, buffer = own
    set_planning_limits(
        clinic=clinic, person=therapist, actor=therapist, most_sessions_per_day=most, buffer_minutes=buffer
    )
    found = limits_of(clinic, [therapist.pk, therapist_off_team.pk])
    assert found == {therapist.pk: limits, therapist_off_team.pk: Limits(6, 10)}


@pytest.mark.parametrize(("most", "buffer", "wrong"), [(0, 61, 2), (21, -1, 2), (1, 0, 0)])
def test_limits_out_of_bounds_are_refused_together(clinic, therapist, most, buffer, wrong):
    if not wrong:
        set_planning_limits(
            clinic=clinic,
            person=therapist,
            actor=therapist,
            most_sessions_per_day=most,
            buffer_minutes=buffer,
        )
        return
    with pytest.raises(Refused) as refusal:
        set_planning_limits(
            clinic=clinic,
            person=therapist,
            actor=therapist,
            most_sessions_per_day=most,
            buffer_minutes=buffer,
        )
    assert len(refusal.value.reasons) == wrong


def test_hours_page_sets_and_clears_own_limits_and_names_the_clinics(client, therapist):
    client.force_login(therapist)
    url = reverse("scheduling:roster", args=[therapist.pk])
    assert "Empty: the clinic's 6." in client.get(url).content.decode()
    assert client.post(url, {"which": "limits", "most_sessions_per_day": "4"}).status_code == 302
    row = PlanningLimits.objects.get(person=therapist)
    assert (row.most_sessions_per_day, row.buffer_minutes) == (4, None)
    assert 'value="4"' in client.get(url).content.decode()
    assert client.post(url, {"which": "limits", "buffer_minutes": "0"}).status_code == 302
    row.refresh_from_db()
    assert (row.most_sessions_per_day, row.buffer_minutes) == (None, 0)
    assert row.history.count() == 2
    assert client.post(url, {"which": "limits", "buffer_minutes": "61"}).status_code == 422


@pytest.mark.parametrize(
    ("address", "state"),
    [
        ("12 Main St, Denver, CO 80202", "CO"),
        ("12 Main St\nDenver, CO, 80202-1234", "CO"),
        ("PO 12345 Main, Boston MA 02101", "MA"),
        ("Denver", ""),
        ("Somewhere, XX 80202", ""),
        ("", ""),
    ],
)
def test_state_is_read_from_the_address(address, state):
    assert state_in(address) == state


def test_coming_year_is_suggested_by_date_with_the_states_own_days():
    first = date(2026, 6, 19)
    federal, colorado = suggested("", first), suggested("CO", first)
    assert federal[0] == PublicHoliday(first, "Juneteenth National Independence Day")
    assert [each.on for each in colorado] == sorted(each.on for each in colorado)
    assert max(each.on for each in colorado) < date(2027, 6, 19)
    assert PublicHoliday(date(2026, 10, 5), "Frances Xavier Cabrini Day") in colorado
    assert date(2026, 10, 5) not in [each.on for each in federal]


def test_public_holiday_is_added_with_one_click_and_then_not_suggested_again(client, coordinator, clinic):
    clinic.address = "12 Main St, Denver, CO 80202"
    clinic.save()
    client.force_login(coordinator)
    page = client.get(reverse("scheduling:rosters"))
    assert page.context["state"] == "CO"
    assert not ClinicHoliday.objects.exists()
    first = page.context["suggested"][0]
    data = {"on": first.on, "name": first.name, "state": "CO"}
    answer = client.post(reverse("scheduling:holiday-add"), data, follow=True)
    assert answer.request["QUERY_STRING"] == "state=CO"
    assert ClinicHoliday.objects.get(clinic=clinic).on == first.on
    assert answer.context["suggested"] == page.context["suggested"][1:]


def test_state_may_be_chosen_and_an_unknown_one_finds_nothing(client, manager):
    client.force_login(manager)
    url = reverse("scheduling:rosters")
    names = {
        state: [each.name for each in client.get(url, {"state": state}).context["suggested"]]
        for state in ("", "TX")
    }
    assert "San Jacinto Day" in names["TX"]
    assert "San Jacinto Day" not in names[""]
    assert client.get(url, {"state": "XX"}).status_code == 404


def test_suggestions_show_to_who_may_add_them_alone(client, therapist):
    client.force_login(therapist)
    assert "Public holidays" not in client.get(reverse("scheduling:rosters")).content.decode()
