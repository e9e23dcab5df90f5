"""Which tasks are a person's: given to them, or to a role of theirs, on things within their rights.

The room that owns episodes registers which tasks of episodes an actor may act on; without it only tasks of the house count.
"""

from collections.abc import Callable

from django.db.models import Q, QuerySet

from kapclinic.accounts.policy import Actor
from kapclinic.notices.models import Task

Reach = Callable[[Actor], Q]
_sources: list[Reach] = []


def register_reach(source: Reach) -> None:
    """Register `source(actor) -> Q` over Task: tasks of a role that the actor may act on."""
    if source not in _sources:
        _sources.append(source)


def tasks_owed_by(actor: Actor) -> QuerySet[Task]:
    """Open tasks of the actor at their clinic, most urgent first."""
    within_reach = Q(episode__isnull=True)
    for source in _sources:
        within_reach |= source(actor)
    return Task.objects.filter(
        Q(person=actor.user) | Q(person__isnull=True, role__in=actor.roles) & within_reach,
        clinic=actor.clinic,
        done_at__isnull=True,
        withdrawn_at__isnull=True,
    )
