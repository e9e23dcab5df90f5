"""Plans for a person to decide on: looked for when time is lost or somebody asks, and brought up to date until decided."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from integration.models import PlanCause, PlanProposal
from integration.moves import NO_TIME, Move, why_it_moves
from integration.services.planning.applying import stays
from integration.services.planning.changes import Change, change_of, room_change
from integration.services.planning.explaining import Help, explain_unplaced
from integration.services.planning.gathering import Gathered, gather, licensed_therapists, waiting_needs
from integration.services.planning.losing import Facts, Loss, loss_of, room_kind_for, row_of
from integration.services.planning.running import plan_waiting
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic, Room
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.clinics.services import setting
from kapclinic.notices.kinds import ended_by_work
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import open_task
from kapclinic.scheduling.clinical_settings import PLANNER_SECONDS
from kapclinic.scheduling.hours import Place, availability
from kapclinic.scheduling.models import Appointment
from kapclinic.scheduling.planner import Placement, Plan, make_plan
from kapclinic.scheduling.rosters import room_rosters
from kapclinic.scheduling.spans import Span

REPAIR_TASK = "plan-repair"
# Applying or turning down the proposal ends it.
ended_by_work(REPAIR_TASK)
# A patient is told of another time a day ahead where there is time for it (POLICY).
_TO_TELL = timedelta(hours=24)


def propose_plan(
    *,
    clinic: Clinic,
    key: str,
    cause: PlanCause,
    title: str,
    loss: Loss | None = None,
    actor: User | None = None,
    now: datetime | None = None,
) -> PlanProposal:
    """Look for the best plan over everything that a person could still move, and keep it for a decision.

    It keeps as many windows as can be kept, then moves as little as it can of what patients know. What else a `loss` touches
    gets another room where a room is missing, and is named where it does not. The same `key` again brings the open proposal up
    to date; raises Refused once it was decided.
    """
    now = now or timezone.now()
    with transaction.atomic():
        # Nobody decides on the old content while the new one is worked out.
        known = PlanProposal.objects.select_for_update().filter(key=key).first()
        if known is not None and not known.is_open:
            raise Refused(Reason("decided", "That plan was decided already."))
        content: dict[str, Any] = {"title": title[:200], **_content(clinic, loss, now=now)}
        proposal, _ = PlanProposal.objects.update_or_create(
            key=key,
            defaults=content,
            create_defaults={
                **content, "clinic": clinic, "cause": cause, "created_at": now, "created_by": actor,
            },
        )  # fmt: skip
    return proposal


def _content(clinic: Clinic, loss: Loss | None, *, now: datetime) -> dict[str, Any]:
    needs = waiting_needs(clinic, now=now, for_proposal=True)
    found = gather(clinic, needs, now=now, for_proposal=True)
    plan = make_plan(found.problem, time_limit_seconds=setting(clinic, PLANNER_SECONDS))
    explained = found
    if plan.unplaced:
        # Whoever could cover is asked only where somebody has no time.
        covers = licensed_therapists(clinic, now=now)
        explained = gather(clinic, needs, also=covers, now=now, for_proposal=True)
    left = explain_unplaced(explained, plan, now=now)
    changes = [
        change_of(found, placement, _why(found, placement, loss))
        for placement in plan.placements
        if not _stays_where_it_is(found, placement)
    ]
    elsewhere: list[Change] = []
    others: list[dict[str, str]] = []
    if loss is not None:
        planned = {booking.pk for booking in found.bookings.values()}
        beside = [each for each in loss.touched if each.pk not in planned]
        for appointment, room in _in_other_rooms(beside, plan, is_asked=loss.is_room):
            if room is None:
                at = appointment.starts_at.isoformat()
                others.append({"appointment": str(appointment.pk), "starts_at": at, "why": loss.words})
            else:
                elsewhere.append(room_change(appointment, room, loss.words))
    return {
        "changes": [*changes, *elsewhere],
        "unplaced": [
            {"need": key, "reasons": list(reasons), "offers": [_offered(help_) for help_ in helps]}
            for key, (reasons, helps) in left.items()
        ],
        "others": others,
        "about": {} if loss is None else dict(loss.facts),
        "is_proven": plan.is_proven,
    }


def _offered(found: Help) -> dict[str, Any]:
    return {"words": found.words, "offer": found.offer.as_dict()}


def _in_other_rooms(
    appointments: list[Appointment], plan: Plan, *, is_asked: bool
) -> Iterator[tuple[Appointment, Room | None]]:
    """Each appointment with a free room of the same kind at its time, taken by none before it; None where there is none."""
    taken = [(placement.room, Span(placement.starts_at, placement.ends_at)) for placement in plan.placements]
    for appointment in appointments:
        lost = appointment.room
        chosen: Room | None = None
        if is_asked and lost is not None:
            like = Room.objects.filter(
                clinic=appointment.clinic, kind=room_kind_for(appointment, lost), is_active=True
            )
            rooms = list(like.exclude(pk=lost.pk))
            rosters = room_rosters(rooms, appointment.span)
            chosen = next(
                (
                    room
                    for room in rooms
                    if availability(rosters[room.pk], appointment.span).free == (appointment.span,)
                    and not any(
                        key == str(room.pk) and span.overlaps(appointment.span) for key, span in taken
                    )
                ),
                None,
            )
        if chosen is not None:
            taken.append((str(chosen.pk), appointment.span))
        yield appointment, chosen


def _stays_where_it_is(found: Gathered, placement: Placement) -> bool:
    booking = found.bookings.get(placement.session)
    return booking is not None and stays(booking, placement)


def _why(found: Gathered, placement: Placement, loss: Loss | None) -> str:
    booking = found.bookings.get(placement.session)
    if booking is None:
        return NO_TIME
    problem, session = found.problem, found.problem.session_of[placement.session]
    need, lead, room = found.needs[placement.session], booking.lead, booking.room
    tiers = {each.clinician: (each.tier, each.rank) for each in session.candidates}
    clinician = None if lead is None else problem.clinician_of.get(str(lead.pk))
    is_touched = loss is not None and booking.pk in {each.pk for each in loss.touched}
    in_room = None if room is None else problem.room_of.get(str(room.pk))
    was, nearest = tiers.get("" if lead is None else str(lead.pk)), tiers[placement.clinician]
    preferred = Span(need.preferred_from, need.preferred_until)
    return why_it_moves(
        Move(
            lost=loss.words if loss is not None and is_touched else "",
            is_inside=need.window.covers(booking.span),
            is_worked=clinician is not None
            and any(
                time.span.covers(booking.span)
                for time in clinician.free
                if time.place.serves(Place(booking.place))
            ),
            has_room=room is None
            or (in_room is not None and any(span.covers(booking.span) for span in in_room.free)),
            nearer=was is not None and nearest < was,
            was_preferred=preferred.starts_at <= booking.starts_at <= preferred.ends_at,
            will_be_preferred=preferred.starts_at <= placement.starts_at <= preferred.ends_at,
        )
    )


def follow_loss(*, facts: Facts, now: datetime) -> PlanProposal | None:
    """Lost time: what the program may move by itself it moves, for the rest it makes a proposal; None when nothing is left.

    Raises Refused when plans were overtaken by other bookings several times (the job tries again).
    """
    loss = loss_of(row_of(facts), facts=facts, now=now)
    if loss is None or not loss.touched:
        return None
    if loss.is_followed:
        plan_waiting(clinic=loss.clinic, now=now)
        loss = loss_of(row_of(facts), facts=facts, now=now)
    return None if loss is None else repair_loss(loss=loss, now=now)


def repair_loss(*, loss: Loss, now: datetime) -> PlanProposal | None:
    """Propose how to keep what the loss touches; None when that is nothing, or when it was decided already.

    Nothing moves by it: a coordinator gets the task to look at the proposal.
    """
    if not loss.touched:
        return None
    try:
        proposal = propose_plan(
            clinic=loss.clinic, key=loss.key, cause=loss.cause, title=loss.title, loss=loss, now=now
        )
    except Refused:
        # Asked again after it was decided.
        return None
    first = min(each.starts_at for each in loss.touched)
    ask_to_decide(proposal, due_at=max(now, first - _TO_TELL), now=now)
    return proposal


def ask_to_decide(proposal: PlanProposal, *, due_at: datetime, now: datetime) -> None:
    """A coordinator looks at a proposal."""
    open_task(
        clinic=proposal.clinic,
        key=task_key(proposal),
        kind=REPAIR_TASK,
        title=f"Repair the calendar: {proposal.title}"[:200],
        role=Role.COORDINATOR,
        urgency=Urgency.TODAY,
        due_at=due_at,
        url=reverse("integration:plan-detail", args=[proposal.pk]),
        now=now,
    )


def task_key(proposal: PlanProposal) -> str:
    """The task that asks for a decision."""
    return f"{REPAIR_TASK}:{proposal.pk}"


def look_again(*, proposal: PlanProposal, now: datetime | None = None) -> PlanProposal:
    """Bring an open proposal up to date with what has changed since. Raises Refused for a decided one, or for a repair."""
    now = now or timezone.now()
    if proposal.remedy:
        raise Refused(Reason("repair", "A repair is looked for on the page of its session."))
    loss = None
    if proposal.about:
        loss = loss_of(row_of(proposal.about), facts=proposal.about, now=now)
    return propose_plan(
        clinic=proposal.clinic,
        key=proposal.key,
        cause=PlanCause(proposal.cause),
        title=proposal.title,
        loss=loss,
        now=now,
    )
