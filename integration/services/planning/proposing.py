"""Plans that a person decides on: looked for when somebody is away or asks, applied in one transaction, undone in one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from integration.models import IntegrationNeed, PlanCause, PlanProposal, ProposalState
from integration.services.planning.applying import book_for, lock_needs, one_planner_at_a_time, stays
from integration.services.planning.explaining import why_unplaced
from integration.services.planning.gathering import Gathered, gather, waiting_needs
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic, Room
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.clinics.services import setting
from kapclinic.notices.kinds import ended_by_work
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_task, notify, open_task
from kapclinic.scheduling.clinical_settings import PLANNER_SECONDS
from kapclinic.scheduling.models import INTEGRATION_KINDS, Appointment, Part, TimeOff
from kapclinic.scheduling.planner import Placement, make_plan
from kapclinic.scheduling.services import (
    keep_told,
    lock_resources,
    move_appointment,
    moving_together,
)
from kapclinic.scheduling.spans import Span
from kapclinic.scheduling.wording import span_words

# What speaks against an old time (somebody is away, that is why it was moved) does not hinder undoing.
_PUT_BACK = "The plan was undone."
REPAIR_JOB = "repair_absence"
REPAIR_TASK = "plan-repair"
# Applying or turning down the proposal ends it.
ended_by_work(REPAIR_TASK)


def propose_plan(
    *,
    clinic: Clinic,
    key: str,
    cause: PlanCause,
    title: str,
    actor: User | None = None,
    now: datetime | None = None,
) -> PlanProposal:
    """Look for the best plan over everything that a person could still move, and keep it for a decision.

    It keeps as many windows as can be kept, then moves as little as it can of what patients know. The same `key` again brings
    the open proposal up to date; raises Refused once it was decided.
    """
    now = now or timezone.now()
    with transaction.atomic():
        # Nobody decides on the old content while the new one is worked out.
        known = PlanProposal.objects.select_for_update().filter(key=key).first()
        if known is not None and not known.is_open:
            raise Refused(Reason("decided", "That plan was decided already."))
        found = gather(clinic, waiting_needs(clinic, now=now, for_proposal=True), now=now, for_proposal=True)
        plan = make_plan(found.problem, time_limit_seconds=setting(clinic, PLANNER_SECONDS))
        reasons = why_unplaced(found, plan, now=now)
        content = {
            "title": title[:200],
            "changes": [
                _change(found, placement)
                for placement in plan.placements
                if not _stays_where_it_is(found, placement)
            ],
            "unplaced": [{"need": each, "reasons": list(reasons[each])} for each in plan.unplaced],
            "is_proven": plan.is_proven,
        }
        proposal, _ = PlanProposal.objects.update_or_create(
            key=key,
            defaults=content,
            create_defaults={
                **content, "clinic": clinic, "cause": cause, "created_at": now, "created_by": actor,
            },
        )  # fmt: skip
    return proposal


def _stays_where_it_is(found: Gathered, placement: Placement) -> bool:
    booking = found.bookings.get(placement.session)
    return booking is not None and stays(booking, placement)


def _change(found: Gathered, placement: Placement) -> dict[str, Any]:
    booking = found.bookings.get(placement.session)
    return {
        "need": placement.session,
        "appointment": None if booking is None else str(booking.pk),
        "sequence": None if booking is None else booking.sequence,
        "before": None if booking is None else _spot_of(booking),
        "after": {
            "starts_at": placement.starts_at.isoformat(),
            "ends_at": placement.ends_at.isoformat(),
            "person": placement.clinician,
            "room": placement.room,
            "place": placement.place.value,
            "told": False,
        },
    }


def _spot_of(booking: Appointment) -> dict[str, Any]:
    return {
        "starts_at": booking.starts_at.isoformat(),
        "ends_at": booking.ends_at.isoformat(),
        "person": None if booking.lead is None else str(booking.lead.pk),
        "room": None if booking.room is None else str(booking.room.pk),
        "place": booking.place,
        "told": booking.is_told,
        "told_at": None if booking.told_at is None else booking.told_at.isoformat(),
        "told_by": None if booking.told_by_id is None else str(booking.told_by_id),
        "told_how": booking.told_how,
    }


def repair_absence(*, absence: TimeOff, now: datetime) -> PlanProposal | None:
    """Propose how to keep the windows while somebody is away; None when no integration session of theirs is touched.

    Nothing moves by it: a coordinator gets the task to look at the proposal.
    """
    if absence.withdrawn_at is not None or absence.ends_at <= now:
        return None
    clinic = absence.clinic
    span = Span(absence.starts_at, absence.ends_at)
    touched = (
        Appointment.objects.filter(clinic=clinic, kind__in=INTEGRATION_KINDS, starts_at__gt=now)
        .live()
        .for_person(absence.person)
        .between(span.starts_at, span.ends_at)
    )
    key = f"{PlanCause.ABSENCE}:{absence.pk}"
    if not touched.exists():
        return None
    words = f"{absence.person} is {absence.get_kind_display().lower()} {span_words(span, clinic.time_zone)}"
    try:
        proposal = propose_plan(clinic=clinic, key=key, cause=PlanCause.ABSENCE, title=words, now=now)
    except Refused:
        # Asked again after it was decided.
        return None
    open_task(
        clinic=clinic,
        key=f"{REPAIR_TASK}:{proposal.pk}",
        kind=REPAIR_TASK,
        title=f"Repair the calendar: {words}"[:200],
        role=Role.COORDINATOR,
        urgency=Urgency.TODAY,
        due_at=max(now, min(absence.starts_at, touched.order_by("starts_at")[0].starts_at)),
        url=reverse("integration:plan-detail", args=[proposal.pk]),
        now=now,
    )
    return proposal


def apply_proposal(
    *,
    proposal: PlanProposal,
    needs: Collection[str],
    actor: User,
    roles: frozenset[Role],
    now: datetime | None = None,
) -> PlanProposal:
    """A person applies the changes of the sessions in `needs`, all of them or nothing.

    Raises Refused with every reason: it was decided already, a booking changed since, a time was taken, a part of the plan does
    not work without the rest.
    """
    now = now or timezone.now()
    with moving_together():
        one_planner_at_a_time(proposal.clinic)
        proposal = PlanProposal.objects.select_for_update().get(pk=proposal.pk)
        if not proposal.is_open:
            raise Refused(Reason("decided", f"This plan is decided: {proposal.get_state_display().lower()}."))
        chosen = [change for change in proposal.changes if change["need"] in needs]
        if not chosen:
            raise Refused(Reason("nothing-chosen", "Choose at least one session.", field="needs"))
        fresh = lock_needs(change["need"] for change in chosen)
        _lock_all(chosen, fresh.values())
        moving = [UUID(change["appointment"]) for change in chosen if change["appointment"]]
        for change in chosen:
            need = fresh[change["need"]]
            _still_as_seen(need, change, "sequence")
            made = _go(need, change["after"], moving, reason="", actor=actor, roles=roles, now=now)
            change["appointment"], change["applied_sequence"] = str(made.pk), made.sequence
        proposal.state, proposal.decided_at, proposal.decided_by = ProposalState.APPLIED, now, actor
        proposal.save()
        close_task(key=f"{REPAIR_TASK}:{proposal.pk}", actor=actor, outcome="Applied", now=now)
        _tell_those_concerned(proposal, chosen, "changed", actor=actor, now=now)
    return proposal


def drop_proposal(*, proposal: PlanProposal, actor: User, now: datetime | None = None) -> PlanProposal:
    """A person decides to leave everything as it is; twice changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        proposal = PlanProposal.objects.select_for_update().get(pk=proposal.pk)
        if proposal.is_open:
            proposal.state, proposal.decided_at, proposal.decided_by = ProposalState.DROPPED, now, actor
            proposal.save()
            close_task(key=f"{REPAIR_TASK}:{proposal.pk}", actor=actor, outcome="Not applied", now=now)
    return proposal


