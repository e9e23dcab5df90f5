"""Starting, stopping, recording and correcting administrations.

Starting asks every rule and refuses with all reasons. Recording asks for nothing but what is possible: what departs
from order or rules is marked, opens an incident, and tells the prescriber.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum

from episodes import guards
from episodes.guards import GuardContext
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from sessions import selectors
from sessions.clinical_settings import settings_in_force
from sessions.dose import (
    RUNNING_ROUTES,
    ActiveOrder,
    DoseFinding,
    Drug,
    Given,
    Route,
    deviations_of,
    impossibilities_of,
)
from sessions.models import (
    Administration,
    DoseOrder,
    DosingSession,
    IncidentKind,
    OtherMedicine,
    SessionState,
)
from sessions.models.giving import is_late_entry
from sessions.models.orders import OrderQuerySet
from sessions.services.common import (
    clock,
    lock_session,
    made_before,
    open_incident,
    refuse_if_over,
    set_state,
    watching_anchors,
)


@dataclass(frozen=True)
class GivenDetails:
    """What a person says about one administration. Times aware; `amount_mg` of base."""

    drug: Drug
    route: Route
    started_at: datetime
    ended_at: datetime | None = None
    amount_mg: Decimal | None = None
    volume_ml: Decimal | None = None
    site: str = ""
    lot: str = ""
    expires_on: date | None = None
    stopped_early: bool = False
    stop_reason: str = ""
    deviation_note: str = ""

    def settled(self) -> "GivenDetails":
        """What is given in a moment ends when it starts."""
        if self.route in RUNNING_ROUTES or self.ended_at is not None:
            return self
        return replace(self, ended_at=self.started_at)

    def given(self) -> Given:
        """The part that the rules judge."""
        return Given(
            drug=self.drug,
            route=self.route,
            amount_mg=self.amount_mg,
            started_at=self.started_at,
            ended_at=self.ended_at,
            expires_on=self.expires_on,
            stopped_early=self.stopped_early,
        )


def start_administration(
    *,
    session: DosingSession,
    details: GivenDetails,
    actor: User,
    roles: frozenset[Role],
    passing: dict[str, str] | None = None,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Administration:
    """Start the dose, or a further part of it, if every rule allows. Raises Refused with all reasons.

    `passing` maps codes of reasons that yield to a written reason; what was passed is kept with the session.
    """
    now = clock(now)
    details = details.settled()
    with transaction.atomic():
        session = lock_session(session)
        known = made_before(Administration, request_key)
        if known is not None:
            return known
        refuse_if_over(session)
        order = _order_for(details, session.doseorders.active())
        findings = judge_administration(session, details, order=order)
        reasons = _impossible(details, now)
        reasons += [Reason(each.code, each.text, each.field) for each in findings if each.is_block]
        if session.state not in (SessionState.CHECKED_IN, SessionState.UNDER_WAY):
            reasons.append(Reason("not-checked-in", "Check the patient in first."))
        running = [entry for entry in session.administrations.current() if entry.ended_at is None]
        if running:
            reasons.append(Reason("still-running", "Record the end of what is running first."))
        passed: tuple[Reason, ...] = ()
        if not session.administrations.current().exists():
            context = GuardContext("dose.start", session.episode, now, roles, subject=session)
            try:
                passed = guards.check(context, passing=passing)
            except Refused as refused:
                reasons += refused.reasons
        refuse_if(reasons)
        if passed:
            session.passed_reasons = [
                *session.passed_reasons,
                *[
                    {
                        "code": each.code,
                        "text": each.text,
                        "reason": (passing or {})[each.code].strip(),
                        "by": actor.full_name,
                        "at": now.isoformat(),
                    }
                    for each in passed
                ],
            ]
            session.save(update_fields=["passed_reasons"])
        return _write(session, details, order, [], actor=actor, request_key=request_key, now=now)


def record_administration(
    *,
    session: DosingSession,
    details: GivenDetails,
    actor: User,
    roles: frozenset[Role] = frozenset(),
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Administration:
    """Write down what was given, whatever it was. Only impossible values are refused.

    A departure from order or rules is marked and opens an incident. An entry that merely comes late (setting), under an
    order that stood when the dose began, is none: what of the day is not charted yet is judged when the record is
    completed.
    """
    now = clock(now)
    details = details.settled()
    with transaction.atomic():
        session = lock_session(session)
        known = made_before(Administration, request_key)
        if known is not None:
            return known
        if session.is_struck:
            raise Refused(
                Reason("session-struck", "This session was entered in error: record it in another one.")
            )
        refuse_if(_impossible(details, now))
        stood = _order_for(details, session.doseorders.in_force_at(details.started_at))
        order = stood or _order_for(details, session.doseorders.active())
        findings = [each for each in judge_administration(session, details, order=order) if each.is_block]
        codes = [_as_code(each) for each in findings]
        if order is not None and stood is None:
            codes.append(dict(ORDERED_LATER))
        if not session.administrations.current().exists():
            minutes = settings_in_force(session.clinic).late_entry_minutes
            is_late = is_late_entry(details.started_at, details.ended_at, written_at=now, minutes=minutes)
            codes += [
                _as_code(reason)
                for reason in what_speaks_against(session, details.started_at, roles)
                if not (is_late and stood is not None and may_still_be_charted(reason))
            ]
        return _write(session, details, order, codes, actor=actor, request_key=request_key, now=now)


ORDERED_LATER = {"code": "ordered-later", "text": "The order was written after the dose had begun."}

# What is known at the door and before the dose: a record that is written afterwards gets it line by line, in any order.
_CHARTED_BESIDE = ("missing-day:", "finding-DAY-VITALS-MISSING")


def what_speaks_against(
    session: DosingSession, at: datetime, roles: frozenset[Role] = frozenset()
) -> list[Reason]:
    """What no written reason could have passed for a first dose that began at `at`, as the record stands now."""
    context = GuardContext("dose.start", session.episode, at, roles, subject=session)
    return [reason for reason in guards.reasons(context) if reason.is_hard]


def may_still_be_charted(reason: Reason) -> bool:
    """Whether a reason says only that something of the day has not been written down."""
    return reason.code.startswith(_CHARTED_BESIDE)


def _as_code(found: DoseFinding | Reason) -> dict[str, str]:
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


def _order_for(details: GivenDetails, orders: OrderQuerySet) -> DoseOrder | None:
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


def _impossible(details: GivenDetails, now: datetime) -> list[Reason]:
    reasons = [Reason(each.code, each.text, each.field) for each in impossibilities_of(details.given(), now)]
    if details.ended_at is not None and details.amount_mg is None:
        reasons.append(Reason("amount-missing", "Enter how much was given.", "amount_mg"))
    if details.stopped_early and not details.stop_reason.strip():
        reasons.append(Reason("stop-reason", "Say why it was stopped early.", "stop_reason"))
    return reasons


def _write(
    session: DosingSession,
    details: GivenDetails,
    order: DoseOrder | None,
    deviations: list[dict[str, str]],
    *,
    actor: User,
    now: datetime,
    request_key: uuid.UUID | None = None,
    **extra: Any,
) -> Administration:
    with watching_anchors(session, actor=actor, now=now):
        given = Administration.objects.create(
            clinic=session.clinic,
            session=session,
            order=order,
            request_key=request_key,
            created_at=now,
            created_by=actor,
            given_by=extra.pop("given_by", actor),
            drug=details.drug.value,
            route=details.route.value,
            amount_mg=details.amount_mg,
            volume_ml=details.volume_ml,
            started_at=details.started_at,
            ended_at=details.ended_at,
            site=details.site,
            lot=details.lot,
            expires_on=details.expires_on,
            stopped_early=details.stopped_early,
            stop_reason=details.stop_reason.strip(),
            deviations=deviations,
            deviation_note=details.deviation_note.strip(),
            **extra,
        )
        if session.is_called_off:
            # It was called off and something was given all the same: the record follows what happened.
            session.state = SessionState.UNDER_WAY
            session.save(update_fields=["state"])
        set_state(session, SessionState.UNDER_WAY)
    if deviations:
        open_incident(
            session=session,
            kind=IncidentKind.DEVIATION,
            subject=f"administration:{given.pk}",
            findings=list(deviations),
            at=details.started_at,
            actor=actor,
            now=now,
        )
    return given


def stop_administration(
    *,
    administration: Administration,
    ended_at: datetime,
    amount_mg: Decimal | None,
    actor: User,
    stopped_early: bool = False,
    stop_reason: str = "",
    now: datetime | None = None,
) -> Administration:
    """Record the end of an infusion: the real stop, also when it was stopped early. Sets T0 when it was the last."""
    now = clock(now)
    with transaction.atomic():
        session = lock_session(administration.session)
        given = Administration.objects.select_for_update(of=("self",)).get(pk=administration.pk)
        if given.ended_at is not None or not given.is_current:
            return given
        details = replace(
            details_of(given),
            ended_at=ended_at,
            amount_mg=amount_mg,
            stopped_early=stopped_early,
            stop_reason=stop_reason,
        )
        refuse_if(_impossible(details, now))
        findings = judge_administration(session, details, order=given.order, leaving_out=given)
        known = {entry["code"] for entry in given.deviations}
        added = [
            _as_code(each)
            for each in findings
            if each.is_block
            and each.code in ("more-than-ordered", "less-than-ordered")
            and each.code not in known
        ]
        with watching_anchors(session, actor=actor, now=now):
            given.ended_at, given.amount_mg = ended_at, amount_mg
            given.stopped_early, given.stop_reason = stopped_early, stop_reason.strip()
            given.deviations = [*given.deviations, *added]
            given.save(update_fields=["ended_at", "amount_mg", "stopped_early", "stop_reason", "deviations"])
        if added:
            open_incident(
                session=session,
                kind=IncidentKind.DEVIATION,
                subject=f"administration-end:{given.pk}",
                findings=list(added),
                at=ended_at,
                actor=actor,
                now=now,
            )
        return given


def details_of(given: Administration) -> GivenDetails:
    """What a row says, as a person could say it again."""
    return GivenDetails(
        drug=given.drug_value,
        route=given.route_value,
        started_at=given.started_at,
        ended_at=given.ended_at,
        amount_mg=given.amount_mg,
        volume_ml=given.volume_ml,
        site=given.site,
        lot=given.lot,
        expires_on=given.expires_on,
        stopped_early=given.stopped_early,
        stop_reason=given.stop_reason,
        deviation_note=given.deviation_note,
    )


def correct_administration(
    *,
    administration: Administration,
    details: GivenDetails,
    reason: str,
    actor: User,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Administration:
    """Replace a wrong record by a right one. D0 and T0 follow the new row; what hangs on them is told."""
    now = clock(now)
    details = details.settled()
    with transaction.atomic():
        session = lock_session(administration.session)
        known = made_before(Administration, request_key)
        if known is not None:
            return known
        old = Administration.objects.select_for_update(of=("self",)).get(pk=administration.pk)
        reasons = _impossible(details, now)
        if not reason.strip():
            reasons.append(Reason("correction-reason", "Say what was wrong.", "correction_reason"))
        if not old.is_current:
            reasons.append(Reason("not-current", "This record was already corrected: correct the newer one."))
        refuse_if(reasons)
        order = old.order or _order_for(details, session.doseorders.active())
        findings = judge_administration(session, details, order=order, leaving_out=old)
        kept = [entry for entry in old.deviations if entry["code"] not in _JUDGED]
        deviations = kept + [_as_code(each) for each in findings if each.is_block]
        with watching_anchors(session, actor=actor, now=now):
            old.superseded_at = now
            old.save(update_fields=["superseded_at"])
            return _write_correction(
                session, details, order, deviations, old, reason, actor, request_key, now
            )


# Deviations that the rules judge anew with every correction; those of guards stay as they were.
_JUDGED = frozenset(
    {
        "no-order",
        "drug-differs",
        "route-differs",
        "more-than-ordered",
        "less-than-ordered",
        "route-drug-mismatch",
        "expired",
        "devices-too-close",
        "dose-too-soon",
        "doses-in-week",
    }
)


def _write_correction(
    session: DosingSession,
    details: GivenDetails,
    order: DoseOrder | None,
    deviations: list[dict[str, str]],
    old: Administration,
    reason: str,
    actor: User,
    request_key: uuid.UUID | None,
    now: datetime,
) -> Administration:
    new = Administration.objects.create(
        clinic=session.clinic,
        session=session,
        order=order,
        request_key=request_key,
        created_at=now,
        created_by=actor,
        given_by=old.given_by,
        drug=details.drug.value,
        route=details.route.value,
        amount_mg=details.amount_mg,
        volume_ml=details.volume_ml,
        started_at=details.started_at,
        ended_at=details.ended_at,
        site=details.site,
        lot=details.lot,
        expires_on=details.expires_on,
        stopped_early=details.stopped_early,
        stop_reason=details.stop_reason.strip(),
        deviations=deviations,
        deviation_note=details.deviation_note.strip(),
        supersedes=old,
        correction_reason=reason.strip(),
    )
    known = {entry["code"] for entry in old.deviations}
    if any(entry["code"] not in known for entry in deviations):
        open_incident(
            session=session,
            kind=IncidentKind.DEVIATION,
            subject=f"administration:{new.pk}",
            findings=list(deviations),
            at=details.started_at,
            actor=actor,
            now=now,
        )
    return new


def record_medicine(
    *,
    session: DosingSession,
    details: dict[str, Any],
    actor: User,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> OtherMedicine:
    """Write down another medicine that was given."""
    now = clock(now)
    with transaction.atomic():
        session = lock_session(session)
        known = made_before(OtherMedicine, request_key)
        if known is not None:
            return known
        refuse_if_over(session)
        if details["given_at"] > now:
            raise Refused(Reason("future", "The time lies in the future.", "given_at"))
        return OtherMedicine.objects.create(
            clinic=session.clinic,
            session=session,
            request_key=request_key,
            created_at=now,
            created_by=actor,
            given_by=actor,
            **details,
        )
