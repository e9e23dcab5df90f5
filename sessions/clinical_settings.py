"""Clinical settings of dosing, declared from the rules' own defaults, and read back as the rules' limits."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from episodes.protocols import ProtocolSpec
from episodes.reading_times import GIVEN_WORDS, parse_offsets
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.services import settings_for
from kapclinic.clinics.settings_registry import Mark, SettingSpec, register
from sessions import limits
from sessions.discharge import DischargeLimits
from sessions.dose import DoseLimits, Drug, Route
from sessions.vitals import (
    ESKETAMINE_OFFSETS,
    STANDARD_OFFSETS,
    Schedule,
    VitalsLimits,
    schedule_for,
)

_MARKS = {"POLICY": Mark.POLICY, "V": Mark.VERIFIED, "G": Mark.GUIDE, "UNVERIFIED": Mark.UNVERIFIED}
_GROUPS: tuple[tuple[str, type, str], ...] = (
    ("dose", DoseLimits, "Doses"),
    ("vitals", VitalsLimits, "Vital signs"),
    ("discharge", DischargeLimits, "Leaving after a dose"),
)

COMPLETION_HOURS = "dosing.completion_hours"
PREPARATIONS_BEFORE_FIRST = "dosing.preparations_before_first_dose"
READY_HOURS_EARLY = "dosing.ready_hours_early"
READY_HOURS_LATE = "dosing.ready_hours_late"
LATE_ENTRY_MINUTES = "dosing.late_entry_minutes"
NASAL_MINUTES = "dosing.nasal_minutes"
DUTY_DAYS_BEFORE = "dosing.duty_days_before"
DUTY_DAYS_AFTER = "dosing.duty_days_after"


@dataclass(frozen=True)
class MinutesSpec(SettingSpec):
    """A setting that lists minutes after the start of the dose: "15, 30, 45"."""

    def parse(self, raw: Any) -> Any:
        parse_offsets(str(raw))
        return str(raw)


def _given_key(drug: Drug, route: Route) -> str:
    """Under which readings are named, here and in a protocol."""
    return Drug.ESKETAMINE.value if drug is Drug.ESKETAMINE else route.value


def _schedule_key(given_key: str) -> str:
    return f"dosing.readings.{given_key}"


def declare() -> None:
    """Register every setting; called once at start."""
    for prefix, limits_class, group in _GROUPS:
        for note in limits.notes(limits_class):
            is_decimal = isinstance(note.default, Decimal)
            register(
                SettingSpec(
                    key=f"{prefix}.{note.name}",
                    label=note.label,
                    kind=float if is_decimal else int,
                    default=float(note.default) if is_decimal else note.default,
                    unit=note.unit,
                    group=group,
                    source=note.source,
                    mark=_MARKS[note.mark],
                    least=float(note.minimum),
                    most=float(note.maximum),
                )
            )
    for key, words in GIVEN_WORDS.items():
        is_esketamine = key == Drug.ESKETAMINE
        register(
            MinutesSpec(
                key=_schedule_key(key),
                label=f"Readings after the first device, {words}"
                if is_esketamine
                else f"Readings after the start, {words}",
                kind=str,
                default=ESKETAMINE_OFFSETS if is_esketamine else STANDARD_OFFSETS,
                unit="min",
                group="Vital signs",
                source="SPRAVATO REMS monitoring form: 40 min, and before leaving at 120 min or later"
                if is_esketamine
                else "POLICY; published series of 0, 15, 30, 45, 60 and 90 min (NDT.S273287)",
                mark=Mark.VERIFIED if is_esketamine else Mark.POLICY,
                help_text="A protocol that names its own times comes first.",
            )
        )
    register(
        _hours(
            COMPLETION_HOURS, "A session not completed this long after the dose is somebody's task", 4, 1, 24
        ),
        _hours(READY_HOURS_EARLY, "Look whether a dose is ready this long before it", 48, 2, 168),
        _hours(READY_HOURS_LATE, "... and again this long before it", 24, 1, 72),
        SettingSpec(
            key=PREPARATIONS_BEFORE_FIRST,
            label="Completed preparations before the first dose of an episode",
            kind=int,
            default=1,
            unit="sessions",
            group="Doses",
            source="POLICY; practice guide G2 recommends 1-3",
            mark=Mark.POLICY,
            least=0,
            most=6,
        ),
        SettingSpec(
            key=LATE_ENTRY_MINUTES,
            label="A reading or a dose entered later than this counts as entered late and alarms nobody by that alone",
            kind=int,
            default=60,
            unit="min",
            group="Vital signs",
            source="POLICY",
            mark=Mark.POLICY,
            least=10,
            most=480,
        ),
        SettingSpec(
            key=NASAL_MINUTES,
            label="Esketamine: no nasal steroid or decongestant before a dose for",
            kind=int,
            default=60,
            unit="min",
            group="Doses",
            source="spravato.com, treatment page: at least 1 hour before",
            mark=Mark.VERIFIED,
            least=60,
            most=720,
        ),
        _days(
            DUTY_DAYS_BEFORE, "Who is on duty sees the day's patients from this long before (to prepare)", 1
        ),
        _days(DUTY_DAYS_AFTER, "... to this long after (to finish the record)", 1),
    )


def _days(key: str, label: str, default: int) -> SettingSpec:
    return SettingSpec(
        key=key,
        label=label,
        kind=int,
        default=default,
        unit="days",
        group="On duty",
        source="POLICY",
        mark=Mark.POLICY,
        least=0,
        most=7,
    )


def _hours(key: str, label: str, default: int, least: int, most: int) -> SettingSpec:
    return SettingSpec(
        key=key,
        label=label,
        kind=int,
        default=default,
        unit="h",
        group="Doses",
        source="POLICY",
        mark=Mark.POLICY,
        least=least,
        most=most,
    )


@dataclass(frozen=True)
class DutyDays:
    """Calendar days of the clinic around a day on duty, that day not counted."""

    before: int
    after: int


def duty_days(clinic: Clinic) -> DutyDays:
    """How long before and after a day on duty its patients are seen at `clinic` (one query)."""
    values = settings_for(clinic, DUTY_DAYS_BEFORE, DUTY_DAYS_AFTER)
    return DutyDays(values[DUTY_DAYS_BEFORE], values[DUTY_DAYS_AFTER])


@dataclass(frozen=True)
class DosingSettings:
    """What is in force at one clinic, read with one query."""

    dose: DoseLimits
    vitals: VitalsLimits
    discharge: DischargeLimits
    completion_hours: int
    preparations_before_first: int
    ready_hours_early: int
    ready_hours_late: int
    late_entry_minutes: int
    _offsets: dict[str, str]

    def schedule(self, drug: Drug, route: Route, protocol: ProtocolSpec) -> Schedule:
        """The readings owed after a dose of `drug` by `route`: the clinic's times, and those that the protocol adds.

        Fewer readings are a change of the clinic's setting, which the medical director approves (rulebook 0.15).
        """
        key = _given_key(drug, route)
        times = {*parse_offsets(self._offsets[_schedule_key(key)]), *protocol.readings.get(key, ())}
        return schedule_for(
            is_esketamine=drug is Drug.ESKETAMINE,
            offsets=tuple(sorted(times)),
            overdue_after=self.vitals.overdue_after_minutes,
        )


def settings_in_force(clinic: Clinic) -> DosingSettings:
    """The dosing settings of `clinic`."""
    schedule_keys = [_schedule_key(key) for key in GIVEN_WORDS]
    limit_keys = [f"{prefix}.{note.name}" for prefix, kind, _ in _GROUPS for note in limits.notes(kind)]
    own_keys = [
        COMPLETION_HOURS,
        PREPARATIONS_BEFORE_FIRST,
        READY_HOURS_EARLY,
        READY_HOURS_LATE,
        LATE_ENTRY_MINUTES,
    ]
    values = settings_for(clinic, *limit_keys, *schedule_keys, *own_keys)
    return DosingSettings(
        dose=limits.read(DoseLimits, "dose", values.__getitem__),
        vitals=limits.read(VitalsLimits, "vitals", values.__getitem__),
        discharge=limits.read(DischargeLimits, "discharge", values.__getitem__),
        completion_hours=values[COMPLETION_HOURS],
        preparations_before_first=values[PREPARATIONS_BEFORE_FIRST],
        ready_hours_early=values[READY_HOURS_EARLY],
        ready_hours_late=values[READY_HOURS_LATE],
        late_entry_minutes=values[LATE_ENTRY_MINUTES],
        _offsets={key: values[key] for key in schedule_keys},
    )
