"""What higher rooms do when something about a patient changes that their rules look at, and when an episode is closed.

They register functions from `AppConfig.ready`. These are called inside the transaction that changed the record, so that
what follows is written with it or not at all.
"""

from datetime import datetime
from typing import Protocol

from episodes.models import Episode, Patient
from kapclinic.accounts.models import User


class Followup(Protocol):
    def __call__(self, *, patient: Patient, actor: User, now: datetime) -> None: ...


class ClosingFollowup(Protocol):
    def __call__(self, *, episode: Episode, actor: User, now: datetime) -> None: ...


_followups: list[Followup] = []
_closing_followups: list[ClosingFollowup] = []


def on_patient_changed(function: Followup) -> Followup:
    """Register `function`, called when a patient's details or allergies change."""
    if function not in _followups:
        _followups.append(function)
    return function


def announce(*, patient: Patient, actor: User, now: datetime) -> None:
    """Call every registered function."""
    for function in _followups:
        function(patient=patient, actor=actor, now=now)


def on_episode_closed(function: ClosingFollowup) -> ClosingFollowup:
    """Register `function`, called when an episode was closed."""
    if function not in _closing_followups:
        _closing_followups.append(function)
    return function


def announce_closed(*, episode: Episode, actor: User, now: datetime) -> None:
    """Call every function registered for a closed episode."""
    for function in _closing_followups:
        function(episode=episode, actor=actor, now=now)
