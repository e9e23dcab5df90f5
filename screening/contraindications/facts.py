"""What is known about a patient, in the shape in which the contraindication rules read it.

Everything here is a frozen value: no database, no clock. ``None`` always means "nobody has recorded
this", which is not the same as "no". Dates are calendar days in the clinic's zone; instants are
aware datetimes in that zone, so that their day is the clinic's day.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class Answer(StrEnum):
    """The answer to a history or check-in question. Not answered at all is ``None``."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Sex(StrEnum):
    """Sex at birth as recorded for the patient."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


class Route(StrEnum):
    """Drug and route of a treatment, as far as the rules tell them apart."""

    RACEMIC_IV = "racemic-iv"
    RACEMIC_IM = "racemic-im"
    RACEMIC_SUBLINGUAL = "racemic-sublingual"
    RACEMIC_ORAL = "racemic-oral"
    RACEMIC_INTRANASAL = "racemic-intranasal"
    ESKETAMINE_INTRANASAL = "esketamine-intranasal"


class ConditionStatus(StrEnum):
    """How a recorded condition stands now."""

    ACTIVE = "active"  # present; nobody has said whether it is stable
    UNSTABLE = "unstable"  # severe, unstable, uncontrolled or untreated
    STABLE = "stable"  # treated, controlled, compensated
    RESOLVED = "resolved"  # remitted or in the past


STATUS_WORDS = {
    ConditionStatus.ACTIVE: "active",
    ConditionStatus.UNSTABLE: "unstable or uncontrolled",
    ConditionStatus.STABLE: "stable or treated",
    ConditionStatus.RESOLVED: "resolved",
}


class LiverGrade(StrEnum):
    """Child-Pugh class of a liver disease; ``MARKED`` stands for markedly raised liver tests."""

    A = "A"
    B = "B"
    C = "C"
    MARKED = "marked"


class PregnancyStatus(StrEnum):
    """What is recorded about pregnancy."""

    PREGNANT = "pregnant"
    COULD_BE = "could-be"
    NOT_PREGNANT = "not-pregnant"
    CANNOT_BE = "cannot-be"  # for example after a hysterectomy; entered with the reason
    UNKNOWN = "unknown"


class TestResult(StrEnum):
    """Result of a pregnancy test."""

    __test__ = False  # the name would make pytest collect it

    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNCLEAR = "unclear"


class RiskOutcome(StrEnum):
    """Outcome of a clinician's suicide-risk assessment, from none to imminent."""

    NONE = "none"
    PASSIVE = "passive"
    ACTIVE_NO_INTENT = "active-no-intent"
    INTENT_OR_PLAN = "intent-or-plan"
    IMMINENT = "imminent"


@dataclass(frozen=True, slots=True)
class ConditionFact:
    """One standing entry of the problem list.

    ``kind`` is a key of ``questions.CONDITION_KINDS``; ``event_on`` is the latest day on which the
    (last) event can have happened, so a date known to the month counts as that month's last day.
    ``event_words`` is the date as it is known.
    """

    ref: str
    kind: str
    name: str
    status: ConditionStatus
    event_on: dt.date | None = None
    liver_grade: LiverGrade | None = None
    event_words: str = ""


@dataclass(frozen=True, slots=True)
class AllergyFact:
    """One allergy or intolerance; ``is_allergy`` is false for an intolerance or side effect."""

    ref: str
    substance: str
    is_allergy: bool | None = None
    reaction: str = ""


@dataclass(frozen=True, slots=True)
class MedicationFact:
    """One standing medication. ``is_settled`` is false while a part of its name is not classified."""

    ref: str
    name: str
    is_active: bool
    classes: frozenset[str] = frozenset()
    is_settled: bool = True


@dataclass(frozen=True, slots=True)
class VitalsReading:
    """One set of vital signs: mmHg, beats a minute, per cent; ``on_room_air`` qualifies SpO2."""

    ref: str
    taken_at: dt.datetime
    systolic: int | None = None
    diastolic: int | None = None
    heart_rate: int | None = None
    spo2: Decimal | int | None = None
    on_room_air: bool | None = None

    @property
    def pressure(self) -> tuple[int, int] | None:
        """Systolic and diastolic, when both were taken."""
        if self.systolic is None or self.diastolic is None:
            return None
        return self.systolic, self.diastolic

    @property
    def has_pressure(self) -> bool:
        """Whether both blood pressure values were taken."""
        return self.pressure is not None

    def is_above(self, systolic: int, diastolic: int) -> bool:
        """Whether either value exceeds its limit in mmHg; a reading without a pressure exceeds nothing."""
        return self.pressure is not None and (self.pressure[0] > systolic or self.pressure[1] > diastolic)


