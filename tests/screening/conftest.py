"""Fixtures of screening."""

import pytest


@pytest.fixture
def make_ready(episode, nurse, prescriber):
    """Screen the patient, sign the consent and decide in favour."""
    from tests.factories import make_treatment_consent
    from tests.screening.screening_situations import decide, screen

    def make():
        screen(episode, nurse)
        make_treatment_consent(episode, nurse)
        return decide(episode, prescriber)

    return make
