"""Choosing a time for one session, and saying in words why there is none.

Pure. The inputs (`Request`, `Candidate`, `RoomCandidate`) are what a planner for many sessions needs as well: it can
take a list of requests over the same candidates. `place` looks at one request alone and takes the first of:

1. the earliest candidate in order (the patient's own therapist, then the covers) who has any possible time;
2. of that person's times, one that keeps the margin to both ends of the window, where one does;
3. one that starts in the preferred part of the window, where one does;
4. one that ends before `prefer_before` (the next dose), where one does;
5. the earliest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from kapclinic.scheduling.hours import Availability, Booking, Place, Roster, availability, free_starts
from kapclinic.scheduling.spans import Span, clip, subtract, union
from kapclinic.scheduling.wording import moment_words, span_words

FACTS_PER_CANDIDATE = 4


@dataclass(frozen=True, slots=True)
class Request:
    """One session that wants a time.

    `window`: the whole session lies inside it, both ends included. `preferred`: a session that starts in it (both ends
    included) is better. `blocked`: time in which no session may lie, with the words for it (an impaired patient after a
    dose, the patient's other bookings). `margin_minutes` is wished off both ends. `zone` is the clinic's.
    """

    key: str
    window: Span
    duration_minutes: int
    zone: str
    preferred: Span | None = None
    place: Place = Place.EITHER
    margin_minutes: int = 0
    prefer_before: datetime | None = None
    blocked: tuple[Booking, ...] = ()
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A clinician who may take the session, in the order of preference in which candidates are given.

    `buffer_minutes` is kept between this clinician's sessions; None: what is kept in rooms. `most_per_day`: sessions that
    start on one local date; None: no limit.
    """

    key: str
    name: str
    roster: Roster
    part: str = "therapist"
    buffer_minutes: int | None = None
    most_per_day: int | None = None

    def full_days(self, zone: str) -> frozenset[date]:
        """The dates in `zone` on which no further session may start."""
        if self.most_per_day is None:
            return frozenset()
        info = ZoneInfo(zone)
        starting = Counter(booking.span.starts_at.astimezone(info).date() for booking in self.roster.bookings)
        return frozenset(day for day, count in starting.items() if count >= self.most_per_day)

    def free_time(self, within: Span, *, place: Place, buffer_minutes: int) -> Availability:
        """The roster laid over `within`, with this clinician's buffer, else `buffer_minutes`."""
        own = buffer_minutes if self.buffer_minutes is None else self.buffer_minutes
        return availability(self.roster, within, place=place, buffer_minutes=own)


@dataclass(frozen=True, slots=True)
class RoomCandidate:
    """A room in which the session may take place; only sessions in person need one."""

    key: str
    name: str
    roster: Roster


@dataclass(frozen=True, slots=True)
class Choice:
    """The time, the person and (in person, where rooms are kept) the room chosen for a request."""

    request_key: str
    candidate_key: str
    room_key: str | None
    starts_at: datetime
    ends_at: datetime
    place: Place
    is_preferred: bool
    keeps_margin: bool


@dataclass(frozen=True, slots=True)
class Placement:
    """What became of a request: a choice, or the reasons for none, in words with facts."""

    choice: Choice | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Option:
    starts_at: datetime
    place: Place
    room_key: str | None


def place(
    request: Request,
    candidates: Iterable[Candidate],
    *,
    rooms: Iterable[RoomCandidate] | None = None,
    buffer_minutes: int = 0,
    grid_minutes: int = 15,
) -> Placement:
    """Place one session. `rooms` None: the clinic books no rooms for this kind, so none is looked for.

    `buffer_minutes` is kept in a room and, unless they have their own, between sessions of a clinician; not around the
    patient's own bookings.
    """
    usable, reasons = _usable_window(request)
    if usable is None:
        return Placement(None, reasons)
    people = tuple(candidates)
    if not people:
        return Placement(
            None, ("Nobody on the care team can take it: the episode has no therapist and no cover.",)
        )
    room_list = None if rooms is None else tuple(rooms)
    why_not: list[str] = []
    for candidate in people:
        options = list(
            options_for(
                request,
                candidate,
                usable,
                rooms=room_list,
                buffer_minutes=buffer_minutes,
                grid_minutes=grid_minutes,
            )
        )
        if options:
            return Placement(_best(request, candidate, options))
        why_not.append(_explain(request, candidate, usable, room_list, buffer_minutes, grid_minutes))
    return Placement(None, tuple(why_not))


def options_for(
    request: Request,
    candidate: Candidate,
    usable: Span,
    *,
    rooms: tuple[RoomCandidate, ...] | None,
    buffer_minutes: int,
    grid_minutes: int,
) -> Iterator[_Option]:
    """Every start at which `candidate` could take the session, with a free room where one is needed."""
    blocked = [booking.span for booking in request.blocked]
    full, zone = candidate.full_days(request.zone), ZoneInfo(request.zone)
    for kind in _kinds(request.place):
        free = candidate.free_time(usable, place=kind, buffer_minutes=buffer_minutes).free
        needs_room = kind is Place.IN_PERSON and rooms is not None
        room_free = _room_time(rooms or (), usable, buffer_minutes) if needs_room else {}
        for start in free_starts(
            subtract(free, blocked),
            usable,
            duration_minutes=request.duration_minutes,
            zone=request.zone,
            grid_minutes=grid_minutes,
        ):
            if start.astimezone(zone).date() in full:
                continue
            if not needs_room:
                yield _Option(start, kind, None)
                continue
            session = Span(start, start + timedelta(minutes=request.duration_minutes))
            key = next(
                (key for key, spans in room_free.items() if any(s.covers(session) for s in spans)), None
            )
            if key is not None:
                yield _Option(start, kind, key)


def _usable_window(request: Request) -> tuple[Span | None, tuple[str, ...]]:
    """The part of the window that is still ahead, or the words for why none is left."""
    starts = request.window.starts_at
    if request.not_before is not None and request.not_before > starts:
        starts = request.not_before
    length = timedelta(minutes=request.duration_minutes)
    if starts + length > request.window.ends_at:
        closes = moment_words(request.window.ends_at, request.zone)
        if request.window.length < length:
            return None, (f"A session of {request.duration_minutes} min is longer than its window.",)
        return None, (f"The window closes {closes}: {request.duration_minutes} min do not fit any more.",)
    return Span(starts, request.window.ends_at), ()


def _kinds(wanted: Place) -> tuple[Place, ...]:
    """In person is tried first where either will do, so that equal starts are in person."""
    return (Place.IN_PERSON, Place.TELEHEALTH) if wanted is Place.EITHER else (wanted,)


def _room_time(
    rooms: tuple[RoomCandidate, ...], usable: Span, buffer_minutes: int
) -> Mapping[str, tuple[Span, ...]]:
    return {room.key: availability(room.roster, usable, buffer_minutes=buffer_minutes).free for room in rooms}


def _best(request: Request, candidate: Candidate, options: list[_Option]) -> Choice:
    length = timedelta(minutes=request.duration_minutes)
    margin = timedelta(minutes=request.margin_minutes)

    def keeps_margin(option: _Option) -> bool:
        return (
            option.starts_at >= request.window.starts_at + margin
            and option.starts_at + length <= request.window.ends_at - margin
        )

    def is_preferred(option: _Option) -> bool:
        part = request.preferred
        return part is None or part.starts_at <= option.starts_at <= part.ends_at

    def is_before_next(option: _Option) -> bool:
        return request.prefer_before is None or option.starts_at + length <= request.prefer_before

    best = min(
        options,
        key=lambda option: (
            not keeps_margin(option),
            not is_preferred(option),
            not is_before_next(option),
            option.starts_at,
            option.place is not Place.IN_PERSON,
        ),
    )
    return Choice(
        request_key=request.key,
        candidate_key=candidate.key,
        room_key=best.room_key,
        starts_at=best.starts_at,
        ends_at=best.starts_at + length,
        place=best.place,
        is_preferred=is_preferred(best),
        keeps_margin=keeps_margin(best),
    )


def _explain(
    request: Request,
    candidate: Candidate,
    usable: Span,
    rooms: tuple[RoomCandidate, ...] | None,
    buffer_minutes: int,
    grid_minutes: int,
) -> str:
    """One sentence about one person, the first layer that leaves nothing being the one that is named."""
    who = (
        candidate.name if candidate.part == "therapist" else f"{candidate.part.capitalize()} {candidate.name}"
    )
    found = candidate.free_time(usable, place=request.place, buffer_minutes=buffer_minutes)
    if not found.rostered:
        return f"{who} works no hours{_kind_words(request.place)} in the window."
    if not found.worked:
        return f"{who}: {_layers(request, found)}."
    for_session = subtract(found.free, (booking.span for booking in request.blocked))
    fits = next(
        free_starts(
            found.free,
            usable,
            duration_minutes=request.duration_minutes,
            zone=request.zone,
            grid_minutes=grid_minutes,
        ),
        None,
    )
    if fits is None:
        facts = [_booked_words(request, found), _longest_words(request, found.free)]
        layers = _layers(request, found)
        return f"{who}: " + "; ".join(fact for fact in (layers, *facts) if fact) + "."
    still = list(
        free_starts(
            for_session,
            usable,
            duration_minutes=request.duration_minutes,
            zone=request.zone,
            grid_minutes=grid_minutes,
        )
    )
    if not still:
        clashes = [b for b in request.blocked if b.span.overlaps(usable)]
        words = "; ".join(
            f"{booking.label} {span_words(booking.span, request.zone)}"
            for booking in clashes[:FACTS_PER_CANDIDATE]
        )
        return f"{who} has free time only where the patient cannot come: {words}."
    zone = ZoneInfo(request.zone)
    days = sorted({start.astimezone(zone).date() for start in still})
    if candidate.full_days(request.zone).issuperset(days):
        on = ", ".join(f"{day:%a} {day.day} {day:%b}" for day in days)
        return f"{who}: as many sessions as a day may hold ({candidate.most_per_day}) on {on}."
    names = ", ".join(room.name for room in rooms or ())
    is_closed = any(off.span.overlaps(usable) for room in rooms or () for off in room.roster.absences)
    how = "taken or closed" if is_closed else "taken"
    taken = f"every room is {how} then ({names})" if names else "the clinic has no room for it"
    return f"{who} is free, but {taken}."


def _kind_words(wanted: Place) -> str:
    return {Place.IN_PERSON: " in person", Place.TELEHEALTH: " by telehealth", Place.EITHER: ""}[wanted]


def _layers(request: Request, found: Availability) -> str:
    """Holidays and time off that lie on rostered hours."""
    parts = [
        f"the clinic is closed for {holiday.name}"
        for holiday in found.holidays
        if any(span.overlaps(holiday.span) for span in found.rostered)
    ]
    parts += [
        f"{absence.label} {span_words(absence.span, request.zone)}"
        for absence in found.absences
        if any(span.overlaps(absence.span) for span in found.rostered)
    ]
    return "; ".join(_shortened(parts))


def _booked_words(request: Request, found: Availability) -> str:
    blocks = union(part for booking in found.bookings for part in clip((booking.span,), found.limits))
    words = [
        span_words(span, request.zone) for span in blocks if any(span.overlaps(work) for work in found.worked)
    ]
    return "booked " + ", ".join(_shortened(words)) if words else ""


def _longest_words(request: Request, free: Iterable[Span]) -> str:
    stretches = union(free)
    if not stretches:
        return "nothing is left free"
    best = max(stretches, key=lambda span: span.length)
    if best.minutes >= request.duration_minutes:
        return f"no start on the clinic's grid leaves {request.duration_minutes} min free"
    return f"the longest free stretch is {best.minutes} min and the session takes {request.duration_minutes}"


def _shortened(words: list[str]) -> list[str]:
    if len(words) <= FACTS_PER_CANDIDATE:
        return words
    return [*words[:FACTS_PER_CANDIDATE], f"and {len(words) - FACTS_PER_CANDIDATE} more"]