def undo_proposal(
    *, proposal: PlanProposal, actor: User, roles: frozenset[Role], now: datetime | None = None
) -> PlanProposal:
    """Put every session that the plan moved back, where nothing was done to it since; all or nothing.

    What the patient knew before is known again. Raises Refused when a booking changed since, or its old time is taken or over.
    """
    now = now or timezone.now()
    with moving_together():
        one_planner_at_a_time(proposal.clinic)
        proposal = PlanProposal.objects.select_for_update().get(pk=proposal.pk)
        if proposal.state != ProposalState.APPLIED:
            raise Refused(Reason("not-applied", "Only a plan that was applied can be undone."))
        done = [change for change in proposal.changes if "applied_sequence" in change]
        moved = [change for change in done if change["before"] is not None]
        fresh = lock_needs(change["need"] for change in done)
        _lock_all(moved, fresh.values())
        moving = [UUID(change["appointment"]) for change in moved]
        for change in moved:
            need = fresh[change["need"]]
            _still_as_seen(need, change, "applied_sequence")
            back = _go(need, change["before"], moving, reason=_PUT_BACK, actor=actor, roles=roles, now=now)
            if change["before"]["told"]:
                keep_told(
                    appointment=back,
                    told_at=datetime.fromisoformat(change["before"]["told_at"]),
                    told_by=User.objects.get(pk=change["before"]["told_by"]),
                    told_how=change["before"]["told_how"],
                    actor=actor,
                    now=now,
                )
        proposal.state, proposal.undone_at, proposal.undone_by = ProposalState.UNDONE, now, actor
        proposal.save()
        _tell_those_concerned(proposal, moved, "put back", actor=actor, now=now)
    return proposal


