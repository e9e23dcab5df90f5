"""Leaving: the checklist, the ending, and completing the record."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from episodes import guards
from episodes.guards import GuardContext
from episodes.services import record_event
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.refusals import Reason, refuse_if
from kapclinic.notices.models import Urgency
from kapclinic.notices.services import close_task, open_task
from sessions import selectors
from sessions.clinical_settings import settings_in_force
from sessions.discharge import Ending, EndingRequest, Item, check_ending, gate
from sessions.models import DischargeCheck, DosingSession, IncidentKind, SessionEnding, SessionState
from sessions.services.common import (
    clock,
    lock_session,
    made_before,
    open_incident,
    refuse_if_over,
    session_url,
    set_state,
)
from sessions.services.giving import may_still_be_charted, what_speaks_against
from sessions.services.planning import complete_dosing_appointment


def look_before_leaving(
    *,
    session: DosingSession,
    details: dict[str, Any],
    actor: User,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> DischargeCheck:
    """Write down what was seen for the discharge checklist. Each look is a row; the latest holds."""
    now = clock(now)
    with transaction.atomic():
        session = lock_session(session)
        known = made_before(DischargeCheck, request_key)
        if known is not None:
            return known
        refuse_if_over(session)
        reasons: list[Reason] = []
        for name in ("at", "escort_seen_at"):
            value = details.get(name)
            if value is not None and value > now:
                reasons.append(Reason("future", "This lies in the future.", name))
        if details.get("escort_seen_at") is not None and not details.get("escort_name", "").strip():
            reasons.append(Reason("escort-name", "Write the name of the escort whom you saw.", "escort_name"))
        refuse_if(reasons)
        return DischargeCheck.objects.create(
            clinic=session.clinic,
            session=session,
            request_key=request_key,
            created_at=now,
            created_by=actor,
            checked_by=actor,
            **details,
        )


def end_session(
    *,
    session: DosingSession,
    ending: Ending,
    ended_at: datetime,
    actor: User,
    roles: frozenset[Role],
    reason: str = "",
    transport: str = "",
    destination: str = "",
    overrides: Mapping[Item, str] | None = None,
    correction_reason: str = "",
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> SessionEnding:
    """Record how the visit ended. Only the word "discharged" passes a gate; every other ending is always recorded.

    The gate is judged as of `ended_at`, so that a record made afterwards is judged like one made on the spot.
    An ending already recorded is corrected with `correction_reason`.
    """
    now = clock(now)
    with transaction.atomic():
        session = lock_session(session)
        known = made_before(SessionEnding, request_key)
        if known is not None:
            return known
        refuse_if_over(session)
        before = session.sessionendings.current().select_for_update(of=("self",)).first()
        is_prescriber = Role.PRESCRIBER in roles
        approved = ending is Ending.OTHER_TRANSPORT and is_prescriber and bool(transport.strip())
        facts = selectors.discharge_facts(session, at=min(ended_at, now), other_transport_approved=approved)
        settings = settings_in_force(session.clinic)
        opened = gate(facts, settings.discharge, settings.vitals)
        request = EndingRequest(
            ending=ending,
            ended_at=ended_at,
            reason=reason,
            is_by_prescriber=is_prescriber,
            transport=transport,
            destination=destination,
            overrides=overrides,
        )
        reasons = [
            Reason(each.code, each.text, each.field)
            for each in check_ending(request, facts, opened)
            if each.code != "future"
        ]
        if ended_at > now:
            reasons.append(Reason("future", "The end lies in the future.", "ended_at"))
        if ending in (Ending.DISCHARGED, Ending.OTHER_TRANSPORT):
            context = GuardContext("dose.discharge", session.episode, now, roles, subject=session)
            reasons += guards.reasons(context)
        if before is not None and not correction_reason.strip():
            reasons.append(
                Reason("correction-reason", "An ending is recorded: say what was wrong.", "correction_reason")
            )
        refuse_if(reasons)
        if before is not None:
            before.superseded_at = now
            before.save(update_fields=["superseded_at"])
        made = SessionEnding.objects.create(
            clinic=session.clinic,
            session=session,
            request_key=request_key,
            created_at=now,
            created_by=actor,
            recorded_by=actor,
            ending=ending.value,
            ended_at=ended_at,
            reason=reason.strip(),
            transport=transport.strip(),
            destination=destination.strip(),
            overrides={item.value: why.strip() for item, why in (overrides or {}).items()},
            checklist=[
                {"item": each.item.value, "label": each.label, "met": each.is_met, "detail": each.detail}
                for each in opened.items
            ],
            supersedes=before,
            correction_reason=correction_reason.strip() if before is not None else "",
        )
        set_state(session, SessionState.ENDED)
        complete_dosing_appointment(session, held_until=ended_at, actor=actor, now=now)
        if ending is Ending.LEFT_AGAINST_ADVICE:
            _after_leaving_against_advice(session, made, actor=actor, now=now)
        record_event(
            episode=session.episode,
            kind="dose.left",
            summary=made.get_ending_display(),
            actor=actor,
            at=ended_at,
            now=now,
            subject=session,
            data={"ending": ending.value},
        )
        return made


def _after_leaving_against_advice(
    session: DosingSession, ending: SessionEnding, *, actor: User, now: datetime
) -> None:
    open_incident(
        session=session,
        kind=IncidentKind.AGAINST_ADVICE,
        subject=f"ending:{ending.pk}",
        findings=[{"code": "left-against-advice", "text": "Left against advice"}],
        at=ending.ended_at,
        actor=actor,
        now=now,
    )
    open_task(
        clinic=session.clinic,
        key=f"dosing-call:{session.pk}",
        kind="call-patient",
        title="Call the patient, who left against advice",
        role=Role.NURSE,
        episode=session.episode,
        urgency=Urgency.NOW,
        due_at=now + timedelta(hours=2),
        url=session_url(session),
        actor=actor,
        now=now,
    )


def complete_session(
    *, session: DosingSession, actor: User, roles: frozenset[Role], now: datetime | None = None
) -> DosingSession:
    """Say that the record is complete. What is still missing is named, all of it. Twice changes nothing.

    Under a dose that was entered late, what should have been known before it and was never charted opens an incident now.
    """
    now = clock(now)
    with transaction.atomic():
        session = lock_session(session)
        if session.state == SessionState.COMPLETED:
            return session
        refuse_if_over(session)
        reasons = [Reason(code, text) for code, text in selectors.missing_from_record(session)]
        if not roles & {Role.NURSE, Role.PRESCRIBER}:
            reasons.append(Reason("who", "A nurse or prescriber completes the record."))
        refuse_if(reasons)
        session.state = SessionState.COMPLETED
        session.completed_at, session.completed_by = now, actor
        session.save(update_fields=["state", "completed_at", "completed_by"])
        _judge_late_entry(session, actor=actor, now=now)
        close_task(key=f"dosing-completion:{session.pk}", actor=actor, outcome="Record completed", now=now)
        record_event(
            episode=session.episode,
            kind="dose.completed",
            summary="Record of the dosing session completed",
            actor=actor,
            now=now,
            subject=session,
        )
        return session


def _judge_late_entry(session: DosingSession, *, actor: User, now: datetime) -> None:
    first = session.administrations.current().order_by("started_at").first()
    if first is None or not first.is_entered_late(settings_in_force(session.clinic).late_entry_minutes):
        return
    gaps = [
        reason for reason in what_speaks_against(session, first.started_at) if may_still_be_charted(reason)
    ]
    if gaps:
        open_incident(
            session=session,
            kind=IncidentKind.DEVIATION,
            subject=f"administration:{first.pk}",
            findings=[{"code": reason.code, "text": reason.text} for reason in gaps],
            at=first.started_at,
            actor=actor,
            now=now,
        )
