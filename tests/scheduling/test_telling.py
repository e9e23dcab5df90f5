"""When the patient must have been told of a time."""

from datetime import UTC, datetime, timedelta

import pytest

from kapclinic.accounts.models import Role
from kapclinic.notices.models import Task
from kapclinic.scheduling.models import AppointmentKind, Part
from kapclinic.scheduling.services import book_appointment
from kapclinic.scheduling.services.telling import task_key

pytestmark = pytest.mark.django_db

# Tuesday 9 June 2026, 10:00 in Denver.
TEN = datetime(2026, 6, 9, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("booked_before", "due_before"),
    [
        (72 * HOUR, 24 * HOUR),
        (26 * HOUR, 24 * HOUR),
        (25 * HOUR, 23 * HOUR),
        (24 * HOUR, 22 * HOUR),
        (5 * HOUR, 3 * HOUR),
        (2 * HOUR, 0 * HOUR),
        (1 * HOUR, 0 * HOUR),
    ],
)
def test_patient_is_told_a_day_ahead_and_nobody_is_late_from_the_start(
    clinic, episode, therapist, coordinator, booked_before, due_before
):
    booking = book_appointment(
        clinic=clinic,
        kind=AppointmentKind.INTEGRATION,
        starts_at=TEN,
        ends_at=TEN + HOUR,
        people=[(therapist, Part.THERAPIST)],
        episode=episode,
        actor=coordinator,
        roles=frozenset({Role.COORDINATOR}),
        reason="Made up",
        now=TEN - booked_before,
    )
    assert Task.objects.get(key=task_key(booking)).due_at == TEN - due_before
