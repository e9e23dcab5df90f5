"""Starting, stopping, recording, correcting and striking what was given."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from episodes.models import EpisodeEvent
from episodes.services import strike_entry
from kapclinic.clinics.refusals import Refused
from kapclinic.jobs.models import Job
from kapclinic.notices.models import Task
from sessions.discharge import Ending
from sessions.dose import Drug, Route
from sessions.models import Administration, Incident, SessionState
from sessions.services import (
    cancel_order,
    complete_session,
    correct_administration,
    details_of,
    record_administration,
)
from tests.sessions.situations import NURSE

pytestmark = pytest.mark.django_db


def codes(refused):
    return {reason.code for reason in refused.value.reasons}


def record(room, minute, **changes):
    extra = {key: changes.pop(key) for key in ("request_key", "now") if key in changes}
    return record_administration(
        session=room.session,
        details=room.given(minute, **changes),
        actor=room.nurse,
        **{"now": room.at(minute + 60), **extra},
    )


def test_d0_is_announced_as_provisional_when_an_infusion_starts(room, announced):
    room.ready()
    room.begin(10)
    assert room.anchors().d0 == room.at(10)
    change = announced[-1]
    assert (change.d0, change.t0, change.planned_t0) == (room.at(10), None, room.at(50))
    assert not change.corrected
    assert room.session.state == SessionState.UNDER_WAY


def test_t0_is_set_and_announced_when_the_last_administration_ends(room, announced):
    room.whole_dose()
    assert room.anchors().t0 == room.at(50)
    assert announced[-1].t0 == room.at(50)
    assert not announced[-1].corrected
    kinds = list(EpisodeEvent.objects.filter(subject_id=room.session.pk).values_list("kind", flat=True))
    assert {"dose.started", "dose.ended"} <= set(kinds)


def test_completion_is_owed_four_hours_after_t0(room):
    room.whole_dose()
    job = Job.objects.get(key=f"dosing_completion:{room.session.pk}")
    assert job.due_at <= room.at(50) + timedelta(hours=4)


def test_early_stop_sets_t0_and_opens_an_incident(room, announced):
    room.ready()
    given = room.begin(10)
    room.stop(given, 22, amount_mg=Decimal("10.2"), stopped_early=True, stop_reason="Panic")
    assert announced[-1].t0 == room.at(22)
    incident = Incident.objects.get(session=room.session)
    assert [finding["code"] for finding in incident.findings] == ["less-than-ordered"]
    assert Task.objects.get(key=f"dosing-incident:{incident.pk}").person == room.prescriber


def test_stop_is_refused_at_its_field_when_it_says_too_little(room):
    room.ready()
    given = room.begin(10)
    with pytest.raises(Refused) as refused:
        room.stop(given, 22, amount_mg=None, stopped_early=True)
    assert codes(refused) == {"amount-missing", "stop-reason"}


def test_stopping_twice_changes_nothing(room, announced):
    room.ready()
    given = room.begin(10)
    room.stop(given, 50)
    count = len(announced)
    again = room.stop(given, 55)
    assert again.ended_at == room.at(50)
    assert len(announced) == count


def test_injection_ends_when_it_starts(room, announced):
    room.clear()
    room.prepare()
    room.plan()
    room.check_in()
    room.order(route=Route.INTRAMUSCULAR, infusion_minutes=None)
    room.vitals(5)
    room.begin(10, route=Route.INTRAMUSCULAR, amount_mg=Decimal("34.0"))
    assert room.anchors().t0 == room.at(10)
    assert announced[-1].t0 == room.at(10)


def test_t0_waits_for_the_last_device_when_there_are_several(room, announced):
    room.prepare()
    room.plan()
    esketamine = {"drug": Drug.ESKETAMINE, "route": Route.INTRANASAL}
    for number in range(3):
        record(room, 10 + 5 * number, amount_mg=Decimal("28.0"), **esketamine)
    assert room.anchors().t0 == room.at(20)
    assert [change.t0 for change in announced] == [room.at(10), room.at(15), room.at(20)]
    assert [change.corrected for change in announced] == [False, True, True]


def test_start_is_refused_with_every_reason_when_nothing_is_ready(room):
    room.plan()
    with pytest.raises(Refused) as refused:
        room.begin(10)
    assert {"no-order", "not-checked-in", "preparation-missing"} <= codes(refused)
    assert not Administration.objects.exists()


def test_start_is_refused_when_more_than_ordered_is_drawn_up(room):
    room.clear()
    room.prepare()
    room.plan()
    room.check_in()
    room.order(route=Route.INTRAMUSCULAR, infusion_minutes=None)
    room.vitals(5)
    with pytest.raises(Refused) as refused:
        room.begin(10, route=Route.INTRAMUSCULAR, amount_mg=Decimal("34.1"))
    assert "more-than-ordered" in codes(refused)


def test_start_is_refused_when_the_vial_expired(room):
    room.ready()
    with pytest.raises(Refused) as refused:
        room.begin(10, expires_on=room.start.date() - timedelta(days=1))
    assert "expired" in codes(refused)


def test_start_is_refused_while_something_runs(room):
    room.ready()
    room.begin(10)
    with pytest.raises(Refused) as refused:
        room.begin(20)
    assert "still-running" in codes(refused)


def test_what_was_given_is_recorded_and_marked_when_everything_was_wrong(room):
    room.plan()
    expired = room.start.date() - timedelta(days=3)
    given = record(
        room, 10, drug=Drug.ESKETAMINE, route=Route.INTRANASAL, amount_mg=Decimal("28.0"), expires_on=expired
    )
    marked = {entry["code"] for entry in given.deviations}
    assert {"no-order", "expired", "preparation-missing"} <= marked
    incident = Incident.objects.get(subject=f"administration:{given.pk}")
    task = Task.objects.get(key=f"dosing-incident:{incident.pk}")
    assert (task.role, task.person) == ("prescriber", room.prescriber)
    assert room.anchors().t0 == room.at(10)


def test_recording_opens_no_incident_when_order_and_rules_were_kept(room):
    room.ready()
    given = record(room, 10, ended_at=room.at(50), amount_mg=Decimal("34.0"), now=room.at(55))
    assert {entry["code"] for entry in given.deviations} <= {"DAY-VITALS-MISSING", "DAY-CLEARANCE-MISSING"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount_mg": Decimal("0")}, {"amount-not-positive"}),
        ({"started_at": None}, {"start-in-future", "end-in-future"}),
        ({"amount_mg": None}, {"amount-missing"}),
    ],
)
def test_only_impossible_values_are_refused_when_recording(room, changes, expected):
    room.plan()
    if "started_at" in changes:
        changes = {"started_at": room.at(400)}
    values = {"route": Route.INTRAMUSCULAR, "amount_mg": Decimal("30.0"), **changes}
    with pytest.raises(Refused) as refused:
        record_administration(
            session=room.session,
            details=room.given(10, **values),
            actor=room.nurse,
            now=room.at(70),
        )
    assert codes(refused) == expected


def test_sending_twice_gives_once(room):
    room.ready()
    key = uuid.uuid4()
    first = room.begin(10, request_key=key)
    second = room.begin(11, request_key=key)
    assert first.pk == second.pk
    assert Administration.objects.count() == 1


def test_correcting_the_end_moves_t0_and_says_so(room, announced):
    room.whole_dose()
    given = room.session.administrations.get()
    changed = correct_administration(
        administration=given,
        details=details_of(given).__class__(**{**details_of(given).__dict__, "ended_at": room.at(44)}),
        reason="Read the wrong clock",
        actor=room.nurse,
        now=room.at(90),
    )
    assert room.anchors().t0 == room.at(44)
    assert announced[-1].corrected
    assert (announced[-1].t0_before, announced[-1].t0) == (room.at(50), room.at(44))
    given.refresh_from_db()
    assert given.superseded_at == room.at(90)
    assert changed.supersedes == given


def test_correction_is_refused_without_a_reason_or_of_an_old_row(room):
    room.whole_dose()
    given = room.session.administrations.get()
    with pytest.raises(Refused) as refused:
        correct_administration(
            administration=given, details=details_of(given), reason=" ", actor=room.nurse, now=room.at(90)
        )
    assert codes(refused) == {"correction-reason"}
    correct_administration(
        administration=given, details=details_of(given), reason="Lot", actor=room.nurse, now=room.at(90)
    )
    with pytest.raises(Refused) as refused:
        correct_administration(
            administration=given, details=details_of(given), reason="Again", actor=room.nurse, now=room.at(91)
        )
    assert codes(refused) == {"not-current"}


def test_striking_the_only_administration_withdraws_d0_and_t0(room, announced):
    room.whole_dose()
    strike_entry(
        entry=room.session.administrations.get(), reason="Wrong patient", actor=room.nurse, now=room.at(90)
    )
    assert room.anchors().count == 0
    assert (announced[-1].t0_before, announced[-1].t0, announced[-1].corrected) == (room.at(50), None, True)
    assert room.fresh().state == SessionState.CHECKED_IN


def test_striking_a_correction_gives_the_earlier_record_its_place_back(room, announced):
    room.whole_dose()
    given = room.session.administrations.get()
    details = details_of(given)
    changed = correct_administration(
        administration=given,
        details=details.__class__(**{**details.__dict__, "ended_at": room.at(44)}),
        reason="Clock",
        actor=room.nurse,
        now=room.at(90),
    )
    strike_entry(entry=changed, reason="The clock was right", actor=room.nurse, now=room.at(95))
    assert room.anchors().t0 == room.at(50)


def test_striking_closes_the_incident_that_it_had_opened(room):
    room.plan()
    given = record(room, 10, route=Route.INTRAMUSCULAR, amount_mg=Decimal("30.0"))
    incident = Incident.objects.get()
    strike_entry(entry=given, reason="Wrong patient", actor=room.nurse, now=room.at(90))
    assert not Task.objects.get(key=f"dosing-incident:{incident.pk}").is_open
    incident.refresh_from_db()
    assert incident.is_struck


def test_database_keeps_an_ended_administration_as_it_was_written(room):
    room.whole_dose()
    with pytest.raises(IntegrityError), transaction.atomic():
        Administration.objects.update(amount_mg=Decimal("20.0"))
    with pytest.raises(IntegrityError), transaction.atomic():
        Administration.objects.update(ended_at=room.at(60))


@pytest.mark.parametrize(
    "values",
    [{"amount_mg": Decimal("0")}, {"ended_at": "before"}, {"stopped_early": True, "stop_reason": ""}],
)
def test_database_refuses_what_cannot_be(room, values):
    room.ready()
    room.begin(10)
    if values.get("ended_at") == "before":
        values = {"ended_at": room.at(5), "amount_mg": Decimal("1.0")}
    with pytest.raises(IntegrityError), transaction.atomic():
        Administration.objects.update(**values)


# -- entered afterwards ---------------------------------------------------------------------------------


@pytest.fixture
def ordered(room):
    """Cleared, prepared, checked in and ordered; no reading is charted yet."""
    room.clear()
    room.prepare()
    room.plan()
    room.check_in()
    room.order()
    return room


def entered(room, now, **changes):
    return record(room, 10, ended_at=room.at(50), amount_mg=Decimal("34.0"), now=now, **changes)


def test_late_entry_under_a_standing_order_is_no_deviation(ordered):
    given = entered(ordered, ordered.at(600))
    assert given.deviations == []
    assert given.is_entered_late(60)
    assert not Incident.objects.exists()


@pytest.mark.parametrize(("seconds", "is_late"), [(-1, False), (0, False), (1, True)])
def test_entry_is_late_after_the_minutes_of_the_setting(ordered, seconds, is_late):
    given = entered(ordered, ordered.at(50) + timedelta(minutes=60, seconds=seconds))
    assert given.is_entered_late(60) is is_late
    # At once after the dose nobody has charted readings in arrears: that there is none is a deviation.
    assert Incident.objects.exists() is not is_late


def test_late_entry_is_judged_by_the_order_that_stood_then(ordered):
    ordered.order(60, amount=Decimal("0.3"), change_reason="For the next part")
    given = entered(ordered, ordered.at(600))
    assert given.deviations == []
    assert given.order.dose_mg == Decimal("34.0")


def test_late_entry_is_a_deviation_when_the_order_was_written_afterwards(room):
    room.clear()
    room.prepare()
    room.plan()
    room.check_in()
    order = room.order(70)
    given = entered(room, room.at(600))
    assert "ordered-later" in {entry["code"] for entry in given.deviations}
    assert given.order == order
    assert Incident.objects.get().subject == f"administration:{given.pk}"


@pytest.mark.parametrize("minute", [10, 11])
def test_late_entry_is_a_deviation_when_the_order_was_taken_back_before_it(ordered, minute):
    cancel_order(
        order=ordered.session.doseorders.get(), reason="Ill", actor=ordered.prescriber, now=ordered.at(minute)
    )
    given = entered(ordered, ordered.at(600))
    assert bool(given.deviations) is (minute == 10)


def test_late_entry_keeps_what_spoke_against_the_dose_itself(ordered):
    ordered.vitals(5, systolic=190, diastolic=125, now=ordered.at(590))
    given = entered(ordered, ordered.at(600))
    assert "finding-DAY-BP-CRISIS" in {entry["code"] for entry in given.deviations}
    assert Incident.objects.filter(kind="deviation").exists()


@pytest.mark.parametrize("charted", [True, False])
def test_what_was_never_charted_under_a_late_entry_is_an_incident_once_the_record_is_completed(
    ordered, charted
):
    given = entered(ordered, ordered.at(600))
    if charted:
        ordered.vitals(5, now=ordered.at(610))
    ordered.vitals(60, now=ordered.at(610))
    ordered.leave(200, Ending.LEFT_AGAINST_ADVICE, reason="Made up", now=ordered.at(620))
    complete_session(session=ordered.session, actor=ordered.nurse, roles=NURSE, now=ordered.at(630))
    found = Incident.objects.filter(subject=f"administration:{given.pk}")
    assert found.exists() is not charted
    if not charted:
        assert "finding-DAY-VITALS-MISSING" in {entry["code"] for entry in found.get().findings}
