"""Planning a dosing session, following its appointment, and putting people on duty."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from episodes import guards
from episodes.guards import GuardContext
from episodes.models import Episode
from episodes.services import record_event
from episodes.services.locking import lock_episode
from kapclinic.accounts.models import Membership, Role, User
from kapclinic.clinics.models import Clinic, Room
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.jobs.services import enqueue
from kapclinic.notices.services import close_task
from kapclinic.scheduling.hooks import Change
from kapclinic.scheduling.models import Appointment, AppointmentKind, MeetingPlace
from kapclinic.scheduling.services import (
    book_appointment,
    cancel_appointment,
    complete_appointment,
    mark_no_show,
)
from sessions.clinical_settings import settings_in_force
from sessions.models import DosingSession, DutyShift, Place, SessionState
from sessions.services.common import READINESS_JOB, clock, lock_session, made_before, readiness_key


def plan_session(
    *,
    episode: Episode,
    planned_at: datetime,
    planned_until: datetime,
    actor: User,
    roles: frozenset[Role],
    place: str = Place.CLINIC,
    place_note: str = "",
    room: Room | None = None,
    people: Sequence[tuple[User, str]] = (),
    shared_people: Sequence[tuple[User, str]] = (),
    reason: str = "",
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> DosingSession:
    """Book the appointment of a dose and make its session. A time that has passed is recorded without booking.

    `people` are taken exclusively, `shared_people` are not. `reason` gets past what yields to a written reason.
    """
    now = clock(now)
    with transaction.atomic():
        episode = lock_episode(episode)
        known = made_before(DosingSession, request_key)
        if known is not None:
            return known
        refuse_if(_impossible_plan(planned_at, planned_until, place, place_note))
        context = GuardContext("dose.plan", episode, now, roles)
        guards.check(context, passing=_passing(context, reason))
        appointment: Appointment | None = None
        if planned_at > now:
            appointment = book_appointment(
                clinic=episode.clinic,
                kind=AppointmentKind.DOSING,
                episode=episode,
                starts_at=planned_at,
                ends_at=planned_until,
                people=people,
                shared_people=shared_people,
                room=room,
                place=MeetingPlace.TELEHEALTH if place == Place.HOME else MeetingPlace.IN_PERSON,
                reason=reason,
                roles=roles,
                actor=actor,
                now=now,
            )
            session = DosingSession.objects.select_for_update(of=("self",)).get(appointment=appointment)
            session.place, session.place_note, session.request_key = place, place_note, request_key
            session.save(update_fields=["place", "place_note", "request_key"])
        else:
            session = _make(
                episode,
                planned_at,
                planned_until,
                room,
                None,
                actor=actor,
                now=now,
                place=place,
                place_note=place_note,
                request_key=request_key,
            )
        return session


def _impossible_plan(planned_at: datetime, planned_until: datetime, place: str, note: str) -> list[Reason]:
    found: list[Reason] = []
    if planned_until <= planned_at:
        found.append(Reason("ends-before", "The end lies before the beginning.", field="planned_until"))
    if place != Place.CLINIC and not note.strip():
        found.append(
            Reason(
                "place-note", "Outside the clinic: write the address and who is there.", field="place_note"
            )
        )
    return found


def _passing(context: GuardContext, reason: str) -> dict[str, str]:
    return {each.code: reason for each in guards.reasons(context)} if reason.strip() else {}


def _make(
    episode: Episode,
    planned_at: datetime,
    planned_until: datetime,
    room: Room | None,
    appointment: Appointment | None,
    *,
    actor: User | None,
    now: datetime,
    **fields: Any,
) -> DosingSession:
    session = DosingSession.objects.create(
        clinic=episode.clinic,
        episode=episode,
        appointment=appointment,
        planned_at=planned_at,
        planned_until=planned_until,
        room=room,
        created_by=actor,
        created_at=now,
        **fields,
    )
    record_event(
        episode=episode,
        kind="dose.planned",
        summary="Dosing session planned" if planned_at > now else "Dosing session recorded afterwards",
        actor=actor,
        now=now,
        subject=session,
    )
    ask_for_readiness(session, now=now)
    return session


def ask_for_readiness(session: DosingSession, *, now: datetime) -> None:
    """From some hours before a dose, look whether everything is ready (gaps show early, not on the day)."""
    close_task(key=readiness_key(session), outcome="Planned anew", now=now)
    if session.planned_at <= now:
        return
    hours = settings_in_force(session.clinic).ready_hours_early
    enqueue(
        kind=READINESS_JOB,
        key=f"{READINESS_JOB}:{session.pk}:{session.planned_at.isoformat()}",
        payload={"session": str(session.pk), "planned_at": session.planned_at.isoformat()},
        clinic=session.clinic,
        due_at=max(now, session.planned_at - timedelta(hours=hours)),
        now=now,
    )


def follow_appointment(change: Change) -> None:
    """What a change of a dosing appointment means for its session; called inside the calendar's transaction."""
    appointment: Appointment = change.appointment
    session = (
        DosingSession.objects.filter(appointment=appointment).select_related("clinic", "episode").first()
    )
    if session is None:
        if change.what == "booked" and appointment.episode is not None:
            _make(
                appointment.episode,
                appointment.starts_at,
                appointment.ends_at,
                appointment.room,
                appointment,
                actor=change.actor,
                now=change.now,
                place=Place.HOME if appointment.place == MeetingPlace.TELEHEALTH else Place.CLINIC,
            )
        return
    if change.what == "restored":
        _put_back(session, change)
        return
    if session.state != SessionState.PLANNED:
        return
    match change.what:
        case "moved":
            session.planned_at, session.planned_until = appointment.starts_at, appointment.ends_at
            session.room = appointment.room
            session.save(update_fields=["planned_at", "planned_until", "room"])
            ask_for_readiness(session, now=change.now)
        case "cancelled":
            session.state = SessionState.CANCELLED
            session.called_off_reason = appointment.cancel_reason or "Appointment cancelled"
            session.save(update_fields=["state", "called_off_reason"])
        case "no-show":
            session.state = SessionState.NO_SHOW
            session.save(update_fields=["state"])


