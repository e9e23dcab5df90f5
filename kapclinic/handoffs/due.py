"""When a handoff is due, to write and to read. Pure arithmetic; instants in UTC, days on the clinic's wall clock.

Defaults (POLICY, clinic settings; a protocol version may state its own): before a dose by the end of the working day before it,
after a dose by the end of that day, read before the integration session starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from kapclinic.scheduling.hours import MINUTES_PER_DAY, WeeklyHours, instant

# A month without a working day is a roster that nobody keeps; then the dose itself is the limit.
_MOST_DAYS_BACK = 31
_FRIDAY = 5


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """When the clinic works: everybody's weekly hours and its holidays. One person's time off closes no clinic.

    Without any weekly hours the working days are Monday to Friday, until `fallback_ends_minute` (minutes of the wall clock).
    """

    zone: str
    weekly: tuple[WeeklyHours, ...] = ()
    holidays: frozenset[date] = frozenset()
    fallback_ends_minute: int = 17 * 60

    def end_of(self, day: date) -> datetime | None:
        """When the last person leaves on `day`; None where nobody works."""
        if day in self.holidays:
            return None
        if not self.weekly:
            return instant(day, self.fallback_ends_minute, self.zone) if day.isoweekday() <= _FRIDAY else None
        ends = [hours.ends_minute for hours in self.weekly if hours.is_valid_on(day)]
        return instant(day, max(ends), self.zone) if ends else None

    def end_of_working_day_before(self, at: datetime, days: int) -> datetime:
        """The end of the working day that lies `days` working days before the day of `at`; `at` itself for 0 days."""
        if days == 0:
            return at
        day, left = at.astimezone(ZoneInfo(self.zone)).date(), days
        for _ in range(_MOST_DAYS_BACK):
            day -= timedelta(days=1)
            ends_at = self.end_of(day)
            if ends_at is not None:
                left -= 1
                if left == 0:
                    return ends_at
        return at

    def end_of_day(self, at: datetime, days_after: int = 0) -> datetime:
        """The midnight that ends the wall-clock day of `at`, or one `days_after` days later."""
        day = at.astimezone(ZoneInfo(self.zone)).date() + timedelta(days=days_after)
        return instant(day, MINUTES_PER_DAY, self.zone)


@dataclass(frozen=True, slots=True)
class DueRule:
    """What a clinic or a protocol version states.

    `before_working_days`: working days before the dose at whose end the handoff is due (0: at its planned start).
    `after_days`: calendar days after the day of T0 at whose end the handoff is due. `emergency_hours`: elapsed hours in which
    what happened in an emergency is written, and in which it is read.
    """

    before_working_days: int = 1
    after_days: int = 0
    emergency_hours: int = 4

    def with_protocol(self, stated: Mapping[str, int]) -> DueRule:
        """This rule with what a protocol version states in its place."""
        return DueRule(
            before_working_days=stated.get("before_working_days", self.before_working_days),
            after_days=stated.get("after_days", self.after_days),
            emergency_hours=self.emergency_hours,
        )


def before_dose(planned_at: datetime, rule: DueRule, days: WorkingDays) -> datetime:
    """When the handoff before a dose, and the first coordination, are due to be written."""
    return days.end_of_working_day_before(planned_at, rule.before_working_days)


def after_dose(t0: datetime, rule: DueRule, days: WorkingDays) -> datetime:
    """When the handoff after a dose is due to be written."""
    return days.end_of_day(t0, rule.after_days)


def after_emergency(at: datetime, rule: DueRule) -> datetime:
    """When what happened is to be written, counted from it; or read, counted from its signature."""
    return at + timedelta(hours=rule.emergency_hours)


def read_after_dose(
    *, booked_from: datetime | None, window_opens: datetime | None, written_by: datetime
) -> datetime:
    """When the handoff after a dose is due to be read: before its integration session starts.

    Without a booking, before the window opens; where no session is owed, a day after it was due to be written.
    """
    return booked_from or window_opens or written_by + timedelta(hours=24)
