"""How rooms above take part in appointments without being imported: they register functions from `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kapclinic.scheduling.spans import Span


@dataclass(frozen=True)
class Change:
    """What became of an appointment: booked, moved, told, arrived, completed, cancelled, no-show, restored.

    A listener that hears of a cancellation undone ("restored") may refuse it: what it was for is over.

    `before` holds the earlier values of what changed ("starts_at", "ends_at", "state").
    """

    what: str
    appointment: Any
    actor: Any | None
    now: datetime
    before: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BookingWindow:
    """The window that an appointment of some kind is meant for, with the words for the form."""

    span: Span
    preferred: Span | None
    words: str


@dataclass(frozen=True)
class Backdrop:
    """A stretch drawn behind the calendar: a window that waits for a session of `episode`.

    `team` holds the keys of the patient's therapists now: behind their times it is drawn.
    """

    span: Span
    preferred: Span | None
    label: str
    url: str
    is_open: bool = True
    episode: Any | None = None
    team: frozenset[Any] = frozenset()


@dataclass(frozen=True)
class MakingWay:
    """Bookings that would move for another one, and whom and what (keys) moving them may take.

    `move()` gives them other times once the new booking stands; it raises Refused when one of them has no other.
    """

    bookings: tuple[Any, ...]
    keys: tuple[Any, ...]
    move: Callable[[], None]


Listener = Callable[[Change], None]
WayMaker = Callable[..., MakingWay | None]
WindowFinder = Callable[[Any, datetime, datetime, datetime], BookingWindow | None]
BackdropSource = Callable[..., Iterable[Backdrop]]
PageOf = Callable[[Any], str]

RosterListener = Callable[[Any, datetime], None]
PatientListener = Callable[[Any, datetime], None]

_roster_listeners: list[RosterListener] = []
_patient_listeners: list[PatientListener] = []
_listeners: dict[str, list[Listener]] = {}
_windows: dict[str, WindowFinder] = {}
_backdrops: list[BackdropSource] = []
_pages: dict[str, PageOf] = {}
_way_makers: dict[str, WayMaker] = {}


def on_change(kind: str, listener: Listener) -> None:
    """`listener(change)` runs in the transaction that changes an appointment of `kind`."""
    known = _listeners.setdefault(kind, [])
    if listener not in known:
        known.append(listener)


def tell(change: Change) -> None:
    """Run the listeners of the appointment's kind, in the order of registration."""
    for listener in _listeners.get(change.appointment.kind, ()):
        listener(change)


def makes_way_for(kind: str, maker: WayMaker) -> None:
    """`maker(episode=, span=, now=)` names what moves when an appointment of `kind` takes `span`; it raises Refused in words.

    It runs with the episode locked, before the booking is checked.
    """
    _way_makers[kind] = maker


def make_way(kind: str, *, episode: Any | None, span: Span, now: datetime) -> MakingWay | None:
    """What moves for an appointment of `kind` in `span`; None where nothing is in its way."""
    maker = _way_makers.get(kind)
    return None if maker is None or episode is None else maker(episode=episode, span=span, now=now)


def on_roster(listener: RosterListener) -> None:
    """`listener(row, now)` runs in the transaction that records, ends or takes back what decides when somebody or a room can
    be booked: working and extra hours, time off, closed rooms, holidays, own limits. It must not refuse.
    """
    if listener not in _roster_listeners:
        _roster_listeners.append(listener)


def tell_roster(row: Any, now: datetime) -> None:
    """Run the listeners of rosters."""
    for listener in _roster_listeners:
        listener(row, now)


def on_patient_time(listener: PatientListener) -> None:
    """`listener(patient, now)` runs in the transaction that changes when or how a patient can come; it must not refuse."""
    if listener not in _patient_listeners:
        _patient_listeners.append(listener)


def tell_patient_time(patient: Any, now: datetime) -> None:
    """Run the listeners of patients' availability."""
    for listener in _patient_listeners:
        listener(patient, now)


def window_for(kind: str, finder: WindowFinder) -> None:
    """`finder(episode, starts_at, ends_at, now)` names the window that such an appointment is for, or None."""
    _windows[kind] = finder


def find_window(
    kind: str, episode: Any, starts_at: datetime, ends_at: datetime, now: datetime
) -> BookingWindow | None:
    """The window that an appointment of `kind` is meant for; None where no room knows of one."""
    finder = _windows.get(kind)
    return None if finder is None or episode is None else finder(episode, starts_at, ends_at, now)


def backdrop(source: BackdropSource) -> None:
    """`source(actor=, span=, person=, now=)` returns what is drawn behind the calendar, as far as the actor may see."""
    if source not in _backdrops:
        _backdrops.append(source)


def backdrops(*, actor: Any, span: Span, person: Any | None, now: datetime) -> list[Backdrop]:
    """Everything that is drawn behind the calendar in `span`."""
    found = [each for source in _backdrops for each in source(actor=actor, span=span, person=person, now=now)]
    return sorted(found, key=lambda each: (each.span, each.label))


def completion_page(kind: str, page_of: PageOf) -> None:
    """`page_of(appointment)` is the address where an appointment of `kind` is completed, when it has a page of its own."""
    _pages[kind] = page_of


def page_to_complete(appointment: Any) -> str | None:
    """The address where `appointment` is completed; None when it is completed on its own page."""
    page_of = _pages.get(appointment.kind)
    return None if page_of is None else page_of(appointment)
