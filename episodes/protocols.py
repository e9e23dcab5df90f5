"""Protocols as data: what a model of care asks for, in hours, days and minutes.

A `ProtocolVersion` row stores the JSON form; `ProtocolSpec.from_data` checks it and gives it types.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from episodes.reading_times import GIVEN_WORDS, parse_offsets

# What a version may state of handoffs: working days before a dose, days after it, at whose end each is due.
HANDOFF_DUE = ("before_working_days", "after_days")
_MOST_DUE_DAYS = 5

MODELS = ("preparation-integration", "kap", "parallel")


class ProtocolError(ValueError):
    """The data of a protocol is wrong; the message says where and why."""


@dataclass(frozen=True)
class Window:
    """A span of elapsed hours from an instant, both ends included; `preferred_until_h` bounds the preferred start."""

    opens_h: float
    closes_h: float
    preferred_until_h: float | None = None
    # The planner places nothing before this hour by itself (a person may).
    plan_from_h: float | None = None

    @property
    def opens(self) -> timedelta:
        """Offset of the opening from the anchor."""
        return timedelta(hours=self.opens_h)

    @property
    def closes(self) -> timedelta:
        """Offset of the closing from the anchor."""
        return timedelta(hours=self.closes_h)

    @property
    def length(self) -> timedelta:
        """Hours between the two ends."""
        return self.closes - self.opens


@dataclass(frozen=True)
class Phase:
    """One phase of the model with its usual duration in minutes (None where the guides give days or nothing)."""

    key: str
    label: str
    least_minutes: int | None
    most_minutes: int | None
    activities: str = ""


@dataclass(frozen=True)
class Part:
    """One part of a preparation or integration session."""

    key: str
    label: str
    prompt: str


@dataclass(frozen=True)
class Course:
    """How many doses, how often: induction or maintenance."""

    least_doses: int
    most_doses: int
    planned_doses: int
    doses_per_week: float
    weeks: int | None
    interval_days: tuple[int, int] | None
    integration_every_nth: int


@dataclass(frozen=True)
class MeasuringPoint:
    """Which instrument is due when: at screening, before every n-th dose, or days after the last dose."""

    instrument: str
    at: str
    every_nth_dose: int | None = None
    days_after: int | None = None


@dataclass(frozen=True)
class ProtocolSpec:
    """A protocol version with types."""

    model: str
    integration: Window
    secondary: Window | None
    preparation: Window
    phases: tuple[Phase, ...]
    preparation_parts: tuple[Part, ...]
    integration_parts: tuple[Part, ...]
    induction: Course
    maintenance: Course
    measuring: tuple[MeasuringPoint, ...]
    integration_minutes: int
    preparation_minutes: int
    first_dose_minutes: int
    later_dose_minutes: int
    # False: sessions are recorded, nothing is booked by itself (Parallel with an outside therapist).
    plans_integration: bool
    # False: content is not coordinated between prescriber and therapist (Parallel).
    shares_content: bool
    therapist_present: bool
    sources: tuple[str, ...]
    # Minutes after D0, by a key of GIVEN_WORDS; what is not named follows the clinic's setting.
    readings: Mapping[str, tuple[int, ...]]
    # Due days of handoffs, by a key of HANDOFF_DUE; what is not named follows the clinic's setting.
    handoffs: Mapping[str, int]

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "ProtocolSpec":
        """Check and type the stored JSON; raises ProtocolError naming the entry that is wrong."""
        try:
            spec = cls(
                model=data["model"],
                integration=Window(**data["integration"]),
                secondary=Window(**data["secondary"]) if data.get("secondary") else None,
                preparation=Window(**data["preparation"]),
                phases=tuple(Phase(**phase) for phase in data["phases"]),
                preparation_parts=tuple(Part(**part) for part in data["preparation_parts"]),
                integration_parts=tuple(Part(**part) for part in data["integration_parts"]),
                induction=_course(data["induction"]),
                maintenance=_course(data["maintenance"]),
                measuring=tuple(MeasuringPoint(**point) for point in data["measuring"]),
                integration_minutes=data["integration_minutes"],
                preparation_minutes=data["preparation_minutes"],
                first_dose_minutes=data["first_dose_minutes"],
                later_dose_minutes=data["later_dose_minutes"],
                plans_integration=data["plans_integration"],
                shares_content=data["shares_content"],
                therapist_present=data["therapist_present"],
                sources=tuple(data["sources"]),
                readings=_readings(data.get("readings") or {}),
                handoffs=_handoffs(data.get("handoffs") or {}),
            )
        except KeyError as error:
            raise ProtocolError(f"the protocol has no entry {error}") from error
        except TypeError as error:
            raise ProtocolError(f"the protocol has an entry of a wrong form: {error}") from error
        spec._check()
        return spec

    def _check(self) -> None:
        if self.model not in MODELS:
            raise ProtocolError(f"model must be one of {', '.join(MODELS)}")
        for name in ("integration", "secondary", "preparation"):
            window: Window | None = getattr(self, name)
            if window is not None and not window.opens_h < window.closes_h:
                raise ProtocolError(f"the {name} window must close after it opens")
        if self.integration.opens_h < 0:
            raise ProtocolError("the integration window opens after the dose")
        if self.preparation.closes_h > 0:
            raise ProtocolError("the preparation window lies before the dose")
        preferred = self.integration.preferred_until_h
        if preferred is not None and not self.integration.opens_h < preferred <= self.integration.closes_h:
            raise ProtocolError("the preferred part lies inside the integration window")
        for name in (
            "integration_minutes",
            "preparation_minutes",
            "first_dose_minutes",
            "later_dose_minutes",
        ):
            if not 10 <= getattr(self, name) <= 480:
                raise ProtocolError(f"{name} must lie between 10 and 480 minutes")
        if timedelta(minutes=self.integration_minutes) > self.integration.length:
            raise ProtocolError("an integration session is longer than its window")
        for name in ("preparation_parts", "integration_parts"):
            keys = [part.key for part in getattr(self, name)]
            if not keys or len(set(keys)) != len(keys):
                raise ProtocolError(f"{name} must be there, each with a key of its own")

    def owes_integration(self, dose_number: int, *, in_maintenance: bool) -> bool:
        """Whether dose `dose_number` of the course (counted from 1) owes an integration session."""
        course = self.maintenance if in_maintenance else self.induction
        return dose_number % course.integration_every_nth == 0


def _readings(data: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    if not isinstance(data, dict):
        raise TypeError("readings are times by what is given")
    found: dict[str, tuple[int, ...]] = {}
    for key, text in data.items():
        if key not in GIVEN_WORDS:
            raise ProtocolError(f"readings are named for {', '.join(GIVEN_WORDS)}, not for {key}")
        try:
            found[key] = parse_offsets(str(text))
        except ValueError as error:
            raise ProtocolError(f"readings after {GIVEN_WORDS[key]}: {error}".removesuffix(".")) from error
    return found


def _handoffs(data: dict[str, Any]) -> dict[str, int]:
    if not isinstance(data, dict):
        raise TypeError("due days of handoffs are numbers by what they count")
    for key, days in data.items():
        if key not in HANDOFF_DUE:
            raise ProtocolError(f"due days of handoffs are {' and '.join(HANDOFF_DUE)}, not {key}")
        if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= _MOST_DUE_DAYS:
            raise ProtocolError(f"handoffs: {key} is a whole number of days, 0 to {_MOST_DUE_DAYS}")
    return dict(data)


def _course(data: dict[str, Any]) -> Course:
    interval = data.get("interval_days")
    course = Course(
        least_doses=data["least_doses"],
        most_doses=data["most_doses"],
        planned_doses=data["planned_doses"],
        doses_per_week=data["doses_per_week"],
        weeks=data.get("weeks"),
        interval_days=(interval[0], interval[1]) if interval else None,
        integration_every_nth=data["integration_every_nth"],
    )
    if not 1 <= course.least_doses <= course.planned_doses <= course.most_doses:
        raise ProtocolError("the planned number of doses lies between the least and the most")
    if course.integration_every_nth < 1:
        raise ProtocolError("integration is owed after every n-th dose, n from 1")
    if not 0 < course.doses_per_week <= 3:
        raise ProtocolError("doses a week: above 0, at most 3 (practice guide G0)")
    return course
