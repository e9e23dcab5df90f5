"""Rules of dosing follow the clinic where it sets another value."""

from datetime import timedelta

import pytest

from episodes.models import Episode
from episodes.reading_times import GIVEN_WORDS
from episodes.services import save_protocol_version
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.refusals import Refused
from screening.models import RiskAssessment, RiskState
from screening.services.risk import open_risk_assessment
from sessions import selectors
from sessions.dose import Drug, Route
from sessions.risk import needs_risk_recheck
from sessions.vitals import HoldParameters
from tests.sessions.situations import NURSE, set_for

pytestmark = pytest.mark.django_db


def fields_of(refused):
    return {reason.field for reason in refused.value.reasons if reason.code == "hold-crisis"}


# -- asking about suicide risk again before leaving ---------------------------------------------------------


@pytest.fixture
def alarmed(room):
    """Item 9 opened an assessment at the room's start."""
    open_risk_assessment(episode=room.episode, reason="PHQ-9 item 9 = 1.", actor=room.nurse, now=room.start)
    return room


@pytest.mark.parametrize(("seconds", "asked"), [(-1, True), (0, True), (1, False)])
def test_risk_is_asked_again_while_item_nine_is_as_fresh_as_what_alarms(alarmed, seconds, asked):
    leaving = alarmed.start + timedelta(days=7, seconds=seconds)
    assert needs_risk_recheck(alarmed.episode, leaving) is asked


@pytest.mark.parametrize(("seconds", "asked"), [(-1, True), (0, True), (1, False)])
def test_risk_is_asked_again_for_the_days_that_the_clinic_set(alarmed, seconds, asked):
    set_for(alarmed.clinic, alarmed.prescriber, screening__safety_item_days=2)
    leaving = alarmed.start + timedelta(days=2, seconds=seconds)
    assert needs_risk_recheck(alarmed.episode, leaving) is asked


def test_risk_is_not_asked_again_when_the_assessment_was_withdrawn_or_comes_later(alarmed):
    assert not needs_risk_recheck(alarmed.episode, alarmed.start - timedelta(seconds=1))
    RiskAssessment.objects.update(state=RiskState.WITHDRAWN)
    assert not needs_risk_recheck(alarmed.episode, alarmed.start)


# -- the order's own limits -------------------------------------------------------------------------------


@pytest.fixture
def arrived(room):
    """A cleared patient at the door, nothing ordered."""
    room.clear()
    room.prepare()
    room.plan()
    room.check_in()
    return room


@pytest.mark.parametrize(
    ("systolic", "diastolic", "refused_fields"),
    [
        (179, 119, set()),
        (180, 119, {"hold_systolic"}),
        (179, 120, {"hold_diastolic"}),
        (181, 121, {"hold_systolic", "hold_diastolic"}),
    ],
)
def test_order_limit_stays_below_a_crisis(arrived, systolic, diastolic, refused_fields):
    hold = HoldParameters(max_systolic=systolic, max_diastolic=diastolic)
    if not refused_fields:
        assert arrived.order(hold=hold).hold == hold
        return
    with pytest.raises(Refused) as refused:
        arrived.order(hold=hold)
    assert fields_of(refused) == refused_fields


def test_order_limit_stays_below_the_crisis_that_the_clinic_set(arrived):
    set_for(arrived.clinic, arrived.prescriber, findings__crisis_systolic=165, findings__crisis_diastolic=105)
    with pytest.raises(Refused) as refused:
        arrived.order(hold=HoldParameters(max_systolic=165, max_diastolic=105))
    assert fields_of(refused) == {"hold_systolic", "hold_diastolic"}
    assert "No dose starts at 165 or above." in {reason.text for reason in refused.value.reasons}
    assert arrived.order(hold=HoldParameters(max_systolic=164, max_diastolic=104)).hold_systolic == 164


# -- readings that are owed -------------------------------------------------------------------------------


def offsets_due(room):
    due = selectors.readings_due(room.fresh(), now=room.at(11))
    (row,) = selectors.doses_of_day(Actor(room.nurse, room.clinic, NURSE), now=room.at(11))
    assert row.due is not None
    assert row.due.offset == due[0].offset
    return [entry.offset for entry in due]


def follow_protocol(room, readings):
    """Put the episode under a version of its protocol that names readings, from its beginning."""
    before = room.episode.protocol_version
    version = save_protocol_version(
        protocol=before.protocol,
        data={**before.data, "readings": readings},
        change_note="Readings",
        actor=room.prescriber,
    )
    Episode.objects.filter(pk=room.episode.pk).update(protocol_version=version)
    room.episode.refresh_from_db()


def test_protocol_adds_readings_to_the_clinics_and_takes_none_away(room):
    room.whole_dose()
    assert offsets_due(room) == [15, 30, 45, 60, 90]
    set_for(room.clinic, room.prescriber, dosing__readings__iv="20, 40")
    assert offsets_due(room) == [20, 40]
    follow_protocol(room, {"im": "5, 10"})
    assert offsets_due(room) == [20, 40]
    follow_protocol(room, {"iv": "10, 25, 50"})
    assert offsets_due(room) == [10, 20, 25, 40, 50]


def test_readings_are_named_for_everything_that_can_be_given():
    assert set(GIVEN_WORDS) == {*Route, Drug.ESKETAMINE}
