"""Preparation and dosing."""

from sessions.models.events import (
    AdverseEvent,
    ChallengeKind,
    ChallengingExperience,
    Continuation,
    Grade,
    Incident,
    IncidentKind,
    Outcome,
    SeriousCriterion,
)
from sessions.models.giving import Administration, OtherMedicine
from sessions.models.leaving import DischargeCheck, SessionEnding
from sessions.models.monitoring import LogEntry, LogKind, VitalsReading
from sessions.models.orders import DoseOrder
from sessions.models.preparation import PreparationAddendum, PreparationSession
from sessions.models.session import (
    OPEN_STATES,
    Approach,
    CheckIn,
    DosingSession,
    DutyShift,
    Place,
    SessionState,
    YesNo,
)

__all__ = [
    "OPEN_STATES",
    "Administration",
    "AdverseEvent",
    "Approach",
    "ChallengeKind",
    "ChallengingExperience",
    "CheckIn",
    "Continuation",
    "DischargeCheck",
    "DoseOrder",
    "DosingSession",
    "DutyShift",
    "Grade",
    "Incident",
    "IncidentKind",
    "LogEntry",
    "LogKind",
    "OtherMedicine",
    "Outcome",
    "Place",
    "PreparationAddendum",
    "PreparationSession",
    "SeriousCriterion",
    "SessionEnding",
    "SessionState",
    "VitalsReading",
    "YesNo",
]
