"""Plans that a person decides on: an absence moves nothing, its repair does when applied, and undoing puts all of it back."""

from datetime import timedelta

import pytest

from episodes.models import TeamPart
from episodes.services import add_team_member
from episodes.stages import Stage
from integration.models import IntegrationNeed, PlanCause, PlanProposal, ProposalState
from integration.services.planning import (
    apply_proposal,
    drop_proposal,
    plan_need,
    propose_plan,
    undo_proposal,
)
from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Refused
from kapclinic.jobs.services import run_due
from kapclinic.notices.models import Notice, Task
from kapclinic.scheduling.models import AppointmentState
from kapclinic.scheduling.services import add_time_off, cancel_appointment, mark_told, withdraw_roster_row
from tests import factories
from tests.integration.situations import COORDINATOR, T0, after, give_dose, work_weekdays

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def cover(clinic, episode, coordinator):
    """A therapist who covers the patient and works the same hours."""
    person = factories.make_member(clinic, Role.THERAPIST, name="Demo Cover")
    add_team_member(episode=episode, part=TeamPart.COVER_THERAPIST, user=person, actor=coordinator, now=T0)
    work_weekdays(clinic, person)
    return person


def need_of_dose(session) -> IntegrationNeed:
    return IntegrationNeed.objects.select_related("appointment", "episode", "clinic").get(
        dose=session, part="primary"
    )


@pytest.fixture
def told(at_work, cover, episode, nurse, coordinator):
    """A dose whose integration the patient was told: Tuesday after it, with their own therapist."""
    dose = give_dose(episode, nurse)
    plan_need(need=need_of_dose(dose), now=T0)
    mark_told(
        appointment=need_of_dose(dose).appointment, how="phone", reached=True, actor=coordinator, now=T0
    )
    return dose


def fall_ill(clinic, therapist, coordinator, *, until=168):
    """The therapist is ill from the next morning; the job looks for a repair."""
    absence = add_time_off(
        clinic=clinic, person=therapist, starts_at=after(12), ends_at=after(until), kind="ill",
        actor=coordinator, now=T0,
    )  # fmt: skip
    run_due()
    return absence


def test_absence_moves_nothing_and_asks_a_coordinator(told, clinic, therapist, cover, coordinator):
    before = need_of_dose(told).appointment
    fall_ill(clinic, therapist, coordinator)
    now_is = need_of_dose(told).appointment
    assert (now_is.starts_at, now_is.sequence, now_is.lead) == (before.starts_at, before.sequence, therapist)
    proposal = PlanProposal.objects.get()
    assert proposal.cause == PlanCause.ABSENCE
    assert "is ill" in proposal.title
    task = Task.objects.get(kind="plan-repair")
    assert task.role == Role.COORDINATOR
    assert str(proposal.pk) in task.url
    change = next(each for each in proposal.changes if each["need"] == str(need_of_dose(told).pk))
    assert change["before"]["person"] == str(therapist.pk)
    assert change["after"]["person"] == str(cover.pk)


def test_applied_repair_moves_the_session_to_the_cover_and_undoing_puts_it_back(
    told, clinic, therapist, cover, coordinator
):
    before = need_of_dose(told).appointment
    fall_ill(clinic, therapist, coordinator)
    proposal = PlanProposal.objects.get()
    keys = [change["need"] for change in proposal.changes]
    applied = apply_proposal(proposal=proposal, needs=keys, actor=coordinator, roles=COORDINATOR, now=T0)
    moved = need_of_dose(told).appointment
    assert moved.pk == before.pk
    assert moved.lead == cover
    assert need_of_dose(told).window.covers(moved.span)
    assert moved.state == AppointmentState.HELD, "the patient does not know it yet"
    assert Task.objects.filter(key=f"tell-patient:{moved.pk}", done_at=None).exists()
    assert Task.objects.get(kind="plan-repair").done_by == coordinator
    assert {notice.receiver for notice in Notice.objects.all()} == {therapist, cover}
    with pytest.raises(Refused):
        apply_proposal(proposal=applied, needs=keys, actor=coordinator, roles=COORDINATOR, now=T0)
    undone = undo_proposal(proposal=applied, actor=coordinator, roles=frozenset({Role.COORDINATOR}), now=T0)
    assert undone.state == ProposalState.UNDONE
    back = need_of_dose(told).appointment
    assert (back.starts_at, back.lead, back.place) == (before.starts_at, therapist, before.place)
    assert (back.state, back.told_how, back.told_at) == (AppointmentState.TOLD, "phone", before.told_at)
    assert not Task.objects.filter(key=f"tell-patient:{back.pk}", done_at=None, withdrawn_at=None).exists()


