"""Fixtures after a dose. The situations are made of models, so they are imported once Django is set up."""

from collections.abc import Callable
from typing import Any

import pytest
import time_machine


@pytest.fixture
def travel() -> Any:
    """Sets the clock; Monday's end of the dose to begin with."""
    from tests.integration.situations import T0

    with time_machine.travel(T0, tick=False) as traveller:
        yield traveller


@pytest.fixture
def at_work(travel: Any, clinic: Any, therapist: Any) -> None:
    """The therapist's hours are known."""
    from tests.integration.situations import work_weekdays

    work_weekdays(clinic, therapist)


@pytest.fixture
def dose(at_work: None, episode: Any, nurse: Any) -> Any:
    """The first dose, ended at T0; nothing has been planned yet."""
    from tests.integration.situations import give_dose

    return give_dose(episode, nurse)


@pytest.fixture
def need_of() -> Callable[..., Any]:
    """The need of a dose, freshly read."""
    from integration.models import IntegrationNeed, NeedPart

    def _need(session: Any, part: str = NeedPart.PRIMARY) -> IntegrationNeed:
        return IntegrationNeed.objects.select_related("appointment", "episode", "clinic").get(
            dose=session, part=part
        )

    return _need
