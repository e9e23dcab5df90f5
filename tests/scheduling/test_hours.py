"""Working hours as they happen: over both changes of clocks, holidays, time off, buffers and the grid."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapclinic.scheduling.hours import (
    Absence,
    Booking,
    ExtraHours,
    Holiday,
    Place,
    Roster,
    WeeklyHours,
    availability,
    free_starts,
    instant,
    next_on_grid,
    weekly_spans,
)
from kapclinic.scheduling.spans import Span

DENVER = "America/Denver"
LONDON = "Europe/London"
# 2026: Denver jumps on 8 March at 09:00Z and falls back on 1 November at 08:00Z; London on 29 March and 25 October at 01:00Z.


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def whole_day(day: date, zone: str) -> Span:
    return Span(instant(day, 0, zone), instant(day, 1440, zone))


@pytest.mark.parametrize(
    ("day", "minute", "zone", "expected"),
    [
        (date(2026, 3, 8), 119, DENVER, "2026-03-08T08:59"),
        (date(2026, 3, 8), 120, DENVER, "2026-03-08T09:00"),
        (date(2026, 3, 8), 121, DENVER, "2026-03-08T09:00"),
        (date(2026, 3, 8), 179, DENVER, "2026-03-08T09:00"),
        (date(2026, 3, 8), 180, DENVER, "2026-03-08T09:00"),
        (date(2026, 3, 8), 181, DENVER, "2026-03-08T09:01"),
        (date(2026, 11, 1), 59, DENVER, "2026-11-01T06:59"),
        (date(2026, 11, 1), 60, DENVER, "2026-11-01T07:00"),
        (date(2026, 11, 1), 119, DENVER, "2026-11-01T07:59"),
        (date(2026, 11, 1), 120, DENVER, "2026-11-01T09:00"),
        (date(2026, 3, 29), 59, LONDON, "2026-03-29T00:59"),
        (date(2026, 3, 29), 60, LONDON, "2026-03-29T01:00"),
        (date(2026, 3, 29), 90, LONDON, "2026-03-29T01:00"),
        (date(2026, 3, 29), 120, LONDON, "2026-03-29T01:00"),
        (date(2026, 10, 25), 60, LONDON, "2026-10-25T00:00"),
        (date(2026, 10, 25), 119, LONDON, "2026-10-25T00:59"),
        (date(2026, 10, 25), 120, LONDON, "2026-10-25T02:00"),
        (date(2026, 7, 1), 1440, DENVER, "2026-07-02T06:00"),
    ],
)
def test_instant_of_a_wall_clock_minute_when_clocks_change(day, minute, zone, expected):
    assert instant(day, minute, zone) == utc(expected)


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 8), DENVER, 23),
        (date(2026, 11, 1), DENVER, 25),
        (date(2026, 3, 29), LONDON, 23),
        (date(2026, 10, 25), LONDON, 25),
        (date(2026, 6, 1), DENVER, 24),
    ],
)
def test_day_has_the_hours_it_really_has(day, zone, hours):
    assert whole_day(day, zone).length == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("day", "zone", "starts", "ends", "minutes"),
    [
        # Across the gap: an hour is lost. Inside it: nothing is left. To its edge: untouched.
        (date(2026, 3, 8), DENVER, 60, 240, 120),
        (date(2026, 3, 8), DENVER, 120, 180, 0),
        (date(2026, 3, 8), DENVER, 60, 120, 60),
        (date(2026, 3, 8), DENVER, 150, 210, 30),
        # Across the repeated hour: an hour more. Inside it: the first one is meant.
        (date(2026, 11, 1), DENVER, 0, 180, 240),
        (date(2026, 11, 1), DENVER, 60, 90, 30),
        (date(2026, 11, 1), DENVER, 60, 120, 120),
        (date(2026, 3, 29), LONDON, 0, 180, 120),
        (date(2026, 10, 25), LONDON, 0, 180, 240),
        (date(2026, 3, 8), DENVER, 540, 1020, 480),
    ],
)
def test_weekly_hours_have_their_real_length_when_clocks_change(day, zone, starts, ends, minutes):
    weekly = [WeeklyHours(day.isoweekday(), starts, ends, zone)]
    spans = weekly_spans(weekly, whole_day(day, zone))
    assert sum(span.minutes for span in spans) == minutes


@given(
    zone=st.sampled_from([DENVER, LONDON, "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"]),
    day=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    starts=st.integers(0, 1439),
    length=st.integers(1, 1440),
)
def test_hours_start_and_end_at_their_wall_clock_time_unless_it_does_not_exist(zone, day, starts, length):
    ends = min(starts + length, 1440)
    spans = weekly_spans([WeeklyHours(day.isoweekday(), starts, ends, zone)], whole_day(day, zone))
    info = ZoneInfo(zone)
    midnight = datetime.combine(day, datetime.min.time())
    for span in spans:
        first = span.starts_at.astimezone(info).replace(tzinfo=None)
        wanted = midnight + timedelta(minutes=starts)
        exists = wanted.replace(tzinfo=info).astimezone(UTC).astimezone(info).replace(tzinfo=None) == wanted
        assert first == wanted if exists else first > wanted
        assert abs(span.length - timedelta(minutes=ends - starts)) <= timedelta(hours=1)
    assert len(spans) <= 1


@given(
    minute=st.integers(0, 1440),
    zone=st.sampled_from([DENVER, LONDON, "Australia/Lord_Howe"]),
    day=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
)
def test_later_minutes_are_never_earlier_instants(minute, zone, day):
    assert instant(day, 0, zone) <= instant(day, minute, zone) <= instant(day, 1440, zone)


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        (date(2026, 6, 7), False),
        (date(2026, 6, 8), True),
        (date(2026, 6, 15), True),
        (date(2026, 6, 22), False),
    ],
)
def test_hours_count_only_from_their_first_to_their_last_day(day, counts):
    weekly = [WeeklyHours(1, 540, 600, DENVER, valid_from=date(2026, 6, 8), valid_until=date(2026, 6, 15))]
    assert bool(weekly_spans(weekly, whole_day(day, DENVER))) is counts


@pytest.mark.parametrize(
    "bad", [(0, 540, 600), (8, 540, 600), (1, 600, 600), (1, 600, 540), (1, -1, 60), (1, 0, 1441)]
)
def test_weekly_hours_are_refused_when_they_make_no_sense(bad):
    with pytest.raises(ValueError, match=r"weekday|start before"):
        WeeklyHours(*bad, DENVER)


MONDAY = date(2026, 6, 8)
NINE_TO_FIVE = (WeeklyHours(1, 540, 1020, DENVER),)


def test_holiday_takes_weekly_hours_but_not_extra_ones():
    extra = ExtraHours(Span(utc("2026-06-08T16:00"), utc("2026-06-08T18:00")))
    roster = Roster(weekly=NINE_TO_FIVE, extra=(extra,), holidays=(Holiday(MONDAY, "Founders' Day", DENVER),))
    found = availability(roster, whole_day(MONDAY, DENVER))
    assert found.worked == (extra.span,)
    assert found.holidays[0].name == "Founders' Day"


def test_time_off_beats_extra_hours():
    extra = ExtraHours(Span(utc("2026-06-08T23:00"), utc("2026-06-09T01:00")))
    away = Absence(Span(utc("2026-06-08T22:00"), utc("2026-06-09T00:00")))
    found = availability(
        Roster(NINE_TO_FIVE, (extra,), (away,)), Span(utc("2026-06-08T00:00"), utc("2026-06-10T00:00"))
    )
    assert found.worked == (
        Span(utc("2026-06-08T15:00"), utc("2026-06-08T22:00")),
        Span(utc("2026-06-09T00:00"), utc("2026-06-09T01:00")),
    )


def test_booking_takes_its_buffer_on_both_sides():
    booked = Booking(Span(utc("2026-06-08T17:00"), utc("2026-06-08T18:00")))
    found = availability(
        Roster(NINE_TO_FIVE, bookings=(booked,)), whole_day(MONDAY, DENVER), buffer_minutes=10
    )
    assert found.free == (
        Span(utc("2026-06-08T15:00"), utc("2026-06-08T16:50")),
        Span(utc("2026-06-08T18:10"), utc("2026-06-08T23:00")),
    )


def test_room_without_hours_is_open_always():
    limits = whole_day(MONDAY, DENVER)
    assert availability(Roster(weekly=None), limits).free == (limits,)
    assert availability(Roster(), limits).free == ()


@pytest.mark.parametrize(
    ("hours_place", "wanted", "serves"),
    [
        (Place.IN_PERSON, Place.IN_PERSON, True),
        (Place.IN_PERSON, Place.TELEHEALTH, False),
        (Place.TELEHEALTH, Place.IN_PERSON, False),
        (Place.EITHER, Place.TELEHEALTH, True),
        (Place.IN_PERSON, Place.EITHER, True),
    ],
)
def test_hours_serve_their_own_place(hours_place, wanted, serves):
    weekly = (WeeklyHours(1, 540, 600, DENVER, place=hours_place),)
    assert bool(availability(Roster(weekly), whole_day(MONDAY, DENVER), place=wanted).free) is serves


@given(
    zone=st.sampled_from([DENVER, LONDON, "Asia/Kathmandu", "Australia/Lord_Howe"]),
    second=st.integers(0, 2 * 366 * 86_400),
    grid=st.sampled_from([1, 5, 10, 15, 20, 30, 60]),
)
def test_next_on_grid_is_the_first_wall_clock_multiple(zone, second, grid):
    moment = utc("2026-01-01T00:00") + timedelta(seconds=second)
    found = next_on_grid(moment, zone=zone, grid_minutes=grid)
    local = found.astimezone(ZoneInfo(zone))
    assert local.minute % grid == 0
    assert local.second == 0
    assert timedelta(0) <= found - moment < timedelta(minutes=2 * grid)
    earlier = found - timedelta(minutes=grid)
    assert earlier < moment or earlier.astimezone(ZoneInfo(zone)).minute % grid


def test_grid_that_does_not_divide_an_hour_is_refused():
    with pytest.raises(ValueError, match="grid"):
        next_on_grid(utc("2026-01-01T00:00"), zone=DENVER, grid_minutes=7)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        # Both ends included, to the second; -1, 0, +1 s.
        (("2026-06-08T15:00:00", "2026-06-08T16:00:00"), ["2026-06-08T15:00"]),
        (("2026-06-08T15:00:01", "2026-06-08T16:00:00"), []),
        (("2026-06-08T14:59:59", "2026-06-08T16:00:00"), ["2026-06-08T15:00"]),
        (("2026-06-08T15:00:00", "2026-06-08T15:59:59"), []),
        (("2026-06-08T15:00:00", "2026-06-08T16:00:01"), ["2026-06-08T15:00"]),
        (("2026-06-08T15:00:00", "2026-06-08T16:15:00"), ["2026-06-08T15:00", "2026-06-08T15:15"]),
        (("2026-06-08T22:00:00", "2026-06-09T08:00:00"), ["2026-06-08T22:00"]),
    ],
)
def test_free_starts_lie_wholly_in_the_window(window, expected):
    free = availability(Roster(NINE_TO_FIVE), Span(utc("2026-06-08T00:00"), utc("2026-06-10T00:00"))).free
    within = Span(utc(window[0]), utc(window[1]))
    starts = free_starts(free, within, duration_minutes=60, zone=DENVER)
    assert [start.strftime("%Y-%m-%dT%H:%M") for start in starts] == expected


def test_free_starts_follow_the_clock_over_the_repeated_hour():
    night = (WeeklyHours(7, 0, 180, DENVER),)
    day = whole_day(date(2026, 11, 1), DENVER)
    starts = list(
        free_starts(
            availability(Roster(night), day).free, day, duration_minutes=60, zone=DENVER, grid_minutes=60
        )
    )
    assert [start.astimezone(ZoneInfo(DENVER)).hour for start in starts] == [0, 1, 1, 2]


def test_session_that_lasts_no_time_is_refused():
    with pytest.raises(ValueError, match="at least a minute"):
        list(free_starts([], whole_day(MONDAY, DENVER), duration_minutes=0, zone=DENVER))
