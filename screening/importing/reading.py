"""One door to the readers: the mapping's format decides."""

from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO
from zoneinfo import ZoneInfo

from screening.importing.csv_rows import read_csv, read_header, unmapped_columns
from screening.importing.fhir_rows import read_fhir
from screening.importing.mappings import CSV, ColumnMapping
from screening.importing.rows import ImportRow

NDJSON_SUFFIXES = (".ndjson", ".jsonl")


def read_rows(
    stream: BinaryIO,
    mapping: ColumnMapping,
    *,
    now: datetime,
    clinic_zone: ZoneInfo | None = None,
    file_name: str = "",
) -> Iterator[ImportRow]:
    """Read a file with a mapping; see :func:`read_csv` and :func:`read_fhir` for what comes out and what is
    raised.
    """
    if mapping.format == CSV:
        return read_csv(stream, mapping, now=now, clinic_zone=clinic_zone)
    is_ndjson = file_name.lower().endswith(NDJSON_SUFFIXES)
    return read_fhir(stream, mapping, now=now, clinic_zone=clinic_zone, is_ndjson=is_ndjson)


def remarks(stream: BinaryIO, mapping: ColumnMapping) -> list[str]:
    """What a person should know about the file before its rows; leaves the stream at its start."""
    if mapping.format != CSV:
        return []
    start = stream.tell()
    extra = unmapped_columns(read_header(stream), mapping)
    stream.seek(start)
    return [f"Left out, not in the mapping: {', '.join(extra[:20])}."] if extra else []
