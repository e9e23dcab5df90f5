"""Log lines carry listed keys alone, so that no health data reaches them."""

import json
import logging

from hypothesis import given
from hypothesis import strategies as st

from kapclinic.logs import ALLOWED_KEYS, drop_unlisted_keys, formatter


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=20)))
def test_unlisted_keys_are_dropped_when_a_line_is_written(extra: dict[str, str]) -> None:
    kept = drop_unlisted_keys(None, "info", {**extra, "event": "made up"})
    assert set(kept) <= ALLOWED_KEYS
    assert kept["event"] == "made up"


def test_line_is_json_without_extras_when_a_library_logs() -> None:
    record = logging.LogRecord("library", logging.INFO, "x.py", 1, "made up %s", ("words",), None)
    record.patient = "Demo, Mei"
    line = json.loads(formatter().format(record))
    assert line["event"] == "made up words"
    assert line["level"] == "info"
    assert "Demo, Mei" not in json.dumps(line)


def test_keys_of_people_are_not_listed() -> None:
    assert not ALLOWED_KEYS & {
        "patient",
        "name",
        "email",
        "user",
        "body",
        "note",
        "payload",
        "query",
        "q",
        "path",
    }
