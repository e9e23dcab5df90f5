"""The registry of Today's cards: which role sees which, in what order."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from kapclinic.accounts.models import Role
from kapclinic.accounts.policy import Actor, can
from kapclinic.desk.window_bar import WindowBar

MOST_ROWS = 12
"""Rows that one card shows before it points to the page with all of them."""


class Place(StrEnum):
    """Where on the page a card stands."""

    MAIN = "main"
    ASIDE = "aside"


@dataclass(frozen=True)
class Row:
    """Who, what, when, one button. `tone` colours the pill, whose words say the same."""

    who: str
    url: str = ""
    line: str = ""
    where: str = ""
    what: str = ""
    pill: str = ""
    tone: str = "neutral"
    note: str = ""
    button: str = ""
    button_url: str = ""
    is_primary: bool = False
    bar: WindowBar | None = None


@dataclass(frozen=True)
class Card:
    """One card as drawn. An empty one says what to do first; one without rows and words is left out."""

    title: str
    rows: tuple[Row, ...]
    summary: str = ""
    empty: str = ""
    empty_hint: str = ""
    more_url: str = ""
    more_words: str = ""

    @property
    def is_shown(self) -> bool:
        """True when there is anything to say."""
        return bool(self.rows or self.empty)


Builder = Callable[[Actor, datetime], Card]


@dataclass(frozen=True)
class _Spec:
    build: Builder
    key: str
    action: str
    roles: frozenset[Role]
    place: Place
    order: int


_specs: dict[str, _Spec] = {}


def card(
    *, key: str, action: str, roles: Iterable[Role], place: Place, order: int
) -> Callable[[Builder], Builder]:
    """Register the decorated builder. It is asked only for people who hold one of `roles` and have `action`."""

    def register(build: Builder) -> Builder:
        known = _specs.get(key)
        if known is not None and known.build is not build:
            raise ValueError(f"the card {key} is declared twice")
        _specs[key] = _Spec(build, key, action, frozenset(roles), place, order)
        return build

    return register


@dataclass(frozen=True)
class Shown:
    """A card with the key that names it on the page."""

    key: str
    card: Card


def cards_for(actor: Actor, now: datetime) -> dict[Place, list[Shown]]:
    """Every card for the actor's roles, by place and in order."""
    page: dict[Place, list[Shown]] = {place: [] for place in Place}
    for spec in sorted(_specs.values(), key=lambda spec: spec.order):
        if not (spec.roles & actor.roles and can(actor, spec.action)):
            continue
        built = spec.build(actor, now)
        if built.is_shown:
            page[spec.place].append(Shown(spec.key, _with_one_primary(built)))
    return page


def _with_one_primary(built: Card) -> Card:
    """A card has at most one primary button: the first that asks for it."""
    first = next((place for place, row in enumerate(built.rows) if row.is_primary), None)
    rows = tuple(replace(row, is_primary=place == first) for place, row in enumerate(built.rows))
    return replace(built, rows=rows)
