"""Whose an appointment and a roster is, for the access policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kapclinic.accounts import policy
from kapclinic.accounts.models import User
from kapclinic.accounts.policy import Actor, Relation
from kapclinic.scheduling.models import Appointment, HandChange, RosterRow


@dataclass(frozen=True)
class Roster:
    """All hours and absences of one person at one clinic, as the thing that a page is about."""

    clinic_id: UUID
    person: User

    @property
    def pk(self) -> UUID:
        return self.person.pk


def _takes_part(actor: Actor, appointment: Any) -> bool:
    return appointment.participants.filter(person=actor.user, removed_at__isnull=True).exists()


def _may_change_it(actor: Actor, change: Any) -> bool:
    """Whoever may change the appointment may also undo what somebody else did to it."""
    return policy.can(actor, "appointment.change", change.appointment)


def _is_of_person(actor: Actor, row: Any) -> bool:
    return getattr(row, "person_id", None) == actor.user.pk


def _is_own_roster(actor: Actor, roster: Any) -> bool:
    return roster.person.pk == actor.user.pk


def register_relations() -> None:
    """Tell the policy how "own" is looked up here; called once at start."""
    policy.register_relation(Relation.OWN, Appointment, _takes_part)
    policy.register_relation(Relation.OWN, HandChange, _may_change_it)
    policy.register_relation(Relation.OWN, RosterRow, _is_of_person)
    policy.register_relation(Relation.OWN, Roster, _is_own_roster)
