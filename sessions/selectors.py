"""What others ask about doses: numbers, D0 and T0, vitals, what is due, what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, Sum

from episodes.models import Episode
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.models import Clinic
from screening.models import MedicationReview, PregnancyTest, ScreeningVitals
from screening.models.clinical import TestResult
from sessions.anchor import Anchors
from sessions.checkin import DoorAnswers
from sessions.clinical_settings import DosingSettings, settings_in_force
from sessions.discharge import DischargeFacts, Gate, gate
from sessions.dose import ROUTE_SHORT, Drug, PriorDose, Route, Weight, plain
from sessions.models import (
    Administration,
    AdverseEvent,
    ChallengingExperience,
    CheckIn,
    DoseOrder,
    DosingSession,
    PreparationSession,
    SessionEnding,
    SessionState,
    VitalsReading,
    YesNo,
)
from sessions.risk import needs_risk_recheck
from sessions.vitals import (
    NO_HOLD,
    DueReading,
    DueState,
    HoldParameters,
    Reading,
    due_readings,
    next_due,
    predose_reading,
)

# -- around an order ------------------------------------------------------------------------------------


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


# -- a session ------------------------------------------------------------------------------------------


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


# -- doses of an episode --------------------------------------------------------------------------------


@dataclass(frozen=True)
class DoseFacts:
    """One dose of an episode for lists, charts, handoffs. Times UTC; `total_mg` of base over the whole session."""

    session: DosingSession
    number: int
    on: date
    d0: datetime
    t0: datetime | None
    drug: str
    route: str
    total_mg: Decimal | None
    parts: int
    is_deviating: bool
    ending: str
    ending_words: str
    left_at: datetime | None

    @property
    def summary(self) -> str:
        """One line: "IV ketamine 34 mg"."""
        amount = "amount not recorded" if self.total_mg is None else f"{plain(self.total_mg)} mg"
        return f"{ROUTE_SHORT[Route(self.route)]} {self.drug} {amount}"


def doses_of_episode(episode: Episode) -> list[DoseFacts]:
    """The doses that were given, oldest first and numbered from 1 (three queries)."""
    sessions = (
        DosingSession.objects.standing()
        .filter(episode=episode)
        .with_anchors()
        .filter(d0_at__isnull=False)
        .select_related("clinic", "room")
        .order_by("d0_at")
        .prefetch_related(
            Prefetch("administrations", Administration.objects.current().order_by("started_at"), "given"),
            Prefetch("sessionendings", SessionEnding.objects.current(), "endings"),
        )
    )
    return [_dose_facts(session, number) for number, session in enumerate(sessions, start=1)]


def _dose_facts(session: Any, number: int) -> DoseFacts:
    given: list[Administration] = session.given
    amounts = [entry.amount_mg for entry in given if entry.amount_mg is not None]
    ending = session.endings[0] if session.endings else None
    return DoseFacts(
        session=session,
        number=number,
        on=session.d0_at.astimezone(session.clinic.zone).date(),
        d0=session.d0_at,
        t0=session.last_end_at if session.running_count == 0 else None,
        drug=given[0].drug,
        route=given[0].route,
        total_mg=sum(amounts, Decimal(0)) if amounts else None,
        parts=len(given),
        is_deviating=any(entry.deviations for entry in given),
        ending="" if ending is None else ending.ending,
        ending_words="" if ending is None else ending.get_ending_display(),
        left_at=None if ending is None else ending.ended_at,
    )


def dose_number(session: DosingSession) -> int:
    """The session's number among the doses of its episode, counted from 1; for one to come, the next."""
    at = session.anchors().d0 or session.planned_at
    return (
        DosingSession.objects.standing()
        .filter(episode_id=session.episode_id)
        .exclude(pk=session.pk)
        .with_anchors()
        .filter(d0_at__lt=at)
        .count()
        + 1
    )


def has_had_a_dose(episode: Episode) -> bool:
    """Whether anything was given in the episode."""
    return (
        Administration.objects.current()
        .filter(session__episode=episode, session__entered_in_error_at__isnull=True)
        .exists()
    )


def completed_preparations(episode: Episode, *, before: datetime | None = None) -> int:
    """Signed preparation sessions of the episode (held before `before`)."""
    found = PreparationSession.objects.standing().filter(episode=episode, state="signed")
    return found.filter(held_from__lte=before).count() if before is not None else found.count()


def latest_vitals(episode: Episode) -> VitalsReading | None:
    """The newest current reading of the episode's dosing sessions."""
    return (
        VitalsReading.objects.current()
        .filter(session__episode=episode, session__entered_in_error_at__isnull=True)
        .order_by("-taken_at")
        .first()
    )


@dataclass(frozen=True)
class DoseReport:
    """What a prescriber hands over after a dose."""

    dose: DoseFacts
    orders: list[DoseOrder]
    administrations: list[Administration]
    readings: list[VitalsReading]
    medicines: list[Any]
    challenges: list[ChallengingExperience]
    adverse_events: list[AdverseEvent]
    narrative: list[Any]
    mental_status: str
    ending: SessionEnding | None
    approach: str
    homework: str


