"""What was given: the impossible is refused, every departure from order and rules is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sessions.dose.arithmetic import plain
from sessions.dose.findings import DoseFinding, Level, ordered
from sessions.dose.limits import DEFAULT_DOSE_LIMITS, DoseLimits
from sessions.dose.ordering import PriorDose, check_spacing
from sessions.dose.products import (
    DRUG_LABELS,
    ROUTE_LABELS,
    ROUTES_OF_DRUG,
    Drug,
    Route,
)


@dataclass(frozen=True)
class ActiveOrder:
    """The order in force, as the rules see it."""

    drug: Drug
    route: Route
    dose_mg: Decimal


@dataclass(frozen=True)
class Given:
    """One administration as somebody wants to start or record it. Times aware; `amount_mg` of base."""

    drug: Drug
    route: Route
    amount_mg: Decimal | None
    started_at: datetime
    ended_at: datetime | None = None
    expires_on: date | None = None
    stopped_early: bool = False


def impossibilities_of(given: Given, now: datetime) -> tuple[DoseFinding, ...]:
    """Values that cannot be true. These alone keep an administration from being recorded."""
    found: list[DoseFinding] = []
    if given.amount_mg is not None and given.amount_mg <= 0:
        found.append(
            DoseFinding(
                "amount-not-positive",
                Level.BLOCK,
                "Nothing given is not an administration.",
                "",
                "amount_mg",
            )
        )
    if given.started_at > now:
        found.append(
            DoseFinding(
                "start-in-future",
                Level.BLOCK,
                "The start lies in the future.",
                "",
                "started_at",
            )
        )
    if given.ended_at is not None:
        if given.ended_at > now:
            found.append(
                DoseFinding(
                    "end-in-future",
                    Level.BLOCK,
                    "The end lies in the future.",
                    "",
                    "ended_at",
                )
            )
        if given.ended_at < given.started_at:
            found.append(
                DoseFinding(
                    "end-before-start",
                    Level.BLOCK,
                    "The end lies before the start.",
                    "",
                    "ended_at",
                )
            )
    return tuple(found)


def deviations_of(
    given: Given,
    *,
    order: ActiveOrder | None,
    given_before_mg: Decimal,
    given_on: date,
    earlier_devices_at: Sequence[datetime] = (),
    prior_doses: Sequence[PriorDose] = (),
    is_first_of_session: bool,
    limits: DoseLimits = DEFAULT_DOSE_LIMITS,
) -> tuple[DoseFinding, ...]:
    """In what an administration departs from its order and from the rules.

    Before a start they are reasons to refuse it; afterwards they mark the record. `given_before_mg` is what
    the same order has already covered; `given_on` the clinic's date of the start; `earlier_devices_at` the
    starts of other administrations of this session. Findings of level BLOCK are deviations; WARN asks for
    a look.
    """
    found: list[DoseFinding] = []
    if order is None:
        found.append(DoseFinding("no-order", Level.BLOCK, "There is no active order.", "POLICY"))
    else:
        if given.drug is not order.drug:
            found.append(
                DoseFinding(
                    "drug-differs",
                    Level.BLOCK,
                    f"{DRUG_LABELS[order.drug].capitalize()} was ordered, not {DRUG_LABELS[given.drug]}.",
                    "POLICY",
                    "drug",
                )
            )
        if given.route is not order.route:
            found.append(
                DoseFinding(
                    "route-differs",
                    Level.BLOCK,
                    f"The {ROUTE_LABELS[order.route]} route was ordered, not the {ROUTE_LABELS[given.route]} one.",
                    "POLICY",
                    "route",
                )
            )
        if given.amount_mg is not None:
            total = given_before_mg + given.amount_mg
            if total > order.dose_mg:
                found.append(
                    DoseFinding(
                        "more-than-ordered",
                        Level.BLOCK,
                        f"{plain(total)} mg altogether is more than the ordered {plain(order.dose_mg)} mg.",
                        "POLICY",
                        "amount_mg",
                    )
                )
            elif given.stopped_early and total < order.dose_mg:
                found.append(
                    DoseFinding(
                        "less-than-ordered",
                        Level.BLOCK,
                        f"Stopped at {plain(total)} mg of the ordered {plain(order.dose_mg)} mg.",
                        "POLICY",
                        "amount_mg",
                    )
                )
    if given.route not in ROUTES_OF_DRUG[given.drug]:
        found.append(
            DoseFinding(
                "route-drug-mismatch",
                Level.BLOCK,
                f"{DRUG_LABELS[given.drug].capitalize()} is not given by the {ROUTE_LABELS[given.route]} route.",
                "Spravato label 2.1: nasal use only",
                "route",
            )
        )
    if given.expires_on is not None and given.expires_on < given_on:
        found.append(
            DoseFinding(
                "expired",
                Level.BLOCK,
                f"The product expired on {given.expires_on.isoformat()}.",
                "POLICY",
                "expires_on",
            )
        )
    if given.drug is Drug.ESKETAMINE:
        gap = timedelta(minutes=limits.device_interval_minutes)
        if any(abs(given.started_at - other) < gap for other in earlier_devices_at):
            found.append(
                DoseFinding(
                    "devices-too-close",
                    Level.BLOCK,
                    f"Less than {limits.device_interval_minutes} min between two devices.",
                    "Spravato label 2.4",
                    "started_at",
                )
            )
    if is_first_of_session:
        found.extend(check_spacing(given.started_at, prior_doses, limits))
    return ordered(found)
