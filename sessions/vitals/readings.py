"""One set of vital signs, and which values are impossible."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from sessions.vitals.limits import DEFAULT_VITALS_LIMITS, VitalsLimits

# MOAA/S as tabulated by thorax.bmj.com; other published versions number it differently.
SEDATION_STEPS = {
    5: "answers readily to the name in a normal voice",
    4: "answers slowly to the name in a normal voice",
    3: "answers only after the name is called loudly or repeatedly",
    2: "answers only after mild prodding or shaking",
    1: "answers only after a painful squeeze",
    0: "no answer to a painful squeeze",
}
# A clinician's own observation in four steps; published scales may not be reproduced.
FOUR_STEPS = {0: "none", 1: "mild", 2: "moderate", 3: "marked"}


class Sign(StrEnum):
    """Complaints and signs that mean emergency care (Spravato label 5.6)."""

    CHEST_PAIN = "chest-pain"
    BREATHLESSNESS = "breathlessness"
    SEVERE_HEADACHE = "severe-headache"
    VISUAL_CHANGE = "visual-change"
    SEIZURE = "seizure"
    FOCAL_DEFICIT = "focal-deficit"


SIGN_LABELS = {
    Sign.CHEST_PAIN: "chest pain",
    Sign.BREATHLESSNESS: "shortness of breath",
    Sign.SEVERE_HEADACHE: "sudden severe headache",
    Sign.VISUAL_CHANGE: "change of vision",
    Sign.SEIZURE: "seizure",
    Sign.FOCAL_DEFICIT: "weakness, numbness or trouble speaking",
}


@dataclass(frozen=True)
class Reading:
    """One set of vital signs at `taken_at` (aware); None where not measured."""

    taken_at: datetime
    systolic: int | None = None
    diastolic: int | None = None
    heart_rate: int | None = None
    spo2: int | None = None
    is_on_oxygen: bool = False
    respiratory_rate: int | None = None
    temperature_c: Decimal | None = None
    sedation: int | None = None
    dissociation: int | None = None
    nausea: int | None = None
    signs: frozenset[Sign] = frozenset()
    key: str = ""

    @property
    def is_empty(self) -> bool:
        measured = (
            self.systolic,
            self.diastolic,
            self.heart_rate,
            self.spo2,
            self.respiratory_rate,
            self.temperature_c,
            self.sedation,
            self.dissociation,
            self.nausea,
        )
        return all(value is None for value in measured) and not self.signs

    @property
    def answers_predose(self) -> bool:
        """Has what must be known before a dose: blood pressure, heart rate and oxygen saturation."""
        return None not in (self.systolic, self.diastolic, self.heart_rate, self.spo2)


@dataclass(frozen=True)
class Problem:
    """An impossible value and the field it stands in."""

    code: str
    text: str
    field: str


def impossibilities_of(reading: Reading, now: datetime) -> tuple[Problem, ...]:
    """What cannot be true of a living or a dead patient. Everything else is kept, however alarming."""
    found: list[Problem] = []
    if reading.is_empty:
        found.append(Problem("empty", "Enter at least one value.", "systolic"))
    if (reading.systolic is None) != (reading.diastolic is None):
        missing = "systolic" if reading.systolic is None else "diastolic"
        found.append(Problem("half-pressure", "A blood pressure has two values.", missing))
    if (
        reading.systolic is not None
        and reading.diastolic is not None
        and reading.systolic <= reading.diastolic
    ):
        found.append(
            Problem(
                "pressure-order",
                "The systolic pressure must be above the diastolic one.",
                "systolic",
            )
        )
    for name in ("systolic", "diastolic", "heart_rate", "respiratory_rate", "spo2"):
        value = getattr(reading, name)
        if value is not None and value < 0:
            found.append(Problem("negative", "This cannot be below zero.", name))
    if reading.spo2 is not None and reading.spo2 > 100:
        found.append(Problem("above-100", "Oxygen saturation cannot be above 100 %.", "spo2"))
    if reading.sedation is not None and reading.sedation not in SEDATION_STEPS:
        found.append(Problem("off-scale", "MOAA/S runs from 0 to 5.", "sedation"))
    for name in ("dissociation", "nausea"):
        value = getattr(reading, name)
        if value is not None and value not in FOUR_STEPS:
            found.append(Problem("off-scale", "Choose none, mild, moderate or marked.", name))
    if reading.taken_at > now:
        found.append(Problem("future", "The reading lies in the future.", "taken_at"))
    return tuple(found)


def predose_reading(
    readings: Iterable[Reading],
    at: datetime,
    limits: VitalsLimits = DEFAULT_VITALS_LIMITS,
) -> Reading | None:
    """The latest full reading that is fresh at `at` (aware); exactly the limit is fresh. Newer clears older."""
    oldest = at - timedelta(minutes=limits.fresh_minutes)
    fresh = [reading for reading in readings if reading.answers_predose and oldest <= reading.taken_at <= at]
    return max(fresh, key=lambda reading: reading.taken_at, default=None)
