"""The people who work at the demo clinic, their licences and hours."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from kapclinic.accounts.models import (
    Competency,
    CompetencyKind,
    Licence,
    Membership,
    Role,
    TrainingHours,
    TrainingKind,
    User,
)
from kapclinic.clinics.models import Clinic, Room, RoomKind
from kapclinic.scheduling.models import HoursPlace
from kapclinic.scheduling.services.roster import add_working_hours

# Public on purpose: the demo holds no real person's data and answers this machine only.
PASSWORD = "made-up demo clinic"  # noqa: S105


@dataclass(frozen=True)
class Person:
    """One made-up member of staff; `days` are ISO weekdays with hours from `opens` to `closes`."""

    key: str
    name: str
    suffix: str
    roles: tuple[Role, ...]
    licence: str = ""
    days: tuple[int, ...] = (1, 2, 3, 4, 5)
    opens: int = 9
    closes: int = 17
    place: HoursPlace = HoursPlace.EITHER
    is_director: bool = False
    competencies: tuple[CompetencyKind, ...] = ()

    @property
    def email(self) -> str:
        """The address to sign in with."""
        return f"{self.key}@demo.example"


STAFF = (
    Person("coordinator", "Demo Carla Coordinator", "", (Role.COORDINATOR,)),
    Person("nurse", "Demo Nils Nurse", "RN", (Role.NURSE,), "RN", days=(1, 2, 3, 4, 5, 6), closes=18),
    Person("nurse2", "Demo Nadia Nurse", "RN", (Role.NURSE,), "RN"),
    Person(
        "therapist", "Demo Tara Therapist", "LCSW", (Role.THERAPIST,), "LCSW", days=(1, 2, 3, 4, 5, 6), closes=18,
        competencies=(CompetencyKind.ALTERED_STATES, CompetencyKind.TRAUMA, CompetencyKind.CRISIS),
    ),
    Person(
        "therapist2", "Demo Theo Therapist", "LPC", (Role.THERAPIST,), "LPC", days=(1, 2, 3, 4), closes=18,
        competencies=(CompetencyKind.ALTERED_STATES, CompetencyKind.SOMATIC),
    ),
    Person(
        "weekend", "Demo Wanda Weekend", "LMFT", (Role.THERAPIST,), "LMFT", days=(5, 6, 7), opens=10, closes=16,
        place=HoursPlace.TELEHEALTH, competencies=(CompetencyKind.ALTERED_STATES, CompetencyKind.SPIRITUAL),
    ),
    Person("prescriber", "Demo Priya Prescriber", "MD", (Role.PRESCRIBER,), "MD", is_director=True),
    Person("prescriber2", "Demo Paul Prescriber", "NP", (Role.PRESCRIBER,), "NP"),
    Person(
        "solo", "Demo Sol Soloist", "MD", (Role.PRESCRIBER, Role.THERAPIST), "MD",
        competencies=(CompetencyKind.ALTERED_STATES, CompetencyKind.TRAUMA),
    ),
    Person("manager", "Demo Mona Manager", "", (Role.MANAGER,)),
)  # fmt: skip


def make_rooms(clinic: Clinic) -> None:
    """Three dosing rooms and two for therapy."""
    for number in (1, 2, 3):
        Room.objects.get_or_create(clinic=clinic, name=f"Room {number}", defaults={"kind": RoomKind.DOSING})
    for number in (1, 2):
        Room.objects.get_or_create(
            clinic=clinic, name=f"Therapy {number}", defaults={"kind": RoomKind.THERAPY}
        )


def make_staff(clinic: Clinic, *, since: datetime, today: date) -> dict[str, User]:
    """The staff by key; who is there already is left alone."""
    people: dict[str, User] = {}
    for number, person in enumerate(STAFF):
        user = User.objects.filter(email=person.email).first()
        people[person.key] = user or _make(clinic, person, number=number, since=since, today=today)
    return people


def _make(clinic: Clinic, person: Person, *, number: int, since: datetime, today: date) -> User:
    user = User.objects.create_user(
        person.email, PASSWORD, name=person.name, credentials_suffix=person.suffix, date_joined=since
    )
    for role in person.roles:
        Membership.objects.create(
            clinic=clinic, user=user, role=role, created_at=since,
            is_medical_director=person.is_director and role == Role.PRESCRIBER,
        )  # fmt: skip
    if person.licence:
        Licence.objects.create(
            clinic=clinic, user=user, kind=person.licence, number=f"DEMO-{1000 + number}", state="CO",
            expires_on=today + timedelta(days=45 if person.key == "nurse2" else 400 + 20 * number), created_at=since,
        )  # fmt: skip
        for training, hours in (
            (TrainingKind.DIDACTIC, 32),
            (TrainingKind.OBSERVATION, 28),
            (TrainingKind.SUPERVISED, 70),
        ):
            TrainingHours.objects.create(
                clinic=clinic, user=user, kind=training, hours=hours, provider="Made-up training",
                completed_on=since.date() - timedelta(days=90), created_at=since,
            )  # fmt: skip
        for weekday in person.days:
            add_working_hours(
                clinic=clinic, person=user, weekday=weekday, starts_at=time(person.opens), ends_at=time(person.closes),
                valid_from=since.date(), place=person.place, actor=user, now=since,
            )  # fmt: skip
    for kind in person.competencies:
        Competency.objects.create(
            clinic=clinic,
            user=user,
            kind=kind,
            basis="Made-up certificate",
            since=since.date(),
            created_at=since,
        )
    return user
