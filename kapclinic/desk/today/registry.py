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
    is_live: bool


_specs: dict[str, _Spec] = {}


def card(
    *, key: str, action: str, roles: Iterable[Role], place: Place, order: int, is_live: bool = False
) -> Callable[[Builder], Builder]:
    """Register the decorated builder. It is asked only for people who hold one of `roles` and have `action`.

    A live card is drawn anew every minute while the page is open.
    """

    def register(build: Builder) -> Builder:
        known = _specs.get(key)
        if known is not None and known.build is not build:
            raise ValueError(f"the card {key} is declared twice")
        _specs[key] = _Spec(build, key, action, frozenset(roles), place, order, is_live)
        return build

    return register


@dataclass(frozen=True)
class Shown:
    """A card with the key that names it on the page."""

    key: str
    card: Card
    is_live: bool


def cards_for(actor: Actor, now: datetime) -> dict[Place, list[Shown]]:
    """Every card for the actor's roles, by place and in order."""
    page: dict[Place, list[Shown]] = {place: [] for place in Place}
    for spec in sorted(_specs.values(), key=lambda spec: spec.order):
        shown = _shown(spec, actor, now)
        if shown is not None and shown.card.is_shown:
            page[spec.place].append(shown)
    return page


def live_card_for(key: str, actor: Actor, now: datetime) -> Shown | None:
    """One live card as it stands at `now`; None when the actor does not hold it (any more).

    Raises LookupError when no live card has that name.
    """
    spec = _specs[key]
    if not spec.is_live:
        raise LookupError(key)
    return _shown(spec, actor, now)


def _shown(spec: _Spec, actor: Actor, now: datetime) -> Shown | None:
    if not (spec.roles & actor.roles and can(actor, spec.action)):
        return None
    return Shown(spec.key, _with_one_primary(spec.build(actor, now)), spec.is_live)


def _with_one_primary(built: Card) -> Card:
    """A card has at most one primary button: the first that asks for it."""
    first = next((place for place, row in enumerate(built.rows) if row.is_primary), None)
    rows = tuple(replace(row, is_primary=place == first) for place, row in enumerate(built.rows))
    return replace(built, rows=rows)
