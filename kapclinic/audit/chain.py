"""The arithmetic of the chain: codes of rows, links over codes. No database, no clock.

Every row has a code, HMAC-SHA256 over its table's name and its text. A link's head is HMAC-SHA256 over the head before it and
over everything that the link says: its number, time, span, and each table's columns, row keys and codes.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

CODE_BYTES = 32


@dataclass(frozen=True)
class Part:
    """What a link says of one table; `codes` has CODE_BYTES for each of `row_ids`."""

    table: str
    columns: tuple[str, ...]
    row_ids: tuple[str, ...]
    codes: bytes

    def digest(self) -> str:
        """SHA-256 over all of it, in hexadecimal."""
        digest = hashlib.sha256()
        for text in (self.table, ",".join(self.columns), ",".join(self.row_ids)):
            digest.update(text.encode() + b"\0")
        digest.update(self.codes)
        return digest.hexdigest()

    def expected(self) -> dict[str, bytes]:
        """Code by row key, in sealed order."""
        return {
            row_id: self.codes[CODE_BYTES * place : CODE_BYTES * (place + 1)]
            for place, row_id in enumerate(self.row_ids)
        }


@dataclass(frozen=True)
class Link:
    """One link of the chain, without its head. `sealed_at` is aware; positions are [from_position, upto_position)."""

    number: int
    sealed_at: datetime
    from_position: int
    upto_position: int
    row_count: int
    key_id: str
    previous_head: str


def row_code(key: bytes, table: str, text: str) -> bytes:
    """The code of one row: CODE_BYTES bytes."""
    return hmac.digest(key, f"{table}\0{text}".encode(), "sha256")


def head_of(key: bytes, link: Link, parts: Iterable[Part]) -> str:
    """The head of a link over its parts, in hexadecimal; the order of the parts does not matter."""
    said = {
        "number": link.number,
        "sealed_at": link.sealed_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "from": link.from_position,
        "upto": link.upto_position,
        "rows": link.row_count,
        "key": link.key_id,
        "previous": link.previous_head,
        "parts": {part.table: part.digest() for part in parts},
    }
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hmac.digest(key, text.encode(), "sha256").hex()
