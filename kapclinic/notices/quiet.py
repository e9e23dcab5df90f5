"""Hours in which nobody gets e-mail. Pure arithmetic on wall clocks; instants go in and come out in UTC or any zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class QuietHours:
    """From the full hour `begins` to the full hour `ends` (0-23) on the clock of `zone`; none where the two are the same."""

    begins: int
    ends: int
    zone: ZoneInfo

    def holds(self, moment: datetime) -> bool:
        """True when `moment` lies in them; the first instant does, the last does not."""
        hour = moment.astimezone(self.zone).hour
        if self.begins <= self.ends:
            return self.begins <= hour < self.ends
        return hour >= self.begins or hour < self.ends

    def over_at(self, moment: datetime) -> datetime:
        """When the hours in which `moment` lies are over, in UTC; `moment` itself outside them.

        An end that the clocks jump over is the instant after the jump; of one that comes twice the first counts.
        """
        if not self.holds(moment):
            return moment.astimezone(UTC)
        local = moment.astimezone(self.zone)
        day = local.date() if local.hour < self.ends else local.date() + timedelta(days=1)
        return datetime.combine(day, time(self.ends), tzinfo=self.zone).astimezone(UTC)
