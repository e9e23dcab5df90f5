"""Starting, stopping, recording and correcting administrations.

Starting asks every rule and refuses with all reasons. Recording asks for nothing but what is possible: what departs
from order or rules is marked, opens an incident, and tells the prescriber.
"""

from sessions.services.giving.details import GivenDetails, details_of
from sessions.services.giving.judging import judge_administration, may_still_be_charted, what_speaks_against
from sessions.services.giving.recording import correct_administration, record_administration, record_medicine
from sessions.services.giving.starting import start_administration, stop_administration

__all__ = [
    "GivenDetails",
    "correct_administration",
    "details_of",
    "judge_administration",
    "may_still_be_charted",
    "record_administration",
    "record_medicine",
    "start_administration",
    "stop_administration",
    "what_speaks_against",
]
