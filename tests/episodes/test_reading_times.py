"""Times of readings after the start of a dose, as a person writes them down."""

import pytest

from episodes.reading_times import parse_offsets


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("15, 30,45", (15, 30, 45)), ("40", (40,)), (" 5 ,480", (5, 480))],
)
def test_times_are_read_when_they_rise(text, minutes):
    assert parse_offsets(text) == minutes


@pytest.mark.parametrize("text", ["", "  ", "15, x", "30, 15", "15, 15", "0, 15", "15, 481", "-5", "1.5"])
def test_times_are_refused_with_a_sentence_when_they_make_no_sense(text):
    with pytest.raises(ValueError, match=r"[.]$"):
        parse_offsets(text)
