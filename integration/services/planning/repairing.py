"""A repair of one session, applied with one press: tried once more, then done whole or refused in words."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.utils import timezone

from integration.models import IntegrationNeed, PlanCause, PlanProposal, ProposalState
from integration.moves import FOR_OTHERS, NO_TIME, OUTSIDE
from integration.repairs import Offer
from integration.services.planning.applying import one_planner_at_a_time
from integration.services.planning.changes import change_of
from integration.services.planning.deciding import do_changes
from integration.services.planning.explaining import solve_with
from integration.services.planning.gathering import Gathered
from integration.services.planning.proposing import ask_to_decide
from integration.services.planning.remedies import knows_the_dose, remedy_of
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.scheduling.planner import Placement, RepairKind
from kapclinic.scheduling.services import moving_together
from kapclinic.scheduling.wording import moment_words, span_words


def apply_repair(
    *,
    need: IntegrationNeed,
    offer: Offer,
    actor: User,
    roles: frozenset[Role],
    may_move_others: bool,
    now: datetime | None = None,
) -> PlanProposal:
    """Do what was offered for a need without a time: all of it in one transaction, undone like any plan.

    Where the patient knows the time of the dose that would move, nothing moves yet: the proposal stays open for a decision.
    `may_move_others`: whether the person may move what is held for other patients. Raises Refused, and changes nothing, when
    the need has a time, the repair does not help any more, or somebody was quicker.
    """
    now = now or timezone.now()
    _refuse_placed(IntegrationNeed.objects.select_related("appointment").get(pk=need.pk))
    found, repair = solve_with(need, offer, now=now)
    others = [each for each in repair.changes if _episode(found, each) != need.episode_id]
    if others and not may_move_others:
        raise Refused(
            Reason("others", "Held times of other patients would move for it: a coordinator decides that.")
        )
    with moving_together():
        one_planner_at_a_time(need.clinic)
        remedy = remedy_of(need, offer)
        waiting = PlanProposal.objects.filter(
            clinic=need.clinic,
            state=ProposalState.OPEN,
            remedy__contains={**offer.as_dict(), "need": remedy["need"]},
        ).first()
        if waiting is not None:
            return waiting
        proposal = PlanProposal(
            clinic=need.clinic,
            key=f"{PlanCause.REPAIR}:{uuid.uuid4()}",
            cause=PlanCause.REPAIR,
            title=_title(need, offer, found)[:200],
            changes=[change_of(found, each, _why(need, each)) for each in repair.changes],
            remedy=remedy,
            created_at=now,
            created_by=actor,
        )
        proposal.save(force_insert=True)
        if knows_the_dose(proposal.remedy):
            ask_to_decide(proposal, due_at=now, now=now)
        else:
            do_changes(proposal, proposal.changes, actor=actor, roles=roles, now=now)
    return proposal


def _refuse_placed(need: IntegrationNeed) -> None:
    booking = need.live_appointment
    if booking is not None and need.window.covers(booking.span):
        when = span_words(booking.span, need.clinic.time_zone)
        raise Refused(Reason("placed", f"It has a time now: {when}."))


def _episode(found: Gathered, placement: Placement) -> object:
    return found.needs[placement.session].episode_id


def _why(need: IntegrationNeed, placement: Placement) -> str:
    if placement.session != str(need.pk):
        return FOR_OTHERS
    return NO_TIME if need.live_appointment is None else OUTSIDE


def _title(need: IntegrationNeed, offer: Offer, found: Gathered) -> str:
    """What was asked for, in words; no patient is named."""
    zone = need.clinic.time_zone
    if offer.kind is RepairKind.DOSE_TIME:
        assert offer.dose_at is not None, "another time of the dose has a time"
        return f"Dose on {moment_words(offer.dose_at, zone)} instead of {moment_words(need.d0, zone)}"
    person = found.people[offer.person or ""]
    if offer.kind is RepairKind.COVER:
        return f"{person} covers one session"
    assert offer.span is not None, "extra hours have a span"
    return f"Extra hours of {person}: {span_words(offer.span, zone)}"
