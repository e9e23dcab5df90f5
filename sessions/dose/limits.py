"""Warn and block limits of a dose; each is a clinic setting."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sessions.limits import limit


@dataclass(frozen=True)
class DoseLimits:
    """Warn and block limits by route, spacing of doses, and how old a weight may be."""

    iv_warn_mg_per_kg: Decimal = limit(
        Decimal("0.75"),
        "Intravenous ketamine: warn above",
        "mg/kg",
        "Andrade 2017 (4): 0.1-0.75 mg/kg reported",
        mark="V",
        between=(Decimal("0.1"), Decimal(2)),
    )
    iv_block_mg_per_kg: Decimal = limit(
        Decimal("1.0"),
        "Intravenous ketamine: refuse above",
        "mg/kg",
        "POLICY; anaesthesia starts at 1 mg/kg (Ketalar label)",
        between=(Decimal("0.1"), Decimal(2)),
    )
    iv_fastest_minutes: int = limit(
        40,
        "Intravenous ketamine: warn when the infusion is shorter than",
        "min",
        "practice guide G1: 0.5 mg/kg over 40 min",
        mark="G",
        between=(2, 120),
    )
    im_warn_mg_per_kg: Decimal = limit(
        Decimal("1.2"),
        "Intramuscular ketamine: warn above",
        "mg/kg",
        "practice guide G1: 0.5-1.2 mg/kg",
        mark="G",
        between=(Decimal("0.1"), Decimal(4)),
    )
    im_block_mg_per_kg: Decimal = limit(
        Decimal("2.0"),
        "Intramuscular ketamine: refuse above",
        "mg/kg",
        "POLICY; anaesthesia starts at 6.5 mg/kg (Ketalar label)",
        between=(Decimal("0.1"), Decimal(4)),
    )
    sl_warn_mg: Decimal = limit(
        Decimal(300),
        "Sublingual ketamine: warn above",
        "mg",
        "practice guide G1: 100-300 mg",
        mark="G",
        between=(Decimal(25), Decimal(600)),
    )
    sl_block_mg: Decimal = limit(
        Decimal(400),
        "Sublingual ketamine: refuse above",
        "mg",
        "POLICY; 100-400 mg reported by a training centre",
        between=(Decimal(25), Decimal(600)),
    )
    oral_block_mg: Decimal = limit(
        Decimal(300),
        "Oral ketamine: refuse above (any use warns)",
        "mg",
        "POLICY; 25-300 mg reported (Andrade 2019)",
        between=(Decimal(25), Decimal(600)),
    )
    in_block_mg: Decimal = limit(
        Decimal(150),
        "Compounded intranasal ketamine: refuse above (any use warns)",
        "mg",
        "POLICY; FDA alerts 2022 and 2023 on compounded ketamine",
        between=(Decimal(25), Decimal(300)),
    )
    device_interval_minutes: int = limit(
        5, "Esketamine: rest between two devices", "min", "Spravato label 2.4", mark="V", between=(5, 30)
    )
    weight_stale_days: int = limit(30, "Weight: warn when older than", "days", "POLICY", between=(1, 365))
    weight_change_percent: int = limit(
        10, "Weight: warn when it changed since the last order by more than", "%", "POLICY", between=(1, 50)
    )
    hours_between_doses: int = limit(
        24, "Refuse a dose sooner after the last one than", "h", "POLICY", between=(4, 336)
    )
    doses_in_seven_days: int = limit(
        3,
        "Refuse more doses in seven days than",
        "doses",
        "practice guide G0: at most three a week in induction",
        mark="G",
        between=(1, 7),
    )
    frequent_doses_a_week: int = limit(
        2,
        "Late in a course, warn above this many doses in seven days",
        "doses",
        "APA consensus 2017, read second-hand",
        mark="V",
        between=(1, 7),
    )
    frequent_after_weeks: int = limit(
        8,
        "A course counts as late after",
        "weeks",
        "APA consensus 2017, read second-hand",
        mark="V",
        between=(1, 52),
    )


DEFAULT_DOSE_LIMITS = DoseLimits()
