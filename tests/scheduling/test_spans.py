"""Arithmetic on stretches of time, checked minute by minute against sets."""

import itertools
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapclinic.scheduling.spans import Span, clip, intersect, longest, require_utc, subtract, union

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def span(first: int, last: int) -> Span:
    return Span(at(first), at(last))


def minutes_of(spans) -> set[int]:
    return {
        minute
        for each in spans
        for minute in range(
            int((each.starts_at - START).total_seconds() // 60),
            int((each.ends_at - START).total_seconds() // 60),
        )
    }


def is_normal(spans) -> bool:
    return all(not each.is_empty for each in spans) and all(
        first.ends_at < second.starts_at for first, second in itertools.pairwise(spans)
    )


span_lists = st.lists(
    st.tuples(st.integers(0, 120), st.integers(0, 40)).map(lambda pair: span(pair[0], pair[0] + pair[1])),
    max_size=8,
)


@given(span_lists)
def test_union_holds_every_minute_once_when_spans_overlap(spans):
    result = union(spans)
    assert is_normal(result)
    assert minutes_of(result) == minutes_of(spans)


@given(span_lists, span_lists)
def test_subtract_leaves_only_untaken_minutes(spans, taken):
    result = subtract(spans, taken)
    assert is_normal(result)
    assert minutes_of(result) == minutes_of(spans) - minutes_of(taken)


@given(span_lists, span_lists)
def test_intersect_keeps_only_shared_minutes(spans, others):
    result = intersect(spans, others)
    assert is_normal(result)
    assert minutes_of(result) == minutes_of(spans) & minutes_of(others)


def test_span_is_refused_when_naive_or_reversed():
    with pytest.raises(ValueError, match="naive"):
        Span(START.replace(tzinfo=None), at(1))
    with pytest.raises(ValueError, match="before it starts"):
        span(2, 1)


def test_span_is_kept_in_utc_when_given_in_another_zone():
    west = timezone(timedelta(hours=-7))
    made = Span(datetime(2026, 3, 2, 1, tzinfo=west), datetime(2026, 3, 2, 2, tzinfo=west))
    assert made == span(0, 60)
    assert made.starts_at.tzinfo is UTC
    assert require_utc(datetime(2026, 3, 2, 1, tzinfo=west)) == at(0)


def test_touching_spans_do_not_overlap_but_merge():
    assert not span(0, 10).overlaps(span(10, 20))
    assert span(0, 10).overlaps(span(9, 20))
    assert union([span(0, 10), span(10, 20)]) == (span(0, 20),)


def test_empty_span_overlaps_nothing():
    assert not span(5, 5).overlaps(span(0, 10))
    assert union([span(5, 5)]) == ()


@pytest.mark.parametrize(
    ("inner", "covered"), [((0, 60), True), ((0, 61), False), ((-1, 60), False), ((10, 20), True)]
)
def test_covers_includes_both_ends(inner, covered):
    assert span(0, 60).covers(span(*inner)) is covered


def test_longest_names_the_earliest_of_equals():
    assert longest([span(20, 30), span(0, 10), span(40, 45)]) == span(0, 10)
    assert longest([]) is None


def test_clip_and_meet_and_widen():
    assert clip([span(0, 100)], span(20, 30)) == (span(20, 30),)
    assert span(0, 10).meet(span(10, 20)) is None
    assert span(0, 10).meet(span(5, 20)) == span(5, 10)
    assert span(10, 20).widened(before=timedelta(minutes=5), after=timedelta(minutes=1)) == span(5, 21)
    assert span(0, 59).minutes == 59
