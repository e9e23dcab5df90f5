"""Warn and block limits of a dose; each is a clinic setting."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from sessions.limits import limit


@dataclass(frozen=True)
class DoseLimits:
    """Warn and block limits by route, spacing of doses, and how old a weight may be."""

    iv_warn_mg_per_kg: Decimal = field(
        default=Decimal("0.75"),
        metadata=limit(
            label="Intravenous ketamine: warn above",
            unit="mg/kg",
            source="Andrade 2017 (4): 0.1-0.75 mg/kg reported",
            mark="V",
            minimum=Decimal("0.1"),
            maximum=Decimal(2),
        ),
    )
    iv_block_mg_per_kg: Decimal = field(
        default=Decimal("1.0"),
        metadata=limit(
            label="Intravenous ketamine: refuse above",
            unit="mg/kg",
            source="POLICY; anaesthesia starts at 1 mg/kg (Ketalar label)",
            minimum=Decimal("0.1"),
            maximum=Decimal(2),
        ),
    )
    iv_fastest_minutes: int = field(
        default=40,
        metadata=limit(
            label="Intravenous ketamine: warn when the infusion is shorter than",
            unit="min",
            source="practice guide G1: 0.5 mg/kg over 40 min",
            mark="G",
            minimum=2,
            maximum=120,
        ),
    )
    im_warn_mg_per_kg: Decimal = field(
        default=Decimal("1.2"),
        metadata=limit(
            label="Intramuscular ketamine: warn above",
            unit="mg/kg",
            source="practice guide G1: 0.5-1.2 mg/kg",
            mark="G",
            minimum=Decimal("0.1"),
            maximum=Decimal(4),
        ),
    )
    im_block_mg_per_kg: Decimal = field(
        default=Decimal("2.0"),
        metadata=limit(
            label="Intramuscular ketamine: refuse above",
            unit="mg/kg",
            source="POLICY; anaesthesia starts at 6.5 mg/kg (Ketalar label)",
            minimum=Decimal("0.1"),
            maximum=Decimal(4),
        ),
    )
    sl_warn_mg: Decimal = field(
        default=Decimal(300),
        metadata=limit(
            label="Sublingual ketamine: warn above",
            unit="mg",
            source="practice guide G1: 100-300 mg",
            mark="G",
            minimum=Decimal(25),
            maximum=Decimal(600),
        ),
    )
    sl_block_mg: Decimal = field(
        default=Decimal(400),
        metadata=limit(
            label="Sublingual ketamine: refuse above",
            unit="mg",
            source="POLICY; 100-400 mg reported by a training centre",
            minimum=Decimal(25),
            maximum=Decimal(600),
        ),
    )
    oral_block_mg: Decimal = field(
        default=Decimal(300),
        metadata=limit(
            label="Oral ketamine: refuse above (any use warns)",
            unit="mg",
            source="POLICY; 25-300 mg reported (Andrade 2019)",
            minimum=Decimal(25),
            maximum=Decimal(600),
        ),
    )
    in_block_mg: Decimal = field(
        default=Decimal(150),
        metadata=limit(
            label="Compounded intranasal ketamine: refuse above (any use warns)",
            unit="mg",
            source="POLICY; FDA alerts 2022 and 2023 on compounded ketamine",
            minimum=Decimal(25),
            maximum=Decimal(300),
        ),
    )
    device_interval_minutes: int = field(
        default=5,
        metadata=limit(
            label="Esketamine: rest between two devices",
            unit="min",
            source="Spravato label 2.4",
            mark="V",
            minimum=5,
            maximum=30,
        ),
    )
    weight_stale_days: int = field(
        default=30,
        metadata=limit(
            label="Weight: warn when older than",
            unit="days",
            source="POLICY",
            minimum=1,
            maximum=365,
        ),
    )
    weight_change_percent: int = field(
        default=10,
        metadata=limit(
            label="Weight: warn when it changed since the last order by more than",
            unit="%",
            source="POLICY",
            minimum=1,
            maximum=50,
        ),
    )
    hours_between_doses: int = field(
        default=24,
        metadata=limit(
            label="Refuse a dose sooner after the last one than",
            unit="h",
            source="POLICY",
            minimum=4,
            maximum=336,
        ),
    )
    doses_in_seven_days: int = field(
        default=3,
        metadata=limit(
            label="Refuse more doses in seven days than",
            unit="doses",
            source="practice guide G0: at most three a week in induction",
            mark="G",
            minimum=1,
            maximum=7,
        ),
    )
    frequent_doses_a_week: int = field(
        default=2,
        metadata=limit(
            label="Late in a course, warn above this many doses in seven days",
            unit="doses",
            source="APA consensus 2017, read second-hand",
            mark="V",
            minimum=1,
            maximum=7,
        ),
    )
    frequent_after_weeks: int = field(
        default=8,
        metadata=limit(
            label="A course counts as late after",
            unit="weeks",
            source="APA consensus 2017, read second-hand",
            mark="V",
            minimum=1,
            maximum=52,
        ),
    )


DEFAULT_DOSE_LIMITS = DoseLimits()
