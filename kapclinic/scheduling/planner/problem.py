"""What the planner is asked and what it answers, as values.

Instants are UTC, lengths and buffers whole minutes. A session lies in its window when the whole of it does, both ends
included, to the second (rule book 0.2). Between two sessions of a clinician the buffer after the earlier one is kept: the
longer of the clinician's and that session's. Before a fixed booking the same buffer is kept, after it the longer of the
clinician's and the booking's. The patient's own bookings need no buffer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from functools import cached_property

from kapclinic.scheduling.hours import Place
from kapclinic.scheduling.spans import Span, Spans, require_utc

# More candidates make the model larger and hardly ever the plan better; measured for the architecture, section 10.
MOST_CANDIDATES = 11


class Tier(IntEnum):
    """How near a clinician stands to the patient; the lower the better."""

    OWN = 0
    COVER = 1
    OTHER = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A clinician who may take a session (licence and competencies are settled). Lower `rank` goes first in a tier."""

    clinician: str
    tier: Tier = Tier.OWN
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """Met when the session lies wholly in one of `spans` (empty: any time) and, where given, at `place`."""

    spans: Spans = ()
    place: Place | None = None
    points: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.points <= 9:
            raise ValueError("a wish weighs 1 to 9 points")
        if self.place is Place.EITHER:
            raise ValueError("a wish names one place or none")


@dataclass(frozen=True, slots=True)
class Promise:
    """The time that stands now. Held: only the clinic knows it. Told: the patient knows it, so only a proposal moves it."""

    clinician: str
    starts_at: datetime
    place: Place = Place.IN_PERSON
    room: str | None = None
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """One session that wants a time.

    `preferred`: a start in it, both ends included, is better. `margin_minutes` is wished off both ends of the window (rule
    book 0.4). `unavailable`: time in which the patient cannot come, other bookings and impairment included. `room_kind`
    None: no room is booked for it. `place` EITHER: in person is better. `not_before`: the past is not planned.
    """

    key: str
    patient: str
    window: Span
    minutes: int
    candidates: tuple[Candidate, ...]
    preferred: Span | None = None
    margin_minutes: int = 0
    place: Place = Place.IN_PERSON
    room_kind: str | None = None
    unavailable: Spans = ()
    wishes: tuple[Wish, ...] = ()
    promise: Promise | None = None
    buffer_minutes: int = 0
    not_before: datetime | None = None

    def __post_init__(self) -> None:
        if self.minutes < 1:
            raise ValueError("a session lasts at least a minute")
        if self.promise is not None and self.promise.place is Place.EITHER:
            raise ValueError("a promised time has one place")

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def usable(self) -> Span | None:
        """The part of the window that may still be used; None when nothing of it is left."""
        start = self.window.starts_at
        if self.not_before is not None:
            start = max(start, require_utc(self.not_before))
        return Span(start, self.window.ends_at) if start < self.window.ends_at else None


@dataclass(frozen=True, slots=True)
class FreeTime:
    """Working time and where it can be used; fixed bookings are taken off by the planner, or before it."""

    span: Span
    place: Place = Place.EITHER


@dataclass(frozen=True, slots=True)
class Busy:
    """A fixed booking. `is_session` counts against the most sessions of its day."""

    span: Span
    is_session: bool = True
    buffer_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Clinician:
    """A person's free time. `most_per_day` is by the local date of the start; None: no limit."""

    key: str
    free: tuple[FreeTime, ...]
    buffer_minutes: int = 0
    most_per_day: int | None = None
    busy: tuple[Busy, ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """A room of a kind and when it is free; `buffer_minutes` is kept after each session in it."""

    key: str
    kind: str
    free: Spans
    buffer_minutes: int = 0


@dataclass(frozen=True)
class Problem:
    """Everything that one run of the planner knows. Raises ValueError for keys that name nothing or two things.

    `is_proposal`: a person will decide, so told times may be moved too (and count before held ones).
    """

    zone: str
    sessions: tuple[Session, ...]
    clinicians: tuple[Clinician, ...]
    rooms: tuple[Room, ...] = ()
    grid_minutes: int = 15
    is_proposal: bool = False
    most_candidates: int = MOST_CANDIDATES

    def __post_init__(self) -> None:
        for things in (self.sessions, self.clinicians, self.rooms):
            keys = [thing.key for thing in things]
            if len(set(keys)) != len(keys):
                raise ValueError("a key stands for one thing")
        for session in self.sessions:
            named = {candidate.clinician for candidate in session.candidates}
            if session.promise is not None:
                named.add(session.promise.clinician)
            if unknown := named - self.clinician_of.keys():
                raise ValueError(f"session {session.key} names unknown clinicians: {sorted(unknown)}")

    @cached_property
    def session_of(self) -> Mapping[str, Session]:
        return {session.key: session for session in self.sessions}

    @cached_property
    def clinician_of(self) -> Mapping[str, Clinician]:
        return {clinician.key: clinician for clinician in self.clinicians}

    @cached_property
    def room_of(self) -> Mapping[str, Room]:
        return {room.key: room for room in self.rooms}

    def is_fixed(self, session: Session) -> bool:
        """True when the session stays where it is whatever the plan."""
        return session.promise is not None and session.promise.is_told and not self.is_proposal


@dataclass(frozen=True, slots=True)
class Placement:
    """A session's time, clinician, place and room. `is_fixed`: told, and so left where it was."""

    session: str
    clinician: str
    starts_at: datetime
    ends_at: datetime
    place: Place
    room: str | None = None
    is_fixed: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """A plan's worth, level by level in the order in which they count; `rank` compares two of them.

    `placed`: sessions wholly inside their window. Then, the fewer the better: points for the clinician (cover 1, other 2), for
    the part of the window (not preferred 1, margin not kept 1), for wishes not met, told times changed, held times changed,
    and how far (see `score.change_quarters`).
    """

    placed: int
    clinician_points: int = 0
    part_points: int = 0
    wish_points: int = 0
    told_changed: int = 0
    held_changed: int = 0
    change_quarters: int = 0

    @property
    def rank(self) -> tuple[int, ...]:
        """The greater, the better the plan."""
        return (
            self.placed,
            -self.clinician_points,
            -self.part_points,
            -self.wish_points,
            -self.told_changed,
            -self.held_changed,
            -self.change_quarters,
        )


@dataclass(frozen=True)
class Plan:
    """The planner's answer.

    `bound`: no plan places more sessions inside their windows; `gap` is what this plan is short of it. `is_proven`: no plan has
    a better `score`, on any level. `components`: how many independent parts were solved. `seconds` is elapsed time.
    """

    placements: tuple[Placement, ...]
    unplaced: tuple[str, ...]
    score: Score
    bound: int
    is_proven: bool
    seconds: float = field(default=0.0, compare=False)
    components: int = 0

    @property
    def gap(self) -> int:
        return self.bound - self.score.placed

    @cached_property
    def placement_of(self) -> Mapping[str, Placement]:
        return {placement.session: placement for placement in self.placements}
