"""What an order is written from: weights, earlier doses, the order in force."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from screening.models import ScreeningVitals
from sessions.dose import Drug, PriorDose, Weight
from sessions.models import (
    Administration,
    CheckIn,
    DoseOrder,
    DosingSession,
)
from sessions.vitals import (
    NO_HOLD,
    HoldParameters,
)


def latest_weight(session: DosingSession) -> Weight | None:
    """The patient's newest weight from a check-in or from screening, dated in the clinic's zone."""
    patient_id = session.episode.patient_id
    found = [
        CheckIn.objects.current()
        .filter(session__episode__patient_id=patient_id, weight_kg__isnull=False)
        .order_by("-at")
        .values_list("at", "weight_kg")
        .first(),
        ScreeningVitals.objects.current()
        .filter(episode__patient_id=patient_id, weight_kg__isnull=False)
        .order_by("-taken_at")
        .values_list("taken_at", "weight_kg")
        .first(),
    ]
    newest = max((entry for entry in found if entry is not None), default=None)
    if newest is None:
        return None
    at, kg = newest
    assert kg is not None
    return Weight(kg, at.astimezone(session.clinic.zone).date())


def weight_at_last_order(session: DosingSession) -> Decimal | None:
    """The weight that the last order of an earlier session counted with."""
    return (
        DoseOrder.objects.standing()
        .filter(session__episode__patient_id=session.episode.patient_id, weight_kg__isnull=False)
        .exclude(session=session)
        .order_by("-ordered_at")
        .values_list("weight_kg", flat=True)
        .first()
    )


def prior_doses(session: DosingSession) -> tuple[PriorDose, ...]:
    """D0 and T0 of the patient's other dosing sessions, in whatever episode they were."""
    others = (
        DosingSession.objects.standing()
        .filter(episode__patient_id=session.episode.patient_id)
        .exclude(pk=session.pk)
        .with_anchors()
        .filter(d0_at__isnull=False)
        .values_list("d0_at", "last_end_at", "running_count")
    )
    return tuple(
        PriorDose(d0, end if running == 0 else None) for d0, end, running in others if d0 is not None
    )


def dose_count(session: DosingSession, *, drug: Drug) -> int:
    """In how many other sessions of the episode `drug` was given."""
    return (
        Administration.objects.current()
        .filter(session__episode_id=session.episode_id, drug=drug.value)
        .exclude(session=session)
        .values("session")
        .distinct()
        .count()
    )


def active_order(session: DosingSession, *, at: datetime | None = None) -> DoseOrder | None:
    """The order in force (the first one, not a supplemental), or the one that was at `at`."""
    orders = session.doseorders.active() if at is None else session.doseorders.in_force_at(at)
    return orders.order_by("is_supplemental", "ordered_at").first()


def hold_of(session: DosingSession, *, at: datetime | None = None) -> HoldParameters:
    """The limits of the order in force, or of the one that was at `at`."""
    order = active_order(session, at=at)
    return NO_HOLD if order is None else order.hold


def order_to_repeat(session: DosingSession) -> DoseOrder | None:
    """The last order of an earlier session of the episode, to start a new one from."""
    return (
        DoseOrder.objects.standing()
        .filter(
            session__episode_id=session.episode_id,
            cancelled_at__isnull=True,
            superseded_at__isnull=True,
            is_supplemental=False,
        )
        .exclude(session=session)
        .order_by("-ordered_at")
        .first()
    )
