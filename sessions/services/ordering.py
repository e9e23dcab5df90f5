"""Orders: written by a prescriber, or by telephone with read-back and countersigned later."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from episodes import guards
from episodes.guards import GuardContext
from episodes.models import Indication
from episodes.services import record_event
from kapclinic.accounts.models import Membership, Role, User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.notices.services import close_task
from screening.contraindications import Cutoffs
from screening.gathering import cutoffs_of
from sessions import selectors
from sessions.clinical_settings import settings_in_force
from sessions.dose import (
    DoseCalculation,
    DoseFinding,
    DoseRequest,
    Drug,
    OrderContext,
    Weight,
    calculate,
    check_order,
)
from sessions.models import DoseOrder, DosingSession, SessionState
from sessions.services.common import clock, lock_session, made_before, refuse_if_over, tell_prescriber
from sessions.vitals import HoldParameters


@dataclass(frozen=True)
class OrderJudgement:
    """The arithmetic of an order as it would be written now, and everything that speaks against it."""

    calculation: DoseCalculation | None
    findings: tuple[DoseFinding, ...]
    weight: Weight | None

    @property
    def warnings(self) -> tuple[DoseFinding, ...]:
        return tuple(finding for finding in self.findings if not finding.is_block)


def order_context(session: DosingSession, *, now: datetime) -> OrderContext:
    """What the rules need to know about an order for `session`."""
    today = now.astimezone(session.clinic.zone).date()
    return OrderContext(
        planned_at=max(session.planned_at, now)
        if session.state == SessionState.PLANNED
        else session.planned_at,
        ordered_on=today,
        weight=selectors.latest_weight(session),
        weight_at_last_order_kg=selectors.weight_at_last_order(session),
        prior_doses=selectors.prior_doses(session),
        is_esketamine_for_trd=session.episode.indication == Indication.TRD,
        esketamine_doses_before=selectors.dose_count(session, drug=Drug.ESKETAMINE),
    )


def judge_order(session: DosingSession, request: DoseRequest, *, now: datetime) -> OrderJudgement:
    """Arithmetic and findings for the live preview and for writing the order: one computation for both."""
    context = order_context(session, now=now)
    weight_kg = None if context.weight is None else context.weight.kg
    return OrderJudgement(
        calculation=calculate(request, weight_kg),
        findings=check_order(request, context, settings_in_force(session.clinic).dose),
        weight=context.weight,
    )


def order_dose(
    *,
    session: DosingSession,
    request: DoseRequest,
    actor: User,
    roles: frozenset[Role],
    hold: HoldParameters = HoldParameters(),  # noqa: B008  frozen
    note: str = "",
    warnings_reason: str = "",
    change_reason: str = "",
    telephone_from: User | None = None,
    read_back: bool = False,
    passing: dict[str, str] | None = None,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> DoseOrder:
    """Write an order. A second one supersedes the first and needs `change_reason`.

    `telephone_from` is the prescriber who ordered by telephone; the actor wrote it down and read it back.
    Raises Refused with every reason: guards, rules, missing reasons.
    """
    now = clock(now)
    with transaction.atomic():
        session = lock_session(session)
        known = made_before(DoseOrder, request_key)
        if known is not None:
            return known
        refuse_if_over(session)
        judgement = judge_order(session, request, now=now)
        before = (
            None
            if request.is_supplemental
            else session.doseorders.active().filter(is_supplemental=False).first()
        )
        reasons = [
            *_who(session, actor, roles, telephone_from, read_back=read_back),
            *[
                Reason(finding.code, finding.text, finding.field)
                for finding in judgement.findings
                if finding.is_block
            ],
            *_hold_problems(hold, cutoffs_of(session.clinic)),
            *_missing_reasons(judgement, warnings_reason, before, change_reason),
            *_standing_guards(session, roles, passing, now),
        ]
        if session.state in (SessionState.ENDED, SessionState.COMPLETED):
            reasons.append(Reason("session-ended", "The patient has left: nothing more is ordered."))
        refuse_if(reasons)
        calculation = judgement.calculation
        if (
            calculation is None
            or request.drug is None
            or request.route is None
            or request.amount is None
            or request.unit is None
        ):
            raise Refused(Reason("incomplete", "The order is incomplete."))
        if before is not None:
            before.superseded_at = now
            before.save(update_fields=["superseded_at"])
        counts_weight = calculation.mg_per_kg is not None
        order = DoseOrder.objects.create(
            clinic=session.clinic,
            session=session,
            request_key=request_key,
            created_at=now,
            created_by=actor,
            drug=request.drug.value,
            route=request.route.value,
            amount=request.amount,
            unit=request.unit.value,
            salt=request.salt.value,
            weight_kg=judgement.weight.kg if judgement.weight is not None and counts_weight else None,
            weight_on=judgement.weight.measured_on
            if judgement.weight is not None and counts_weight
            else None,
            concentration_mg_per_ml=request.concentration_mg_per_ml,
            diluted_to_ml=request.diluted_to_ml,
            infusion_minutes=request.infusion_minutes,
            dose_mg=calculation.dose_mg,
            mg_per_kg=None if calculation.mg_per_kg is None else round(calculation.mg_per_kg, 3),
            volume_ml=calculation.volume_ml,
            steps=list(calculation.steps),
            warnings=[{"code": finding.code, "text": finding.text} for finding in judgement.warnings],
            warnings_reason=warnings_reason.strip() if judgement.warnings else "",
            hold_systolic=hold.max_systolic,
            hold_diastolic=hold.max_diastolic,
            hold_spo2=hold.min_spo2,
            hold_heart_high=hold.max_heart_rate,
            hold_heart_low=hold.min_heart_rate,
            note=note.strip(),
            is_supplemental=request.is_supplemental,
            ordered_by=telephone_from or actor,
            ordered_at=now,
            is_telephone=telephone_from is not None,
            read_back_by=actor if telephone_from is not None else None,
            supersedes=before,
            change_reason=change_reason.strip() if before is not None else "",
        )
        record_event(
            episode=session.episode,
            kind="dose.ordered",
            summary="Order changed" if before is not None else "Dose ordered",
            actor=actor,
            now=now,
            subject=session,
            data={"order": str(order.pk), "telephone": order.is_telephone},
        )
        if telephone_from is not None:
            tell_prescriber(
                session=session,
                key=f"dosing-countersign:{order.pk}",
                kind="countersign",
                title="Telephone order to countersign",
                now=now,
                due_at=now + timedelta(hours=24),
                actor=actor,
            )
        return order


def _who(
    session: DosingSession,
    actor: User,
    roles: frozenset[Role],
    telephone_from: User | None,
    *,
    read_back: bool,
) -> list[Reason]:
    if telephone_from is None:
        if Role.PRESCRIBER not in roles:
            return [Reason("prescriber-only", "A prescriber writes the order.")]
        return []
    found: list[Reason] = []
    is_prescriber = (
        Membership.objects.current()
        .filter(clinic=session.clinic, user=telephone_from, role=Role.PRESCRIBER)
        .exists()
    )
    if not is_prescriber or telephone_from.pk == actor.pk:
        found.append(
            Reason("telephone-prescriber", "Choose the prescriber who gave the order.", "telephone_from")
        )
    if not read_back:
        found.append(Reason("read-back", "Read the order back before writing it down.", "read_back"))
    return found


def _hold_problems(hold: HoldParameters, cutoffs: Cutoffs) -> list[Reason]:
    """A limit of the order may not reach the pressure at which no dose starts (rule DAY-BP-CRISIS, its cut-offs)."""
    found: list[Reason] = []
    if (hold.max_systolic is None) != (hold.max_diastolic is None):
        found.append(Reason("hold-half", "A pressure limit has two values.", "hold_systolic"))
    for name, value, crisis in (
        ("hold_systolic", hold.max_systolic, cutoffs.crisis_systolic),
        ("hold_diastolic", hold.max_diastolic, cutoffs.crisis_diastolic),
    ):
        if value is not None and value >= crisis:
            found.append(Reason("hold-crisis", f"No dose starts at {crisis} or above.", name))
    if hold.min_spo2 is not None and hold.min_spo2 > 100:
        found.append(Reason("hold-spo2", "SpO₂ cannot be above 100 %.", "hold_spo2"))
    return found


def _missing_reasons(
    judgement: OrderJudgement, warnings_reason: str, before: DoseOrder | None, change_reason: str
) -> list[Reason]:
    found: list[Reason] = []
    if judgement.warnings and not warnings_reason.strip():
        listed = " ".join(finding.text for finding in judgement.warnings)
        found.append(
            Reason("warnings-unanswered", f"{listed} Say why it is right all the same.", "warnings_reason")
        )
    if before is not None and not change_reason.strip():
        found.append(Reason("change-reason", "Another order is active: say why it changes.", "change_reason"))
    return found


def _standing_guards(
    session: DosingSession, roles: frozenset[Role], passing: dict[str, str] | None, now: datetime
) -> list[Reason]:
    context = GuardContext("dose.order", session.episode, now, roles, subject=session)
    try:
        guards.check(context, passing=passing)
    except Refused as refused:
        return list(refused.reasons)
    return []


def countersign_order(*, order: DoseOrder, actor: User, now: datetime | None = None) -> DoseOrder:
    """The prescriber who gave a telephone order signs it. Signing twice changes nothing."""
    now = clock(now)
    with transaction.atomic():
        session = lock_session(order.session)
        order = DoseOrder.objects.select_for_update(of=("self",)).get(pk=order.pk)
        if order.countersigned_at is not None:
            return order
        reasons: list[Reason] = []
        if not order.is_telephone:
            reasons.append(Reason("not-telephone", "This order was written by the prescriber."))
        if order.ordered_by_id != actor.pk:
            reasons.append(Reason("not-yours", "The prescriber who gave the order countersigns it."))
        refuse_if(reasons)
        order.countersigned_at, order.countersigned_by = now, actor
        order.save(update_fields=["countersigned_at", "countersigned_by"])
        close_task(key=f"dosing-countersign:{order.pk}", actor=actor, outcome="Countersigned", now=now)
        record_event(
            episode=session.episode,
            kind="dose.order-countersigned",
            summary="Telephone order countersigned",
            actor=actor,
            now=now,
            subject=session,
        )
        return order


def cancel_order(*, order: DoseOrder, reason: str, actor: User, now: datetime | None = None) -> DoseOrder:
    """Take an order back before anything was given under it. Doing it twice changes nothing."""
    now = clock(now)
    if not reason.strip():
        raise Refused(Reason("no-reason", "Say why it is cancelled.", field="reason"))
    with transaction.atomic():
        session = lock_session(order.session)
        order = DoseOrder.objects.select_for_update(of=("self",)).get(pk=order.pk)
        if not order.is_active:
            return order
        order.cancelled_at, order.cancelled_by, order.cancel_reason = now, actor, reason.strip()
        order.save(update_fields=["cancelled_at", "cancelled_by", "cancel_reason"])
        close_task(key=f"dosing-countersign:{order.pk}", outcome="Order cancelled", now=now)
        record_event(
            episode=session.episode,
            kind="dose.order-cancelled",
            summary="Order cancelled",
            actor=actor,
            now=now,
            subject=session,
        )
        return order
