"""The access policy: one table of action x role x relation. What is not in it is refused.

`can` and `in_scope` are its readers, together with the `visible_to` querysets that use the same relations. Out of scope is
"does not exist" (404); in scope without the right is "may not" (403).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic


class Relation(StrEnum):
    """How a person must stand to a thing for a right to hold."""

    CLINIC = "same clinic"
    TEAM = "on the care team, or covering"
    DUTY = "on duty for that day's dose"
    OWN = "author or owner of it"
    GLASS = "emergency access to that patient"


@dataclass(frozen=True)
class Actor:
    """A person at work: at one clinic, with the roles held there at this moment."""

    user: User
    clinic: Clinic
    roles: frozenset[Role]
    is_medical_director: bool = False
    # What was looked up once for this request.
    _memo: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def has(self, *roles: Role) -> bool:
        """True when the person holds any of `roles` here."""
        return bool(self.roles.intersection(roles))

    def once(self, key: Any, look_up: Callable[[], Any]) -> Any:
        """What `look_up` gives, asked for once per request."""
        if key not in self._memo:
            self._memo[key] = look_up()
        return self._memo[key]

    @property
    def zone(self) -> ZoneInfo:
        """The clinic's time zone."""
        return self.clinic.zone


Grants = Mapping[Role, frozenset[Relation]]

C, T, D, O = Relation.CLINIC, Relation.TEAM, Relation.DUTY, Relation.OWN  # noqa: E741  short names keep the table readable
# Breaking the glass lets nurse, therapist and prescriber read what the team reads, and change nothing.
G = Relation.GLASS
COO, NUR, THE, PRE, MAN = Role.COORDINATOR, Role.NURSE, Role.THERAPIST, Role.PRESCRIBER, Role.MANAGER


def _row(**grants: Relation | tuple[Relation, ...]) -> Grants:
    names = {"coo": COO, "nur": NUR, "the": THE, "pre": PRE, "man": MAN}
    return {
        names[name]: frozenset(relation if isinstance(relation, tuple) else (relation,))
        for name, relation in grants.items()
    }


_EVERYONE = _row(coo=C, nur=C, the=C, pre=C, man=C)

