"""In what an administration departs from its order and from the rules, and what cannot be."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from episodes import guards
from episodes.guards import GuardContext
from episodes.sharing import as_kept
from kapclinic.accounts.models import Role
from kapclinic.clinics.refusals import Reason
from sessions import selectors
from sessions.clinical_settings import settings_in_force
from sessions.dose import (
    ActiveOrder,
    DoseFinding,
    deviations_of,
    impossibilities_of,
)
from sessions.models import (
    DoseOrder,
    DosingSession,
)
from sessions.models.orders import OrderQuerySet
from sessions.services.giving.details import GivenDetails

ORDERED_LATER = {"code": "ordered-later", "text": "The order was written after the dose had begun."}

# What is known at the door and before the dose: a record that is written afterwards gets it line by line, in any order.
_CHARTED_BESIDE = ("missing-day:", "finding-DAY-VITALS-MISSING")


def what_speaks_against(
    session: DosingSession, at: datetime, roles: frozenset[Role] = frozenset()
) -> list[Reason]:
    """What no written reason could have passed for a first dose that began at `at`, as the record stands now.

    It is kept with the dose, so that it names nothing that a sharing consent can withhold.
    """
    context = GuardContext("dose.start", session.episode, at, roles, subject=session)
    return [reason for reason in as_kept(guards.reasons(context)) if reason.is_hard]


def may_still_be_charted(reason: Reason) -> bool:
    """Whether a reason says only that something of the day has not been written down."""
    return reason.code.startswith(_CHARTED_BESIDE)


def as_code(found: DoseFinding | Reason) -> dict[str, str]:
    """How a row keeps a departure."""
    return {"code": found.code, "text": found.text}


def judge_administration(
    session: DosingSession, details: GivenDetails, *, order: DoseOrder | None, leaving_out: Any = None
) -> tuple[DoseFinding, ...]:
    """In what an administration departs from order and rules; `leaving_out` is the row that it would replace."""
    others = session.administrations.current()
    if leaving_out is not None:
        others = others.exclude(pk=leaving_out.pk)
    before = Decimal(0)
    if order is not None:
        before = others.filter(order=order).aggregate(total=Sum("amount_mg"))["total"] or Decimal(0)
    starts = list(others.values_list("started_at", flat=True))
    return deviations_of(
        details.given(),
        order=None if order is None else ActiveOrder(order.drug_value, order.route_value, order.dose_mg),
        given_before_mg=before,
        given_on=details.started_at.astimezone(session.clinic.zone).date(),
        earlier_devices_at=starts,
        prior_doses=selectors.prior_doses(session),
        is_first_of_session=not starts,
        limits=settings_in_force(session.clinic).dose,
    )


def order_for(details: GivenDetails, orders: OrderQuerySet) -> DoseOrder | None:
    """The one of `orders` that this administration belongs to: one of the same drug and route before any other."""
    active = list(orders.order_by("ordered_at"))
    fitting = [
        order for order in active if order.drug_value is details.drug and order.route_value is details.route
    ]
    for order in fitting:
        covered = order.administrations.current().aggregate(total=Sum("amount_mg"))["total"] or Decimal(0)
        if covered < order.dose_mg:
            return order
    if fitting:
        return fitting[-1]
    return active[-1] if active else None


def impossible(details: GivenDetails, now: datetime) -> list[Reason]:
    """What cannot be true at `now`, and what an end does not say."""
    reasons = [Reason(each.code, each.text, each.field) for each in impossibilities_of(details.given(), now)]
    if details.ended_at is not None and details.amount_mg is None:
        reasons.append(Reason("amount-missing", "Enter how much was given.", "amount_mg"))
    if details.stopped_early and not details.stop_reason.strip():
        reasons.append(Reason("stop-reason", "Say why it was stopped early.", "stop_reason"))
    return reasons
