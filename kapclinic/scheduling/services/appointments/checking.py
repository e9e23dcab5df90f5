"""What every booking, move and return of an appointment goes through before and after it is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from episodes import guards
from episodes.guards import GuardContext
from episodes.models import TeamPart
from episodes.services import grant_cover_access
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.scheduling import hooks
from kapclinic.scheduling.checks import Proposal, clash_reasons, soft_reasons, split
from kapclinic.scheduling.models import Appointment, AppointmentKind
from kapclinic.scheduling.services.appointments.participants import Person, lock_all_of
from kapclinic.scheduling.services.appointments.together import moving_together


@contextmanager
def making_way(proposal: Proposal, episode: Any | None, *, now: datetime) -> Iterator[Proposal]:
    """Lock everyone and everything of `proposal`; what may move out of its way does so when the block ends.

    Gives back the proposal to which those bookings are no clash. Raises Refused when one of them has no other time.
    """
    way = hooks.make_way(proposal.kind, episode=episode, span=proposal.span, now=now)
    if way is None:
        lock_all_of(proposal)
        yield proposal
        return
    lock_all_of(proposal, also=way.keys)
    with moving_together():
        yield replace(proposal, leave_out=(*proposal.leave_out, *(each.pk for each in way.bookings)))
        way.move()


def check(
    proposal: Proposal,
    episode: Any | None,
    *,
    reason: str,
    roles: frozenset[Role],
    actor: User | None,
    now: datetime,
) -> frozenset[str]:
    """Raise Refused with everything that stands; returns the codes that the written reason got past."""
    found = [*clash_reasons(proposal), *soft_reasons(proposal, now=now)]
    if episode is not None:
        context = GuardContext(
            action="appointment.book", episode=episode, now=now, actor_roles=roles, subject=proposal
        )
        found += guards.reasons(context)
    hard, soft = split(found)
    held_back = [each for each in soft if not (reason.strip() and _may_pass(each, roles, actor))]
    if hard or held_back:
        raise Refused([*hard, *held_back])
    return frozenset(each.code for each in soft)


def _may_pass(reason: Reason, roles: frozenset[Role], actor: User | None) -> bool:
    return actor is not None and bool(reason.passable_by.intersection(roles))


def let_covers_in(appointment: Appointment, people: Sequence[Person], *, now: datetime) -> None:
    """A named cover who takes a booking works with the patient: the team's rights around it."""
    if appointment.episode is None or appointment.kind == AppointmentKind.TEAM_MEETING:
        return
    keys = [person.pk for person, _ in people]
    covers = appointment.episode.team.in_force(now).filter(
        user__in=keys, part__in=[TeamPart.COVER_THERAPIST, TeamPart.COVER_PRESCRIBER], covering=False
    )
    for member in covers.select_related("user"):
        assert member.user is not None
        grant_cover_access(
            episode=appointment.episode,
            user=member.user,
            part=member.part,
            starts_at=appointment.starts_at,
            ends_at=appointment.ends_at,
            now=now,
        )