TABLE: dict[str, Grants] = {
    # The house
    "desk.today": _EVERYONE,
    "account.self": _EVERYONE,
    "inbox.read": _EVERYONE,
    "task.complete": _row(coo=C, nur=(T, D), the=T, pre=(T, D), man=C),
    # Patients and the episode
    "patient.register": _row(coo=C, nur=C, the=C, pre=C),
    "patient.list": _row(coo=C, nur=C, the=C, pre=C),
    "patient.view": _row(coo=C, nur=C, the=(T, O, G), pre=(T, D, O, G)),
    "patient.edit": _row(coo=C, nur=C, the=(T, O), pre=(T, O)),
    "episode.list": _row(coo=C, nur=C, the=C, pre=C),
    "episode.open": _row(coo=C, nur=C, the=(T, O), pre=(T, O)),
    "episode.view": _row(coo=C, nur=(T, D, G), the=(T, G), pre=(T, D, G)),
    "episode.edit-team": _row(coo=C, the=T, pre=T),
    "episode.advance": _row(coo=C, nur=(T, D), the=T, pre=T),
    "episode.close": _row(the=T, pre=T),
    "episode.goals": _row(nur=(T, D), the=T, pre=T),
    "consent.record": _row(coo=C, nur=C, the=(T, O), pre=(T, O)),
    "chart.view": _row(nur=(T, D, G), the=(T, G), pre=(T, D, G)),
    "entry.strike": _row(nur=(T, D), the=T, pre=(T, D)),
    "attachment.view": _row(coo=C, nur=(T, D, G), the=(T, G), pre=(T, D, G)),
    # Screening
    "screening.enter": _row(coo=C, nur=(T, D), the=T, pre=(T, D)),
    "screening.view": _row(nur=(T, D, G), the=(T, G), pre=(T, D, G)),
    "risk.assess": _row(nur=(T, D), the=T, pre=(T, D)),
    "finding.answer": _row(pre=(T, D)),
    "eligibility.decide": _row(pre=T),
    "screening.review-history": _row(nur=C, the=C, pre=C),
    # Appointments and calendar
    "calendar.view": _EVERYONE,
    "appointment.list": _row(coo=C, nur=C, the=C, pre=C, man=C),
    "appointment.view": _row(coo=C, nur=(T, D, O), the=(T, O), pre=(T, D, O), man=C),
    "appointment.change": _row(coo=C, nur=(T, D), the=(T, O), pre=(T, O), man=C),
    # Own: who made the change, and who may change the appointment.
    "appointment.undo": _row(coo=C, nur=(T, D, O), the=(T, O), pre=(T, O), man=C),
    "appointment.book": _row(coo=C, nur=(T, D), the=T, pre=T, man=C),
    "hours.edit": _row(coo=C, nur=O, the=O, pre=O, man=C),
    "patient.tell": _row(coo=C, nur=(T, D), the=T, pre=T),
    # Preparation and dosing
    "preparation.read": _row(nur=(T, D, G), the=(T, G), pre=(T, D, G)),
    "preparation.write": _row(the=T),
    "dose.order": _row(pre=(T, D)),
    "dose.view": _row(nur=(T, D, G), the=(T, G), pre=(T, D, G)),
    "dose.plan": _row(coo=C, nur=(T, D), the=T, pre=(T, D)),
    "dose.check-in": _row(nur=(T, D), pre=(T, D)),
    "dose.give": _row(nur=(T, D), pre=(T, D)),
    "dose.vitals": _row(nur=(T, D), the=T, pre=(T, D)),
    "dose.log": _row(nur=(T, D), the=T, pre=(T, D)),
    "dose.adverse-event": _row(nur=(T, D), the=T, pre=(T, D)),
    "dose.discharge": _row(nur=(T, D), pre=(T, D)),
    "dose.override": _row(pre=(T, D)),
    "dose.duty": _row(coo=C, nur=C, pre=C),
    # Integration
    "integration.read": _row(nur=(T, D, G), the=(T, G), pre=(T, D, G)),
    "integration.write": _row(the=T),
    "integration.plan": _row(coo=C, the=T, pre=T),
    "integration.unplaced": _row(coo=C, the=C, pre=C, man=C),
    "integration.repair": _row(coo=C, man=C),
    # Process notes: whose they are, alone. No team, no duty, no break-glass.
    "process-note.list": _row(nur=C, the=C, pre=C),
    "process-note.write": _row(the=T),
    # Nurses and prescribers as custodians, where a clinic has no other therapist.
    "process-note.hold": _row(nur=O, the=O, pre=O),
    "process-note.receive": _row(nur=O, the=O, pre=O),
    "process-note.read-released": _row(nur=O, the=O, pre=O),
    "process-note.transfer": _row(man=C),
    # Handoffs and documents
    "handoff.list": _row(coo=C, nur=C, the=C, pre=C, man=C),
    "handoff.status": _row(coo=C, nur=(T, D, G), the=(T, G), pre=(T, D, G), man=C),
    "handoff.read": _row(nur=(T, D, G), the=(T, G), pre=(T, D, G)),
    "handoff.write-to-prescriber": _row(the=T),
    "handoff.write-to-therapist": _row(pre=(T, D)),
    "handoff.write-coordination": _row(the=T, pre=(T, D)),
    "handoff.write-emergency": _row(the=T, pre=(T, D)),
    "handoff.acknowledge": _row(the=T, pre=(T, D)),
    "handoff.record-heard": _row(nur=(T, D), the=T, pre=(T, D)),
    # Messages on an episode: a coordinator sees and writes those about the schedule alone.
    "message.list": _row(coo=C, nur=(T, D), the=T, pre=(T, D)),
    "message.clinical": _row(nur=(T, D), the=T, pre=(T, D)),
    "conference.view": _row(coo=C, nur=C, the=C, pre=C),
    "conference.decide": _row(nur=(T, D), the=T, pre=(T, D)),
    "document.read": _row(nur=(T, D, G), the=(T, G), pre=(T, D, G)),
    "document.instructions": _row(coo=C, nur=(T, D), the=T, pre=(T, D)),
    "document.check": _EVERYONE,
    "document.give-out": _row(nur=(T, D), the=T, pre=(T, D)),
    "disclosure.list": _row(coo=C, nur=(T, D), the=T, pre=(T, D)),
    # Emergency access
    "glass.break": _row(nur=C, the=C, pre=C),
    "glass.mine": _row(nur=O, the=O, pre=O),
    "glass.end": _row(nur=O, the=O, pre=O, man=C),
    "glass.review": _row(man=C),
    # Clinic
    "outcomes.view": _row(the=C, pre=C, man=C),
    "outcomes.export": _row(man=C),
    "import.run": _row(man=C),
    "staff.manage": _row(man=C),
    "rooms.manage": _row(man=C),
    "protocols.view": _EVERYONE,
    "protocols.manage": _row(man=C),
    "settings.view": _EVERYONE,
    "settings.propose": _row(man=C),
    "settings.approve": _row(pre=C),
    "clinic.manage": _row(man=C),
    "jobs.view": _row(coo=C, man=C),
    "jobs.retry": _row(coo=C, man=C),
    "audit.review": _row(man=C),
    "audit.export": _row(man=C),
}

