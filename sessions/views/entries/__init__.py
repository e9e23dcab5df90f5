"""Pages on which something is written into the record of a dosing session."""

from sessions.views.entries.door import check_in
from sessions.views.entries.events import (
    adverse_event,
    adverse_event_review,
    adverse_event_update,
    challenge,
    challenge_answer,
    incident_answer,
)
from sessions.views.entries.giving import correct_given, given, medicine, start, stop
from sessions.views.entries.leaving import ending, leaving_check
from sessions.views.entries.observing import correct_vitals, log, vitals

__all__ = [
    "adverse_event",
    "adverse_event_review",
    "adverse_event_update",
    "challenge",
    "challenge_answer",
    "check_in",
    "correct_given",
    "correct_vitals",
    "ending",
    "given",
    "incident_answer",
    "leaving_check",
    "log",
    "medicine",
    "start",
    "stop",
    "vitals",
]
