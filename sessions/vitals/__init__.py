"""Vital signs in the dosing room: what is possible, what needs somebody, and which reading is due.

Blood pressure in mmHg, heart and breathing rate per minute, oxygen saturation in per cent, temperature in
degrees Celsius, sedation on the Modified Observer's Assessment of Alertness/Sedation (5 = normal, 0 = no
response to pain). Implausible values are kept and alarm somebody; only impossible ones are refused.
"""

from sessions.vitals.alerts import NO_HOLD, Alert, AlertLevel, HoldParameters, alerts_of
from sessions.vitals.clock import (
    ESKETAMINE_OFFSETS,
    STANDARD_OFFSETS,
    DueReading,
    DueState,
    Schedule,
    Slot,
    due_readings,
    next_due,
    schedule_for,
)
from sessions.vitals.limits import DEFAULT_VITALS_LIMITS, VitalsLimits
from sessions.vitals.readings import (
    FOUR_STEPS,
    SEDATION_STEPS,
    SIGN_LABELS,
    Problem,
    Reading,
    Sign,
    impossibilities_of,
    predose_reading,
)

__all__ = [
    "DEFAULT_VITALS_LIMITS",
    "ESKETAMINE_OFFSETS",
    "FOUR_STEPS",
    "NO_HOLD",
    "SEDATION_STEPS",
    "SIGN_LABELS",
    "STANDARD_OFFSETS",
    "Alert",
    "AlertLevel",
    "DueReading",
    "DueState",
    "HoldParameters",
    "Problem",
    "Reading",
    "Schedule",
    "Sign",
    "Slot",
    "VitalsLimits",
    "alerts_of",
    "due_readings",
    "impossibilities_of",
    "next_due",
    "predose_reading",
    "schedule_for",
]