# Actions on things of the house, which are no patient's: everyone who works at the clinic may know that they exist.
HOUSE_ACTIONS = frozenset(
    action
    for action in TABLE
    if action.startswith(
        ("staff.", "rooms.", "clinic.", "settings.", "protocols.", "jobs.", "account.", "import.", "audit.")
    )
    or action == "process-note.transfer"
)
# Nobody but its owner is told that such a thing exists, whatever else of the patient they may see.
HIDDEN_ACTIONS = frozenset({"process-note.hold", "process-note.receive", "process-note.read-released"})
# Actions that make a patient visible at all: who holds one of them on a thing has it in scope.
_SCOPE_ACTIONS = ("patient.view", "episode.view", "appointment.view")

RelationLookup = Callable[[Actor, Any], bool]
_lookups: dict[tuple[Relation, type], RelationLookup] = {}


def register_relation(relation: Relation, model: type, lookup: RelationLookup) -> None:
    """The room that owns a relation says how to look it up for instances of `model` (subclasses included)."""
    _lookups[(relation, model)] = lookup


def stands_in(actor: Actor, relation: Relation, obj: Any) -> bool:
    """Whether the actor stands in `relation` to `obj`; unknown relations do not hold."""
    clinic_id = getattr(obj, "clinic_id", None)
    if isinstance(obj, Clinic):
        clinic_id = obj.pk
    if clinic_id != actor.clinic.pk:
        return False
    if relation is Relation.CLINIC:
        return True
    key = (relation, obj.__class__, getattr(obj, "pk", None))
    stands: bool = actor.once(
        key,
        lambda: any(
            lookup(actor, obj)
            for (known, model), lookup in _lookups.items()
            if known is relation and isinstance(obj, model)
        ),
    )
    return stands


def relations_of(actor: Actor, action: str) -> frozenset[Relation]:
    """The relations that would allow `action` with the actor's roles; KeyError for an unknown action."""
    grants = TABLE[action]
    return frozenset().union(*(grants.get(role, frozenset()) for role in actor.roles))


def can(actor: Actor, action: str, obj: Any = None) -> bool:
    """Whether `actor` may do `action` (on `obj`, where the action is about a thing).

    Without `obj` the question is whether any of the person's roles has the action at all.
    """
    return relation_for(actor, action, obj) is not None


def relation_for(actor: Actor, action: str, obj: Any = None) -> Relation | None:
    """Through which relation `actor` may do `action` (on `obj`); None where they may not.

    The first one in the order of the enumeration, so that the same question always costs the same queries, and so that
    breaking the glass, which stands last, is the answer only where nothing else lets the person in.
    """
    relations = relations_of(actor, action)
    if obj is None:
        return Relation.CLINIC if relations else None
    return next(
        (relation for relation in Relation if relation in relations and stands_in(actor, relation, obj)), None
    )


def in_scope(actor: Actor, obj: Any, action: str = "") -> bool:
    """Whether the actor may know that `obj` exists, as seen from a page about `action`."""
    if action in HIDDEN_ACTIONS:
        return False
    if action in HOUSE_ACTIONS:
        return stands_in(actor, Relation.CLINIC, obj)
    return any(can(actor, action, obj) for action in _SCOPE_ACTIONS)
