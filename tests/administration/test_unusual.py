"""Which reads are unusual, at each boundary."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kapclinic.administration.unusual import Limits, Read, is_night, unusual_reads
from kapclinic.audit.models import Oddity

ZONE = ZoneInfo("America/Denver")
DAY = date(2026, 3, 2)
LIMITS = Limits(night_from_hour=22, night_until_hour=6, most_patients=3)
PERSON, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
NOON = datetime(2026, 3, 2, 12, tzinfo=ZONE)


def _read(at: datetime = NOON, *, patient: int = 10, person: uuid.UUID = PERSON, **flags: bool) -> Read:
    return Read(
        person, uuid.UUID(int=patient), at, flags.get("off_team", False), flags.get("same_name", False)
    )


def _found(reads: Sequence[Read]) -> list[tuple[Oddity, int]]:
    return [(each.kind, each.number) for each in unusual_reads(reads, day=DAY, limits=LIMITS, zone=ZONE)]


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("21:59:59", False),
        ("22:00:00", True),
        ("23:59:59", True),
        ("00:00:00", True),
        ("05:59:59", True),
        ("06:00:00", False),
        ("12:00:00", False),
    ],
)
def test_night_begins_and_ends_by_the_clinics_clock(clock: str, expected: bool) -> None:
    at = datetime.fromisoformat(f"2026-03-02T{clock}").replace(tzinfo=ZONE)
    assert is_night(at, LIMITS, ZONE) is expected
    assert is_night(at.astimezone(ZoneInfo("UTC")), LIMITS, ZONE) is expected


def test_night_within_one_day_is_no_night_at_noon() -> None:
    limits = Limits(night_from_hour=1, night_until_hour=4, most_patients=3)
    assert is_night(NOON.replace(hour=1), limits, ZONE)
    assert not is_night(NOON.replace(hour=4), limits, ZONE)
    assert not is_night(NOON, limits, ZONE)


@pytest.mark.parametrize(
    ("instant", "expected"),
    # The clock goes from 2:00 to 3:00 on 8 March 2026, and from 2:00 back to 1:00 on 1 November.
    [
        ("2026-03-08T11:59:59+00:00", True),
        ("2026-03-08T12:00:00+00:00", False),
        ("2026-11-01T12:59:59+00:00", True),
        ("2026-11-01T13:00:00+00:00", False),
    ],
)
def test_night_ends_at_six_when_the_clocks_change(instant: str, expected: bool) -> None:
    assert is_night(datetime.fromisoformat(instant), LIMITS, ZONE) is expected


@pytest.mark.parametrize(
    ("patients", "apart", "expected"),
    [
        (3, timedelta(minutes=1), []),
        (4, timedelta(minutes=1), [(Oddity.MANY, 4)]),
        # Four within 60 minutes need the fourth before the hour is full.
        (4, timedelta(minutes=20), []),
        (4, timedelta(minutes=20) - timedelta(seconds=1), [(Oddity.MANY, 4)]),
    ],
)
def test_many_patients_in_an_hour(
    patients: int, apart: timedelta, expected: list[tuple[Oddity, int]]
) -> None:
    assert _found([_read(NOON + apart * n, patient=n) for n in range(patients)]) == expected


def test_one_patient_opened_often_is_not_many() -> None:
    assert _found([_read(NOON + timedelta(minutes=n)) for n in range(30)]) == []


def test_patients_of_two_people_are_counted_apart() -> None:
    reads = [_read(NOON, patient=n, person=PERSON if n % 2 else OTHER) for n in range(6)]
    assert _found(reads) == []


def test_off_team_and_family_name_are_one_finding_for_each_patient() -> None:
    reads = [
        _read(NOON, patient=1, off_team=True),
        _read(NOON + timedelta(hours=3), patient=1, off_team=True),
        _read(NOON, patient=2, off_team=True, same_name=True),
    ]
    assert _found(reads) == [(Oddity.OFF_TEAM, 2), (Oddity.OFF_TEAM, 1), (Oddity.FAMILY_NAME, 1)]


def test_findings_have_the_same_keys_when_looked_for_again() -> None:
    reads = [_read(NOON.replace(hour=23), off_team=True)]
    first, second = (
        [each.key for each in unusual_reads(chosen, day=DAY, limits=LIMITS, zone=ZONE)]
        for chosen in (reads, [*reads, _read(NOON.replace(hour=23, minute=30), off_team=True)])
    )
    assert first == second
    assert len(set(first)) == 2
