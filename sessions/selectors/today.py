"""The doses of a day, by room, with what is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Prefetch, Q

from episodes.models import Episode
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.models import Clinic
from sessions.clinical_settings import DosingSettings, settings_in_force
from sessions.models import (
    Administration,
    DoseOrder,
    DosingSession,
    SessionEnding,
    SessionState,
    VitalsReading,
)
from sessions.vitals import (
    DueReading,
    DueState,
    due_readings,
    next_due,
)


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
