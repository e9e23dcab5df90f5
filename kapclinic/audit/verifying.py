"""Verifying the record: every sealed row, every link, and the heads outside the database.

Reads in one repeatable-read transaction, row by row through server-side cursors, so memory stays flat.
"""

import hmac
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain as joined
from itertools import groupby

from django.db import connection, transaction

from kapclinic.audit import heads, rows
from kapclinic.audit.chain import CODE_BYTES, Link, Part, head_of, row_code
from kapclinic.audit.heads import Head
from kapclinic.audit.keys import chain_keys
from kapclinic.audit.models import Seal, SealPart

_SEALS_AT_ONCE = 2000
_PARTS_AT_ONCE = 200


class Fault(StrEnum):
    """What can be wrong."""

    EDITED = "edited"
    DELETED = "deleted"
    ADDED = "added behind a seal"
    REORDERED = "reordered"
    TABLE_GONE = "table or column gone"
    LINK_BROKEN = "seal altered"
    LINK_MISSING = "seal missing"
    KEY_UNKNOWN = "key not in the ring"
    HEAD_DIFFERS = "head differs from the file"
    CHAIN_CUT = "chain shorter than the file"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong and where: table and row key for rows, the seal's number where there is one."""

    fault: Fault
    table: str = ""
    row_id: str = ""
    seal: int | None = None

    def __str__(self) -> str:
        place = f"{self.table} {self.row_id}".strip()
        at_seal = f"seal {self.seal}" if self.seal is not None else ""
        return f"{self.fault}: {', '.join(part for part in (place, at_seal) if part)}"


@dataclass
class Report:
    """What was looked at, and what is wrong (at most `most` findings are kept, `more` counts the others)."""

    seals: int = 0
    rows: int = 0
    unsealed: int = 0
    last_head: str = ""
    heads_in_file: int = 0
    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    most: int = 200

    @property
    def holds(self) -> bool:
        """True when nothing is wrong."""
        return not self.findings

    def add(self, findings: Iterable[Finding]) -> None:
        """Keep the findings."""
        for finding in findings:
            if len(self.findings) < self.most:
                self.findings.append(finding)
            else:
                self.more += 1


@dataclass(frozen=True)
class _Piece:
    """One seal's word on one table, for the comparison with the rows."""

    seal: int
    upto: int
    key_id: str
    part: Part


def verify(*, known_heads: Iterable[Head] | None = None) -> Report:
    """Check everything; outside a transaction. `known_heads` default to the file that the settings name.

    Raises ImproperlyConfigured without keys, ValueError when the file of heads cannot be understood.
    """
    report = Report()
    keys = dict(chain_keys())
    told = list(heads.read_heads(heads.heads_file()) if known_heads is None else known_heads)
    report.heads_in_file = len(told)
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        rows.fix_text_form(cursor)
        end = _check_links(report, keys, told)
        columns = rows.columns_of(cursor)
        sealed_tables = set(SealPart.objects.order_by().values_list("table", flat=True).distinct())
        key_of = rows.key_columns()
        for table in sorted(sealed_tables | key_of.keys()):
            report.add(_rows_of(table, key_of.get(table), columns.get(table, ()), end, keys, report))
        unsealed = (f'SELECT count(*) FROM "{table}" WHERE {rows.POSITION} >= {end:d}' for table in key_of)
        cursor.execute(f"SELECT sum(n) FROM ({' UNION ALL '.join(unsealed)}) AS every(n)")
        report.unsealed = int(cursor.fetchone()[0])
    return report


def _check_links(report: Report, keys: dict[str, bytes], told: list[Head]) -> int:
    """Each link follows from the one before it, says what it said when it was made, and is the one that the file knows.

    Gives the position up to which the record is sealed.
    """
    before: Seal | None = None
    chain = ""
    parts = groupby(
        SealPart.objects.order_by("seal_id").iterator(chunk_size=_PARTS_AT_ONCE), key=lambda row: row.seal_id
    )
    of_parts, its_parts = next(parts, (None, None))
    for seal in Seal.objects.order_by("number").iterator(chunk_size=_SEALS_AT_ONCE):
        mine: list[Part] = []
        while of_parts is not None and of_parts <= seal.number:
            if of_parts == seal.number:
                mine = [_part(row) for row in its_parts or ()]
            of_parts, its_parts = next(parts, (None, None))
        if before is None:
            chain = heads.chain_name(seal.previous_head)
            in_file = {head.number: head.head for head in told if head.chain == chain}
        report.add(_link_faults(seal, before, mine, keys))
        if in_file.get(seal.number, seal.head) != seal.head:
            report.add([Finding(Fault.HEAD_DIFFERS, seal=seal.number)])
        report.seals += 1
        report.last_head = seal.head
        before = seal
    reached = before.number if before is not None else 0
    beyond = [head.number for head in told if head.chain != chain or head.number > reached]
    if beyond:
        report.add([Finding(Fault.CHAIN_CUT, seal=min(beyond))])
    return before.upto_position if before is not None else 0


