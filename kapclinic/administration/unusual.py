"""Which reads are unusual: one day's reads of one clinic in, findings out. Pure.

A finding is no accusation: nights are worked and people share names. It asks a manager to look, once.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from kapclinic.audit.models import Oddity

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Read:
    """One person reached one patient at `at` (aware).

    `is_off_team`: a clinician whom no team, duty or authorship brought there.
    """

    user_id: uuid.UUID
    patient_id: uuid.UUID
    at: datetime
    is_off_team: bool
    is_of_same_name: bool


@dataclass(frozen=True)
class Limits:
    """The clinic's settings: hours of its clock, and patients in an hour up to which nobody asks."""

    night_from_hour: int
    night_until_hour: int
    most_patients: int


@dataclass(frozen=True)
class Unusual:
    """One finding; `key` is the same whenever the same day is looked at again."""

    kind: Oddity
    key: str
    user_id: uuid.UUID
    patient_id: uuid.UUID | None
    first_at: datetime
    last_at: datetime
    number: int


def is_night(at: datetime, limits: Limits, zone: ZoneInfo) -> bool:
    """Whether the clinic's clock shows a night hour: from the first hour on, until the second one begins."""
    hour = at.astimezone(zone).hour
    begin, end = limits.night_from_hour, limits.night_until_hour
    if begin <= end:
        return begin <= hour < end
    return hour >= begin or hour < end


def unusual_reads(reads: Iterable[Read], *, day: date, limits: Limits, zone: ZoneInfo) -> Iterator[Unusual]:
    """What is unusual about the reads of `day` (by the clinic's clock): for each person, one finding of a kind and patient."""
    by_person = sorted(reads, key=lambda read: (read.user_id, read.at))
    for user_id, group in groupby(by_person, key=lambda read: read.user_id):
        of_person = list(group)
        night = [read for read in of_person if is_night(read.at, limits, zone)]
        yield from _one(Oddity.NIGHT, user_id, None, night, day)
        yield from _many(user_id, of_person, day, limits)
        for kind, chosen in (
            (Oddity.OFF_TEAM, [read for read in of_person if read.is_off_team]),
            (Oddity.FAMILY_NAME, [read for read in of_person if read.is_of_same_name]),
        ):
            for patient_id in sorted({read.patient_id for read in chosen}):
                of_patient = [read for read in chosen if read.patient_id == patient_id]
                yield from _one(kind, user_id, patient_id, of_patient, day)


def _one(
    kind: Oddity, user_id: uuid.UUID, patient_id: uuid.UUID | None, reads: list[Read], day: date
) -> Iterator[Unusual]:
    if reads:
        key = f"{kind}:{user_id}:{patient_id or ''}:{day}"
        yield Unusual(kind, key, user_id, patient_id, reads[0].at, reads[-1].at, len(reads))


def _many(user_id: uuid.UUID, reads: list[Read], day: date, limits: Limits) -> Iterator[Unusual]:
    """The fullest 60 minutes of the day, when they hold more patients than the limit."""
    fullest: tuple[int, list[Read]] = (0, [])
    first = 0
    for last, read in enumerate(reads):
        while read.at - reads[first].at >= HOUR:
            first += 1
        within = reads[first : last + 1]
        patients = len({each.patient_id for each in within})
        if patients > fullest[0]:
            fullest = (patients, within)
    number, within = fullest
    if number > limits.most_patients:
        yield Unusual(
            Oddity.MANY, f"{Oddity.MANY}:{user_id}::{day}", user_id, None, within[0].at, within[-1].at, number
        )
