"""What speaks against an order: completeness, pairing of drug and route, amount, weight, spacing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sessions.dose.arithmetic import (
    DoseCalculation,
    DoseRequest,
    Weight,
    calculate,
    plain,
    rounded,
)
from sessions.dose.findings import DoseFinding, Level, ordered
from sessions.dose.limits import DEFAULT_DOSE_LIMITS, DoseLimits
from sessions.dose.products import (
    DILUTE_FROM_MG_PER_ML,
    DRUG_LABELS,
    ESKETAMINE_DOSES_MG,
    ROUTE_LABELS,
    ROUTES_OF_DRUG,
    RUNNING_ROUTES,
    WEIGHT_LIMITED_ROUTES,
    Drug,
    Route,
    Unit,
)


@dataclass(frozen=True)
class PriorDose:
    """An earlier dosing session in which something was given: D0, and T0 once it has ended (both aware)."""

    d0: datetime
    t0: datetime | None


@dataclass(frozen=True)
class OrderContext:
    """What is known when an order is written for a dose planned at `planned_at` (aware)."""

    planned_at: datetime
    ordered_on: date
    weight: Weight | None = None
    weight_at_last_order_kg: Decimal | None = None
    prior_doses: tuple[PriorDose, ...] = ()
    is_esketamine_for_trd: bool = False
    esketamine_doses_before: int = 0


def check_order(
    request: DoseRequest,
    context: OrderContext,
    limits: DoseLimits = DEFAULT_DOSE_LIMITS,
) -> tuple[DoseFinding, ...]:
    """Everything that speaks against writing this order, blocks first; all of it, never the first alone."""
    found = [
        *_check_completeness(request, context),
        *_check_pairing(request),
        *_check_amount(request, context, limits),
        *_check_weight(request, context, limits),
        *check_spacing(context.planned_at, context.prior_doses, limits),
    ]
    if request.is_supplemental:
        found.append(
            DoseFinding(
                "supplemental-dose",
                Level.WARN,
                "This is a supplemental dose within the session.",
                "POLICY",
                "is_supplemental",
            )
        )
    return ordered(found)


def _check_completeness(request: DoseRequest, context: OrderContext) -> Iterable[DoseFinding]:
    if request.drug is None:
        yield DoseFinding("drug-missing", Level.BLOCK, "Choose the drug.", "POLICY", "drug")
    if request.route is None:
        yield DoseFinding("route-missing", Level.BLOCK, "Choose the route.", "POLICY", "route")
    if request.amount is None:
        yield DoseFinding("amount-missing", Level.BLOCK, "Enter the amount.", "POLICY", "amount")
    elif request.amount <= 0:
        yield DoseFinding(
            "amount-not-positive",
            Level.BLOCK,
            "The amount must be more than nothing.",
            "POLICY",
            "amount",
        )
    if request.unit is None:
        yield DoseFinding(
            "unit-missing",
            Level.BLOCK,
            "Say whether the amount is mg or mg/kg.",
            "POLICY",
            "unit",
        )
    if request.unit is Unit.MG_PER_KG and context.weight is None:
        yield DoseFinding(
            "weight-missing",
            Level.BLOCK,
            "An order in mg/kg needs a weight: record one first.",
            "POLICY",
            "unit",
        )
    if (
        request.unit is not Unit.MG_PER_KG
        and request.route in WEIGHT_LIMITED_ROUTES
        and context.weight is None
    ):
        yield DoseFinding(
            "weight-missing",
            Level.BLOCK,
            "The limits of this route are in mg/kg and cannot be checked without a weight: record one first.",
            "POLICY",
            "amount",
        )
    if request.route in RUNNING_ROUTES and request.infusion_minutes is None:
        yield DoseFinding(
            "infusion-time-missing",
            Level.BLOCK,
            "Say over how many minutes the infusion runs.",
            "POLICY",
            "infusion_minutes",
        )
    elif request.infusion_minutes is not None and request.infusion_minutes <= 0:
        yield DoseFinding(
            "infusion-time-not-positive",
            Level.BLOCK,
            "The infusion must take at least one minute.",
            "POLICY",
            "infusion_minutes",
        )


def _check_pairing(request: DoseRequest) -> Iterable[DoseFinding]:
    if request.drug is None or request.route is None:
        return
    if request.route not in ROUTES_OF_DRUG[request.drug]:
        yield DoseFinding(
            "route-drug-mismatch",
            Level.BLOCK,
            f"{DRUG_LABELS[request.drug].capitalize()} is not given by the {ROUTE_LABELS[request.route]} route.",
            "Spravato label 2.1: nasal use only",
            "route",
        )
    if (
        request.route is Route.INTRAVENOUS
        and request.concentration_mg_per_ml is not None
        and request.concentration_mg_per_ml >= DILUTE_FROM_MG_PER_ML
        and request.diluted_to_ml is None
    ):
        yield DoseFinding(
            "undiluted-concentrate",
            Level.BLOCK,
            "100 mg/mL must be diluted before intravenous use: say to how many mL.",
            "Ketalar label 2",
            "diluted_to_ml",
        )


def _check_amount(request: DoseRequest, context: OrderContext, limits: DoseLimits) -> Iterable[DoseFinding]:
    weight_kg = None if context.weight is None else context.weight.kg
    calculation = calculate(request, weight_kg)
    if calculation is None or request.drug is None or request.route is None:
        return
    if request.drug is Drug.ESKETAMINE:
        yield from _check_esketamine(calculation, context)
        return
    match request.route:
        case Route.INTRAVENOUS:
            yield from _check_bounds(
                "IV",
                calculation.mg_per_kg,
                "mg/kg",
                limits.iv_warn_mg_per_kg,
                limits.iv_block_mg_per_kg,
            )
            if (
                request.infusion_minutes is not None
                and 0 < request.infusion_minutes < limits.iv_fastest_minutes
            ):
                yield DoseFinding(
                    "infusion-fast",
                    Level.WARN,
                    f"{request.infusion_minutes} min is faster than {limits.iv_fastest_minutes} min.",
                    "practice guide G1",
                    "infusion_minutes",
                )
        case Route.INTRAMUSCULAR:
            yield from _check_bounds(
                "IM",
                calculation.mg_per_kg,
                "mg/kg",
                limits.im_warn_mg_per_kg,
                limits.im_block_mg_per_kg,
            )
        case Route.SUBLINGUAL:
            yield from _check_bounds("SL", calculation.exact_mg, "mg", limits.sl_warn_mg, limits.sl_block_mg)
        case Route.ORAL:
            yield DoseFinding(
                "route-unusual",
                Level.WARN,
                "The oral route is unusual here: any use warns.",
                "POLICY",
                "route",
            )
            yield from _check_bounds("oral", calculation.exact_mg, "mg", None, limits.oral_block_mg)
        case Route.INTRANASAL:
            yield DoseFinding(
                "route-unusual",
                Level.WARN,
                "Compounded intranasal ketamine is unapproved: any use warns.",
                "FDA alerts 2022 and 2023 on compounded ketamine",
                "route",
            )
            yield from _check_bounds("IN", calculation.exact_mg, "mg", None, limits.in_block_mg)


def _check_bounds(
    route: str,
    value: Decimal | None,
    unit: str,
    warn_above: Decimal | None,
    block_above: Decimal,
) -> Iterable[DoseFinding]:
    if value is None:
        return
    shown = plain(rounded(value, Decimal("0.001")))
    if value > block_above:
        yield DoseFinding(
            "dose-above-limit",
            Level.BLOCK,
            f"{shown} {unit} {route} is above the clinic's limit of {plain(block_above)} {unit}.",
            "clinic setting",
            "amount",
        )
    elif warn_above is not None and value > warn_above:
        yield DoseFinding(
            "dose-high",
            Level.WARN,
            f"{shown} {unit} {route} is above the usual {plain(warn_above)} {unit}.",
            "clinic setting",
            "amount",
        )


def _check_esketamine(calculation: DoseCalculation, context: OrderContext) -> Iterable[DoseFinding]:
    if calculation.exact_mg not in ESKETAMINE_DOSES_MG:
        yield DoseFinding(
            "esketamine-dose",
            Level.BLOCK,
            "Esketamine is given as 56 mg or 84 mg: two or three devices of 28 mg.",
            "Spravato label 2.2, 2.3",
            "amount",
        )
    elif (
        calculation.exact_mg == ESKETAMINE_DOSES_MG[1]
        and context.is_esketamine_for_trd
        and context.esketamine_doses_before == 0
    ):
        yield DoseFinding(
            "esketamine-day-one",
            Level.WARN,
            "84 mg on day 1 for treatment-resistant depression: the label starts with 56 mg.",
            "Spravato label 2.2",
            "amount",
        )


def _check_weight(request: DoseRequest, context: OrderContext, limits: DoseLimits) -> Iterable[DoseFinding]:
    weight = context.weight
    counts = request.unit is Unit.MG_PER_KG or request.route in WEIGHT_LIMITED_ROUTES
    if weight is None or not counts:
        return
    age = (context.ordered_on - weight.measured_on).days
    if age > limits.weight_stale_days:
        yield DoseFinding(
            "weight-old",
            Level.WARN,
            f"The weight of {plain(weight.kg)} kg is {age} days old.",
            "POLICY",
            "unit",
        )
    before = context.weight_at_last_order_kg
    if before is not None and abs(weight.kg - before) * 100 > before * limits.weight_change_percent:
        yield DoseFinding(
            "weight-changed",
            Level.WARN,
            f"The weight changed from {plain(before)} kg at the last order to {plain(weight.kg)} kg:"
            f" more than {limits.weight_change_percent} %.",
            "POLICY",
            "unit",
        )


def check_spacing(
    planned_at: datetime,
    prior_doses: Sequence[PriorDose],
    limits: DoseLimits = DEFAULT_DOSE_LIMITS,
) -> tuple[DoseFinding, ...]:
    """Is `planned_at` far enough from earlier doses, and are they few enough? Elapsed hours, both aware.

    The gap runs from T0 of the last dose (from D0 while it has no T0); exactly the limit is far enough.
    A dose exactly seven days ago does not count among those of the seven days.
    """
    earlier = [dose for dose in prior_doses if dose.d0 <= planned_at]
    found: list[DoseFinding] = []
    if earlier:
        last_end = max(dose.t0 if dose.t0 is not None else dose.d0 for dose in earlier)
        gap = planned_at - last_end
        if gap < timedelta(hours=limits.hours_between_doses):
            hours = max(0, int(gap.total_seconds() // 3600))
            found.append(
                DoseFinding(
                    "dose-too-soon",
                    Level.BLOCK,
                    f"Only {hours} h after the last dose; the clinic asks for {limits.hours_between_doses} h.",
                    "POLICY",
                )
            )
    week = [dose for dose in earlier if planned_at - dose.d0 < timedelta(days=7)]
    count = len(week) + 1
    if count > limits.doses_in_seven_days:
        found.append(
            DoseFinding(
                "doses-in-week",
                Level.BLOCK,
                f"This would be dose {count} in seven days; the clinic allows {limits.doses_in_seven_days}.",
                "practice guide G0",
            )
        )
    elif count > limits.frequent_doses_a_week and earlier:
        first = min(dose.d0 for dose in earlier)
        if planned_at - first > timedelta(weeks=limits.frequent_after_weeks):
            found.append(
                DoseFinding(
                    "doses-frequent-late",
                    Level.WARN,
                    f"Dose {count} in seven days, more than {limits.frequent_after_weeks} weeks into the course.",
                    "APA consensus 2017, read second-hand",
                )
            )
    return tuple(found)
