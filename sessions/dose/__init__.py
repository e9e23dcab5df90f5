"""Dose arithmetic and the rules that an order and a start must pass.

Amounts are milligrams of ketamine or esketamine *base*; weights kilograms; concentrations milligrams of base
per millilitre; durations minutes. Rules refuse ordering and starting. They never refuse recording: what was
given is judged by `deviations_of`, which marks it, and only by `impossibilities_of`, which names values that
no patient can have received.
"""

from sessions.dose.arithmetic import (
    ROUNDING_RULE,
    DoseCalculation,
    DoseRequest,
    Weight,
    calculate,
    plain,
    rounded,
)
from sessions.dose.findings import DoseFinding, Level
from sessions.dose.giving import ActiveOrder, Given, deviations_of, impossibilities_of
from sessions.dose.limits import DEFAULT_DOSE_LIMITS, DoseLimits
from sessions.dose.ordering import OrderContext, PriorDose, check_order, check_spacing
from sessions.dose.products import (
    DRUG_LABELS,
    ESKETAMINE_DEVICE_MG,
    ROUTE_LABELS,
    ROUTE_SHORT,
    RUNNING_ROUTES,
    Drug,
    Route,
    Salt,
    Unit,
    base_of,
    hydrochloride_of,
    planned_duration,
)

__all__ = [
    "DEFAULT_DOSE_LIMITS",
    "DRUG_LABELS",
    "ESKETAMINE_DEVICE_MG",
    "ROUNDING_RULE",
    "ROUTE_LABELS",
    "ROUTE_SHORT",
    "RUNNING_ROUTES",
    "ActiveOrder",
    "DoseCalculation",
    "DoseFinding",
    "DoseLimits",
    "DoseRequest",
    "Drug",
    "Given",
    "Level",
    "OrderContext",
    "PriorDose",
    "Route",
    "Salt",
    "Unit",
    "Weight",
    "base_of",
    "calculate",
    "check_order",
    "check_spacing",
    "deviations_of",
    "hydrochloride_of",
    "impossibilities_of",
    "plain",
    "planned_duration",
    "rounded",
]
