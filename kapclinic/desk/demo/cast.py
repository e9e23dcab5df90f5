"""Who the made-up patients are and how far each has come. Everything is counted back from the moment of loading."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from kapclinic.clinics.models import Clinic
from kapclinic.desk.demo.journey import Script
from sessions.dose import Route

# The demo's courses have four doses, the least that the practice guides name.
INDUCTION_DOSES = 4
FAMILY_NAME = "Demo"
GIVEN_NAMES = (
    "Ana", "Bela", "Cem", "Dara", "Edda", "Felix", "Gita", "Hugo", "Idris", "Jana", "Kofi", "Lena", "Mei", "Noor", "Omar",
    "Pia", "Quin", "Rosa", "Sami", "Tomas", "Uma", "Vera", "Wim", "Xenia", "Yara", "Zeno", "Aiko", "Bruno", "Chidi", "Dunja",
    "Elif", "Farid", "Greta", "Hana", "Ilja", "Juno", "Kaya", "Liam", "Mira", "Nilo",
)  # fmt: skip
PRONOUNS = ("she/her", "he/him", "they/them", "she/her", "he/him")
SEXES = ("female", "male", "female", "female", "male")
TRAJECTORIES = (
    (19, 17, 14, 11, 9, 7, 6), (22, 20, 18, 15, 13, 12, 12), (16, 13, 9, 6, 4, 3, 3), (24, 23, 20, 18, 14, 10, 8),
    (18, 18, 17, 16, 17, 16, 15), (21, 17, 12, 8, 6, 4, 2),
)  # fmt: skip
INDICATIONS = ("trd", "depression", "ptsd", "anxiety", "trd", "existential")
GOALS = (
    "To get up in the morning without dread", "To be with my children without leaving inside",
    "To sleep without the dream", "To work three days a week again", "To ask for help before it is too late",
)  # fmt: skip
SLEEP_APNOEA = (("sleep_apnoea", "Sleep apnoea, uses CPAP", "stable"),)


@dataclass(frozen=True)
class Role:
    """One patient's part. `doses` are given; `last_dose_h` says how many hours ago the last one began."""

    stage: str
    doses: int = 0
    last_dose_h: float = 0
    twist: str = ""
    protocol: str = "preparation-integration"
    lead: str = "therapist"
    prescriber: str = "prescriber"


def _closed(days_ago: int, twist: str = "completed", doses: int = 4, **more: str) -> Role:
    return Role("closed", doses, days_ago * 24, twist, **more)


CAST: tuple[Role, ...] = (
    _closed(128, protocol="kap"), _closed(119), _closed(104, lead="therapist2"),
    _closed(92, protocol="kap", lead="solo", prescriber="solo"),
    _closed(81), _closed(70, lead="therapist2", prescriber="prescriber2"), _closed(66, "lost", doses=2),
    _closed(0, "declined", doses=0), _closed(0, "ineligible", doses=0),
    Role("maintenance", 6, 24 * 9), Role("maintenance", 5, 24 * 16, protocol="kap"),
    Role("maintenance", 7, 24 * 4, lead="therapist2"),
    Role("maintenance", 5, 24 * 12, lead="solo", prescriber="solo", protocol="kap"), Role("maintenance", 6, 24 * 20),
    Role("maintenance", 5, 24 * 23, lead="therapist2", prescriber="prescriber2"),
    Role("treatment", 2, 20, "told"), Role("treatment", 3, 31, "not told", protocol="kap"),
    Role("treatment", 4, 58, "unplaced", lead="therapist2"), Role("treatment", 2, 0.45, "under way"),
    Role("treatment", 1, 24 * 4, "later today", lead="therapist2"), Role("treatment", 3, 24 * 6, "tomorrow"),
    Role("treatment", 2, 24 * 5, "missed", lead="therapist2", prescriber="prescriber2"),
    Role("treatment", 4, 24 * 4.2, "tomorrow", protocol="kap", lead="solo", prescriber="solo"),
    Role("treatment", 1, 26, "told", protocol="within-48h"), Role("treatment", 5, 24 * 5),
    Role("treatment", 3, 24 * 3.6, protocol="parallel", lead="therapist2"), Role("treatment", 2, 24 * 4.5, protocol="parallel"),
    Role("preparation", twist="prepared"), Role("preparation", twist="draft", lead="therapist2"),
    Role("preparation", twist="first dose booked"), Role("preparation", protocol="kap"),
    Role("screening", twist="finding"), Role("screening", twist="risk", lead="therapist2"), Role("screening", twist="half"),
    Role("screening", twist="unclassified", prescriber="prescriber2"), Role("screening", twist="ready"),
    Role("screening", twist="scores only", lead="therapist2"),
    Role("referred"), Role("referred", lead="therapist2"), Role("referred", protocol="parallel"),
)  # fmt: skip


