"""What a person says about one administration."""

from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal

from sessions.dose import (
    RUNNING_ROUTES,
    Drug,
    Given,
    Route,
)
from sessions.models import (
    Administration,
)


@dataclass(frozen=True)
class GivenDetails:
    """What a person says about one administration. Times aware; `amount_mg` of base."""

    drug: Drug
    route: Route
    started_at: datetime
    ended_at: datetime | None = None
    amount_mg: Decimal | None = None
    volume_ml: Decimal | None = None
    site: str = ""
    lot: str = ""
    expires_on: date | None = None
    stopped_early: bool = False
    stop_reason: str = ""
    deviation_note: str = ""

    def settled(self) -> "GivenDetails":
        """What is given in a moment ends when it starts."""
        if self.route in RUNNING_ROUTES or self.ended_at is not None:
            return self
        return replace(self, ended_at=self.started_at)

    def given(self) -> Given:
        """The part that the rules judge."""
        return Given(
            drug=self.drug,
            route=self.route,
            amount_mg=self.amount_mg,
            started_at=self.started_at,
            ended_at=self.ended_at,
            expires_on=self.expires_on,
            stopped_early=self.stopped_early,
        )


def details_of(given: Administration) -> GivenDetails:
    """What a row says, as a person could say it again."""
    values = {each.name: getattr(given, each.name) for each in fields(GivenDetails)}
    return GivenDetails(**{**values, "drug": given.drug_value, "route": given.route_value})
