"""Recording and correcting what was given, whatever it was, and other medicines."""

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction

from kapclinic.accounts.models import Role, User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from sessions.clinical_settings import settings_in_force
from sessions.models import (
    Administration,
    DosingSession,
    OtherMedicine,
)
from sessions.models.giving import is_late_entry
from sessions.services.common import (
    clock,
    lock_session,
    made_before,
    refuse_if_over,
    watching_anchors,
)
from sessions.services.giving.details import GivenDetails
from sessions.services.giving.judging import (
    ORDERED_LATER,
    as_code,
    impossible,
    judge_administration,
    may_still_be_charted,
    order_for,
    what_speaks_against,
)
from sessions.services.giving.writing import write_first_hand, write_row


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
        refuse_if(impossible(details, now))
        stood = order_for(details, session.doseorders.in_force_at(details.started_at))
        order = stood or order_for(details, session.doseorders.active())
        findings = [each for each in judge_administration(session, details, order=order) if each.is_block]
        codes = [as_code(each) for each in findings]
        if order is not None and stood is None:
            codes.append(dict(ORDERED_LATER))
        if not session.administrations.current().exists():
            minutes = settings_in_force(session.clinic).late_entry_minutes
            is_late = is_late_entry(details.started_at, details.ended_at, written_at=now, minutes=minutes)
            codes += [
                as_code(reason)
                for reason in what_speaks_against(session, details.started_at, roles)
                if not (is_late and stood is not None and may_still_be_charted(reason))
            ]
        return write_first_hand(session, details, order, codes, actor=actor, request_key=request_key, now=now)


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
        reasons = impossible(details, now)
        if not reason.strip():
            reasons.append(Reason("correction-reason", "Say what was wrong.", "correction_reason"))
        if not old.is_current:
            reasons.append(Reason("not-current", "This record was already corrected: correct the newer one."))
        refuse_if(reasons)
        order = old.order or order_for(details, session.doseorders.active())
        findings = judge_administration(session, details, order=order, leaving_out=old)
        kept = [entry for entry in old.deviations if entry["code"] not in _JUDGED]
        deviations = kept + [as_code(each) for each in findings if each.is_block]
        with watching_anchors(session, actor=actor, now=now):
            old.superseded_at = now
            old.save(update_fields=["superseded_at"])
            return write_row(
                session,
                details,
                order,
                deviations,
                actor=actor,
                now=now,
                request_key=request_key,
                correcting=old,
                reason=reason,
            )


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
