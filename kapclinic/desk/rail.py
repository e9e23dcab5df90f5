"""The rail: at most eight places to go, each with what waits there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from kapclinic.accounts.policy import Actor, can
from kapclinic.desk import counts
from kapclinic.desk.links import link

MOST_SHOWN = 99


@dataclass(frozen=True)
class Place:
    """One entry as declared; `key` is typed after `g`.

    `namespaces` are the URL namespaces that belong to it, `addresses` single ones out of a namespace of another entry.
    """

    label: str
    url_name: str
    icon: str
    action: str
    namespaces: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    key: str = ""
    count: Callable[[Actor, datetime], counts.Count] | None = None
    # People with this right have a fuller place of the same kind.
    unless: str = ""


@dataclass(frozen=True)
class Entry:
    """One entry as drawn for one person."""

    label: str
    url: str
    icon: str
    key: str
    is_here: bool
    is_page: bool
    count: int
    count_label: str
    is_hot: bool

    @property
    def count_text(self) -> str:
        """The count as shown; a large one is cut."""
        return f"{MOST_SHOWN}+" if self.count > MOST_SHOWN else str(self.count)


PLACES: tuple[Place, ...] = (
    Place("Today", "desk:today", "today", "desk.today", key="t", count=counts.waiting_tasks),
    Place(
        "Patients",
        "desk:patients",
        "patients",
        "patient.list",
        namespaces=frozenset({"episodes", "screening", "dosing", "integration"}),
        key="p",
    ),
    Place(
        "Calendar",
        "scheduling:calendar",
        "calendar",
        "calendar.view",
        namespaces=frozenset({"scheduling"}),
        addresses=frozenset(
            f"integration:{name}" for name in ("waiting", "plans", "plan-detail", "capacity")
        ),
        key="c",
    ),
    Place(
        "Handoffs",
        "handoffs:list",
        "handoffs",
        "handoff.list",
        namespaces=frozenset({"handoffs"}),
        key="h",
        count=counts.waiting_handoffs,
    ),
    Place(
        "Inbox",
        "notices:inbox",
        "inbox",
        "inbox.read",
        namespaces=frozenset({"notices"}),
        key="i",
        count=counts.unread_notices,
    ),
    Place(
        "Outcomes",
        "outcomes:overview",
        "outcomes",
        "outcomes.view",
        namespaces=frozenset({"outcomes"}),
        key="o",
    ),
    Place(
        "Administration",
        "administration:overview",
        "administration",
        "staff.manage",
        namespaces=frozenset({"administration", "jobs"}),
        addresses=frozenset({"screening:import", "screening:import-detail"}),
        key="a",
    ),
    Place(
        "Settings",
        "administration:settings",
        "administration",
        "settings.view",
        namespaces=frozenset({"administration"}),
        key="s",
        unless="staff.manage",
    ),
)


def rail_for(request: HttpRequest, actor: Actor) -> list[Entry]:
    """The places open to `actor`, with their counts as of now and the one that the request is in marked."""
    now = timezone.now()
    match = request.resolver_match
    here = match.view_name if match is not None else ""
    namespace = match.namespace if match is not None else ""
    places = [
        place
        for place in PLACES
        if can(actor, place.action) and not (place.unless and can(actor, place.unless))
    ]
    owner = next((place for place in places if here == place.url_name or here in place.addresses), None)
    entries = []
    for place in places:
        count = place.count(actor, now) if place.count is not None else counts.NOTHING
        entries.append(
            Entry(
                label=place.label,
                url=link(place.url_name),
                icon=place.icon,
                key=place.key,
                is_here=place is owner if owner is not None else namespace in place.namespaces,
                is_page=here == place.url_name,
                count=count.number,
                count_label=count.label,
                is_hot=count.is_hot,
            )
        )
    return entries


def roles_in_words(actor: Actor) -> str:
    """The roles held here, as people say them."""
    names: list[Any] = sorted(role.label for role in actor.roles)
    if actor.is_medical_director:
        names.append("medical director")
    return ", ".join(names)
