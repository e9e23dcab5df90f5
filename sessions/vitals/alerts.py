"""Who must be called for a reading, and what to do now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sessions.vitals.limits import DEFAULT_VITALS_LIMITS, VitalsLimits
from sessions.vitals.readings import SEDATION_STEPS, SIGN_LABELS, Reading, Sign


class AlertLevel(StrEnum):
    CALL = "call"
    EMERGENCY = "emergency"


@dataclass(frozen=True)
class HoldParameters:
    """What the prescriber's order allows: "proceed up to 160/100". Inside it nobody is called."""

    max_systolic: int | None = None
    max_diastolic: int | None = None
    min_spo2: int | None = None
    max_heart_rate: int | None = None
    min_heart_rate: int | None = None

    def allows_pressure(self, systolic: int, diastolic: int) -> bool:
        """Both values named by the order and neither above it."""
        return (
            self.max_systolic is not None
            and self.max_diastolic is not None
            and systolic <= self.max_systolic
            and diastolic <= self.max_diastolic
        )


NO_HOLD = HoldParameters()


@dataclass(frozen=True)
class Alert:
    """Somebody is needed: what was seen, and what to do now. `field` is the value that asked for it."""

    code: str
    level: AlertLevel
    text: str
    action: str
    field: str


def alerts_of(
    reading: Reading,
    limits: VitalsLimits = DEFAULT_VITALS_LIMITS,
    hold: HoldParameters = NO_HOLD,
) -> tuple[Alert, ...]:
    """Who must be called for one reading, emergencies first."""
    found: list[Alert] = []
    if reading.systolic is not None and reading.diastolic is not None:
        high = reading.systolic >= limits.alert_systolic or reading.diastolic >= limits.alert_diastolic
        if high and not hold.allows_pressure(reading.systolic, reading.diastolic):
            found.append(
                Alert(
                    "pressure-high",
                    AlertLevel.CALL,
                    f"Blood pressure {reading.systolic}/{reading.diastolic} mmHg",
                    f"Repeat in {limits.repeat_pressure_minutes} min and call the prescriber.",
                    "systolic",
                )
            )
    if reading.spo2 is not None:
        if reading.spo2 < limits.emergency_spo2_below:
            found.append(
                Alert(
                    "oxygen-emergency",
                    AlertLevel.EMERGENCY,
                    f"Oxygen saturation {reading.spo2} %",
                    "Open the airway, give oxygen, call emergency care and the prescriber.",
                    "spo2",
                )
            )
        elif reading.spo2 < limits.alert_spo2_below and (
            hold.min_spo2 is None or reading.spo2 < hold.min_spo2
        ):
            found.append(
                Alert(
                    "oxygen-low",
                    AlertLevel.CALL,
                    f"Oxygen saturation {reading.spo2} %",
                    "Rouse, reposition, check the probe and call the prescriber.",
                    "spo2",
                )
            )
    if reading.respiratory_rate is not None and reading.respiratory_rate < limits.alert_breathing_below:
        is_apnoea = reading.respiratory_rate == 0
        found.append(
            Alert(
                "breathing-stopped" if is_apnoea else "breathing-slow",
                AlertLevel.EMERGENCY if is_apnoea else AlertLevel.CALL,
                f"Breathing rate {reading.respiratory_rate}/min",
                "Start resuscitation and call emergency care."
                if is_apnoea
                else "Rouse, watch the airway and call the prescriber.",
                "respiratory_rate",
            )
        )
    if reading.heart_rate is not None:
        too_fast = reading.heart_rate > limits.alert_heart_above and (
            hold.max_heart_rate is None or reading.heart_rate > hold.max_heart_rate
        )
        too_slow = reading.heart_rate < limits.alert_heart_below and (
            hold.min_heart_rate is None or reading.heart_rate < hold.min_heart_rate
        )
        if reading.heart_rate == 0:
            found.append(
                Alert(
                    "heart-stopped",
                    AlertLevel.EMERGENCY,
                    "Heart rate 0/min",
                    "Check the pulse; start resuscitation and call emergency care.",
                    "heart_rate",
                )
            )
        elif too_fast or too_slow:
            found.append(
                Alert(
                    "heart-fast" if too_fast else "heart-slow",
                    AlertLevel.CALL,
                    f"Heart rate {reading.heart_rate}/min",
                    "Check the pulse by hand and call the prescriber.",
                    "heart_rate",
                )
            )
    if reading.sedation is not None:
        if reading.sedation <= limits.emergency_sedation_at_most:
            found.append(
                Alert(
                    "sedation-emergency",
                    AlertLevel.EMERGENCY,
                    f"MOAA/S {reading.sedation}: {SEDATION_STEPS[reading.sedation]}",
                    "Open the airway, call emergency care and the prescriber.",
                    "sedation",
                )
            )
        elif reading.sedation <= limits.alert_sedation_at_most:
            found.append(
                Alert(
                    "sedation-deep",
                    AlertLevel.CALL,
                    f"MOAA/S {reading.sedation}: {SEDATION_STEPS[reading.sedation]}",
                    "Stay, watch the airway and oxygen, call the prescriber.",
                    "sedation",
                )
            )
    if reading.signs:
        named = ", ".join(SIGN_LABELS[sign] for sign in Sign if sign in reading.signs)
        found.append(
            Alert(
                "emergency-sign",
                AlertLevel.EMERGENCY,
                named.capitalize(),
                "Stop what is running, call emergency care and the prescriber.",
                "signs",
            )
        )
    return tuple(sorted(found, key=lambda alert: alert.level is not AlertLevel.EMERGENCY))
