"""One dosing session: its readings and check-in, what is due, what is missing, whether the patient may leave."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum

from screening.models import MedicationReview, PregnancyTest
from screening.models.measured import TestResult
from sessions.anchor import Anchors
from sessions.checkin import DoorAnswers
from sessions.clinical_settings import DosingSettings, settings_in_force
from sessions.discharge import DischargeFacts, Gate, gate
from sessions.dose import Drug, Route
from sessions.models import (
    CheckIn,
    DosingSession,
    YesNo,
)
from sessions.risk import needs_risk_recheck
from sessions.selectors.ordering import active_order, hold_of
from sessions.vitals import (
    DueReading,
    Reading,
    due_readings,
    predose_reading,
)


def session_readings(session: DosingSession) -> list[Reading]:
    """The standing readings of a session as the rules know them, oldest first."""
    return [row.as_reading() for row in session.vitalsreadings.current().order_by("taken_at")]


def door_answers(session: DosingSession) -> DoorAnswers | None:
    """The check-in in force as the rules know it."""
    row = session.checkins.current().first()
    if row is None:
        return None
    return DoorAnswers(
        escort_confirmed=row.escort_confirmed,
        escort_name=row.escort_name,
        escort_phone=row.escort_phone,
        nothing_eaten=row.nothing_eaten,
        last_food_at=row.last_food_at,
        nothing_drunk=row.nothing_drunk,
        last_drink_at=row.last_drink_at,
        nasal_medicine_at=row.nasal_medicine_at,
        intoxication_suspected=row.intoxication_suspected,
        medicines_changed=row.medicines_changed,
        pregnancy_possible=row.pregnancy_possible,
    )


def tested_negative_since_check_in(session: DosingSession) -> bool:
    """Whether a pregnancy test of the day of the check-in in force, or of a later one, was negative."""
    row = session.checkins.current().first()
    if row is None or row.pregnancy_possible != YesNo.YES:
        return False
    return (
        PregnancyTest.objects.current()
        .of_episode(session.episode)
        .filter(result=TestResult.NEGATIVE, tested_on__gte=_check_in_day(row))
        .exists()
    )


def medicines_to_reconcile(session: DosingSession) -> bool:
    """Whether medicines changed, by the check-in in force, and nobody went through the list on its day or later."""
    row = session.checkins.current().first()
    if row is None or row.medicines_changed != YesNo.YES:
        return False
    reviews = MedicationReview.objects.current().of_episode(session.episode)
    return not reviews.filter(reviewed_on__gte=_check_in_day(row)).exists()


def _check_in_day(row: CheckIn) -> date:
    return row.at.astimezone(row.clinic.zone).date()


def drug_and_route(session: DosingSession, *, at: datetime | None = None) -> tuple[Drug, Route] | None:
    """What was given first; before that, what is ordered, or was at `at`."""
    first = session.administrations.current().order_by("started_at").first()
    if first is not None:
        return first.drug_value, first.route_value
    order = active_order(session, at=at)
    return None if order is None else (order.drug_value, order.route_value)


def readings_due(
    session: DosingSession,
    *,
    now: datetime,
    anchors: Anchors | None = None,
    settings: DosingSettings | None = None,
) -> tuple[DueReading, ...]:
    """What became of the owed readings; empty before the dose."""
    anchors = anchors or session.anchors()
    given = drug_and_route(session)
    if anchors.d0 is None or given is None:
        return ()
    settings = settings or settings_in_force(session.clinic)
    ending = session.sessionendings.current().first()
    return due_readings(
        settings.schedule(*given, session.episode.protocol),
        d0=anchors.d0,
        readings=session_readings(session),
        now=now,
        left_at=None if ending is None else ending.ended_at,
        limits=settings.vitals,
    )


def discharge_facts(
    session: DosingSession, *, at: datetime, other_transport_approved: bool = False
) -> DischargeFacts:
    """What the discharge gate is computed from, as it stood at `at`."""
    anchors = session.anchors()
    given = drug_and_route(session)
    settings = settings_in_force(session.clinic)
    readings = session_readings(session)
    check = session.dischargechecks.standing().filter(at__lte=at).order_by("-at", "-created_at").first()
    return DischargeFacts(
        now=at,
        drug=Drug.KETAMINE if given is None else given[0],
        d0=anchors.d0,
        t0=anchors.t0,
        readings=readings,
        baseline=None if anchors.d0 is None else predose_reading(readings, anchors.d0, settings.vitals),
        is_oriented=None if check is None else check.is_oriented,
        walks_steadily=None if check is None else check.walks_steadily,
        nausea=None if check is None else check.nausea,
        dissociation=None if check is None else check.dissociation,
        escort_name="" if check is None else check.escort_name,
        escort_seen_at=None if check is None else check.escort_seen_at,
        instructions_given=check is not None and check.instructions_given,
        phone_given=check is not None and check.phone_given,
        needs_risk_recheck=needs_risk_recheck(session.episode, at),
        risk_rechecked=None if check is None else check.risk_rechecked,
        other_transport_approved=other_transport_approved,
        hold=hold_of(session),
    )


def discharge_gate(session: DosingSession, *, now: datetime) -> Gate:
    """The checklist before leaving, as it stands."""
    settings = settings_in_force(session.clinic)
    return gate(discharge_facts(session, at=now), settings.discharge, settings.vitals)


def missing_from_record(session: DosingSession) -> list[tuple[str, str]]:
    """Why the record is not complete yet, as code and sentence."""
    found: list[tuple[str, str]] = []
    given = list(session.administrations.current())
    if any(entry.ended_at is None for entry in given):
        found.append(("no-stop", "The end of the dose is not recorded."))
    if not session.sessionendings.current().exists():
        found.append(("no-ending", "How the visit ended is not recorded."))
    if any(entry.drug == Drug.ESKETAMINE and not entry.lot.strip() for entry in given):
        found.append(("no-lot", "The lot of an esketamine device is missing (the REMS form asks for it)."))
    if given and not session.vitalsreadings.current().exists():
        found.append(("no-vitals", "No vital signs are recorded."))
    return found


def total_given_mg(session: DosingSession) -> Decimal | None:
    """Milligrams of base given in the session so far."""
    return session.administrations.current().aggregate(total=Sum("amount_mg"))["total"]
