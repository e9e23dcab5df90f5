"""Guards of a dose that rest on handoffs."""

from __future__ import annotations

from collections.abc import Iterator

from episodes import guards
from episodes.guards import GuardContext
from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Reason
from kapclinic.handoffs.models import Handoff, HandoffKind
from kapclinic.handoffs.owing import owes_a_loop
from sessions.selectors import doses_of_episode

# Paperwork on the day is passed by whoever gives the dose, with one reason.
_GIVERS = frozenset({Role.NURSE.value, Role.PRESCRIBER.value})


@guards.register("dose.start")
def handoffs_were_read(context: GuardContext) -> Iterator[Reason]:
    """The handoff before this dose, and the one after the last dose, are written and read (rule book 0.11: paperwork)."""
    session = context.subject
    if session is None or not owes_a_loop(context.episode, context.now):
        return
    wanted = [(session.pk, HandoffKind.TO_PRESCRIBER, "The handoff before this dose")]
    given = [dose for dose in doses_of_episode(context.episode) if dose.session.pk != session.pk]
    if given:
        last = given[-1]
        wanted.append((last.session.pk, HandoffKind.TO_THERAPIST, f"The handoff after dose {last.number}"))
    in_force = {
        (handoff.session_id, handoff.kind): handoff
        for handoff in Handoff.objects.in_force()
        .filter(session__in=[pk for pk, *_ in wanted])
        .select_related("acknowledgement")
    }
    words = []
    for pk, kind, name in wanted:
        handoff = in_force.get((pk, kind))
        if handoff is None:
            words.append(f"{name} is not written.")
        elif not handoff.is_read:
            words.append(f"{name} is not read.")
    if words:
        yield Reason("handoff-unread", " ".join(words), passable_by=_GIVERS, is_paperwork=True)
