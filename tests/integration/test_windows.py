"""Windows after a dose: every end to the second, every profile, and the counting rule."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.windows import (
    DEFAULT,
    WITHIN_48H,
    Band,
    CriticalPeriod,
    Fit,
    MissReason,
    NeedFacts,
    NeedState,
    Part,
    WindowProfile,
    band_of,
    count_in_window,
    critical_period,
    fit_of,
    has_closed,
    impaired_span,
    planning_window,
    preferred_part,
    preparation_window,
    primary_window,
    satisfies,
    secondary_window,
    state_of,
    supersedes_secondary,
)
from kapclinic.scheduling.spans import Span

T0 = datetime(2026, 6, 8, 19, 8, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def hours(value: float) -> datetime:
    return T0 + timedelta(hours=value)


def test_default_window_is_24_to_72_hours():
    assert primary_window(T0) == Span(hours(24), hours(72))
    assert preferred_part(T0) == Span(hours(24), hours(48))
    assert secondary_window(T0) == Span(hours(96), hours(168))
    assert preparation_window(T0) == Span(hours(-72), hours(-24))


def test_within_48h_counts_from_4_hours_and_plans_from_24():
    assert primary_window(T0, WITHIN_48H) == Span(hours(4), hours(48))
    assert planning_window(T0, WITHIN_48H) == Span(hours(24), hours(48))


@pytest.mark.parametrize(
    ("profile", "start", "end", "inside"),
    [
        (DEFAULT, hours(24), hours(25), True),
        (DEFAULT, hours(24) - SECOND, hours(25), False),
        (DEFAULT, hours(24) + SECOND, hours(25), True),
        (DEFAULT, hours(71), hours(72), True),
        (DEFAULT, hours(71), hours(72) - SECOND, True),
        (DEFAULT, hours(71), hours(72) + SECOND, False),
        (WITHIN_48H, hours(4), hours(5), True),
        (WITHIN_48H, hours(4) - SECOND, hours(5), False),
        (WITHIN_48H, hours(47), hours(48), True),
        (WITHIN_48H, hours(47), hours(48) + SECOND, False),
        # One profile is never judged by the other.
        (DEFAULT, hours(10), hours(11), False),
        (WITHIN_48H, hours(10), hours(11), True),
        (WITHIN_48H, hours(50), hours(51), False),
    ],
)
def test_whole_session_lies_in_the_window_with_both_ends(profile, start, end, inside):
    assert satisfies(start, end, primary_window(T0, profile)) is inside


@pytest.mark.parametrize("zone", ["America/Denver", "Europe/London"])
@pytest.mark.parametrize("change", ["forward", "back"])
def test_window_keeps_its_elapsed_hours_when_clocks_change(zone, change):
    days = {
        ("America/Denver", "forward"): (2026, 3, 7),
        ("America/Denver", "back"): (2026, 10, 31),
        ("Europe/London", "forward"): (2026, 3, 28),
        ("Europe/London", "back"): (2026, 10, 24),
    }
    t0 = datetime(*days[zone, change], 14, tzinfo=ZoneInfo(zone))
    window = primary_window(t0)
    assert window.starts_at - t0.astimezone(UTC) == timedelta(hours=24)
    assert window.ends_at - t0.astimezone(UTC) == timedelta(hours=72)
    shown = window.starts_at.astimezone(ZoneInfo(zone)).hour
    assert shown == (15 if change == "forward" else 13)
    for delta, inside in ((-SECOND, False), (timedelta(0), True), (SECOND, True)):
        assert satisfies(window.starts_at + delta, window.starts_at + timedelta(hours=1), window) is inside
        assert satisfies(window.ends_at - timedelta(hours=1), window.ends_at - delta, window) is inside


@pytest.mark.parametrize(
    ("elapsed", "period"),
    [
        (-SECOND, None),
        (timedelta(0), CriticalPeriod.ACUTE),
        (timedelta(hours=4) - SECOND, CriticalPeriod.ACUTE),
        (timedelta(hours=4), CriticalPeriod.SETTLING),
        (timedelta(hours=24) - SECOND, CriticalPeriod.SETTLING),
        (timedelta(hours=24), CriticalPeriod.CRITICAL),
        (timedelta(hours=72) - SECOND, CriticalPeriod.CRITICAL),
        (timedelta(hours=72), CriticalPeriod.CONSOLIDATING),
        (timedelta(hours=168), CriticalPeriod.CONSOLIDATING),
        (timedelta(hours=168) + SECOND, None),
    ],
)
def test_critical_periods_are_half_open(elapsed, period):
    assert critical_period(T0, T0 + elapsed) is period


@pytest.mark.parametrize(
    ("profile", "start", "band"),
    [
        (DEFAULT, T0 - SECOND, Band.BEFORE),
        (DEFAULT, T0, Band.IN_SESSION),
        (DEFAULT, hours(4) - SECOND, Band.IN_SESSION),
        (DEFAULT, hours(4), Band.EARLY),
        (DEFAULT, hours(24) - SECOND, Band.EARLY),
        (DEFAULT, hours(24), Band.IN_WINDOW),
        (DEFAULT, hours(71), Band.IN_WINDOW),
        (DEFAULT, hours(71) + SECOND, Band.BETWEEN),
        (DEFAULT, hours(96) - SECOND, Band.BETWEEN),
        (DEFAULT, hours(96), Band.SECONDARY),
        (DEFAULT, hours(167), Band.SECONDARY),
        (DEFAULT, hours(167) + SECOND, Band.LATE),
        (WITHIN_48H, hours(4), Band.IN_WINDOW),
        (WITHIN_48H, hours(4) - SECOND, Band.IN_SESSION),
        (WITHIN_48H, hours(47), Band.IN_WINDOW),
        (WITHIN_48H, hours(47) + SECOND, Band.BETWEEN),
    ],
)
def test_band_of_an_hour_long_session(profile, start, band):
    assert band_of(T0, start, start + timedelta(hours=1), profile) is band


@given(
    start=st.integers(-10_000, 15_000),
    length=st.integers(1, 300),
    opens=st.sampled_from([DEFAULT, WITHIN_48H]),
)
def test_only_the_in_window_band_satisfies(start, length, opens):
    begin = T0 + timedelta(minutes=start)
    end = begin + timedelta(minutes=length)
    in_band = band_of(T0, begin, end, opens) is Band.IN_WINDOW
    assert in_band == satisfies(begin, end, primary_window(T0, opens))


def test_patient_is_impaired_from_the_first_administration_to_four_hours_after_the_last():
    d0 = T0 - timedelta(minutes=40)
    assert impaired_span(d0, T0) == Span(d0, hours(4))


@pytest.mark.parametrize(
    ("start", "fit"),
    [
        (hours(24), Fit.INSIDE),
        (hours(24) - SECOND, Fit.EARLY_TOLERATED),
        (hours(23) - SECOND, Fit.OUTSIDE),
        (hours(23), Fit.EARLY_TOLERATED),
        (hours(23) + SECOND, Fit.EARLY_TOLERATED),
        (hours(71), Fit.INSIDE),
        (hours(71) + SECOND, Fit.OUTSIDE),
    ],
)
def test_booking_up_to_an_hour_too_early_is_tolerated_and_flagged(start, fit):
    window = primary_window(T0)
    assert fit_of(start, start + timedelta(hours=1), window, tolerance_minutes=60) is fit


def test_no_tolerance_when_the_setting_is_zero():
    start = hours(24) - SECOND
    assert fit_of(start, start + timedelta(hours=1), primary_window(T0), tolerance_minutes=0) is Fit.OUTSIDE


@pytest.mark.parametrize(
    ("next_d0", "superseded"),
    [
        (T0, False),
        (T0 + SECOND, True),
        (hours(96) - SECOND, True),
        (hours(96), False),
        (hours(96) + SECOND, False),
    ],
)
def test_next_dose_before_96_hours_supersedes_the_secondary_session(next_d0, superseded):
    assert supersedes_secondary(T0, next_d0) is superseded


@pytest.mark.parametrize(
    "data",
    [
        {"opens": 100, "closes": 100},
        {"opens": -1},
        {"preferred_from": 60},
        {"preferred_until": 73 * 60},
        {"plan_from": 72 * 60},
        {"secondary_opens": 71 * 60},
        {"preparation_closes": 72 * 60},
    ],
)
def test_profile_is_refused_when_it_contradicts_itself(data):
    with pytest.raises(ValueError, match=r"window|preferred part|machine plans"):
        WindowProfile(**data)


WINDOW = primary_window(T0)


@pytest.mark.parametrize(
    ("facts", "now", "state"),
    [
        (NeedFacts(window=None), T0, NeedState.PROVISIONAL),
        (NeedFacts(window=WINDOW), hours(72), NeedState.OPEN),
        (NeedFacts(window=WINDOW, has_booking=True), hours(72), NeedState.PLACED),
        (NeedFacts(window=WINDOW, has_booking=True), hours(72) + SECOND, NeedState.MISSED),
        (NeedFacts(window=WINDOW, met_at=hours(30)), hours(100), NeedState.MET),
        (NeedFacts(window=WINDOW, superseded_at=hours(30)), hours(100), NeedState.SUPERSEDED),
        (NeedFacts(window=WINDOW, met_at=hours(30), withdrawn_at=hours(31)), hours(40), NeedState.WITHDRAWN),
    ],
)
def test_state_of_a_need_follows_from_its_facts(facts, now, state):
    assert state_of(facts, now) is state


def test_window_has_closed_only_after_its_last_instant():
    assert not has_closed(WINDOW, WINDOW.ends_at)
    assert has_closed(WINDOW, WINDOW.ends_at + timedelta(microseconds=1))


def test_in_window_rate_counts_every_closed_window_and_names_the_misses():
    later = hours(200)
    needs = [
        NeedFacts(window=WINDOW, met_at=hours(30)),
        NeedFacts(window=WINDOW, has_booking=True),
        NeedFacts(window=WINDOW, miss_reason=MissReason.DECLINED),
        NeedFacts(window=WINDOW, miss_reason=MissReason.NO_SLOT),
        NeedFacts(window=None),
        NeedFacts(window=WINDOW, withdrawn_at=hours(1)),
        NeedFacts(window=Span(hours(150), hours(200))),
        NeedFacts(window=secondary_window(T0), part=Part.SECONDARY, superseded_at=hours(80)),
        NeedFacts(window=secondary_window(T0), part=Part.SECONDARY),
    ]
    count = count_in_window(needs, later)
    assert (count.met, count.closed, count.missed) == (1, 5, 4)
    assert count.reasons == {"": 2, "declined": 1, "no_slot": 1}


def test_met_need_is_not_counted_before_its_window_has_closed():
    assert count_in_window([NeedFacts(window=WINDOW, met_at=hours(30))], hours(72)).closed == 0
