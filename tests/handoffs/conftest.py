"""Fixtures of handoffs. The situations are made of models, so they are imported once Django is set up."""

from typing import Any

import pytest


@pytest.fixture
def room(clinic: Any, patient: Any, nurse: Any, therapist: Any, prescriber: Any) -> Any:
    """Everybody around a dosing session of a consented patient in treatment."""
    from tests.sessions.situations import make_room

    return make_room(clinic, patient, nurse, therapist, prescriber)


@pytest.fixture
def planned(room: Any) -> Any:
    """Prepared and planned; the dose is still to come."""
    room.prepare()
    room.plan()
    return room


@pytest.fixture
def dosed(room: Any) -> Any:
    """A dose that was given and ended at minute 50, with vital signs."""
    room.whole_dose()
    room.vitals(30, systolic=156, diastolic=94, heart_rate=92, spo2=96, sedation=3)
    room.vitals(60)
    return room
