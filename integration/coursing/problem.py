"""What is asked about a course and what is answered, as values; and the planner's sessions that a course stands for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import zip_longest

from integration.coursing.rules import Shape, Slot, Talk, Wishes
from integration.windows import preferred_part
from kapclinic.scheduling.hours import Place
from kapclinic.scheduling.planner import Candidate, Placement, Problem, Promise, Session, Wish
from kapclinic.scheduling.spans import Span, Spans, clip

DOSE = "dose"
_PATIENT = "patient"


@dataclass(frozen=True)
class CourseProblem:
    """Everything that choosing a course rests on.

    `base` holds people and rooms, no sessions. `unavailable`: when the patient cannot come at all; `impaired`: after doses
    besides the course. `dose_candidates` are taken by a dose; where no therapist is there, somebody who stands for nobody.
    """

    base: Problem
    slots: tuple[Slot, ...]
    shape: Shape
    wishes: Wishes
    candidates: tuple[Candidate, ...]
    dose_candidates: tuple[Candidate, ...]
    now: datetime
    dose_room_kind: str | None = None
    room_kind: str | None = None
    place: Place = Place.EITHER
    unavailable: Spans = ()
    impaired: Spans = ()
    preferred: Spans = ()

    @cached_property
    def slot_of(self) -> Mapping[int, Slot]:
        return {slot.number: slot for slot in self.slots}

    def dose_session(self, slot: Slot, window: Span, promise: Placement | None = None) -> Session:
        """The visit of a dose, somewhere in `window`."""
        return Session(
            key=f"{DOSE} {slot.number}",
            patient=_PATIENT,
            window=window,
            minutes=slot.minutes,
            candidates=self.dose_candidates,
            place=Place.IN_PERSON,
            room_kind=self.dose_room_kind,
            unavailable=self.unavailable,
            promise=_as_promise(promise),
            not_before=self.now,
        )

    def talk_session(
        self,
        asked: Asked,
        window: Span,
        *,
        start: datetime | None = None,
        impaired: Spans = (),
        following: datetime | None = None,
        promise: Placement | None = None,
    ) -> Session:
        """A session somewhere in `window`; with the `start` of its dose it has a preferred part and a margin.

        `following`: the next dose, before which integration is better (rule book 0.2).
        """
        preferred, margin = None, 0
        if start is not None and asked.talk is not Talk.PREPARATION:
            margin = self.shape.margin_minutes
            if asked.talk is Talk.INTEGRATION:
                preferred = preferred_part(self.shape.t0_of(start), self.shape.profile)
        wishes: tuple[Wish, ...] = ()
        if following is not None and window.starts_at < following < window.ends_at:
            wishes = (Wish(spans=(Span(window.starts_at, following),)),)
        if liked := clip(self.preferred, window):
            wishes = (*wishes, Wish(spans=liked))
        return Session(
            key=asked.key,
            patient=_PATIENT,
            window=window,
            minutes=self.shape.minutes(asked.talk),
            candidates=self.candidates,
            preferred=preferred,
            margin_minutes=margin,
            place=self.place,
            room_kind=self.room_kind,
            unavailable=(*self.unavailable, *self.impaired, *impaired),
            wishes=wishes,
            promise=_as_promise(promise),
            not_before=self.now,
        )


def _as_promise(placement: Placement | None) -> Promise | None:
    if placement is None:
        return None
    return Promise(placement.clinician, placement.starts_at, placement.place, placement.room, is_told=True)


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """One session that belongs to dose `number`."""

    number: int
    talk: Talk

    @property
    def key(self) -> str:
        """How the planner knows it."""
        return f"{self.talk} {self.number}"


@dataclass(frozen=True)
class Course:
    """A course as it could be booked. `unplaced`: doses without a time; `missing`: sessions without one.

    `prepares`: by the dose after which an integration session comes, the dose that it prepares as well.
    """

    doses: Mapping[int, Placement] = field(default_factory=dict)
    sessions: Mapping[Asked, Placement] = field(default_factory=dict)
    prepares: Mapping[int, int] = field(default_factory=dict)
    missing: frozenset[Asked] = frozenset()
    unplaced: frozenset[int] = frozenset()
    is_proven: bool = True

    @property
    def starts(self) -> dict[int, datetime]:
        """When each dose that has a time begins."""
        return {number: placement.starts_at for number, placement in self.doses.items()}

    @property
    def is_whole(self) -> bool:
        """True when nothing lacks a time."""
        return not self.missing and not self.unplaced

    @property
    def worth(self) -> tuple[int, int]:
        """The greater, the better."""
        return len(self.doses), -len(self.missing)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A session that doses at given beginnings ask for: where it lies, and the dose that it also prepares."""

    asked: Asked
    window: Span
    prepares: int | None = None


def wanted_sessions(
    problem: CourseProblem,
    starts: Mapping[int, datetime],
    *,
    left_out: Collection[Asked] = (),
    alone: Collection[int] = (),
) -> Iterator[Wanted]:
    """What doses at `starts` ask for, less `left_out`; the doses `alone` have a preparation of their own."""
    shape = problem.shape
    order = sorted(starts, key=starts.__getitem__)
    prepared: set[int] = set()
    for number, following in zip_longest(order, order[1:]):
        start, slot = starts[number], problem.slot_of[number]
        after = None if following is None else starts[following]
        own = Asked(number, Talk.PREPARATION)
        if slot.wants_preparation and number not in prepared and own not in left_out:
            yield Wanted(own, shape.window(Talk.PREPARATION, start))
        if not slot.owes_integration:
            continue
        window, prepares = shape.window(Talk.INTEGRATION, start), None
        if following is not None and after is not None:
            next_slot = problem.slot_of[following]
            wants = next_slot.wants_preparation and Asked(following, Talk.PREPARATION) not in left_out
            both = shape.serves_both(start, after) if wants and following not in alone else None
            if both is not None:
                window, prepares = both, following
                prepared.add(following)
        yield Wanted(Asked(number, Talk.INTEGRATION), window, prepares)
        second = Asked(number, Talk.SECONDARY)
        owes = shape.profile.owes_secondary and not (after is not None and shape.overtakes(start, after))
        if owes and second not in left_out:
            yield Wanted(second, shape.window(Talk.SECONDARY, start))
