"""From an order to milligrams, millilitres and rates, with every step written down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from sessions.dose.products import (
    ESKETAMINE_DEVICE_MG,
    RUNNING_ROUTES,
    SALT_RATIO,
    Drug,
    Route,
    Salt,
    Unit,
    base_of,
    hydrochloride_of,
)

DOSE_STEP_MG = Decimal("0.1")
VOLUME_STEP_ML = Decimal("0.01")
RATE_STEP = Decimal("0.1")
PER_KG_STEP = Decimal("0.01")
ROUNDING_RULE = "Dose rounded to 0.1 mg, volume to 0.01 mL, rates to 0.1; halves go up. Limits are checked before rounding."


@dataclass(frozen=True)
class Weight:
    kg: Decimal
    measured_on: date


@dataclass(frozen=True)
class DoseRequest:
    """What a prescriber writes. `amount` counts `unit`, and milligrams of `salt` where it is a salt.

    `concentration_mg_per_ml` is of base, in the vial; `diluted_to_ml` the volume that is infused in the end.
    """

    drug: Drug | None
    route: Route | None
    amount: Decimal | None
    unit: Unit | None
    salt: Salt = Salt.BASE
    concentration_mg_per_ml: Decimal | None = None
    diluted_to_ml: Decimal | None = None
    infusion_minutes: int | None = None
    is_supplemental: bool = False


@dataclass(frozen=True)
class DoseCalculation:
    """What follows from a request. `steps` are the sentences that a person can check by hand."""

    exact_mg: Decimal
    dose_mg: Decimal
    mg_per_kg: Decimal | None
    hydrochloride_mg: Decimal
    volume_ml: Decimal | None
    rate_mg_per_min: Decimal | None
    rate_ml_per_hour: Decimal | None
    devices: int | None
    steps: tuple[str, ...]

    @property
    def shown_mg_per_kg(self) -> Decimal | None:
        """Milligrams per kilogram, rounded for reading; never used in a comparison."""
        return None if self.mg_per_kg is None else rounded(self.mg_per_kg, PER_KG_STEP)


def rounded(value: Decimal, step: Decimal) -> Decimal:
    """`value` to the nearest `step`, halves away from zero."""
    return (value / step).quantize(Decimal(1), rounding=ROUND_HALF_UP) * step


def plain(value: Decimal) -> str:
    """A decimal without trailing zeros or an exponent: 34.0 -> 34, 0.50 -> 0.5."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def calculate(request: DoseRequest, weight_kg: Decimal | None) -> DoseCalculation | None:
    """The arithmetic of a request, step by step; None while something that it needs is missing."""
    if request.drug is None or request.route is None or request.amount is None or request.unit is None:
        return None
    if request.amount <= 0:
        return None
    if request.unit is Unit.MG_PER_KG and weight_kg is None:
        return None
    steps: list[str] = []
    amount = request.amount
    if request.unit is Unit.MG_PER_KG and weight_kg is not None:
        exact = amount * weight_kg
        steps.append(f"{plain(amount)} mg/kg × {plain(weight_kg)} kg = {plain(exact)} mg")
    else:
        exact = amount
    if request.salt is Salt.HYDROCHLORIDE:
        as_salt, exact = exact, base_of(request.drug, exact)
        salt, base = SALT_RATIO[request.drug]
        steps.append(
            f"{plain(as_salt)} mg hydrochloride × {plain(base)}/{plain(salt)}"
            f" = {plain(rounded(exact, Decimal('0.001')))} mg base"
        )
    dose = rounded(exact, DOSE_STEP_MG)
    if dose != exact:
        steps.append(f"rounded to {plain(dose)} mg")
    per_kg: Decimal | None = None
    if weight_kg is not None and weight_kg > 0:
        per_kg = exact / weight_kg
        if request.unit is Unit.MG:
            steps.append(
                f"{plain(dose)} mg ÷ {plain(weight_kg)} kg = {plain(rounded(per_kg, PER_KG_STEP))} mg/kg"
            )
    volume: Decimal | None = None
    if request.concentration_mg_per_ml is not None and request.concentration_mg_per_ml > 0:
        volume = rounded(dose / request.concentration_mg_per_ml, VOLUME_STEP_ML)
        steps.append(
            f"{plain(dose)} mg ÷ {plain(request.concentration_mg_per_ml)} mg/mL = {plain(volume)} mL"
        )
    rate_mg: Decimal | None = None
    rate_ml: Decimal | None = None
    if (
        request.route in RUNNING_ROUTES
        and request.infusion_minutes is not None
        and request.infusion_minutes > 0
    ):
        rate_mg = rounded(dose / request.infusion_minutes, PER_KG_STEP)
        steps.append(f"{plain(dose)} mg ÷ {request.infusion_minutes} min = {plain(rate_mg)} mg/min")
        infused = request.diluted_to_ml if request.diluted_to_ml is not None else volume
        if infused is not None:
            rate_ml = rounded(infused * 60 / request.infusion_minutes, RATE_STEP)
            steps.append(f"{plain(infused)} mL ÷ {request.infusion_minutes} min × 60 = {plain(rate_ml)} mL/h")
    devices: int | None = None
    if request.drug is Drug.ESKETAMINE and dose % ESKETAMINE_DEVICE_MG == 0:
        devices = int(dose / ESKETAMINE_DEVICE_MG)
        steps.append(f"{plain(dose)} mg = {devices} × {plain(ESKETAMINE_DEVICE_MG)} mg devices")
    return DoseCalculation(
        exact_mg=exact,
        dose_mg=dose,
        mg_per_kg=per_kg,
        hydrochloride_mg=rounded(hydrochloride_of(request.drug, dose), DOSE_STEP_MG),
        volume_ml=volume,
        rate_mg_per_min=rate_mg,
        rate_ml_per_hour=rate_ml,
        devices=devices,
        steps=tuple(steps),
    )
