"""What qualifies people: the state of a licence, and training hours beside the practice guide's figures. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from kapclinic.accounts.models import TrainingKind


class LicenceState(StrEnum):
    """How a licence stands on a day."""

    VALID = "valid"
    EXPIRING = "expires soon"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


def licence_state(*, expires_on: date, is_withdrawn: bool, today: date, warn_days: int) -> LicenceState:
    """State on `today`; valid up to and including the day of expiry, "expires soon" within `warn_days` of it."""
    if is_withdrawn:
        return LicenceState.WITHDRAWN
    if today > expires_on:
        return LicenceState.EXPIRED
    if expires_on - today <= timedelta(days=warn_days):
        return LicenceState.EXPIRING
    return LicenceState.VALID


@dataclass(frozen=True)
class GuideHours:
    """Hours that the practice guide names for independent practice: programs ask for at least `least` to `most`."""

    least: Decimal
    most: Decimal


# Practice guide G0, qualifications of therapists. Information, not a gate; experiential hours are optional there.
GUIDE: dict[TrainingKind, GuideHours] = {
    TrainingKind.DIDACTIC: GuideHours(Decimal(8), Decimal(40)),
    TrainingKind.OBSERVATION: GuideHours(Decimal(20), Decimal(50)),
    TrainingKind.SUPERVISED: GuideHours(Decimal(50), Decimal(100)),
}


@dataclass(frozen=True)
class TrainingSum:
    """Hours of one kind, and what the guide names for it (None where it names nothing)."""

    kind: TrainingKind
    hours: Decimal
    guide: GuideHours | None

    @property
    def is_below_guide(self) -> bool:
        """True when there are fewer hours than the lowest figure of the guide."""
        return self.guide is not None and self.hours < self.guide.least

    @property
    def reaches_most(self) -> bool:
        """True from the highest figure of the guide."""
        return self.guide is not None and self.hours >= self.guide.most


def training_sums(rows: Iterable[tuple[str, Decimal]]) -> list[TrainingSum]:
    """Sum of (kind, hours) pairs for every kind, in the guide's order; kinds without hours are zero."""
    totals = dict.fromkeys(TrainingKind, Decimal(0))
    for kind, hours in rows:
        totals[TrainingKind(kind)] += hours
    return [TrainingSum(kind, hours, GUIDE.get(kind)) for kind, hours in totals.items()]