def test_undoing_is_refused_when_somebody_moved_on_since(told, clinic, therapist, cover, coordinator):
    fall_ill(clinic, therapist, coordinator)
    proposal = PlanProposal.objects.get()
    keys = [change["need"] for change in proposal.changes]
    apply_proposal(proposal=proposal, needs=keys, actor=coordinator, roles=COORDINATOR, now=T0)
    mark_told(
        appointment=need_of_dose(told).appointment, how="phone", reached=True, actor=coordinator, now=T0
    )
    lead = need_of_dose(told).appointment.lead
    with pytest.raises(Refused) as refused:
        undo_proposal(proposal=proposal, actor=coordinator, roles=COORDINATOR, now=T0)
    assert {reason.code for reason in refused.value.reasons} == {"changed"}
    assert need_of_dose(told).appointment.lead == lead
    proposal.refresh_from_db()
    assert proposal.state == ProposalState.APPLIED


def test_applying_is_refused_whole_when_a_booking_changed_since_the_plan_was_shown(
    told, clinic, therapist, cover, coordinator
):
    fall_ill(clinic, therapist, coordinator)
    proposal = PlanProposal.objects.get()
    cancel_appointment(
        appointment=need_of_dose(told).appointment, reason="By hand", actor=coordinator, now=T0
    )
    with pytest.raises(Refused) as refused:
        apply_proposal(
            proposal=proposal,
            needs=[change["need"] for change in proposal.changes],
            actor=coordinator,
            roles=COORDINATOR,
            now=T0,
        )
    assert {reason.code for reason in refused.value.reasons} == {"changed"}
    proposal.refresh_from_db()
    assert proposal.is_open


def test_nothing_is_proposed_for_an_absence_that_touches_nobody_or_was_taken_back(
    told, clinic, therapist, cover, coordinator
):
    add_time_off(
        clinic=clinic, person=cover, starts_at=after(12), ends_at=after(60), actor=coordinator, now=T0
    )
    absence = add_time_off(
        clinic=clinic, person=therapist, starts_at=after(12), ends_at=after(60), actor=coordinator, now=T0
    )
    withdraw_roster_row(row=absence, actor=coordinator, now=T0)
    run_due()
    assert not PlanProposal.objects.exists()


def test_session_that_finds_no_time_is_named_with_the_reason_and_stays_where_it_is(
    told, clinic, therapist, cover, coordinator
):
    add_time_off(
        clinic=clinic, person=cover, starts_at=after(0), ends_at=after(168), actor=coordinator, now=T0
    )
    fall_ill(clinic, therapist, coordinator)
    proposal = PlanProposal.objects.get()
    need = need_of_dose(told)
    (left,) = [each for each in proposal.unplaced if each["need"] == str(need.pk)]
    assert any("away" in reason for reason in left["reasons"])
    assert need.appointment.is_live
    drop_proposal(proposal=proposal, actor=coordinator, now=T0)
    assert Task.objects.get(kind="plan-repair").done_by == coordinator


def test_asking_for_a_better_plan_finds_nothing_to_change_when_all_is_well(told, clinic, coordinator):
    plan = propose_plan(
        clinic=clinic, key="asked:1", cause=PlanCause.ASKED, title="Asked", actor=coordinator, now=T0
    )
    assert [change for change in plan.changes if change["before"] is not None] == []
    assert plan.is_proven


def test_some_of_a_plan_can_be_applied(told, clinic, prescriber, therapist, cover, nurse, coordinator):
    other = factories.make_episode(
        factories.make_patient(clinic, nurse, given_name="Other"),
        prescriber=prescriber,
        therapist=therapist,
        stage=Stage.TREATMENT,
    )
    add_team_member(episode=other, part=TeamPart.COVER_THERAPIST, user=cover, actor=coordinator, now=T0)
    second = give_dose(other, nurse)
    plan_need(need=need_of_dose(second), now=T0)
    fall_ill(clinic, therapist, coordinator)
    proposal = PlanProposal.objects.get()
    apply_proposal(
        proposal=proposal, needs=[str(need_of_dose(second).pk)], actor=coordinator, roles=COORDINATOR, now=T0
    )
    assert need_of_dose(second).appointment.lead == cover
    assert need_of_dose(told).appointment.lead == therapist
