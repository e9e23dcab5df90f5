"""Moments and stretches of time in words, in a zone, short enough for a sentence."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from kapclinic.scheduling.spans import Span


def moment_words(moment: datetime, zone: str) -> str:
    """ "Mon 23 Nov 09:00 MST": weekday, day, wall clock and the zone's own abbreviation at that moment."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %H:%M} {local.tzname()}"


def span_words(span: Span, zone: str) -> str:
    """ "Mon 23 Nov 09:00-12:00", or with the second day named where it is another one."""
    info = ZoneInfo(zone)
    starts, ends = span.starts_at.astimezone(info), span.ends_at.astimezone(info)
    first = f"{starts:%a} {starts.day} {starts:%b %H:%M}"
    if starts.date() == ends.date():
        same_offset = starts.utcoffset() == ends.utcoffset()
        return (
            f"{first}-{ends:%H:%M}"
            if same_offset
            else f"{first} {starts.tzname()}-{ends:%H:%M} {ends.tzname()}"
        )
    return f"{first} to {ends:%a} {ends.day} {ends:%b %H:%M}"


def length_words(minutes: int) -> str:
    """ "45 min", "1 h", "26 h 30 min"."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"
