"""When a screen is open, locked or signed out: pure arithmetic over one sign-in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Signed out for good, counted from the sign-in, however busy the person is (POLICY).
LONGEST_SIGN_IN = timedelta(hours=12)
# The browser locks at the minute and tells the server; the server, which hears of a hand on the screen with a delay, follows
# this much later, so that a person who works is never locked out by it.
GRACE = timedelta(seconds=90)
# The time of the last request is written down at most this often.
SEEN_EVERY = timedelta(seconds=20)
# Wrong passwords on a locked screen before it is signed out (POLICY).
MOST_WRONG_UNLOCKS = 5


class Screen(StrEnum):
    """What a signed-in browser may do."""

    OPEN = "open"
    LOCKED = "locked"
    OVER = "over"


@dataclass(frozen=True)
class SignInTimes:
    """One sign-in. All instants aware, UTC; `locked_at` and `ended_at` are None while they have not happened."""

    began_at: datetime
    seen_at: datetime
    locked_at: datetime | None
    ended_at: datetime | None


def screen_at(times: SignInTimes, *, now: datetime, idle: timedelta) -> Screen:
    """The state at `now`: over from 12 h after the sign-in, locked when told so or from `idle` plus GRACE without a request."""
    if times.ended_at is not None or now - times.began_at >= LONGEST_SIGN_IN:
        return Screen.OVER
    if times.locked_at is not None or now - times.seen_at >= idle + GRACE:
        return Screen.LOCKED
    return Screen.OPEN
