"""Geometry and words of the window bar: one week after a dose as a strip, without a picture.

Pure: instants in, percentages and sentences out; the template draws them. The strip runs from 0 h to 168 h after the
recorded end of the last administration (T0); hours are elapsed hours, so a change of clocks
moves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

STRIP_HOURS = 168
"""Length of the strip in elapsed hours: the end of the secondary window (practice guide G0: 4 to 7 days)."""

_SMALLEST_BLOCK_PERCENT = 1.4
"""A 50-minute booking is 0.5 % of a week; it is drawn this wide so that an eye can find it."""


class WindowState(StrEnum):
    """Where a window stands; every state has a word, so that none is told by colour alone."""

    PROVISIONAL = "provisional"
    WAITING = "waiting"
    OPEN = "open"
    MET = "met"
    CLOSED = "closed"


@dataclass(frozen=True)
class Booking:
    """The appointment that serves the window.

    `told` says whether the patient knows this time; `held` whether the session took place.
    """

    starts_at: datetime
    ends_at: datetime
    with_whom: str = ""
    told: bool = False
    held: bool = False


@dataclass(frozen=True)
class WindowInput:
    """All instants aware. `provisional` is true while T0 is planned and not yet recorded."""

    t0: datetime
    opens_at: datetime
    closes_at: datetime
    preferred_until: datetime | None = None
    later_from: datetime | None = None
    later_until: datetime | None = None
    booking: Booking | None = None
    unplaced_reason: str = ""
    provisional: bool = False


@dataclass(frozen=True)
class Span:
    """A stretch of the strip in per cent of its length."""

    start: float
    width: float

    @property
    def x(self) -> str:
        """Left edge as an SVG length."""
        return _percent(self.start)

    @property
    def length(self) -> str:
        """Width as an SVG length."""
        return _percent(self.width)


@dataclass(frozen=True)
class Tick:
    """A word under the strip. `anchor` is an SVG text-anchor; `between` marks the one that a narrow strip leaves out."""

    at: float
    label: str
    anchor: str = "middle"
    is_origin: bool = False
    between: bool = False

    @property
    def x(self) -> str:
        """Place of the word as an SVG length."""
        return _percent(self.at)


@dataclass(frozen=True)
class WindowBar:
    """What the template draws, and the same in words."""

    state: WindowState
    window: Span
    preferred: Span | None
    later: Span | None
    booking: Span | None
    booking_is_inside: bool
    now: float | None
    ticks: tuple[Tick, ...]
    headline: str
    pill: str
    tone: str
    sentence: str

    @property
    def now_x(self) -> str:
        """Place of the now line as an SVG length; empty when now is off the strip."""
        return "" if self.now is None else _percent(self.now)

    @property
    def now_anchor(self) -> str:
        """The word "now" turns to the left near the end of the strip."""
        return "end" if self.now is not None and self.now > 88 else "start"

    @property
    def now_dx(self) -> str:
        """Distance of the word "now" from its line, in px."""
        return "-5" if self.now_anchor == "end" else "5"


def build_window_bar(window: WindowInput, *, now: datetime, zone: ZoneInfo) -> WindowBar:
    """Place one window on the strip as of `now`; times in words are shown in `zone` and name it.

    Raises ValueError for naive instants and for a window that closes before it opens.
    """
    for instant in (window.t0, window.opens_at, window.closes_at, now):
        if instant.tzinfo is None:
            raise ValueError("A window bar needs aware instants.")
    if window.closes_at <= window.opens_at:
        raise ValueError("A window closes after it opens.")

    booking = window.booking
    inside = (
        booking is not None and window.opens_at <= booking.starts_at and booking.ends_at <= window.closes_at
    )
    state = _state(window, inside=inside, now=now)
    span = _span(window.t0, window.opens_at, window.closes_at)
    if span is None:
        raise ValueError("The window lies outside the first week after the dose.")
    preferred = None
    if window.preferred_until is not None and window.opens_at < window.preferred_until < window.closes_at:
        preferred = _span(window.t0, window.opens_at, window.preferred_until)
    later = None
    if window.later_from is not None and window.later_until is not None:
        later = _span(window.t0, window.later_from, window.later_until)
    block = None
    if booking is not None:
        block = _span(window.t0, booking.starts_at, booking.ends_at, at_least=_SMALLEST_BLOCK_PERCENT)
    place = _place(window.t0, now)
    pill, tone = _pill(window, state=state, inside=inside, now=now, zone=zone)
    return WindowBar(
        state=state,
        window=span,
        preferred=preferred,
        later=later,
        booking=block,
        booking_is_inside=inside,
        now=place if 0 <= place <= 100 else None,
        ticks=_ticks(window),
        headline=_headline(window, state=state, now=now),
        pill=pill,
        tone=tone,
        sentence=_sentence(window, state=state, inside=inside, now=now, zone=zone),
    )


def hours_in_words(delta: timedelta) -> str:
    """A stretch of time as people say it: minutes below 1 h, hours below 4 days, then days; rounded down, at least 1 min."""
    minutes = max(1, int(delta.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 96 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days"


def _state(window: WindowInput, *, inside: bool, now: datetime) -> WindowState:
    if window.booking is not None and window.booking.held and inside:
        return WindowState.MET
    if window.provisional:
        return WindowState.PROVISIONAL
    if now < window.opens_at:
        return WindowState.WAITING
    if now <= window.closes_at:
        return WindowState.OPEN
    return WindowState.CLOSED


def _headline(window: WindowInput, *, state: WindowState, now: datetime) -> str:
    match state:
        case WindowState.MET:
            return "met"
        case WindowState.PROVISIONAL:
            return "dose not ended"
        case WindowState.WAITING:
            return f"opens in {hours_in_words(window.opens_at - now)}"
        case WindowState.OPEN:
            return f"closes in {hours_in_words(window.closes_at - now)}"
        case WindowState.CLOSED:
            return f"closed {hours_in_words(now - window.closes_at)} ago"


def _pill(
    window: WindowInput, *, state: WindowState, inside: bool, now: datetime, zone: ZoneInfo
) -> tuple[str, str]:
    booking = window.booking
    if state is WindowState.MET:
        return "met", "green"
    if booking is None:
        if state is WindowState.CLOSED:
            return "missed", "red"
        return "unplaced", "red" if state is WindowState.OPEN else "amber"
    at = _day_and_time(booking.starts_at, now=now, zone=zone)
    if booking.held:
        return f"held {at}, outside", "amber"
    if not inside:
        return f"{at}, outside the window", "red"
    if state is WindowState.PROVISIONAL:
        return f"held for {at}", "neutral"
    if not booking.told:
        return f"{at}, patient not told", "amber"
    return at, "accent"


def _sentence(window: WindowInput, *, state: WindowState, inside: bool, now: datetime, zone: ZoneInfo) -> str:
    def say(at: datetime) -> str:
        return _stamp(at.astimezone(zone))

    ended = "Dose planned to end" if window.provisional else "Dose ended"
    zone_name = window.closes_at.astimezone(zone).strftime("%Z")
    parts = [
        f"{ended} {say(window.t0)}.",
        f"Window {say(window.opens_at)} to {say(window.closes_at)} {zone_name}.",
    ]
    booking = window.booking
    if booking is not None:
        verb = "Held" if booking.held else "Booked"
        who = f" with {booking.with_whom}" if booking.with_whom else ""
        end = booking.ends_at.astimezone(zone).strftime("%H:%M")
        where = "" if inside else ", outside the window"
        told = (
            ""
            if booking.held
            else (", the patient knows" if booking.told else ", the patient has not been told")
        )
        parts.append(f"{verb} {say(booking.starts_at)}–{end}{who}{where}{told}.")
    elif state is not WindowState.MET:
        reason = window.unplaced_reason.strip().rstrip(".")
        parts.append(f"No session booked{': ' + reason if reason else ''}.")
    if state in (WindowState.WAITING, WindowState.OPEN, WindowState.CLOSED):
        words = _headline(window, state=state, now=now)
        parts.append(f"It {words}.")
    return " ".join(parts)


_ROOM_FOR_ORIGIN = 10
"""Part of the strip, per cent, that the word under its beginning needs before the next one."""


def _ticks(window: WindowInput) -> tuple[Tick, ...]:
    opens, closes = _place(window.t0, window.opens_at), _place(window.t0, window.closes_at)
    ticks = [Tick(0, "dose", "start", is_origin=True)] if opens >= _ROOM_FOR_ORIGIN else []
    ticks.append(Tick(opens, f"{_hours(window.t0, window.opens_at)} h"))
    if window.preferred_until is not None and window.opens_at < window.preferred_until < window.closes_at:
        middle = _place(window.t0, window.preferred_until)
        ticks.append(Tick(middle, f"{_hours(window.t0, window.preferred_until)} h", between=True))
    ticks.append(Tick(min(closes, 100), f"{_hours(window.t0, window.closes_at)} h"))
    ticks.append(Tick(100, "7 d", "end"))
    return tuple(ticks)


def _place(t0: datetime, at: datetime) -> float:
    return (at - t0) / timedelta(hours=STRIP_HOURS) * 100


def _span(t0: datetime, start: datetime, end: datetime, *, at_least: float = 0) -> Span | None:
    left, right = max(0.0, _place(t0, start)), min(100.0, _place(t0, end))
    if right <= left:
        return None
    width = max(right - left, at_least)
    return Span(start=min(left, 100 - width), width=width)


def _hours(t0: datetime, at: datetime) -> int:
    return round((at - t0) / timedelta(hours=1))


def _percent(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") + "%"


def _stamp(local: datetime) -> str:
    return f"{local:%a} {local.day} {local:%b} {local:%H:%M}"


def _day_and_time(at: datetime, *, now: datetime, zone: ZoneInfo) -> str:
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    distance = (local.date() - today).days
    day = {-1: "yesterday", 0: "today", 1: "tomorrow"}.get(distance) or f"{local:%a} {local.day} {local:%b}"
    return f"{day} {local:%H:%M}"
