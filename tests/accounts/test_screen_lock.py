"""The arithmetic of a sign-in: open, locked, over."""

from datetime import UTC, datetime, timedelta

import pytest

from kapclinic.accounts.screen_lock import GRACE, LONGEST_SIGN_IN, Screen, SignInTimes, screen_at

BEGAN = datetime(2026, 3, 8, 15, 0, tzinfo=UTC)
IDLE = timedelta(minutes=15)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("after", "screen"),
    [
        (IDLE + GRACE - SECOND, Screen.OPEN),
        (IDLE + GRACE, Screen.LOCKED),
        (IDLE + GRACE + SECOND, Screen.LOCKED),
    ],
)
def test_screen_locks_when_no_request_came_for_the_idle_time(after: timedelta, screen: Screen) -> None:
    times = SignInTimes(BEGAN, BEGAN, None, None)
    assert screen_at(times, now=BEGAN + after, idle=IDLE) is screen


@pytest.mark.parametrize(
    ("after", "screen"),
    [
        (LONGEST_SIGN_IN - SECOND, Screen.OPEN),
        (LONGEST_SIGN_IN, Screen.OVER),
        (LONGEST_SIGN_IN + SECOND, Screen.OVER),
    ],
)
def test_sign_in_is_over_when_twelve_hours_have_passed_however_busy(after: timedelta, screen: Screen) -> None:
    now = BEGAN + after
    assert screen_at(SignInTimes(BEGAN, now, None, None), now=now, idle=IDLE) is screen


def test_screen_stays_locked_when_requests_go_on() -> None:
    now = BEGAN + timedelta(minutes=5)
    assert screen_at(SignInTimes(BEGAN, now, now, None), now=now, idle=IDLE) is Screen.LOCKED


def test_sign_in_is_over_when_it_was_ended_while_locked() -> None:
    now = BEGAN + timedelta(minutes=5)
    assert screen_at(SignInTimes(BEGAN, now, now, now), now=now, idle=IDLE) is Screen.OVER
