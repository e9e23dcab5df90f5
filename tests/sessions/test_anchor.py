"""D0 and T0 in every order in which a dose can be given, stopped and corrected."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.anchor import AdministrationTimes, Anchors, Change, anchors, change

AT = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)


def minutes(count):
    return AT + timedelta(minutes=count)


def entry(start, end=None, current=True):
    return AdministrationTimes(minutes(start), None if end is None else minutes(end), current)


@pytest.mark.parametrize(
    ("entries", "d0", "t0"),
    [
        ([], None, None),
        ([entry(0, 40)], 0, 40),
        ([entry(0)], 0, None),
        ([entry(0, 12)], 0, 12),
        ([entry(0, 0)], 0, 0),
        ([entry(0, 0), entry(5, 5), entry(10, 10)], 0, 10),
        ([entry(10, 10), entry(0, 0), entry(5, 5)], 0, 10),
        ([entry(0, 40), entry(50)], 0, None),
        ([entry(0), entry(50, 50)], 0, None),
        ([entry(0, 40), entry(20, 25)], 0, 40),
        ([entry(0, 40, current=False), entry(3, 38)], 3, 38),
        ([entry(0, 40, current=False)], None, None),
        ([entry(0, 40), entry(60, 60, current=False)], 0, 40),
        ([entry(0, 0), entry(5, None, current=False)], 0, 0),
    ],
    ids=[
        "nothing",
        "infusion",
        "still-running",
        "stopped-early",
        "injection",
        "three-devices",
        "any-order",
        "second-still-running",
        "forgotten-stop",
        "inside-another",
        "corrected",
        "struck",
        "booster-struck",
        "running-one-struck",
    ],
)
def test_anchors_follow_the_current_administrations(entries, d0, t0):
    found = anchors(entries)
    assert found.d0 == (None if d0 is None else minutes(d0))
    assert found.t0 == (None if t0 is None else minutes(t0))


def test_dose_is_running_when_an_end_is_missing():
    assert anchors([entry(0)]).is_running
    assert not anchors([entry(0, 40)]).is_running
    assert not Anchors().is_running


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, None, Change.NONE),
        (AT, AT, Change.NONE),
        (None, AT, Change.SET),
        (AT, minutes(1), Change.MOVED),
        (AT, None, Change.WITHDRAWN),
    ],
)
def test_change_is_named(before, after, expected):
    assert change(before, after) is expected


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 120), st.booleans()), max_size=6))
def test_t0_never_precedes_d0(rows):
    found = anchors([entry(start, start + length, current) for start, length, current in rows])
    assert (found.d0 is None) == (found.t0 is None)
    if found.d0 is not None and found.t0 is not None:
        assert found.d0 <= found.t0
