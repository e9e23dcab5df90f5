"""What higher rooms do when something about a patient changes that their rules look at.

They register functions from `AppConfig.ready`. These are called inside the transaction that changed the record, so that
what follows is written with it or not at all.
"""

from datetime import datetime
from typing import Protocol

from episodes.models import Patient
from kapclinic.accounts.models import User


class Followup(Protocol):
    def __call__(self, *, patient: Patient, actor: User, now: datetime) -> None: ...


_followups: list[Followup] = []


def on_patient_changed(function: Followup) -> Followup:
    """Register `function`, called when a patient's details or allergies change."""
    if function not in _followups:
        _followups.append(function)
    return function


def announce(*, patient: Patient, actor: User, now: datetime) -> None:
    """Call every registered function."""
    for function in _followups:
        function(patient=patient, actor=actor, now=now)
