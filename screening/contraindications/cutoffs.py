"""The numbers of the contraindication rules, each with its unit and where it comes from.

The defaults are those of the sources named beside them. A clinic's own values are passed in; the
rules never read a setting by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

ADULT_AGE_YEARS = 18
"""Spravato label: not approved in paediatric patients. Policy block for an adult clinic."""


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """Limits used by the rules. Every comparison says in its rule whether the limit itself fires."""

    recent_stroke_days: int = 90  # days; POLICY (UK Ketalar SPC names the condition, not the time)
    recent_infarction_days: int = 90  # days; POLICY
    pregnancy_test_days: int = 7  # days before the first dose; POLICY
    childbearing_age_from: int = 12  # years, included; POLICY
    childbearing_age_to: int = 55  # years, included; POLICY
    pressure_systolic: int = 140  # mmHg, must be exceeded; Spravato label 5.6 "as a general guide"
    pressure_diastolic: int = 90  # mmHg, must be exceeded; Spravato label 5.6
    crisis_systolic: int = 180  # mmHg, fires at the limit; POLICY (UNVERIFIED)
    crisis_diastolic: int = 120  # mmHg, fires at the limit; POLICY (UNVERIFIED)
    pressure_lookback_days: int = 180  # days of screening readings that count; POLICY
    spo2_percent: int = 94  # per cent on room air, fires below; POLICY (UNVERIFIED)
    vitals_minutes: int = 30  # minutes before the dose; POLICY
    food_minutes: int = 120  # minutes, fires below; Spravato label
    drink_minutes: int = 30  # minutes, fires below; Spravato label
    audit_c_male: int = 4  # points, fires at the limit; LOINC 75626-2
    audit_c_other: int = 3  # points for female, other and unknown; LOINC 75626-2
