"""A person decides on a plan: applies all or some of it, turns it down, or undoes it; each in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from integration.models import IntegrationNeed, PlanProposal, ProposalState
from integration.services.planning.applying import one_planner_at_a_time
from integration.services.planning.changes import Change, Locked, go, key_of, still_as_seen, tell_again
from integration.services.planning.proposing import task_key
from integration.services.planning.remedies import give_back, people_of, put_dose_back, take
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_task, notify
from kapclinic.scheduling.models import Appointment
from kapclinic.scheduling.services import cancel_appointment, moving_together

# What speaks against an old time (somebody is away, that is why it was moved) does not hinder undoing.
_PUT_BACK = "The plan was undone."


def apply_proposal(
    *,
    proposal: PlanProposal,
    needs: Collection[str],
    actor: User,
    roles: frozenset[Role],
    now: datetime | None = None,
) -> PlanProposal:
    """A person applies the changes chosen by `needs` (their keys), all of them or nothing; a repair is always applied whole.

    Raises Refused with every reason: it was decided already, a booking changed since, a time was taken, a part of the plan does
    not work without the rest.
    """
    now = now or timezone.now()
    with moving_together():
        one_planner_at_a_time(proposal.clinic)
        proposal = PlanProposal.objects.select_for_update().get(pk=proposal.pk)
        if not proposal.is_open:
            raise Refused(Reason("decided", f"This plan is decided: {proposal.get_state_display().lower()}."))
        wanted = [change for change in proposal.changes if proposal.remedy or key_of(change) in needs]
        if not wanted:
            raise Refused(Reason("nothing-chosen", "Choose at least one session.", field="needs"))
        do_changes(proposal, wanted, actor=actor, roles=roles, now=now)
    return proposal


def do_changes(
    proposal: PlanProposal, wanted: list[Change], *, actor: User, roles: frozenset[Role], now: datetime
) -> None:
    """Take the remedy of a repair, then make each change; in the caller's transaction, with the clinic's planner locked.

    Raises Refused when something is not as it was shown.
    """
    locked = Locked(wanted, also=_dose_of(proposal))
    if proposal.remedy:
        for change in wanted:
            still_as_seen(locked, change, "sequence")
        take(proposal.remedy, locked, actor=actor, roles=roles, now=now)
    for change in wanted:
        still_as_seen(locked, change, "sequence")
        made = go(locked, change, change["after"], reason="", actor=actor, roles=roles, now=now)
        change["appointment"], change["applied_sequence"] = str(made.pk), made.sequence
    proposal.state, proposal.decided_at, proposal.decided_by = ProposalState.APPLIED, now, actor
    proposal.save()
    close_task(key=task_key(proposal), actor=actor, outcome="Applied", now=now)
    _tell_those_concerned(proposal, wanted, "changed", actor=actor, now=now)


def drop_proposal(*, proposal: PlanProposal, actor: User, now: datetime | None = None) -> PlanProposal:
    """A person decides to leave everything as it is; twice changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        proposal = PlanProposal.objects.select_for_update().get(pk=proposal.pk)
        if proposal.is_open:
            proposal.state, proposal.decided_at, proposal.decided_by = ProposalState.DROPPED, now, actor
            proposal.save()
            close_task(key=task_key(proposal), actor=actor, outcome="Not applied", now=now)
    return proposal


def undo_proposal(
    *, proposal: PlanProposal, actor: User, roles: frozenset[Role], now: datetime | None = None
) -> PlanProposal:
    """Put every session that the plan moved back, where nothing was done to it since; all or nothing.

    A repair is taken back whole, with what it booked anew. What the patient knew before is known again. Raises Refused when a
    booking changed since, or its old time is taken or over.
    """
    now = now or timezone.now()
    with moving_together():
        one_planner_at_a_time(proposal.clinic)
        proposal = PlanProposal.objects.select_for_update().get(pk=proposal.pk)
        if proposal.state != ProposalState.APPLIED:
            raise Refused(Reason("not-applied", "Only a plan that was applied can be undone."))
        done = [change for change in proposal.changes if "applied_sequence" in change]
        moved = [change for change in done if change["before"] is not None]
        locked = Locked(done, also=_dose_of(proposal))
        if proposal.remedy:
            for change in done:
                if change["before"] is None:
                    _give_up(locked, change, actor=actor, now=now)
            put_dose_back(proposal.remedy, reason=_PUT_BACK, actor=actor, now=now)
            locked.refresh()
        for change in moved:
            still_as_seen(locked, change, "applied_sequence")
            back = go(locked, change, change["before"], reason=_PUT_BACK, actor=actor, roles=roles, now=now)
            tell_again(back, change["before"], actor=actor, now=now)
        give_back(proposal.remedy, actor=actor, now=now)
        proposal.state, proposal.undone_at, proposal.undone_by = ProposalState.UNDONE, now, actor
        proposal.save()
        _tell_those_concerned(proposal, done if proposal.remedy else moved, "put back", actor=actor, now=now)
    return proposal


def _give_up(locked: Locked, change: Change, *, actor: User, now: datetime) -> None:
    """Cancel what a repair booked. A hold for a planned dose may have moved with the program's plans since; others may not."""
    booking = locked.booking(change)
    need = locked.need(change)
    follows_dose = need is not None and need.is_ahead and booking is not None and not booking.is_told
    if not follows_dose:
        still_as_seen(locked, change, "applied_sequence")
    if booking is not None:
        cancel_appointment(appointment=booking, reason=_PUT_BACK, actor=actor, now=now)


def _dose_of(proposal: PlanProposal) -> list[str]:
    return [proposal.remedy["appointment"]] if "appointment" in proposal.remedy else []


def applied_repair(need: IntegrationNeed) -> PlanProposal | None:
    """The latest repair of a need that was applied and not undone."""
    return (
        PlanProposal.objects.filter(
            clinic=need.clinic_id, remedy__need=str(need.pk), state=ProposalState.APPLIED
        )
        .select_related("decided_by", "clinic")
        .first()
    )


def _tell_those_concerned(
    proposal: PlanProposal, changes: Iterable[Change], what: str, *, actor: User, now: datetime
) -> None:
    """A line in the inbox of each clinician whose sessions moved or of whom something is asked, but not of who did it."""
    changes = list(changes)
    keys = {
        spot["person"]
        for change in changes
        for spot in (change["before"], change["after"])
        if spot is not None and spot["person"]
    }
    bare = Appointment.objects.filter(
        pk__in=[change["appointment"] for change in changes if change["need"] is None]
    )
    keys |= {str(person.pk) for each in bare.with_participants() for person in each.people}
    keys |= people_of(proposal.remedy)
    notify(
        clinic=proposal.clinic,
        receivers=list(User.objects.filter(pk__in=keys, is_active=True).exclude(pk=actor.pk)),
        key=f"plan:{proposal.pk}:{what}",
        title=f"Your sessions were {what}: {proposal.title}"[:200],
        url=reverse("scheduling:calendar"),
        urgency=Urgency.TODAY,
        now=now,
    )
