"""Days that a person can mean. Beyond them the arithmetic of calendars and time zones ends in errors, not in answers."""

from datetime import date

EARLIEST, LATEST = date(1900, 1, 1), date(2200, 1, 1)
"""POLICY: before the oldest patient was born, and after anything that is planned."""

NOT_PLAUSIBLE = "Choose a day between 1900 and 2200."


def is_plausible(day: date) -> bool:
    """True for a day (or an instant's day) that somebody can mean."""
    return EARLIEST.year <= day.year < LATEST.year