def dose_report(session: DosingSession) -> DoseReport | None:
    """Everything about one dose for a handoff; None while nothing was given."""
    dose = next((each for each in doses_of_episode(session.episode) if each.session.pk == session.pk), None)
    if dose is None:
        return None
    check = session.dischargechecks.standing().order_by("-at", "-created_at").first()
    return DoseReport(
        dose=dose,
        orders=list(session.doseorders.active().order_by("ordered_at")),
        administrations=list(session.administrations.current().select_related("given_by")),
        readings=list(session.vitalsreadings.current()),
        medicines=list(session.othermedicines.standing()),
        challenges=list(session.challengingexperiences.standing()),
        adverse_events=list(session.adverseevents.current()),
        narrative=list(session.log.standing().filter(kind="narrative")),
        mental_status="" if check is None else check.mental_status,
        ending=session.sessionendings.current().first(),
        approach=session.get_approach_display() if session.approach else "",
        homework=session.homework,
    )


# -- open questions before the next dose ----------------------------------------------------------------


def unreviewed_serious_events(episode: Episode) -> list[AdverseEvent]:
    """Serious adverse events of the episode that no prescriber has reviewed."""
    return list(
        AdverseEvent.objects.current().filter(
            session__episode=episode, is_serious=True, reviewed_at__isnull=True
        )
    )


def unanswered_challenges(episode: Episode) -> list[ChallengingExperience]:
    """Challenging experiences of the episode that nobody has answered."""
    return list(
        ChallengingExperience.objects.standing().filter(session__episode=episode, answered_at__isnull=True)
    )


def undocumented_sessions(episode: Episode, *, but: DosingSession | None = None) -> list[DosingSession]:
    """Sessions with a dose whose record is not completed."""
    found = (
        DosingSession.objects.standing()
        .filter(episode=episode)
        .exclude(state__in=[SessionState.COMPLETED, SessionState.CANCELLED, SessionState.NO_SHOW])
        .filter(Exists(Administration.objects.current().filter(session=OuterRef("pk"))))
    )
    return list(found.exclude(pk=but.pk) if but is not None else found)


# -- Today ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RoomRow:
    """One dose of today for the board: where, who, how far, what is due next."""

    session: DosingSession
    phase: str
    since: datetime | None
    due: DueReading | None
    order: DoseOrder | None
    has_alert: bool

    @property
    def is_overdue(self) -> bool:
        return self.due is not None and self.due.state is DueState.OVERDUE


def day_bounds(clinic: Clinic, day: date) -> tuple[datetime, datetime]:
    """First instant of a clinic day and of the next, aware."""
    start = datetime.combine(day, datetime.min.time(), tzinfo=clinic.zone)
    return start, datetime.combine(day + timedelta(days=1), datetime.min.time(), tzinfo=clinic.zone)


def doses_of_day(actor: Actor, *, now: datetime) -> list[RoomRow]:
    """Today's dosing sessions that the actor may see, by room and time, with what is due (bounded queries)."""
    from episodes.access import episodes_for

    start, end = day_bounds(actor.clinic, now.astimezone(actor.zone).date())
    visible = Episode.objects.filter(episodes_for(actor, "dose.view"))
    sessions = (
        DosingSession.objects.of_clinic(actor.clinic)
        .expected()
        .filter(
            Q(planned_at__gte=start, planned_at__lt=end)
            | Q(state__in=[SessionState.CHECKED_IN, SessionState.UNDER_WAY])
        )
        .filter(episode__in=visible)
        .with_anchors()
        .select_related("clinic", "room", "episode__patient", "episode__clinic", "episode__protocol_version")
        .prefetch_related(
            Prefetch("vitalsreadings", VitalsReading.objects.current().order_by("taken_at"), "readings_now"),
            Prefetch(
                "doseorders",
                DoseOrder.objects.active().order_by("is_supplemental", "ordered_at"),
                "orders_now",
            ),
            Prefetch("administrations", Administration.objects.current().order_by("started_at"), "given_now"),
            Prefetch("sessionendings", SessionEnding.objects.current(), "endings_now"),
        )
        .order_by("room__name", "planned_at")
    )
    settings = settings_in_force(actor.clinic)
    return [_room_row(session, settings, now) for session in sessions]


def _room_row(session: Any, settings: DosingSettings, now: datetime) -> RoomRow:
    order = session.orders_now[0] if session.orders_now else None
    readings = [row.as_reading() for row in session.readings_now]
    due: DueReading | None = None
    if session.d0_at is not None and session.state == SessionState.UNDER_WAY:
        first = session.given_now[0]
        due = next_due(
            due_readings(
                settings.schedule(first.drug_value, first.route_value, session.episode.protocol),
                d0=session.d0_at,
                readings=readings,
                now=now,
                left_at=session.endings_now[0].ended_at if session.endings_now else None,
                limits=settings.vitals,
            )
        )
    return RoomRow(
        session=session,
        phase=phase_of(session, d0=session.d0_at, is_running=session.running_count > 0, now=now),
        since=session.d0_at,
        due=due,
        order=order,
        has_alert=bool(session.readings_now and session.readings_now[-1].alerts),
    )


def phase_of(session: DosingSession, *, d0: datetime | None, is_running: bool, now: datetime) -> str:
    """The phase in words: by the session's state, and under way by the protocol's own phases since D0."""
    if session.state != SessionState.UNDER_WAY or d0 is None:
        return session.get_state_display()
    minutes = (now - d0).total_seconds() / 60
    passed = 0
    # The first phase of a protocol lies before the dose.
    for phase in session.episode.protocol.phases[1:]:
        if phase.most_minutes is None:
            continue
        passed += phase.most_minutes
        if minutes < passed:
            return phase.label
    return "Being given" if is_running else "Waiting to leave"


def total_given_mg(session: DosingSession) -> Decimal | None:
    """Milligrams of base given in the session so far."""
    return session.administrations.current().aggregate(total=Sum("amount_mg"))["total"]
