"""Fixtures of dosing. The situations are made of models, so they are imported once Django is set up."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def room(clinic: Any, patient: Any, nurse: Any, therapist: Any, prescriber: Any) -> Any:
    """Everybody around a dosing session of a consented patient in treatment."""
    from tests.sessions.situations import make_room

    return make_room(clinic, patient, nurse, therapist, prescriber)


@pytest.fixture
def announced() -> Iterator[list[Any]]:
    """Every change of D0 and T0 that was announced to the rooms above."""
    from sessions import followups

    seen: list[Any] = []

    def notice(change: followups.AnchorsChange) -> None:
        seen.append(change)

    followups.on_anchors_changed(notice)
    yield seen
    followups._followups.remove(notice)
