"""What is given and how: drugs, routes, salts and the constants of their labels."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from enum import StrEnum


class Drug(StrEnum):
    KETAMINE = "ketamine"
    ESKETAMINE = "esketamine"


class Route(StrEnum):
    INTRAVENOUS = "iv"
    INTRAMUSCULAR = "im"
    SUBLINGUAL = "sl"
    ORAL = "oral"
    INTRANASAL = "in"


class Unit(StrEnum):
    MG = "mg"
    MG_PER_KG = "mg/kg"


class Salt(StrEnum):
    """What the label of the product counts: the base, or the hydrochloride that carries it."""

    BASE = "base"
    HYDROCHLORIDE = "hydrochloride"


DRUG_LABELS = {Drug.KETAMINE: "ketamine (racemic)", Drug.ESKETAMINE: "esketamine"}
ROUTE_LABELS = {
    Route.INTRAVENOUS: "intravenous",
    Route.INTRAMUSCULAR: "intramuscular",
    Route.SUBLINGUAL: "sublingual",
    Route.ORAL: "oral",
    Route.INTRANASAL: "intranasal",
}
ROUTE_SHORT = {
    Route.INTRAVENOUS: "IV",
    Route.INTRAMUSCULAR: "IM",
    Route.SUBLINGUAL: "SL",
    Route.ORAL: "oral",
    Route.INTRANASAL: "IN",
}

# Esketamine exists as a nasal spray alone (Spravato label 2.1); racemic ketamine is compounded for the rest.
ROUTES_OF_DRUG = {
    Drug.KETAMINE: frozenset(Route),
    Drug.ESKETAMINE: frozenset({Route.INTRANASAL}),
}
# Routes whose limits are counted per kilogram of body weight.
WEIGHT_LIMITED_ROUTES = frozenset({Route.INTRAVENOUS, Route.INTRAMUSCULAR})
# Routes that run for a while; the others are given in a moment, which is then start and end.
RUNNING_ROUTES = frozenset({Route.INTRAVENOUS})

# (mg hydrochloride, mg base that it carries): Ketalar monograph; Spravato label 3.
SALT_RATIO = {
    Drug.KETAMINE: (Decimal("57.67"), Decimal(50)),
    Drug.ESKETAMINE: (Decimal("32.3"), Decimal(28)),
}

ESKETAMINE_DEVICE_MG = Decimal(28)  # Spravato label 3
ESKETAMINE_DOSES_MG = (Decimal(56), Decimal(84))  # Spravato label 2.2, 2.3
DILUTE_FROM_MG_PER_ML = Decimal(100)  # Ketalar label: 100 mg/mL is not injected undiluted


def hydrochloride_of(drug: Drug, base_mg: Decimal) -> Decimal:
    """Milligrams of hydrochloride that carry `base_mg` of base."""
    salt, base = SALT_RATIO[drug]
    return base_mg * salt / base


def base_of(drug: Drug, hydrochloride_mg: Decimal) -> Decimal:
    """Milligrams of base in `hydrochloride_mg`."""
    salt, base = SALT_RATIO[drug]
    return hydrochloride_mg * base / salt


def planned_duration(route: Route, infusion_minutes: int | None) -> timedelta:
    """How long the administration itself is meant to last; nothing for what is given in a moment."""
    if route in RUNNING_ROUTES and infusion_minutes is not None:
        return timedelta(minutes=infusion_minutes)
    return timedelta(0)