def _put_back(session: DosingSession, change: Change) -> None:
    """The cancellation of its appointment was undone: the visit takes place after all."""
    if session.is_struck:
        raise Refused(Reason("struck", "The session was entered in error: plan the dose anew."))
    if session.state != SessionState.CANCELLED:
        return
    session.state, session.called_off_reason = SessionState.PLANNED, ""
    session.save(update_fields=["state", "called_off_reason"])
    record_event(
        episode=session.episode,
        kind="dose.planned",
        summary="Dosing session planned again: calling it off was undone",
        actor=change.actor,
        now=change.now,
        subject=session,
    )
    ask_for_readiness(session, now=change.now)


def call_off_session(
    *,
    session: DosingSession,
    reason: str,
    actor: User,
    no_show: bool = False,
    now: datetime | None = None,
) -> DosingSession:
    """The visit does not take place: cancelled with a reason, or the patient did not come."""
    now = clock(now)
    if not no_show and not reason.strip():
        raise Refused(Reason("no-reason", "Say why it is called off.", field="reason"))
    with transaction.atomic():
        session = lock_session(session)
        if session.is_called_off:
            return session
        if session.state != SessionState.PLANNED:
            raise Refused(
                Reason("under-way", "The patient was already here: record how the visit ended instead.")
            )
        session.state = SessionState.NO_SHOW if no_show else SessionState.CANCELLED
        session.called_off_reason = reason.strip()
        session.save(update_fields=["state", "called_off_reason"])
        close_task(key=readiness_key(session), outcome="Called off", now=now)
        if session.appointment is not None:
            if no_show:
                mark_no_show(appointment=session.appointment, actor=actor, now=now)
            else:
                cancel_appointment(
                    appointment=session.appointment, reason=reason.strip(), actor=actor, now=now
                )
        record_event(
            episode=session.episode,
            kind="dose.called-off",
            summary="Dosing session: patient did not come" if no_show else "Dosing session called off",
            actor=actor,
            now=now,
            subject=session,
        )
        return session


def describe_setting(
    *, session: DosingSession, details: dict[str, Any], actor: User, now: datetime | None = None
) -> DosingSession:
    """Place, room, environment checklist, playlist, approach, homework: what may be filled in at any time."""
    now = clock(now)
    with transaction.atomic():
        session = lock_session(session)
        if session.is_called_off or session.is_struck:
            raise Refused(Reason("session-over", "This session was called off."))
        allowed = {"place_note", "approach", "environment", "environment_note", "playlist", "homework"}
        for name in allowed & set(details):
            setattr(session, name, details[name])
        session.save(update_fields=sorted(allowed & set(details)))
        return session


def complete_dosing_appointment(
    session: DosingSession, *, held_until: datetime, actor: User, now: datetime
) -> None:
    """Tell the calendar that the visit was held, from arrival to leaving."""
    if session.appointment is None:
        return
    first = session.anchors().d0 or session.planned_at
    check_in = session.checkins.current().first()
    held_from = min(first, check_in.at if check_in is not None else first)
    if held_until > held_from:
        complete_appointment(
            appointment=session.appointment, held_from=held_from, held_until=held_until, actor=actor, now=now
        )


def put_on_duty(
    *, clinic: Clinic, person: User, role: str, on: date, actor: User, now: datetime | None = None
) -> DutyShift:
    """Put a nurse or prescriber on duty for the doses of one clinic day; doing it twice changes nothing."""
    now = clock(now)
    if not Membership.objects.current().filter(clinic=clinic, user=person, role=role).exists():
        raise Refused(
            Reason("no-role", f"{person.name} is not a {Role(role).label.lower()} here.", field="person")
        )
    shift, _ = DutyShift.objects.standing().get_or_create(
        clinic=clinic,
        person=person,
        role=role,
        on=on,
        entered_in_error_at=None,
        defaults={"created_by": actor, "created_at": now},
    )
    return shift