def script_of(number: int, role: Role) -> Script:
    """What is particular about patient `number`, the same on every loading."""
    route = (Route.INTRAVENOUS, Route.INTRAVENOUS, Route.INTRAMUSCULAR, Route.SUBLINGUAL)[number % 4]
    script = Script(
        indication=INDICATIONS[number % len(INDICATIONS)],
        protocol=role.protocol,
        route=route,
        weight_kg=Decimal(58 + (number * 7) % 34),
        scores=TRAJECTORIES[number % len(TRAJECTORIES)],
        goal=GOALS[number % len(GOALS)],
        conditions=SLEEP_APNOEA if number % 9 == 4 or role.twist == "finding" else (),
    )
    if role.twist == "unclassified":
        return replace(
            script, medications=(("Sertraline", "100 mg"), ("Herbal mixture from a friend", "one cup"))
        )
    return script


def details_of(number: int) -> dict[str, object]:
    """The registration of patient `number`."""
    given = GIVEN_NAMES[number]
    return {
        "given_name": given,
        "family_name": FAMILY_NAME,
        "pronouns": PRONOUNS[number % len(PRONOUNS)],
        "sex_at_birth": SEXES[number % len(SEXES)],
        "date_of_birth": date(1958 + (number * 11) % 44, 1 + number % 12, 1 + (number * 5) % 27),
        "external_id": external_id(number),
        "phone": f"+1 303 555 {1000 + number:04d}",
        "email": f"{given.lower()}@patients.example",
        "address": f"{10 + number} Made-up Street",
        "state": "CO",
        "postal_code": "80200",
        "emergency_name": f"Robin {FAMILY_NAME}",
        "emergency_phone": f"+1 303 555 {2000 + number:04d}",
        "emergency_relation": "sibling",
        "support_name": f"Sam {FAMILY_NAME}",
        "support_phone": f"+1 303 555 {3000 + number:04d}",
        "support_relation": "friend",
    }


def external_id(number: int) -> str:
    """What marks the patient as made up, and finds them again when loading was interrupted."""
    return f"DEMO-{number + 1:02d}"


def working_time(clinic: Clinic, day: date, hour: int) -> datetime:
    """`hour` o'clock at the clinic on `day`, or on the Friday before when that is a weekend."""
    while day.isoweekday() > 5:
        day -= timedelta(days=1)
    return datetime.combine(day, time(hour), tzinfo=clinic.zone)


def dose_starts(clinic: Clinic, role: Role, number: int, now: datetime) -> list[datetime]:
    """When the visits of the given doses began, oldest first: twice a week in the course, then about every three weeks."""
    if role.doses == 0:
        return []
    last = now - timedelta(hours=role.last_dose_h)
    starts = [last]
    for index in range(1, role.doses):
        gap_days = 21 if role.doses - index >= INDUCTION_DOSES and role.stage == "maintenance" else 4
        day = (starts[0].astimezone(clinic.zone) - timedelta(days=gap_days)).date()
        starts.insert(0, working_time(clinic, day, 9 + (number * 2) % 5))
    if role.last_dose_h > 72:
        starts[-1] = working_time(clinic, last.astimezone(clinic.zone).date(), 9 + (number * 2) % 5)
    return starts
