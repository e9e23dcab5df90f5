"""Public holidays of the United States and its states, as a suggestion: a clinic closes only on the days that it adds.

Pure. Dates and names come from the `holidays` package (also the days on which one that falls on a weekend is observed).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from holidays import US, country_holidays

_COMING = timedelta(days=365)
_LONGEST_NAME = 80
# Code by which a state or territory is asked for, and its name, by name.
STATES: dict[str, str] = {code: name for name, code in sorted(US.subdivisions_aliases.items())}
_BEFORE_ZIP_CODE = re.compile(r"\b([A-Z]{2})[\s,]+\d{5}\b")


@dataclass(frozen=True, slots=True)
class PublicHoliday:
    """One day, and what is kept on it."""

    on: date
    name: str


def suggested(state: str, first_day: date) -> list[PublicHoliday]:
    """Public holidays of `state` (a code of STATES; empty: the federal ones) in the year from `first_day` on, by date."""
    last_day = first_day + _COMING
    found = country_holidays(
        "US", subdiv=state or None, years=range(first_day.year, last_day.year + 1), expand=False
    )
    return [
        PublicHoliday(on, name[:_LONGEST_NAME])
        for on, name in sorted(found.items())
        if first_day <= on < last_day
    ]


def state_in(address: str) -> str:
    """The code of the state that an address names before its ZIP code ("Denver, CO 80202"); empty where it names none."""
    codes = [code for code in _BEFORE_ZIP_CODE.findall(address) if code in STATES]
    return codes[-1] if codes else ""
