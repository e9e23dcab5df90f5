"""Situations after a dose. Monday 8 June 2026, Denver; the therapist works weekdays 09:00-17:00."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from episodes.models import Episode
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.scheduling.services import add_working_hours
from sessions.dose import Drug, Route
from sessions.models import DosingSession
from sessions.services.giving import GivenDetails, record_administration
from sessions.services.planning import plan_session

# Monday 13:00 in Denver; the dose of the story ends at 13:08.
D0 = datetime(2026, 6, 8, 18, 28, tzinfo=UTC)
T0 = datetime(2026, 6, 8, 19, 8, tzinfo=UTC)
NURSE = frozenset({Role.NURSE})
COORDINATOR = frozenset({Role.COORDINATOR})


def after(hours: float) -> datetime:
    return T0 + timedelta(hours=hours)


def work_weekdays(clinic: Clinic, person: User, *, starts: time = time(9), ends: time = time(17)) -> None:
    for weekday in range(1, 6):
        add_working_hours(
            clinic=clinic, person=person, weekday=weekday, starts_at=starts, ends_at=ends,
            valid_from=T0.date() - timedelta(days=60), actor=person, now=T0,
        )  # fmt: skip


def give_dose(
    episode: Episode,
    nurse: User,
    *,
    started: datetime = D0,
    ended: datetime | None = T0,
    now: datetime | None = None,
) -> DosingSession:
    """A dose written down as it was: an infusion from `started` to `ended` (None: it still runs)."""
    now = now or ended or started
    session = plan_session(
        episode=episode, planned_at=started, planned_until=started + timedelta(hours=2), actor=nurse, roles=NURSE, now=now
    )  # fmt: skip
    record_administration(
        session=session,
        details=GivenDetails(
            drug=Drug.KETAMINE,
            route=Route.INTRAVENOUS,
            started_at=started,
            ended_at=ended,
            amount_mg=Decimal(34),
        ),
        actor=nurse,
        now=now,
    )
    return session
