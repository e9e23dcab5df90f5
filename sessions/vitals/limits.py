"""Thresholds at which somebody is called; each is a clinic setting."""

from __future__ import annotations

from dataclasses import dataclass, field

from sessions.limits import limit


@dataclass(frozen=True)
class VitalsLimits:
    """Thresholds at which somebody is called, and the clock of the readings."""

    alert_systolic: int = field(
        default=180,
        metadata=limit(
            label="Call at a systolic pressure of",
            unit="mmHg",
            source="POLICY",
            mark="UNVERIFIED",
            minimum=140,
            maximum=220,
        ),
    )
    alert_diastolic: int = field(
        default=110,
        metadata=limit(
            label="Call at a diastolic pressure of",
            unit="mmHg",
            source="POLICY",
            mark="UNVERIFIED",
            minimum=90,
            maximum=140,
        ),
    )
    repeat_pressure_minutes: int = field(
        default=5,
        metadata=limit(
            label="Repeat a high pressure after",
            unit="min",
            source="POLICY",
            mark="UNVERIFIED",
            minimum=1,
            maximum=15,
        ),
    )
    alert_spo2_below: int = field(
        default=94,
        metadata=limit(
            label="Call below an oxygen saturation of",
            unit="%",
            source="POLICY",
            mark="UNVERIFIED",
            minimum=88,
            maximum=97,
        ),
    )
    emergency_spo2_below: int = field(
        default=90,
        metadata=limit(
            label="Emergency below an oxygen saturation of",
            unit="%",
            source="POLICY",
            mark="UNVERIFIED",
            minimum=80,
            maximum=94,
        ),
    )
    alert_breathing_below: int = field(
        default=10,
        metadata=limit(
            label="Call below a breathing rate of",
            unit="/min",
            source="POLICY",
            mark="UNVERIFIED",
            minimum=6,
            maximum=14,
        ),
    )
    alert_heart_above: int = field(
        default=120,
        metadata=limit(
            label="Call above a heart rate of",
            unit="/min",
            source="POLICY",
            mark="UNVERIFIED",
            minimum=90,
            maximum=180,
        ),
    )
    alert_heart_below: int = field(
        default=50,
        metadata=limit(
            label="Call below a heart rate of",
            unit="/min",
            source="POLICY",
            mark="UNVERIFIED",
            minimum=30,
            maximum=60,
        ),
    )
    alert_sedation_at_most: int = field(
        default=3,
        metadata=limit(
            label="Call at a sedation (MOAA/S) of or below",
            unit="steps",
            source="POLICY",
            mark="UNVERIFIED",
            minimum=2,
            maximum=4,
        ),
    )
    emergency_sedation_at_most: int = field(
        default=1,
        metadata=limit(
            label="Emergency at a sedation (MOAA/S) of or below",
            unit="steps",
            source="POLICY",
            mark="UNVERIFIED",
            minimum=0,
            maximum=2,
        ),
    )
    fresh_minutes: int = field(
        default=30,
        metadata=limit(
            label="A reading before the dose is at most this old",
            unit="min",
            source="POLICY",
            minimum=5,
            maximum=60,
        ),
    )
    overdue_after_minutes: int = field(
        default=5,
        metadata=limit(
            label="A due reading is overdue after",
            unit="min",
            source="POLICY",
            minimum=1,
            maximum=15,
        ),
    )


DEFAULT_VITALS_LIMITS = VitalsLimits()
