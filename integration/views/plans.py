"""Plans: what would move, for a person to apply, in part or whole, and to undo."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes.access import row_for
from integration.models import IntegrationNeed, PlanCause, PlanProposal, ProposalState
from integration.services.planning import apply_proposal, drop_proposal, propose_plan, undo_proposal
from kapclinic.accounts.models import User
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.clinics.models import Room
from kapclinic.clinics.refusals import Refused
from kapclinic.scheduling.models import MeetingPlace

plan_for = row_for(PlanProposal, "decided_by", "undone_by", "created_by")
_SHOWN = 50


@dataclass(frozen=True)
class Spot:
    """A time, with whom and where."""

    starts_at: datetime
    ends_at: datetime
    person: str
    where: str
    is_told: bool


@dataclass(frozen=True)
class Line:
    """One session of a plan: from where to where, and why that matters to the patient."""

    key: str
    patient: str
    what: str
    need_id: str
    before: Spot | None
    after: Spot | None
    is_new_person: bool
    was_applied: bool
    reasons: tuple[str, ...] = ()


@page("integration.repair", methods=("GET", "HEAD"))
def index(request: ActorRequest) -> HttpResponse:
    """Plans that wait for a decision, and what became of earlier ones."""
    plans = list(
        PlanProposal.objects.filter(clinic=request.actor.clinic).select_related("decided_by", "created_by")[
            :_SHOWN
        ]
    )
    return render(
        request,
        "integration/plans.html",
        {
            "waiting": [plan for plan in plans if plan.is_open],
            "decided": [plan for plan in plans if not plan.is_open],
        },
    )


@page("integration.repair", methods=("POST",))
def look(request: ActorRequest) -> HttpResponse:
    """Look for the best plan over everything that a person may still move."""
    now = timezone.now()
    plan = propose_plan(
        clinic=request.actor.clinic,
        key=f"{PlanCause.ASKED}:{uuid.uuid4()}",
        cause=PlanCause.ASKED,
        title=f"Asked for by {request.actor.user}",
        actor=request.actor.user,
        now=now,
    )
    if not plan.changes:
        drop_proposal(proposal=plan, actor=request.actor.user, now=now)
        messages.success(request, "No plan is better than the one in force: nothing would change.")
    return redirect("integration:plan-detail", pk=plan.pk)


@page("integration.repair", fetch=plan_for, methods=("GET", "HEAD"))
def detail(request: ActorRequest, plan: PlanProposal) -> HttpResponse:
    """Before and after, who moves and why, who cannot be placed."""
    return _detail(request, plan)


def _detail(request: ActorRequest, plan: PlanProposal, *, refused: Refused | None = None) -> HttpResponse:
    lines = _lines(plan)
    return render(
        request,
        "integration/plan.html",
        {
            "plan": plan,
            "moves": [line for line in lines if line.before is not None and line.after is not None],
            "bookings": [line for line in lines if line.before is None],
            "left": _left(plan),
            "chosen": set(request.POST.getlist("needs")) or {line.key for line in lines},
            "can_undo": plan.state == ProposalState.APPLIED,
            "reasons": [] if refused is None else [reason.text for reason in refused.reasons],
        },
        status=200 if refused is None else 422,
    )


@page("integration.repair", fetch=plan_for, methods=("POST",))
def apply(request: ActorRequest, plan: PlanProposal) -> HttpResponse:
    """Apply all or some of it; what does not work any more changes nothing and is told."""
    try:
        apply_proposal(
            proposal=plan,
            needs=request.POST.getlist("needs"),
            actor=request.actor.user,
            roles=request.actor.roles,
        )
    except Refused as refused:
        return _detail(request, plan, refused=refused)
    messages.success(
        request, "Applied. Those concerned see it in their inbox; patients are still to be told."
    )
    return redirect("integration:plan-detail", pk=plan.pk)


@page("integration.repair", fetch=plan_for, methods=("POST",))
def drop(request: ActorRequest, plan: PlanProposal) -> HttpResponse:
    """Leave everything as it is."""
    drop_proposal(proposal=plan, actor=request.actor.user)
    messages.success(request, "Nothing was changed.")
    return redirect("integration:plans")


@page("integration.repair", fetch=plan_for, methods=("POST",))
def undo(request: ActorRequest, plan: PlanProposal) -> HttpResponse:
    """Put back what the plan moved."""
    try:
        undo_proposal(proposal=plan, actor=request.actor.user, roles=request.actor.roles)
    except Refused as refused:
        return _detail(request, plan, refused=refused)
    messages.success(request, "Every session that had moved is back where it was.")
    return redirect("integration:plan-detail", pk=plan.pk)


def _needs(keys: Iterable[str]) -> dict[str, IntegrationNeed]:
    rows = IntegrationNeed.objects.filter(pk__in=list(keys)).select_related("episode__patient", "clinic")
    return {str(need.pk): need for need in rows}


def _lines(plan: PlanProposal) -> list[Line]:
    """The changes with their names: three queries."""
    needs = _needs(change["need"] for change in plan.changes)
    spots = [spot for change in plan.changes for spot in (change["before"], change["after"]) if spot]
    people = {str(person.pk): str(person) for person in User.objects.filter(pk__in=_of(spots, "person"))}
    rooms = {str(room.pk): room.name for room in Room.objects.filter(pk__in=_of(spots, "room"))}
    lines = []
    for change in plan.changes:
        need = needs[change["need"]]
        before, after = (_spot(change[which], people, rooms) for which in ("before", "after"))
        lines.append(
            Line(
                key=change["need"],
                patient=str(need.episode.patient),
                what=str(need),
                need_id=change["need"],
                before=before,
                after=after,
                is_new_person=before is not None and after is not None and before.person != after.person,
                was_applied="applied_sequence" in change,
            )
        )
    return sorted(lines, key=lambda line: (line.after is None, line.after and line.after.starts_at))


def _left(plan: PlanProposal) -> list[Line]:
    needs = _needs(entry["need"] for entry in plan.unplaced)
    return [
        Line(
            key=entry["need"],
            patient=str(needs[entry["need"]].episode.patient),
            what=str(needs[entry["need"]]),
            need_id=entry["need"],
            before=None,
            after=None,
            is_new_person=False,
            was_applied=False,
            reasons=tuple(entry["reasons"]),
        )
        for entry in plan.unplaced
    ]


def _of(spots: Iterable[dict[str, Any]], what: str) -> set[str]:
    return {spot[what] for spot in spots if spot[what]}


def _spot(spot: dict[str, Any] | None, people: dict[str, str], rooms: dict[str, str]) -> Spot | None:
    if spot is None:
        return None
    is_telehealth = spot["place"] == MeetingPlace.TELEHEALTH
    return Spot(
        starts_at=datetime.fromisoformat(spot["starts_at"]),
        ends_at=datetime.fromisoformat(spot["ends_at"]),
        person=people.get(spot["person"] or "", ""),
        where="telehealth" if is_telehealth else rooms.get(spot["room"] or "", "in person"),
        is_told=spot["told"],
    )