def _lock_all(changes: Iterable[dict[str, Any]], needs: Iterable[IntegrationNeed]) -> None:
    spots = [spot for change in changes for spot in (change["before"], change["after"]) if spot is not None]
    keys = [spot[what] for spot in spots for what in ("person", "room") if spot[what]]
    lock_resources([*keys, *(str(need.episode.patient_id) for need in needs)])


def _still_as_seen(need: IntegrationNeed, change: dict[str, Any], which: str) -> None:
    booking = need.live_appointment
    seen = (change["appointment"], change[which])
    now_is = (None, None) if booking is None else (str(booking.pk), booking.sequence)
    if seen != now_is:
        raise Refused(
            Reason(
                "changed",
                f"{need.episode.patient}: the booking has changed since this plan was shown. Look for a new plan.",
            )
        )


def _go(
    need: IntegrationNeed,
    spot: dict[str, Any],
    moving: Collection[UUID],
    *,
    reason: str,
    actor: User,
    roles: frozenset[Role],
    now: datetime,
) -> Appointment:
    """Book or move the session of `need` to `spot`."""
    booking = need.live_appointment
    times: dict[str, Any] = {
        "starts_at": datetime.fromisoformat(spot["starts_at"]),
        "ends_at": datetime.fromisoformat(spot["ends_at"]),
        "people": [(User.objects.get(pk=spot["person"]), Part.THERAPIST)],
        "room": None if spot["room"] is None else Room.objects.get(pk=spot["room"]),
        "place": spot["place"],
        "window": need.window,
        "beside": [key for key in moving if booking is None or key != booking.pk],
        "reason": reason,
        "actor": actor,
        "roles": roles,
        "now": now,
    }
    if booking is None:
        return book_for(need, **times)
    return move_appointment(appointment=booking, **times)


def _tell_those_concerned(
    proposal: PlanProposal, changes: Iterable[dict[str, Any]], what: str, *, actor: User, now: datetime
) -> None:
    """A line in the inbox of every clinician whose sessions moved, but of the person who did it."""
    keys = {
        spot["person"]
        for change in changes
        for spot in (change["before"], change["after"])
        if spot is not None and spot["person"]
    }
    receivers = list(User.objects.filter(pk__in=keys, is_active=True).exclude(pk=actor.pk))
    notify(
        clinic=proposal.clinic,
        receivers=receivers,
        key=f"plan:{proposal.pk}:{what}",
        title=f"Your sessions were {what}: {proposal.title}"[:200],
        url=reverse("scheduling:calendar"),
        urgency=Urgency.TODAY,
        now=now,
    )
