"""Thresholds at which somebody is called; each is a clinic setting."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.limits import limit


@dataclass(frozen=True)
class VitalsLimits:
    """Thresholds at which somebody is called, and the clock of the readings."""

    alert_systolic: int = limit(
        180, "Call at a systolic pressure of", "mmHg", "POLICY", mark="UNVERIFIED", between=(140, 220)
    )
    alert_diastolic: int = limit(
        110, "Call at a diastolic pressure of", "mmHg", "POLICY", mark="UNVERIFIED", between=(90, 140)
    )
    repeat_pressure_minutes: int = limit(
        5, "Repeat a high pressure after", "min", "POLICY", mark="UNVERIFIED", between=(1, 15)
    )
    alert_spo2_below: int = limit(
        94, "Call below an oxygen saturation of", "%", "POLICY", mark="UNVERIFIED", between=(88, 97)
    )
    emergency_spo2_below: int = limit(
        90, "Emergency below an oxygen saturation of", "%", "POLICY", mark="UNVERIFIED", between=(80, 94)
    )
    alert_breathing_below: int = limit(
        10, "Call below a breathing rate of", "/min", "POLICY", mark="UNVERIFIED", between=(6, 14)
    )
    alert_heart_above: int = limit(
        120, "Call above a heart rate of", "/min", "POLICY", mark="UNVERIFIED", between=(90, 180)
    )
    alert_heart_below: int = limit(
        50, "Call below a heart rate of", "/min", "POLICY", mark="UNVERIFIED", between=(30, 60)
    )
    alert_sedation_at_most: int = limit(
        3, "Call at a sedation (MOAA/S) of or below", "steps", "POLICY", mark="UNVERIFIED", between=(2, 4)
    )
    emergency_sedation_at_most: int = limit(
        1,
        "Emergency at a sedation (MOAA/S) of or below",
        "steps",
        "POLICY",
        mark="UNVERIFIED",
        between=(0, 2),
    )
    fresh_minutes: int = limit(
        30, "A reading before the dose is at most this old", "min", "POLICY", between=(5, 60)
    )
    overdue_after_minutes: int = limit(5, "A due reading is overdue after", "min", "POLICY", between=(1, 15))


DEFAULT_VITALS_LIMITS = VitalsLimits()
