"""Reading a CSV with a column mapping, row by row, in memory that does not grow with the file.

Pure. A row number is the row as a spreadsheet shows it: the header is row 1. A broken row is refused alone:
an open quote does not swallow the rows after it.
"""

import csv
import hashlib
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO
from zoneinfo import ZoneInfo

from screening.importing.mappings import ColumnMapping, mappings
from screening.importing.rows import (
    MAX_ROWS,
    FileRefused,
    ImportRow,
    ParsedRow,
    Problem,
    RefusedRow,
    check_external_id,
    excerpt,
    read_answer,
    read_moment,
    refuse_other_formats,
)
from screening.instruments import Instrument, Item

MAX_LINE_BYTES = 262_144
# A cell may hold line breaks; a record of more lines than this is taken for a quote that was never closed.
MAX_RECORD_LINES = 50
DELIMITERS = (",", ";", "\t")


class _RowBroken(Exception):
    """One record cannot be read; the next can."""


class _Lines:
    """The file's lines as text, bounded in length, able to go back to the line after a record's first."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._again: deque[bytes] = deque()
        self._record: list[bytes] = []
        self._is_start = True

    def __iter__(self) -> "_Lines":
        return self

    def start_record(self) -> None:
        self._record.clear()

    def rewind(self) -> None:
        """Give up the record's first line alone and read the ones after it anew."""
        self._again.extendleft(reversed(self._record[1:]))
        self._record.clear()

    def __next__(self) -> str:
        if len(self._record) >= MAX_RECORD_LINES:
            raise _RowBroken(f"a quotation mark is opened and not closed within {MAX_RECORD_LINES} lines")
        raw = self._again.popleft() if self._again else self._stream.readline(MAX_LINE_BYTES)
        if not raw:
            raise StopIteration
        if self._is_start:
            self._is_start = False
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        self._record.append(raw)
        if len(raw) >= MAX_LINE_BYTES and not raw.endswith(b"\n"):
            while (rest := self._stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            raise _RowBroken(f"the line is longer than {MAX_LINE_BYTES:,} bytes")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _RowBroken(
                f"the text is not UTF-8 (byte 0x{raw[error.start]:02X} at place {error.start + 1}); "
                "save the file as “CSV UTF-8”"
            ) from error


def _records(lines: _Lines, delimiter: str) -> Iterator[list[str] | _RowBroken]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.start_record()
        try:
            yield next(reader)
        except StopIteration:
            return
        except _RowBroken as broken:
            lines.rewind()
            yield broken
        except csv.Error as error:
            lines.rewind()
            yield _RowBroken(_csv_error(str(error)))


def _csv_error(message: str) -> str:
    if "unexpected end of data" in message:
        return "a quotation mark is opened and never closed"
    if "expected after" in message:
        return "something stands after a closing quotation mark"
    if "field larger" in message:
        return f"a cell is longer than {csv.field_size_limit():,} characters"
    if "new-line" in message:
        return "the line ends are of an old kind (CR alone); save the file as “CSV UTF-8” again"
    return f"the row is not CSV ({message})"


def read_header(stream: BinaryIO, delimiter: str = ",") -> list[str]:
    """The column names of a CSV, for a person to map; raises :class:`FileRefused`."""
    header, _ = _open(stream, (delimiter, *(each for each in DELIMITERS if each != delimiter)))
    return header


def _open(
    stream: BinaryIO, delimiters: tuple[str, ...], wanted: tuple[str, ...] = ()
) -> tuple[list[str], str]:
    """The header and the delimiter that explains it best; leaves the stream at its start."""
    start = stream.tell()
    refuse_other_formats(stream.read(4096))
    best: tuple[int, int, list[str], str] | None = None
    for delimiter in delimiters:
        stream.seek(start)
        header = next(_records(_Lines(stream), delimiter), None)
        if isinstance(header, _RowBroken):
            stream.seek(start)
            raise FileRefused(f"The header (row 1) cannot be read: {header}.")
        names = [name.strip() for name in header or []]
        rank = (len(set(wanted) & set(names)), len(names), names, delimiter)
        if best is None or rank[:2] > best[:2]:
            best = rank
    stream.seek(start)
    if best is None or not any(best[2]):
        raise FileRefused("The header (row 1) is empty.")
    return best[2], best[3]


def _checked_header(header: list[str], mapping: ColumnMapping) -> None:
    reasons = []
    double = sorted({name for name in header if name and header.count(name) > 1})
    if double:
        reasons.append(f"The header names a column twice: {', '.join(excerpt(name) for name in double)}.")
    missing = [column for column in mapping.columns if column not in header]
    if missing:
        reasons.append(
            f"The header lacks {len(missing)} column(s) that the mapping needs: {', '.join(missing)}."
        )
        others = [
            other.name
            for other in mappings().values()
            if other.columns and other.name != mapping.name and set(other.columns) <= set(header)
        ]
        if others:
            reasons.append(f"Its columns fit the mapping {' or '.join(others)}.")
    if reasons:
        raise FileRefused(reasons)


def unmapped_columns(header: list[str], mapping: ColumnMapping) -> list[str]:
    """Columns that the mapping neither uses nor leaves out on purpose; the report names them."""
    known = {*mapping.columns, *mapping.ignored, mapping.functional}
    return [name for name in header if name and name not in known]


def _same_row_key(parsed: ParsedRow) -> bytes:
    identity = f"{parsed.external_id}\x1f{parsed.instrument.id}\x1f{parsed.moment}"
    return hashlib.blake2b(identity.encode(), digest_size=8).digest()


class _RowReader:
    """Turns one record into a row or a refusal."""

    def __init__(
        self,
        definition: Instrument,
        mapping: ColumnMapping,
        header: list[str],
        zone: ZoneInfo | None,
        now: datetime,
    ) -> None:
        self.definition, self.mapping, self.header, self.zone, self.now = (
            definition,
            mapping,
            header,
            zone,
            now,
        )
        place = {name: index for index, name in enumerate(header)}
        self.items: list[tuple[Item, str, int]] = [
            (definition.item(number), column, place[column]) for number, column in mapping.items
        ]
        self.functional = place.get(mapping.functional) if mapping.functional else None
        self.external_id = place[mapping.external_id] if mapping.external_id else None
        self.completed_at = place[mapping.completed_at] if mapping.completed_at else None

    def read(self, number: int, record: list[str]) -> ParsedRow | RefusedRow:
        if len(record) != len(self.header):
            what = f"the row has {len(record)} cells, the header {len(self.header)}"
            return RefusedRow(number, (Problem("", "", what),))
        problems: list[Problem] = []
        answers: list[int | None] = []
        for item, column, place in self.items:
            answer = read_answer(record[place], item, self.mapping.missing_codes, column)
            if isinstance(answer, Problem):
                problems.append(answer)
            else:
                answers.append(answer)
        functional = None
        if self.functional is not None and self.definition.functional_item is not None:
            functional_item = self.definition.functional_item
            read = read_answer(
                record[self.functional],
                functional_item,
                self.mapping.missing_codes,
                self.mapping.functional,
            )
            if isinstance(read, Problem):
                problems.append(read)
            else:
                functional = read
        external_id = record[self.external_id].strip() if self.external_id is not None else ""
        if self.external_id is not None:
            if not external_id:
                problems.append(Problem(self.mapping.external_id, "", "the row names nobody"))
            elif problem := check_external_id(external_id, self.mapping.external_id):
                problems.append(problem)
        completed_at, day = None, ""
        if self.completed_at is not None:
            cell = record[self.completed_at]
            try:
                if not cell.strip():
                    raise ValueError("the row has no date")
                completed_at, day = read_moment(
                    cell,
                    date_format=self.mapping.date_format,
                    zone=self.zone,
                    now=self.now,
                )
            except ValueError as error:
                problems.append(Problem(self.mapping.completed_at, excerpt(cell), str(error)))
        if problems:
            return RefusedRow(number, tuple(problems), excerpt(external_id))
        return ParsedRow(
            number,
            self.definition,
            tuple(answers),
            functional,
            external_id,
            completed_at,
            day,
        )


def read_csv(
    stream: BinaryIO,
    mapping: ColumnMapping,
    *,
    now: datetime,
    clinic_zone: ZoneInfo | None = None,
) -> Iterator[ImportRow]:
    """Read a CSV row by row.

    In: a seekable binary stream, a CSV mapping, ``now`` (aware; later dates are refused) and the clinic's
    zone. Out: rows and refused rows in file order. Raises :class:`FileRefused` before the first row when
    the header does not fit, and at :data:`~screening.importing.rows.MAX_ROWS`.
    """
    definition = mapping.instrument
    if definition is None:
        raise FileRefused("The mapping does not say which questionnaire the columns hold.")
    header, delimiter = _open(stream, DELIMITERS, mapping.columns)
    _checked_header(header, mapping)
    reader = _RowReader(definition, mapping, header, mapping.resolve_zone(clinic_zone), now)
    lines = _Lines(stream)
    records = _records(lines, delimiter)
    next(records)
    seen: dict[bytes, int] = {}
    count = 0
    for number, record in enumerate(records, start=2):
        if record == []:
            continue
        count += 1
        if count > MAX_ROWS:
            raise FileRefused(f"The file has more than {MAX_ROWS:,} rows. Split it and import the parts.")
        if isinstance(record, _RowBroken):
            yield RefusedRow(number, (Problem("", "", str(record)),))
            continue
        parsed = reader.read(number, record)
        if isinstance(parsed, ParsedRow) and parsed.external_id:
            first = seen.setdefault(_same_row_key(parsed), number)
            if first != number:
                parsed = RefusedRow(
                    number,
                    (
                        Problem(
                            mapping.external_id,
                            excerpt(parsed.external_id),
                            f"repeats row {first}",
                        ),
                    ),
                    excerpt(parsed.external_id),
                )
        yield parsed
    if count == 0:
        raise FileRefused("There is no row under the header.")
