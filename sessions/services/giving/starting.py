"""Starting and stopping: every rule is asked before the start, and all reasons are named."""

import uuid
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from episodes import guards
from episodes.guards import GuardContext
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from sessions.models import (
    Administration,
    DosingSession,
    SessionState,
)
from sessions.services.common import (
    clock,
    lock_session,
    made_before,
    refuse_if_over,
    watching_anchors,
)
from sessions.services.giving.details import GivenDetails, details_of
from sessions.services.giving.judging import as_code, impossible, judge_administration, order_for
from sessions.services.giving.writing import open_deviation, write_first_hand


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
        order = order_for(details, session.doseorders.active())
        findings = judge_administration(session, details, order=order)
        reasons = impossible(details, now)
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
        return write_first_hand(session, details, order, [], actor=actor, request_key=request_key, now=now)


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
        refuse_if(impossible(details, now))
        findings = judge_administration(session, details, order=given.order, leaving_out=given)
        known = {entry["code"] for entry in given.deviations}
        added = [
            as_code(each)
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
            open_deviation(given, f"administration-end:{given.pk}", added, actor=actor, now=now, at=ended_at)
        return given
