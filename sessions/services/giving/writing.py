"""The row of an administration and the incident that goes with it."""

import uuid
from dataclasses import fields
from datetime import datetime

from kapclinic.accounts.models import User
from sessions.models import (
    Administration,
    DoseOrder,
    DosingSession,
    IncidentKind,
    SessionState,
)
from sessions.services.common import (
    open_incident,
    set_state,
    watching_anchors,
)
from sessions.services.giving.details import GivenDetails


def write_row(
    session: DosingSession,
    details: GivenDetails,
    order: DoseOrder | None,
    deviations: list[dict[str, str]],
    *,
    actor: User,
    now: datetime,
    request_key: uuid.UUID | None = None,
    correcting: Administration | None = None,
    reason: str = "",
) -> Administration:
    """Make the row of one administration, with the incident that its deviations ask for.

    The caller watches D0 and T0. A correction keeps who gave it, and opens an incident for what is new in it.
    """
    values = {each.name: getattr(details, each.name) for each in fields(details)}
    values |= {"drug": details.drug.value, "route": details.route.value}
    values |= {name: values[name].strip() for name in ("stop_reason", "deviation_note")}
    given = Administration.objects.create(
        clinic=session.clinic,
        session=session,
        order=order,
        request_key=request_key,
        created_at=now,
        created_by=actor,
        given_by=actor if correcting is None else correcting.given_by,
        deviations=deviations,
        supersedes=correcting,
        correction_reason=reason.strip(),
        **values,
    )
    known = set() if correcting is None else {entry["code"] for entry in correcting.deviations}
    if any(entry["code"] not in known for entry in deviations):
        open_deviation(given, f"administration:{given.pk}", deviations, actor=actor, now=now)
    return given


def open_deviation(
    given: Administration,
    subject: str,
    deviations: list[dict[str, str]],
    *,
    actor: User,
    now: datetime,
    at: datetime | None = None,
) -> None:
    """Open the incident of a departure from order or rules at `at` (default: the start), once for its subject."""
    open_incident(
        session=given.session,
        kind=IncidentKind.DEVIATION,
        subject=subject,
        findings=list(deviations),
        at=at or given.started_at,
        actor=actor,
        now=now,
    )


def write_first_hand(
    session: DosingSession,
    details: GivenDetails,
    order: DoseOrder | None,
    deviations: list[dict[str, str]],
    *,
    actor: User,
    now: datetime,
    request_key: uuid.UUID | None = None,
) -> Administration:
    """Write down what was not recorded before; the session moves on with it."""
    with watching_anchors(session, actor=actor, now=now):
        given = write_row(session, details, order, deviations, actor=actor, now=now, request_key=request_key)
        if session.is_called_off:
            # It was called off and something was given all the same: the record follows what happened.
            session.state = SessionState.UNDER_WAY
            session.save(update_fields=["state"])
        set_state(session, SessionState.UNDER_WAY)
    return given
