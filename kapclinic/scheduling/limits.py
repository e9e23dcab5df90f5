"""How much of a clinician's day the program may fill.

Pure. The clinic's settings (scheduling/clinical_settings.py) hold where a clinician has no value of their own; both keep
within the bounds here (POLICY: no guide names a figure).
"""

from __future__ import annotations

from dataclasses import dataclass

# Sessions that start on one local date.
MOST_SESSIONS_OF_A_DAY = 20
# Minutes.
LONGEST_BUFFER_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Limits:
    """Most sessions on one local date, and minutes between two sessions."""

    most_sessions_per_day: int
    buffer_minutes: int

    def with_own(self, *, most_sessions_per_day: int | None, buffer_minutes: int | None) -> Limits:
        """These limits with a clinician's own values in place of what is not None (0 minutes is a value)."""
        return Limits(
            self.most_sessions_per_day if most_sessions_per_day is None else most_sessions_per_day,
            self.buffer_minutes if buffer_minutes is None else buffer_minutes,
        )
