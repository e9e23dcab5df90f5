"""Repairs of one session: applied whole with one press, refused when they do not help any more, and undone."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from episodes.models import CareTeamMember, TeamPart
from episodes.services import add_team_member
from episodes.stages import Stage
from integration.models import IntegrationNeed, PlanCause, PlanProposal, ProposalState
from integration.repairs import Offer
from integration.services.planning import (
    apply_proposal,
    apply_repair,
    explain_need,
    plan_need,
    undo_proposal,
)
from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Refused
from kapclinic.jobs.services import run_due
from kapclinic.notices.models import Notice, Task
from kapclinic.scheduling.models import Appointment, AppointmentState, ExtraHours
from kapclinic.scheduling.planner import RepairKind
from kapclinic.scheduling.services import add_extra_hours, add_patient_absence, mark_told
from sessions.services import plan_session
from tests import factories
from tests.integration.situations import (
    COORDINATOR,
    T0,
    after,
    double_bookings,
    give_dose,
    need_of_new_dose,
    work_weekdays,
)
from tests.integration.test_concurrency import at_once

HOUR = timedelta(hours=1)
# Tuesday 15:15 in Denver: inside the windows of all doses that end at T0.
SLOT = after(26) + timedelta(minutes=7)
FRIDAY = datetime(2026, 6, 19, 16, tzinfo=UTC)


def opens(clinic, person, start, minutes) -> None:
    add_extra_hours(
        clinic=clinic, person=person, starts_at=start, ends_at=start + timedelta(minutes=minutes), actor=person,
        now=T0 - HOUR,
    )  # fmt: skip


def fresh(need: IntegrationNeed) -> IntegrationNeed:
    return IntegrationNeed.objects.select_related(
        "appointment", "clinic", "dose__appointment", "episode__patient"
    ).get(pk=need.pk)


def need_of_dose(session) -> IntegrationNeed:
    return fresh(IntegrationNeed.objects.get(dose=session, part="primary"))


@pytest.fixture
def two(travel, clinic, episode, nurse, therapist, prescriber):
    """Two patients of a therapist with one free hour in their windows: the first has it (returned), the second has none."""
    opens(clinic, therapist, SLOT, 60)
    other = factories.make_episode(
        factories.make_patient(clinic, nurse, given_name="Ada"),
        prescriber=prescriber, therapist=therapist, stage=Stage.TREATMENT,
    )  # fmt: skip
    needs = [need_of_dose(give_dose(each, nurse)) for each in (episode, other)]
    for need in needs:
        plan_need(need=need, now=T0)
    placed, left = sorted(map(fresh, needs), key=lambda need: need.appointment is None)
    assert placed.appointment is not None
    assert left.appointment is None
    return placed, left


def offer_of(need, kind) -> Offer:
    return next(each.offer for each in explain_need(need=need, now=T0).helps if each.kind is kind)


def repair(need, offer, actor, *, may_move_others=True) -> PlanProposal:
    return apply_repair(
        need=need, offer=offer, actor=actor, roles=COORDINATOR, may_move_others=may_move_others, now=T0
    )


@pytest.mark.django_db
def test_extra_hour_is_written_down_and_booked_and_undoing_takes_both_back(
    two, clinic, therapist, coordinator
):
    placed, left = two
    offer = offer_of(left, RepairKind.EXTRA_HOUR)
    done = repair(left, offer, coordinator)
    assert (done.state, done.cause, done.decided_by) == (
        ProposalState.APPLIED,
        PlanCause.REPAIR,
        coordinator,
    )
    booked = fresh(left).appointment
    assert booked.lead == therapist
    assert fresh(left).window.covers(booked.span)
    extra = ExtraHours.objects.standing().get(starts_at=offer.span.starts_at)
    assert (extra.person, extra.ends_at, extra.created_by) == (therapist, offer.span.ends_at, coordinator)
    assert Task.objects.filter(key=f"tell-patient:{booked.pk}", done_at=None).exists()
    assert {notice.receiver for notice in Notice.objects.all()} == {therapist}
    assert double_bookings() == 0

    undone = undo_proposal(proposal=done, actor=coordinator, roles=COORDINATOR, now=T0)
    assert undone.state == ProposalState.UNDONE
    assert fresh(left).appointment is None
    assert Appointment.objects.get(pk=booked.pk).state == AppointmentState.CANCELLED
    assert not ExtraHours.objects.standing().filter(pk=extra.pk).exists()
    again = fresh(placed).appointment
    assert (again.pk, again.starts_at) == (placed.appointment.pk, placed.appointment.starts_at)
    assert Task.objects.filter(kind="integration-unplaced", done_at=None, withdrawn_at=None).exists(), (
        "somebody looks for a time again"
    )


@pytest.mark.django_db
def test_cover_comes_onto_the_team_with_the_booking_and_leaves_it_with_the_undoing(two, clinic, coordinator):
    _, left = two
    theo = factories.make_member(clinic, Role.THERAPIST, name="Demo Theo")
    work_weekdays(clinic, theo)
    done = repair(left, offer_of(left, RepairKind.COVER), coordinator)
    assert fresh(left).appointment.lead == theo
    team = CareTeamMember.objects.filter(
        episode=left.episode, user=theo, part=TeamPart.COVER_THERAPIST, covering=False
    )
    assert team.in_force(T0).exists()
    undo_proposal(proposal=done, actor=coordinator, roles=COORDINATOR, now=T0)
    assert fresh(left).appointment is None
    assert not team.in_force(T0 + HOUR).exists()
    # Once they are on the team their time counts by itself: no repair is needed any more.
    offer = offer_of(left, RepairKind.COVER)
    add_team_member(
        episode=left.episode, part=TeamPart.COVER_THERAPIST, user=theo, actor=coordinator, now=T0 + HOUR
    )
    with pytest.raises(Refused) as refused:
        apply_repair(
            need=left, offer=offer, actor=coordinator, roles=COORDINATOR, may_move_others=True, now=T0 + HOUR
        )
    assert {reason.code for reason in refused.value.reasons} == {"fits"}


@pytest.fixture
def ahead(travel, clinic, episode, nurse, therapist, prescriber):
    """A dose planned for Friday, whose session only a dose on Tuesday would give a time."""
    opens(clinic, therapist, datetime(2026, 6, 18, 15, tzinfo=UTC), 120)
    planned = plan_session(
        episode=episode, planned_at=FRIDAY, planned_until=FRIDAY + 2 * HOUR, actor=therapist,
        roles=frozenset({Role.THERAPIST}), reason="Her wish", now=T0,
    )  # fmt: skip
    run_due()
    need = need_of_dose(planned)
    assert need.appointment is None
    return need


@pytest.mark.django_db
def test_untold_dose_moves_with_its_hold_and_undoing_puts_it_back(ahead, coordinator):
    offer = offer_of(ahead, RepairKind.DOSE_TIME)
    done = repair(ahead, offer, coordinator)
    assert done.state == ProposalState.APPLIED
    now_is = fresh(ahead)
    assert now_is.dose.appointment.starts_at == offer.dose_at
    assert now_is.d0 == offer.dose_at
    assert now_is.window.covers(now_is.appointment.span)
    assert now_is.appointment.created_by is None, "the program's hold follows the dose"
    run_due()
    undo_proposal(proposal=done, actor=coordinator, roles=COORDINATOR, now=T0)
    back = fresh(ahead)
    assert (back.dose.appointment.starts_at, back.d0) == (FRIDAY, FRIDAY)
    assert back.live_appointment is None


@pytest.mark.django_db
def test_told_dose_moves_in_a_proposal_that_a_person_applies_and_is_known_again_when_undone(
    ahead, coordinator, client
):
    mark_told(appointment=ahead.dose.appointment, how="phone", reached=True, actor=coordinator, now=T0)
    offer = offer_of(fresh(ahead), RepairKind.DOSE_TIME)
    waiting = repair(fresh(ahead), offer, coordinator)
    assert waiting.is_open
    assert fresh(ahead).dose.appointment.starts_at == FRIDAY, "what the patient knows stays"
    assert repair(fresh(ahead), offer, coordinator).pk == waiting.pk, "asked for twice it is one"
    assert Task.objects.filter(kind="plan-repair", done_at=None).count() == 1

    client.force_login(coordinator)
    text = client.get(reverse("integration:plan-detail", args=[waiting.pk])).content.decode()
    assert "The dose would move" in text
    assert "the patient knows it" in text
    client.post(reverse("integration:plan-apply", args=[waiting.pk]))
    waiting.refresh_from_db()
    assert waiting.state == ProposalState.APPLIED
    assert fresh(ahead).dose.appointment.starts_at == offer.dose_at
    assert fresh(ahead).dose.appointment.state == AppointmentState.HELD
    client.post(reverse("integration:plan-undo", args=[waiting.pk]))
    back = fresh(ahead).dose.appointment
    assert (back.starts_at, back.state, back.told_how) == (FRIDAY, AppointmentState.TOLD, "phone")


@pytest.mark.django_db
def test_repair_is_refused_when_the_session_has_a_time_or_the_hour_is_not_on_offer(
    two, clinic, therapist, coordinator
):
    placed, left = two
    offer = offer_of(left, RepairKind.EXTRA_HOUR)
    for need, asked, code in (
        (placed, offer, "placed"),
        (left, Offer(offer.kind, person=offer.person, span=offer.span.widened(before=HOUR)), "stale"),
    ):
        with pytest.raises(Refused) as refused:
            repair(need, asked, coordinator)
        assert {reason.code for reason in refused.value.reasons} == {code}
    opens(clinic, therapist, after(48) + timedelta(minutes=7), 60)
    with pytest.raises(Refused) as refused:
        repair(left, offer, coordinator)
    assert {reason.code for reason in refused.value.reasons} == {"fits"}
    assert ExtraHours.objects.standing().count() == 2
    assert not PlanProposal.objects.exists()


@pytest.mark.django_db
def test_applying_a_repair_that_waited_is_refused_when_the_dose_moved_meanwhile(ahead, coordinator):
    mark_told(appointment=ahead.dose.appointment, how="phone", reached=True, actor=coordinator, now=T0)
    waiting = repair(fresh(ahead), offer_of(fresh(ahead), RepairKind.DOSE_TIME), coordinator)
    mark = Appointment.objects.get(pk=ahead.dose.appointment.pk)
    Appointment.objects.filter(pk=mark.pk).update(sequence=mark.sequence + 1)
    with pytest.raises(Refused) as refused:
        apply_proposal(proposal=waiting, needs=(), actor=coordinator, roles=COORDINATOR, now=T0)
    assert {reason.code for reason in refused.value.reasons} == {"changed"}
    waiting.refresh_from_db()
    assert waiting.is_open
    assert fresh(ahead).dose.appointment.starts_at == FRIDAY


@pytest.mark.django_db
def test_repair_is_one_press_on_the_page_and_another_takes_it_back(two, client, coordinator):
    _, left = two
    client.force_login(coordinator)
    page = reverse("integration:need-detail", args=[left.pk])
    assert "Add the hours and book" in client.get(page).content.decode()
    fields = offer_of(left, RepairKind.EXTRA_HOUR).as_dict()
    url = reverse("integration:need-repair", args=[left.pk])
    for unreadable in ({}, {"kind": "cover", "person": "x"}, {"kind": "dose_time"}):
        assert "could not be read" in client.post(url, unreadable, follow=True).content.decode()
    assert not PlanProposal.objects.exists()
    answer = client.post(url, fields)
    done = PlanProposal.objects.get()
    assert answer.url == reverse("integration:plan-detail", args=[done.pk])
    text = client.get(answer.url).content.decode()
    assert "Extra hours of" in text
    assert "Undo the repair" in text
    again = client.post(url, fields, follow=True)
    assert "It has a time now" in again.content.decode()
    assert PlanProposal.objects.count() == 1
    assert "Undo the repair" in client.get(page).content.decode()
    client.post(reverse("integration:need-repair-undo", args=[left.pk]))
    assert fresh(left).appointment is None
    twice = client.post(reverse("integration:need-repair-undo", args=[left.pk]), follow=True)
    assert "There is no repair to undo." in twice.content.decode()


@pytest.mark.django_db
def test_therapist_may_give_an_hour_of_their_own_and_a_prescriber_may_not(two, client, therapist, prescriber):
    _, left = two
    fields = offer_of(left, RepairKind.EXTRA_HOUR).as_dict()
    url = reverse("integration:need-repair", args=[left.pk])
    client.force_login(prescriber)
    assert client.post(url, fields).status_code == 403
    assert not PlanProposal.objects.exists()
    client.force_login(therapist)
    answer = client.post(url, fields)
    assert answer.url == reverse("integration:need-detail", args=[left.pk])
    assert fresh(left).appointment is not None
    client.force_login(prescriber)
    assert client.post(reverse("integration:need-repair-undo", args=[left.pk])).status_code == 403
    # Told meanwhile, it stays whoever presses.
    mark_told(appointment=fresh(left).appointment, how="phone", reached=True, actor=therapist, now=T0)
    client.force_login(therapist)
    answer = client.post(reverse("integration:need-repair-undo", args=[left.pk]), follow=True)
    assert "the booking has changed" in answer.content.decode()
    assert fresh(left).appointment.is_told


@pytest.mark.django_db
def test_who_may_not_move_other_patients_times_is_sent_to_a_coordinator(two, therapist, coordinator):
    placed, left = two
    # This patient can come in the one hour that the other one has: an extra hour helps only if the other one moves.
    for starts, ends in ((T0, SLOT), (SLOT + HOUR, after(100))):
        add_patient_absence(
            patient=left.episode.patient, starts_at=starts, ends_at=ends, actor=coordinator, now=T0
        )
    offer = offer_of(left, RepairKind.EXTRA_HOUR)
    with pytest.raises(Refused) as refused:
        repair(left, offer, therapist, may_move_others=False)
    assert {reason.code for reason in refused.value.reasons} == {"others"}
    done = repair(left, offer, coordinator)
    assert fresh(left).appointment.starts_at == SLOT
    assert offer.span.covers(fresh(placed).appointment.span)
    undo_proposal(proposal=done, actor=coordinator, roles=COORDINATOR, now=T0)
    assert fresh(placed).appointment.starts_at == SLOT
    assert fresh(left).appointment is None


def test_two_people_who_apply_the_same_repair_make_one_booking_and_one_extra_hour(committed_db):
    clinic = factories.make_clinic()
    people = {
        role: factories.make_member(clinic, role)
        for role in (Role.THERAPIST, Role.PRESCRIBER, Role.NURSE, Role.COORDINATOR)
    }
    need = need_of_new_dose(clinic, people, "Raced")
    offer = next(
        each.offer
        for each in explain_need(need=need, now=timezone.now()).helps
        if each.kind is RepairKind.EXTRA_HOUR
    )
    other = factories.make_member(clinic, Role.COORDINATOR)
    results = at_once(
        [
            lambda actor=actor: apply_repair(
                need=need, offer=offer, actor=actor, roles=COORDINATOR, may_move_others=True
            )
            for actor in (people[Role.COORDINATOR], other)
        ]
    )
    refused = [result for result in results if isinstance(result, Refused)]
    assert len(refused) == 1, results
    assert {reason.code for reason in refused[0].reasons} <= {"changed", "placed", "fits"}
    assert PlanProposal.objects.filter(state=ProposalState.APPLIED).count() == 1
    assert ExtraHours.objects.standing().filter(person=people[Role.THERAPIST]).count() == 1
    assert Appointment.objects.live().filter(kind="integration").count() == 1
    assert double_bookings() == 0
