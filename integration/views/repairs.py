"""Repairs of one session: done with one press, taken back with another."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect

from integration.models import IntegrationNeed
from integration.repairs import offer_from
from integration.services.planning import applied_repair, apply_repair, undo_proposal
from integration.views.explanations import may_move_others, may_repair, may_undo
from integration.views.pages import need_for
from kapclinic.accounts import policy
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.clinics.refusals import Refused


@page("integration.plan", fetch=need_for, methods=("POST",))
def need_repair(request: ActorRequest, need: IntegrationNeed) -> HttpResponse:
    """Do the repair that stood on the page; what does not work any more changes nothing and is told."""
    actor = request.actor
    try:
        offer = offer_from(request.POST)
    except (KeyError, ValueError):
        messages.error(request, "The repair could not be read. Here is what would help now.")
        return redirect("integration:need-detail", pk=need.pk)
    if not may_repair(actor, need, offer):
        raise PermissionDenied
    try:
        proposal = apply_repair(
            need=need,
            offer=offer,
            actor=actor.user,
            roles=actor.roles,
            may_move_others=may_move_others(actor),
        )
    except Refused as refused:
        messages.error(request, f"Nothing was changed. {refused}")
        return redirect("integration:need-detail", pk=need.pk)
    if proposal.is_open:
        messages.warning(
            request,
            "The patient knows the time of the dose, so nothing has moved yet: a person decides here.",
        )
    else:
        messages.success(
            request, "Done. Those concerned see it in their inbox; patients are still to be told."
        )
    if policy.can(actor, "integration.repair"):
        return redirect("integration:plan-detail", pk=proposal.pk)
    return redirect("integration:need-detail", pk=need.pk)


@page("integration.plan", fetch=need_for, methods=("POST",))
def need_repair_undo(request: ActorRequest, need: IntegrationNeed) -> HttpResponse:
    """Take the latest repair of the need back."""
    done = applied_repair(need)
    if done is None:
        messages.error(request, "There is no repair to undo.")
    elif not may_undo(request.actor, need):
        raise PermissionDenied
    else:
        try:
            undo_proposal(proposal=done, actor=request.actor.user, roles=request.actor.roles)
        except Refused as refused:
            messages.error(request, f"Nothing was changed. {refused}")
        else:
            messages.success(request, "The repair is undone: everything is as it was before it.")
    return redirect("integration:need-detail", pk=need.pk)