def _link_faults(
    seal: Seal, before: Seal | None, parts: list[Part], keys: dict[str, bytes]
) -> Iterator[Finding]:
    expected = 1 if before is None else before.number + 1
    for number in range(expected, seal.number):
        yield Finding(Fault.LINK_MISSING, seal=number)
    follows = (
        before is None
        or seal.number != expected
        or (seal.previous_head == before.head and seal.from_position == before.upto_position)
    )
    key = keys.get(seal.key_id)
    if key is None:
        yield Finding(Fault.KEY_UNKNOWN, seal=seal.number)
    elif not follows or not _says_what_it_said(seal, parts, key):
        yield Finding(Fault.LINK_BROKEN, seal=seal.number)


def _says_what_it_said(seal: Seal, parts: list[Part], key: bytes) -> bool:
    link = Link(
        number=seal.number, sealed_at=seal.sealed_at, from_position=seal.from_position, upto_position=seal.upto_position,
        row_count=seal.row_count, key_id=seal.key_id, previous_head=seal.previous_head,
    )  # fmt: skip
    counted = sum(len(part.row_ids) for part in parts)
    return counted == seal.row_count and hmac.compare_digest(head_of(key, link, parts), seal.head)


def _part(row: SealPart) -> Part:
    row_ids = tuple(row.row_ids.split(",")) if row.row_ids else ()
    return Part(row.table, tuple(row.columns.split(",")), row_ids, bytes(row.codes))


def _pieces(table: str) -> Iterator[_Piece]:
    found = SealPart.objects.filter(table=table).select_related("seal").order_by("seal_id")
    for row in found.iterator(chunk_size=_PARTS_AT_ONCE):
        yield _Piece(row.seal_id, row.seal.upto_position, row.seal.key_id, _part(row))


def _rows_of(
    table: str,
    key_column: str | None,
    present: tuple[str, ...],
    end: int,
    keys: dict[str, bytes],
    report: Report,
) -> Iterator[Finding]:
    """Compare one table's rows with what the seals say of it."""
    begin = 0
    for columns, pieces in groupby(_pieces(table), key=lambda piece: piece.part.columns):
        if key_column is None or not set(columns) <= set(present):
            for piece in pieces:
                yield Finding(Fault.TABLE_GONE, table=table, seal=piece.seal)
                begin = piece.upto
            continue
        run = _Run(table, keys, report)
        found = rows.rows_between(table, key_column, columns, begin, end)
        begin = yield from run.compare(pieces, found)
        # Rows behind its last piece belong to a later run, which covers other columns.
        found.close()
    if key_column is not None:
        for _position, row_id, _text in rows.rows_between(table, key_column, (key_column,), begin, end):
            yield Finding(Fault.ADDED, table=table, row_id=row_id)


@dataclass
class _Run:
    """Pieces of one table that cover the same columns, against the rows of their span."""

    table: str
    keys: dict[str, bytes]
    report: Report

    def compare(
        self, pieces: Iterable[_Piece], found: Iterator[tuple[int, str, str]]
    ) -> Generator[Finding, None, int]:
        """Yields what differs; returns the position where the last piece ends."""
        upto = 0
        waiting: list[tuple[int, str, str]] = []
        for piece in pieces:
            upto = piece.upto
            of_piece = []
            for row in joined(waiting, found):
                if row[0] >= upto:
                    waiting = [row]
                    break
                of_piece.append(row)
            else:
                waiting = []
            yield from self._piece(piece, of_piece)
        return upto

    def _piece(self, piece: _Piece, found: list[tuple[int, str, str]]) -> Iterator[Finding]:
        key = self.keys.get(piece.key_id)
        if key is None or len(piece.part.codes) != CODE_BYTES * len(piece.part.row_ids):
            # Told of the link already.
            return
        expected = piece.part.expected()
        self.report.rows += len(expected)
        seen = []
        for _position, row_id, text in found:
            code = expected.get(row_id)
            if code is None:
                yield Finding(Fault.ADDED, self.table, row_id, piece.seal)
                continue
            seen.append(row_id)
            if not hmac.compare_digest(code, row_code(key, self.table, text)):
                yield Finding(Fault.EDITED, self.table, row_id, piece.seal)
        there = set(seen)
        for row_id in expected:
            if row_id not in there:
                yield Finding(Fault.DELETED, self.table, row_id, piece.seal)
        if len(seen) == len(expected) and seen != list(expected):
            yield Finding(Fault.REORDERED, self.table, seal=piece.seal)
