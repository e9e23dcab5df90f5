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
from django.urls import reverse
from django.utils import timezone

from episodes.access import row_for
from integration.models import IntegrationNeed, PlanCause, PlanProposal, ProposalState
from integration.repairs import offer_from
from integration.services import planning
from integration.services.planning import apply_proposal, drop_proposal, propose_plan, undo_proposal
from integration.services.planning.changes import key_of
from integration.views.explanations import Remedy, remedy_for
from kapclinic.accounts.models import User
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.models import Room
from kapclinic.clinics.refusals import Refused
from kapclinic.scheduling.models import Appointment, MeetingPlace

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
    """One session of a plan: from where to where, and why. `url` leads to its window, or to the appointment itself."""

    key: str
    patient: str
    what: str
    url: str
    before: Spot | None
    after: Spot
    why: str
    was_applied: bool

    @property
    def is_new_person(self) -> bool:
        """True when another clinician takes it."""
        return self.before is not None and self.before.person != self.after.person

    @property
    def is_same_time(self) -> bool:
        """True when only the room or the person changes."""
        return self.before is not None and self.before.starts_at == self.after.starts_at


@dataclass(frozen=True)
class Left:
    """One session without a time: why, and what would help."""

    need_id: str
    patient: str
    what: str
    reasons: tuple[str, ...]
    helps: tuple[Remedy, ...]


@dataclass(frozen=True)
class Touched:
    """An appointment that no plan moves: a person does."""

    appointment: Appointment
    why: str


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
    lines, dose = _lines(plan), _dose_line(plan)
    return render(
        request,
        "integration/plan.html",
        {
            "plan": plan,
            "is_repair": bool(plan.remedy),
            "may_choose": plan.is_open and not plan.remedy,
            "dose": dose,
            "dose_lines": [dose],
            "told_moves": sum(line.before is not None and line.before.is_told for line in lines),
            "new_people": sum(line.is_new_person for line in lines),
            "moves": [line for line in lines if line.before is not None],
            "bookings": [line for line in lines if line.before is None],
            "left": _left(request.actor, plan),
            "others": _others(plan),
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


@page("integration.repair", fetch=plan_for, methods=("POST",))
def look_again(request: ActorRequest, plan: PlanProposal) -> HttpResponse:
    """Bring an open plan up to date with what has changed since it was shown."""
    try:
        planning.look_again(proposal=plan)
    except Refused as refused:
        return _detail(request, plan, refused=refused)
    messages.success(request, "Looked at again: this is the best plan now.")
    return redirect("integration:plan-detail", pk=plan.pk)


def _needs(keys: Iterable[str]) -> dict[str, IntegrationNeed]:
    rows = IntegrationNeed.objects.filter(pk__in=list(keys)).select_related(
        "episode__patient", "clinic", "dose__appointment"
    )
    return {str(need.pk): need for need in rows}


class _Names:
    """Names of the people and rooms of some spots: two queries."""

    def __init__(self, spots: Iterable[dict[str, Any] | None]) -> None:
        known = [spot for spot in spots if spot]
        self._people = {str(each.pk): str(each) for each in User.objects.filter(pk__in=_of(known, "person"))}
        self._rooms = {str(each.pk): each.name for each in Room.objects.filter(pk__in=_of(known, "room"))}

    def spot(self, spot: dict[str, Any]) -> Spot:
        """The spot with its names."""
        is_telehealth = spot["place"] == MeetingPlace.TELEHEALTH
        return Spot(
            starts_at=datetime.fromisoformat(spot["starts_at"]),
            ends_at=datetime.fromisoformat(spot["ends_at"]),
            person=self._people.get(spot["person"] or "", ""),
            where="telehealth" if is_telehealth else self._rooms.get(spot["room"] or "", "in person"),
            is_told=spot["told"],
        )


def _lines(plan: PlanProposal) -> list[Line]:
    """The changes with their names: four queries."""
    needs = _needs(change["need"] for change in plan.changes if change["need"])
    bare = Appointment.objects.select_related("episode__patient").in_bulk(
        [change["appointment"] for change in plan.changes if not change["need"]]
    )
    appointments = {str(key): each for key, each in bare.items()}
    names = _Names(spot for change in plan.changes for spot in (change["before"], change["after"]))
    lines = []
    for change in plan.changes:
        if change["need"]:
            need = needs[change["need"]]
            patient, what = str(need.episode.patient), str(need)
            url = reverse("integration:need-detail", args=[need.pk])
        else:
            booked = appointments[change["appointment"]]
            patient = booked.title if booked.episode is None else str(booked.episode.patient)
            what = booked.get_kind_display()
            url = reverse("scheduling:appointment-detail", args=[booked.pk])
        lines.append(
            Line(
                key=key_of(change),
                patient=patient,
                what=what,
                url=url,
                before=None if change["before"] is None else names.spot(change["before"]),
                after=names.spot(change["after"]),
                # Plans of earlier versions did not say why.
                why=change.get("why", ""),
                was_applied="applied_sequence" in change,
            )
        )
    return sorted(lines, key=lambda line: line.after.starts_at)


def _dose_line(plan: PlanProposal) -> Line | None:
    """The dose that a repair moves, before and after."""
    if "appointment" not in plan.remedy:
        return None
    offer, before = offer_from(plan.remedy), plan.remedy["before"]
    booked = Appointment.objects.select_related("episode__patient").get(pk=plan.remedy["appointment"])
    assert offer.dose_at is not None, "another time of the dose has a time"
    length = datetime.fromisoformat(before["ends_at"]) - datetime.fromisoformat(before["starts_at"])
    after = {
        **before,
        "starts_at": offer.dose_at.isoformat(),
        "ends_at": (offer.dose_at + length).isoformat(),
        "told": False,
    }
    names = _Names([before])
    return Line(
        key=str(booked.pk),
        patient="" if booked.episode is None else str(booked.episode.patient),
        what=booked.get_kind_display(),
        url=reverse("scheduling:appointment-detail", args=[booked.pk]),
        before=names.spot(before),
        after=names.spot(after),
        why="With the dose there its session has a time.",
        was_applied=plan.state != ProposalState.OPEN,
    )


def _left(actor: Actor, plan: PlanProposal) -> list[Left]:
    needs = _needs(entry["need"] for entry in plan.unplaced)
    return [
        Left(
            need_id=entry["need"],
            patient=str(needs[entry["need"]].episode.patient),
            what=str(needs[entry["need"]]),
            reasons=tuple(entry["reasons"]),
            helps=tuple(
                remedy_for(actor, needs[entry["need"]], offer_from(each["offer"]), each["words"])
                for each in entry.get("offers", ())
            ),
        )
        for entry in plan.unplaced
    ]


def _others(plan: PlanProposal) -> list[Touched]:
    """What a loss touches and no plan moves, as it stands now: what was moved or ended since is off the list."""
    known = {entry["appointment"]: entry for entry in plan.others}
    rows = Appointment.objects.filter(pk__in=list(known)).live().with_participants().order_by("starts_at")
    return [
        Touched(each, known[str(each.pk)]["why"])
        for each in rows
        if each.starts_at.isoformat() == known[str(each.pk)]["starts_at"]
    ]


def _of(spots: Iterable[dict[str, Any]], what: str) -> set[str]:
    return {spot[what] for spot in spots if spot[what]}