@dataclass(frozen=True, slots=True)
class PregnancyFact:
    """The latest pregnancy record and the latest test, each with the row that it came from."""

    ref: str = ""
    status: PregnancyStatus | None = None
    breastfeeding: Answer | None = None
    test_ref: str = ""
    test_result: TestResult | None = None
    tested_on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class ItemNineFact:
    """Item 9 of the latest PHQ-9 (0-3, ``None`` if that item was left blank)."""

    ref: str
    value: int | None
    answered_at: dt.datetime


@dataclass(frozen=True, slots=True)
class RiskFact:
    """The latest recorded suicide-risk assessment."""

    ref: str
    outcome: RiskOutcome
    assessed_at: dt.datetime
    by_prescriber: bool = False


@dataclass(frozen=True, slots=True)
class AuditCFact:
    """The latest AUDIT-C; ``total`` is ``None`` when an item is missing (no prorating)."""

    ref: str
    total: int | None


@dataclass(frozen=True, slots=True)
class Intake:
    """Last food or drink before a dose; ``at`` is ``None`` for "nothing today"."""

    at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class ConsentFact:
    """One treatment consent: signed, valid to the end of ``expires_on``, ended by ``revoked_on``."""

    ref: str
    signed_on: dt.date
    expires_on: dt.date | None = None
    revoked_on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class ClearanceFact:
    """One signed eligibility decision that clears for treatment, valid to the end of ``valid_until``."""

    ref: str
    signed_on: dt.date
    valid_until: dt.date
    has_lapsed: bool = False


@dataclass(frozen=True, slots=True)
class RemsFact:
    """SPRAVATO REMS: the patient's enrolment and the site's certification."""

    enrolment_ref: str = ""
    enrolled_on: dt.date | None = None
    site_ref: str = ""
    site_certified: bool | None = None
    site_certified_until: dt.date | None = None


@dataclass(frozen=True, slots=True)
class DayFacts:
    """What is known at check-in on the day of a dose.

    ``dose_at`` is the instant for which the rules are asked (now, or the dose's start afterwards).
    ``consents`` and ``clearances`` are ``None`` while nobody has looked them up; an empty tuple says
    that there is none. ``hold_systolic`` and ``hold_diastolic`` are the order's own limits in mmHg
    ("proceed up to 160/100"); without them the clinic's limits apply.
    """

    dose_at: dt.datetime | None = None
    readings: tuple[VitalsReading, ...] = ()
    intoxication_suspected: Answer | None = None
    escort_confirmed: Answer | None = None
    escort_name: str = ""
    escort_phone: str = ""
    last_food: Intake | None = None
    last_drink: Intake | None = None
    consents: tuple[ConsentFact, ...] | None = None
    clearances: tuple[ClearanceFact, ...] | None = None
    rems: RemsFact | None = None
    hold_systolic: int | None = None
    hold_diastolic: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the rules may look at for one episode.

    ``on`` is the calendar day for which they are asked: the day of the dose, or today. ``route`` is
    ``None`` before a route is chosen; ``day`` is ``None`` outside a dosing day. ``medications_listed``
    is true once somebody recorded a medication or stated that the patient takes none;
    ``allergies_asked`` likewise.
    """

    on: dt.date
    date_of_birth: dt.date | None = None
    sex: Sex | None = None
    route: Route | None = None
    history: dict[str, Answer] = field(default_factory=dict)
    history_refs: dict[str, str] = field(default_factory=dict)
    conditions: tuple[ConditionFact, ...] = ()
    allergies: tuple[AllergyFact, ...] = ()
    medications: tuple[MedicationFact, ...] = ()
    medications_listed: bool = False
    pregnancy: PregnancyFact = PregnancyFact()
    screening_readings: tuple[VitalsReading, ...] = ()
    item_nine: ItemNineFact | None = None
    risk: RiskFact | None = None
    risk_assessment_open: bool = False
    audit_c: AuditCFact | None = None
    has_had_a_dose: bool = False
    day: DayFacts | None = None
