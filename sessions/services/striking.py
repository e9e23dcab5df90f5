"""What is taken back when an entry of a dosing session was entered in error.

A struck correction gives the row that it corrected its place back; an order never comes back by itself.
"""

from datetime import datetime

from episodes.services import strike_entry
from episodes.services.striking import takes_back
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.notices.services import close_task
from kapclinic.scheduling.services import cancel_appointment
from sessions.anchor import AdministrationTimes, anchors
from sessions.models import (
    Administration,
    AdverseEvent,
    ChallengingExperience,
    CheckIn,
    DoseOrder,
    DosingSession,
    Incident,
    IncidentKind,
    SessionEnding,
    SessionState,
    VitalsReading,
)
from sessions.models.base import CorrectableEntry
from sessions.services.common import follow_change, lock_session


def _give_place_back(entry: CorrectableEntry) -> None:
    if entry.superseded_at is None and entry.supersedes is not None and not entry.supersedes.is_struck:
        before = entry.supersedes
        before.superseded_at = None
        before.save(update_fields=["superseded_at"])


def _strike_incident(kind: str, subject: str, actor: User, now: datetime) -> None:
    for incident in Incident.objects.standing().filter(kind=kind, subject=subject):
        strike_entry(entry=incident, reason="What it was about was entered in error", actor=actor, now=now)


@takes_back(Administration)
def take_back_administration(entry: Administration, *, actor: User, now: datetime) -> None:
    """D0 and T0 as if it had never been, and the rooms above are told."""
    if entry.superseded_at is not None:
        return
    session = lock_session(entry.session)
    others = [
        AdministrationTimes(each.started_at, each.ended_at) for each in session.administrations.current()
    ]
    before = anchors([*others, AdministrationTimes(entry.started_at, entry.ended_at)])
    _give_place_back(entry)
    for subject in (f"administration:{entry.pk}", f"administration-end:{entry.pk}"):
        _strike_incident(IncidentKind.DEVIATION, subject, actor, now)
    after = session.anchors()
    if after.count == 0 and session.state in (SessionState.UNDER_WAY, SessionState.ENDED):
        is_here = session.checkins.current().exists()
        session.state = SessionState.CHECKED_IN if is_here else SessionState.PLANNED
        session.save(update_fields=["state"])
    follow_change(session, before, after, actor=actor, now=now)


@takes_back(VitalsReading)
def take_back_reading(entry: VitalsReading, *, actor: User, now: datetime) -> None:
    """The call that it caused falls away, unless another reading stands behind it."""
    if entry.superseded_at is not None:
        return
    _give_place_back(entry)
    _strike_incident(IncidentKind.EMERGENCY, f"vitals:{entry.pk}", actor, now)
    latest = entry.session.vitalsreadings.current().order_by("-taken_at").first()
    if latest is None or not latest.alerts:
        close_task(key=f"dosing-vitals:{entry.session_id}", outcome="Entered in error", now=now)


@takes_back(CheckIn)
def take_back_check_in(entry: CheckIn, *, actor: User, now: datetime) -> None:
    """Before a dose the session is planned again when nothing else was asked at the door."""
    _give_place_back(entry)
    session = lock_session(entry.session)
    if session.state == SessionState.CHECKED_IN and not session.checkins.current().exists():
        session.state = SessionState.PLANNED
        session.save(update_fields=["state"])


@takes_back(SessionEnding)
def take_back_ending(entry: SessionEnding, *, actor: User, now: datetime) -> None:
    """The patient has not left, as far as the record knows."""
    if entry.superseded_at is not None:
        return
    _give_place_back(entry)
    session = lock_session(entry.session)
    _strike_incident(IncidentKind.AGAINST_ADVICE, f"ending:{entry.pk}", actor, now)
    close_task(key=f"dosing-call:{session.pk}", outcome="Entered in error", now=now)
    if not session.sessionendings.current().exists() and not session.is_called_off:
        session.state = SessionState.UNDER_WAY if session.anchors().count else SessionState.CHECKED_IN
        session.completed_at = session.completed_by = None
        session.save(update_fields=["state", "completed_at", "completed_by"])


@takes_back(AdverseEvent)
def take_back_event(entry: AdverseEvent, *, actor: User, now: datetime) -> None:
    """The review is not owed any more."""
    _give_place_back(entry)
    close_task(key=f"dosing-event:{entry.pk}", outcome="Entered in error", now=now)


@takes_back(ChallengingExperience)
def take_back_challenge(entry: ChallengingExperience, *, actor: User, now: datetime) -> None:
    """The answer is not owed any more."""
    close_task(key=f"dosing-challenge:{entry.pk}", outcome="Entered in error", now=now)
    close_task(key=f"dosing-challenge-stop:{entry.pk}", outcome="Entered in error", now=now)


@takes_back(DoseOrder)
def take_back_order(entry: DoseOrder, *, actor: User, now: datetime) -> None:
    """The countersignature is not owed any more; an earlier order does not come back by itself."""
    close_task(key=f"dosing-countersign:{entry.pk}", outcome="Entered in error", now=now)


@takes_back(Incident)
def take_back_incident(entry: Incident, *, actor: User, now: datetime) -> None:
    """The answer is not owed any more."""
    close_task(key=f"dosing-incident:{entry.pk}", outcome="Entered in error", now=now)


@takes_back(DosingSession)
def take_back_session(entry: DosingSession, *, actor: User, now: datetime) -> None:
    """A session in which something was given is not struck before the administrations are."""
    if entry.administrations.current().exists():
        raise Refused(Reason("was-dosed", "Something was given in this session: strike that first."))
    appointment = entry.appointment
    if appointment is not None and appointment.is_live:
        cancel_appointment(appointment=appointment, reason="Session entered in error", actor=actor, now=now)
