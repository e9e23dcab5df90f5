"""The window bar: places in per cent, words with zone, states at each boundary."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kapclinic.desk.window_bar import (
    Booking,
    WindowInput,
    WindowState,
    build_window_bar,
    hours_in_words,
)

T0 = datetime(2026, 11, 22, 20, 8, tzinfo=UTC)
DENVER = ZoneInfo("America/Denver")


def window(**changes: object) -> WindowInput:
    values: dict[str, object] = {
        "t0": T0,
        "opens_at": T0 + timedelta(hours=24),
        "closes_at": T0 + timedelta(hours=72),
        "preferred_until": T0 + timedelta(hours=48),
    }
    return WindowInput(**(values | changes))  # type: ignore[arg-type]  # a test builds it field by field


def booking(hours: float, *, minutes: int = 50, **changes: object) -> Booking:
    start = T0 + timedelta(hours=hours)
    return Booking(starts_at=start, ends_at=start + timedelta(minutes=minutes), **changes)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("seconds_after_t0", "state"),
    [
        (24 * 3600 - 1, WindowState.WAITING),
        (24 * 3600, WindowState.OPEN),
        (24 * 3600 + 1, WindowState.OPEN),
        (72 * 3600 - 1, WindowState.OPEN),
        (72 * 3600, WindowState.OPEN),
        (72 * 3600 + 1, WindowState.CLOSED),
    ],
)
def test_state_changes_exactly_at_the_ends_of_the_window(seconds_after_t0: int, state: WindowState) -> None:
    bar = build_window_bar(window(), now=T0 + timedelta(seconds=seconds_after_t0), zone=DENVER)
    assert bar.state is state


def test_window_and_its_preferred_part_stand_at_their_hours() -> None:
    bar = build_window_bar(window(), now=T0 + timedelta(hours=84), zone=DENVER)
    assert (bar.window.x, bar.window.length) == ("14.286%", "28.571%")
    assert bar.preferred is not None
    assert (bar.preferred.x, bar.preferred.length) == ("14.286%", "14.286%")
    assert bar.now_x == "50%"
    assert [tick.label for tick in bar.ticks] == ["dose", "24 h", "48 h", "72 h", "7 d"]


def test_other_protocol_window_is_drawn_at_its_own_hours() -> None:
    short = window(opens_at=T0 + timedelta(hours=4), closes_at=T0 + timedelta(hours=48), preferred_until=None)
    bar = build_window_bar(short, now=T0, zone=DENVER)
    assert bar.preferred is None
    assert [tick.label for tick in bar.ticks] == ["4 h", "48 h", "7 d"]


@pytest.mark.parametrize(
    ("start_hours", "minutes", "inside"),
    [
        (24, 50, True),
        (24 - 1 / 3600, 50, False),
        (72 - 50 / 60, 50, True),
        (72 - 50 / 60 + 1 / 3600, 50, False),
    ],
)
def test_booking_counts_as_inside_only_when_all_of_it_is(
    start_hours: float, minutes: int, inside: bool
) -> None:
    bar = build_window_bar(window(booking=booking(start_hours, minutes=minutes)), now=T0, zone=DENVER)
    assert bar.booking_is_inside is inside


@pytest.mark.parametrize(
    ("served_by", "hours_now", "pill", "tone"),
    [
        (None, 10, "unplaced", "amber"),
        (None, 30, "unplaced", "red"),
        (None, 80, "missed", "red"),
        (booking(26, told=True), 10, "tomorrow 15:08", "accent"),
        (booking(26), 10, "tomorrow 15:08, patient not told", "amber"),
        (booking(80, told=True), 30, "Wed 25 Nov 21:08, outside the window", "red"),
        (booking(26, held=True), 60, "met", "green"),
        (booking(80, held=True), 90, "held yesterday 21:08, outside", "amber"),
    ],
)
def test_pill_says_what_a_person_has_to_know(
    served_by: Booking | None, hours_now: float, pill: str, tone: str
) -> None:
    bar = build_window_bar(window(booking=served_by), now=T0 + timedelta(hours=hours_now), zone=DENVER)
    assert (bar.pill, bar.tone) == (pill, tone)


def test_sentence_names_times_zone_person_and_what_is_left() -> None:
    served = booking(27, with_whom="J. Ruiz, LCSW", told=True)
    bar = build_window_bar(window(booking=served), now=T0 + timedelta(hours=46), zone=DENVER)
    assert bar.sentence == (
        "Dose ended Sun 22 Nov 13:08. Window Mon 23 Nov 13:08 to Wed 25 Nov 13:08 MST. "
        "Booked Mon 23 Nov 16:08–16:58 with J. Ruiz, LCSW, the patient knows. It closes in 26 h."
    )


def test_sentence_gives_the_reason_when_nothing_is_booked() -> None:
    bar = build_window_bar(
        window(unplaced_reason="no free therapist before Wed."), now=T0 + timedelta(hours=30), zone=DENVER
    )
    assert "No session booked: no free therapist before Wed." in bar.sentence


def test_provisional_window_says_planned_while_the_dose_has_not_ended() -> None:
    bar = build_window_bar(window(provisional=True), now=T0 - timedelta(hours=1), zone=DENVER)
    assert bar.state is WindowState.PROVISIONAL
    assert bar.sentence.startswith("Dose planned to end")
    assert bar.now is None


def test_window_spans_elapsed_hours_across_a_change_of_clocks() -> None:
    t0 = datetime(2026, 10, 31, 18, 0, tzinfo=UTC)
    over = WindowInput(t0=t0, opens_at=t0 + timedelta(hours=24), closes_at=t0 + timedelta(hours=72))
    bar = build_window_bar(over, now=t0, zone=DENVER)
    assert "Dose ended Sat 31 Oct 12:00. Window Sun 1 Nov 11:00 to Tue 3 Nov 11:00 MST." in bar.sentence
    assert bar.window.x == "14.286%"


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        (timedelta(seconds=5), "1 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=95, minutes=59), "95 h"),
        (timedelta(hours=96), "4 days"),
    ],
)
def test_stretch_of_time_is_said_in_minutes_hours_or_days(delta: timedelta, words: str) -> None:
    assert hours_in_words(delta) == words


@pytest.mark.parametrize(
    "wrong",
    [
        {"t0": T0.replace(tzinfo=None)},
        {"closes_at": T0 + timedelta(hours=24)},
        {"opens_at": T0 + timedelta(hours=200), "closes_at": T0 + timedelta(hours=210)},
    ],
)
def test_impossible_window_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"[Ww]indow"):
        build_window_bar(window(**wrong), now=T0, zone=DENVER)


# Slow on a busy machine is no fault of the geometry.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    start=st.floats(0, 200, allow_nan=False),
    minutes=st.integers(1, 600),
    hours_now=st.floats(-50, 400, allow_nan=False),
)
def test_nothing_is_ever_drawn_outside_the_strip(start: float, minutes: int, hours_now: float) -> None:
    bar = build_window_bar(
        window(booking=booking(start, minutes=minutes)), now=T0 + timedelta(hours=hours_now), zone=DENVER
    )
    for span in (bar.window, bar.preferred, bar.booking):
        if span is not None:
            assert span.start >= 0
            assert span.start + span.width <= 100.0001
    assert bar.now is None or 0 <= bar.now <= 100
