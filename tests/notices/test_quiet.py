"""Quiet hours on a wall clock: at each end a second before, at it and after it, and across both changes of clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kapclinic.notices.quiet import QuietHours

DENVER = ZoneInfo("America/Denver")
NIGHT = QuietHours(20, 7, DENVER)
SECOND = timedelta(seconds=1)


def local(text: str, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=DENVER, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "before", "from_then"),
    [("2026-06-08T20:00", False, True), ("2026-06-09T07:00", True, False), ("2026-06-09T00:00", True, True)],
)
def test_ends_are_exact(at, before, from_then):
    assert NIGHT.holds(local(at) - SECOND) is before
    assert NIGHT.holds(local(at)) is from_then
    assert NIGHT.holds(local(at) + SECOND) is from_then


@pytest.mark.parametrize(
    "at", ["2026-06-08T20:00", "2026-06-08T23:59:59", "2026-06-09T00:00", "2026-06-09T06:59:59"]
)
def test_night_is_over_in_the_morning(at):
    assert NIGHT.over_at(local(at)) == local("2026-06-09T07:00")


def test_day_is_never_over():
    assert NIGHT.over_at(local("2026-06-09T07:00")) == local("2026-06-09T07:00")


@pytest.mark.parametrize(
    ("evening", "morning", "hours"),
    [("2026-03-07T20:00", "2026-03-08T07:00", 10), ("2026-10-31T20:00", "2026-11-01T07:00", 12)],
    ids=["forward", "back"],
)
def test_night_follows_the_wall_clock_when_the_clocks_change(evening, morning, hours):
    over_at = NIGHT.over_at(local(evening))
    assert over_at == local(morning)
    assert over_at - local(evening) == timedelta(hours=hours)
    assert NIGHT.holds(over_at - SECOND)
    assert not NIGHT.holds(over_at)


def test_end_that_the_clocks_jump_over_is_after_the_jump():
    over_at = QuietHours(0, 2, DENVER).over_at(local("2026-03-08T01:30"))
    assert over_at == local("2026-03-08T03:00")
    assert not QuietHours(0, 2, DENVER).holds(over_at)


@pytest.mark.parametrize("hour", range(24))
def test_the_same_hour_twice_is_no_quiet_hour(hour):
    moment = local("2026-06-08T00:30") + timedelta(hours=hour)
    assert not any(QuietHours(same, same, DENVER).holds(moment) for same in range(24))
    assert QuietHours(1, 5, DENVER).holds(moment) is (1 <= hour < 5)
