"""What a reader hands on: rows, refused rows, refused files; and the reading of one cell or one date."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from screening.instruments import FunctionalItem, Instrument, Item

EXCERPT_CHARACTERS = 40
EXTERNAL_ID_CHARACTERS = 128
EARLIEST_YEAR = 1900
# A file with more rows is split by hand: it bounds the memory that finding repeated rows needs.
MAX_ROWS = 500_000

DATE_FORMATS = {
    "iso": "2026-03-01 or 2026-03-01T14:30:00Z",
    "us": "3/1/2026 (month first)",
    "day-first": "1.3.2026 (day first)",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row is refused: the column or item, an excerpt of what stands there, and a sentence."""

    field: str
    value: str
    text: str

    def __str__(self) -> str:
        return f"{self.field}: {self.text}" if self.field else self.text


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """One questionnaire as read. ``completed_at`` is an aware instant in UTC, or ``None`` where the file
    has no date; ``is_day_only`` says that only the day was known (the instant is then noon in the mapping's
    zone).
    """

    row: int
    instrument: Instrument
    answers: tuple[int | None, ...]
    functional: int | None
    external_id: str
    completed_at: datetime | None = None
    day: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_day_only(self) -> bool:
        return bool(self.day)

    @property
    def moment(self) -> str:
        """The date as the file knew it: a day, an instant in UTC, or nothing."""
        if self.day:
            return self.day
        return self.completed_at.isoformat() if self.completed_at else ""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One row that is not taken, with all its problems."""

    row: int
    problems: tuple[Problem, ...]
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """One resource of another kind inside a Bundle; neither read nor refused."""

    row: int
    kind: str


ImportRow = ParsedRow | RefusedRow | SkippedRow


class FileRefused(Exception):
    """Raised when nothing of the file can be used; ``reasons`` are sentences for the person who chose the
    file.
    """

    def __init__(self, reasons: str | Iterable[str]) -> None:
        self.reasons = (reasons,) if isinstance(reasons, str) else tuple(reasons)
        super().__init__(" ".join(self.reasons))


_MAGIC = (
    (
        b"PK\x03\x04",
        "This is an Excel workbook or another zip file. Save the sheet as “CSV UTF-8” and choose that file.",
    ),
    (
        b"\xd0\xcf\x11\xe0",
        "This is an old Excel or Word file. Save the sheet as “CSV UTF-8” and choose that file.",
    ),
    (b"%PDF", "This is a PDF. Choose a CSV or a FHIR JSON file."),
    (b"\x1f\x8b", "This file is compressed. Unpack it and choose the file inside."),
    (
        b"\xff\xfe",
        "This file is UTF-16 (“Unicode text”). Save it as “CSV UTF-8” and choose that file.",
    ),
    (
        b"\xfe\xff",
        "This file is UTF-16 (“Unicode text”). Save it as “CSV UTF-8” and choose that file.",
    ),
)


def refuse_other_formats(head: bytes) -> None:
    """Raise :class:`FileRefused` when the first bytes are those of a file that is no text in UTF-8."""
    if not head.strip(b"\xef\xbb\xbf \t\r\n\x00"):
        raise FileRefused("The file is empty.")
    for magic, text in _MAGIC:
        if head.startswith(magic):
            raise FileRefused(text)


def excerpt(value: object) -> str:
    """``value`` as one short printable line, so that no report is drowned by one cell."""
    text = "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for char in str(value)[: EXCERPT_CHARACTERS + 1]
    )
    return text if len(text) <= EXCERPT_CHARACTERS else text[:EXCERPT_CHARACTERS] + "…"


def check_external_id(value: str, field: str) -> Problem | None:
    """The problem with an identifier from a file, or ``None``."""
    if len(value) > EXTERNAL_ID_CHARACTERS:
        return Problem(
            field,
            excerpt(value),
            f"an identifier has at most {EXTERNAL_ID_CHARACTERS} characters",
        )
    if not value.isprintable():
        return Problem(
            field,
            excerpt(value),
            "the identifier holds characters that cannot be shown",
        )
    return None


def read_answer(
    text: str, item: Item | FunctionalItem, missing_codes: frozenset[str], field: str
) -> int | Problem | None:
    """One cell as an answer: points, ``None`` for a blank or a missing code, or the problem.

    Strict on purpose: "2.0", " 2" or "٢" may be a shifted column or a computed value, so a person looks.
    """
    for option in item.options:
        if text == str(option.value):
            return option.value
    if text in missing_codes or not text.strip():
        return None
    low, high = item.options[0].value, item.options[-1].value
    stripped = text.strip()
    if stripped != text and (stripped.isascii() and stripped.isdigit()):
        why = f"has a space beside the number; write {stripped}"
    elif re.fullmatch(r"[+-]?\d+[.,]\d*", stripped, re.ASCII):
        why = f"is a decimal; an answer is a whole number from {low} to {high}"
    elif stripped.isnumeric() and not stripped.isascii():
        why = f"is not written with the digits 0-9; write {_as_ascii(stripped)}"
    else:
        why = f"is not an answer; expected a whole number from {low} to {high}, or nothing"
    return Problem(field, excerpt(text), f"“{excerpt(text)}” {why}")


def _as_ascii(text: str) -> str:
    digits = [unicodedata.decimal(char, None) for char in text]
    return "".join(str(digit) for digit in digits) if None not in digits else "a whole number"


_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s?(Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_LOCAL = {
    "us": re.compile(
        r"(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})(?: (?P<H>\d{1,2}):(?P<M>\d{2}))?",
        re.ASCII,
    ),
    "day-first": re.compile(
        r"(?P<d>\d{1,2})[./](?P<m>\d{1,2})[./](?P<y>\d{4})(?: (?P<H>\d{1,2}):(?P<M>\d{2}))?",
        re.ASCII,
    ),
}


def read_moment(text: str, *, date_format: str, zone: ZoneInfo | None, now: datetime) -> tuple[datetime, str]:
    """A date cell as (instant in UTC, day).

    ``day`` is the ISO day when the cell has no time of day (the instant is then noon in ``zone``, or
    ``now`` when that is still to come), else "". Raises ``ValueError`` with a sentence for anything that is
    not one exact date that lies between 1900 and ``now``.
    """
    local, is_day = _local_moment(text.strip(), date_format)
    if local.tzinfo is None:
        if zone is None:
            what = "a day" if is_day else "a time"
            raise ValueError(f"“{excerpt(text)}” is {what} without a time zone; name the zone in the mapping")
        aware = local.replace(tzinfo=zone)
        if aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local:
            raise ValueError(f"“{excerpt(text)}” does not exist in {zone.key} (the clocks skip it)")
    else:
        aware = local
    if aware.year < EARLIEST_YEAR:
        raise ValueError(f"“{excerpt(text)}” is before {EARLIEST_YEAR}")
    if is_day:
        day = local.date()
        today = now.astimezone(zone).date()
        if day > today:
            raise ValueError(f"“{excerpt(text)}” is in the future")
        return min(aware.astimezone(UTC), now.astimezone(UTC)), day.isoformat()
    if aware > now:
        raise ValueError(f"“{excerpt(text)}” is in the future")
    return aware.astimezone(UTC), ""


def _local_moment(text: str, date_format: str) -> tuple[datetime, bool]:
    """The written date, naive or with its own offset, and whether it is a day alone (noon then)."""
    unreadable = ValueError(f"“{excerpt(text)}” is not an exact date; expected {DATE_FORMATS[date_format]}")
    if date_format == "iso":
        match = _ISO.fullmatch(text)
        if match is None:
            raise unreadable
        year, month, day, hour, minute, second, offset = match.groups()
    else:
        match = _LOCAL[date_format].fullmatch(text)
        if match is None:
            raise unreadable
        year, month, day, hour, minute = match.group("y", "m", "d", "H", "M")
        second = offset = None
    is_day = hour is None
    try:
        clock = "12:00:00" if is_day else f"{hour:0>2}:{minute}:{second or '00'}"
        offset = "+00:00" if offset == "Z" else offset or ""
        moment = datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}T{clock}{offset}")
        if moment.tzinfo is not None:
            moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise unreadable from error
    return moment, is_day


def is_before_birth(completed_at: datetime, born_on: date) -> bool:
    """Whether an answer lies before the day of birth, with a day of slack for zones."""
    return completed_at.date() + timedelta(days=1) < born_on
