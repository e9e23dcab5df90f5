"""Situations after a dose. Monday 8 June 2026, Denver; the therapist works weekdays 09:00-17:00."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from episodes.models import Episode
from integration.models import IntegrationNeed, NeedPart
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.scheduling.services import add_working_hours
from sessions.dose import Drug, Route
from sessions.models import DosingSession
from sessions.services.giving import GivenDetails, record_administration
from sessions.services.planning import plan_session
from tests import factories

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


def make_clinic_at_work() -> tuple[Clinic, dict[Role, User]]:
    """A clinic whose one therapist works day and night from a month ago; with its nurse and prescriber."""
    clinic = factories.make_clinic()
    people = {
        role: factories.make_member(clinic, role) for role in (Role.THERAPIST, Role.PRESCRIBER, Role.NURSE)
    }
    for weekday in range(1, 8):
        add_working_hours(
            clinic=clinic, person=people[Role.THERAPIST], weekday=weekday, starts_at=time(0), ends_at=time(0),
            valid_from=timezone.localdate() - timedelta(days=30), actor=people[Role.THERAPIST],
        )  # fmt: skip
    return clinic, people


def need_of_new_dose(clinic: Clinic, people: dict[Role, User], name: str) -> IntegrationNeed:
    """The need of a new patient, whose dose ended five minutes ago."""
    ended = timezone.now().replace(microsecond=0) - timedelta(minutes=5)
    episode = factories.make_episode(
        factories.make_patient(clinic, family_name=name),
        prescriber=people[Role.PRESCRIBER],
        therapist=people[Role.THERAPIST],
    )
    dose = give_dose(
        episode, people[Role.NURSE], started=ended - timedelta(minutes=40), ended=ended, now=timezone.now()
    )
    return IntegrationNeed.objects.get(dose=dose, part=NeedPart.PRIMARY)


def double_bookings() -> int:
    """Pairs of live exclusive participations of one person, room or patient that overlap."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM scheduling_appointmentparticipant a JOIN scheduling_appointmentparticipant b
               ON a.id < b.id AND a.is_live AND b.is_live AND a.is_exclusive AND b.is_exclusive
               AND a.removed_at IS NULL AND b.removed_at IS NULL
               AND (a.person_id = b.person_id OR a.room_id = b.room_id OR a.patient_id = b.patient_id)
               AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at"""
        )
        return cursor.fetchone()[0]
