"""JSON in bounded memory: one object, the entries of a Bundle, or one object a line.

Pure. Each resource is cut out of the text and parsed alone, so a Bundle of a gigabyte needs no more memory
than its largest entry.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn

from screening.importing.rows import FileRefused, refuse_other_formats

MAX_RESOURCE_BYTES = 2 * 1024 * 1024
_CHUNK = 65_536
_STRUCTURE = re.compile(r'["{}\[\]]')
_IN_STRING = re.compile(r'["\\]')
_SCALAR_END = re.compile(r"[,\]}\s]")
_BLANK = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Piece:
    """One JSON value of the file: its place (line or entry, from 1), the value, or why it cannot be read."""

    row: int
    value: Any = None
    problem: str = ""
    is_entry: bool = False


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def parse_json(text: str) -> Any:
    """One JSON value; raises ``ValueError`` with a sentence, also for nesting that no resource has."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg}, line {error.lineno}, place {error.colno})") from error
    except RecursionError as error:
        raise ValueError("not a resource (nested too deep)") from error


class _Scanner:
    """Cuts JSON values out of a stream of text without building them."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("strict")
        self._buffer = ""
        self._place = 0
        self._is_over = False

    def _fill(self) -> bool:
        while not self._is_over:
            chunk = self._stream.read(_CHUNK)
            self._is_over = not chunk
            try:
                text = self._decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                raise FileRefused(
                    "The text is not UTF-8. Save the file as UTF-8 and choose it again."
                ) from error
            if text:
                self._buffer, self._place = self._buffer[self._place :] + text, 0
                return True
        return False

    def peek(self) -> str:
        """The next character that is no blank, or "" at the end."""
        while True:
            while self._place < len(self._buffer):
                char = self._buffer[self._place]
                if char not in _BLANK:
                    return char
                self._place += 1
            if not self._fill():
                return ""

    def take(self, expected: str) -> None:
        """Consume one expected character; raises ``ValueError``."""
        char = self.peek()
        if char != expected:
            raise ValueError(f"“{expected}” expected, {f'“{char}”' if char else 'the end'} found")
        self._place += 1

    def _until(self, pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
        """Text up to and with each match, chunk by chunk, as (text, matched character or "")."""
        while True:
            match = pattern.search(self._buffer, self._place)
            if match:
                text = self._buffer[self._place : match.end()]
                self._place = match.end()
                yield text, match.group()
            else:
                text = self._buffer[self._place :]
                self._place = len(self._buffer)
                yield text, ""
                if not self._fill():
                    raise ValueError("the text ends in the middle of a value")

    def value(self, limit: int) -> str | None:
        """The text of the next value, ``None`` when it is longer than ``limit`` characters (then it is
        passed over).
        """
        first = self.peek()
        if first == "":
            raise ValueError("the text ends where a value is expected")
        parts: list[str] = []
        size = 0

        def keep(text: str) -> None:
            nonlocal size
            size += len(text)
            if size <= limit:
                parts.append(text)
            else:
                parts.clear()

        if first in "{[":
            self._container(keep)
        elif first == '"':
            keep('"')
            self._place += 1
            self._string(keep)
        else:
            self._scalar(keep)
        return "".join(parts) if size <= limit else None

    def _container(self, keep: Any) -> None:
        depth = 0
        for text, mark in self._until(_STRUCTURE):
            keep(text)
            if mark == '"':
                self._string(keep)
            elif mark and mark in "{[":
                depth += 1
            elif mark:
                depth -= 1
                if depth == 0:
                    return

    def _string(self, keep: Any) -> None:
        for text, mark in self._until(_IN_STRING):
            keep(text)
            if mark == '"':
                return
            if mark == "\\":
                if self._place >= len(self._buffer) and not self._fill():
                    raise ValueError("the text ends in the middle of a value")
                keep(self._buffer[self._place])
                self._place += 1

    def _scalar(self, keep: Any) -> None:
        while True:
            match = _SCALAR_END.search(self._buffer, self._place)
            end = match.start() if match else len(self._buffer)
            keep(self._buffer[self._place : end])
            self._place = end
            if match or not self._fill():
                return


def _is_one_object_a_line(stream: BinaryIO) -> bool:
    """Whether the first line is a whole object and something follows it."""
    first = stream.readline(MAX_RESOURCE_BYTES)
    try:
        value = parse_json(first.decode("utf-8-sig"))
    except ValueError:
        return False
    return isinstance(value, dict) and bool(stream.read(4096).strip())


def _lines(stream: BinaryIO) -> Iterator[Piece]:
    row = 0
    while raw := stream.readline(MAX_RESOURCE_BYTES):
        row += 1
        if len(raw) >= MAX_RESOURCE_BYTES and not raw.endswith(b"\n"):
            while (rest := stream.readline(MAX_RESOURCE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield Piece(row, problem=f"the line is longer than {MAX_RESOURCE_BYTES:,} bytes")
            continue
        if not raw.strip():
            continue
        try:
            yield Piece(row, parse_json(raw.decode("utf-8-sig" if row == 1 else "utf-8")))
        except UnicodeDecodeError:
            yield Piece(row, problem="the text is not UTF-8")
        except ValueError as error:
            yield Piece(row, problem=str(error))


def _entries(scanner: _Scanner) -> Iterator[Piece]:
    scanner.take("[")
    row = 0
    if scanner.peek() == "]":
        scanner.take("]")
        return
    while True:
        row += 1
        text = scanner.value(MAX_RESOURCE_BYTES)
        if text is None:
            yield Piece(
                row,
                problem=f"the entry is longer than {MAX_RESOURCE_BYTES:,} characters",
                is_entry=True,
            )
        else:
            entry = parse_json(text)
            yield Piece(
                row,
                entry.get("resource") if isinstance(entry, dict) else entry,
                is_entry=True,
            )
        if scanner.peek() != ",":
            scanner.take("]")
            return
        scanner.take(",")


def _document(stream: BinaryIO) -> Iterator[Piece]:
    scanner = _Scanner(stream)
    scanner.take("{")
    top: dict[str, Any] = {}
    left = MAX_RESOURCE_BYTES
    has_entries = False
    while scanner.peek() != "}":
        if scanner.peek() != '"':
            raise ValueError("a name in quotation marks is expected")
        key = parse_json(scanner.value(_CHUNK) or '""')
        scanner.take(":")
        if key == "entry" and scanner.peek() == "[":
            has_entries = True
            if top.get("resourceType") not in (None, "Bundle"):
                raise FileRefused(f"This is a {top['resourceType']}, not a Bundle.")
            yield from _entries(scanner)
        else:
            text = scanner.value(left)
            if text is None:
                raise FileRefused(f"The resource is longer than {MAX_RESOURCE_BYTES:,} characters.")
            left -= len(text)
            top[key] = parse_json(text)
        if scanner.peek() == ",":
            scanner.take(",")
        elif scanner.peek() != "}":
            raise ValueError(f"“,” or “}}” expected after {key}")
    scanner.take("}")
    if scanner.peek():
        raise ValueError("something follows the end of the object")
    if not has_entries:
        yield Piece(1, top)
    elif top.get("resourceType") != "Bundle":
        raise FileRefused("The file has entries and is not a Bundle.")


def read_pieces(stream: BinaryIO, *, is_ndjson: bool = False) -> Iterator[Piece]:
    """The resources of a FHIR JSON file.

    In: a seekable binary stream; ``is_ndjson`` says that it holds one object a line (otherwise that is
    recognised). Out: one :class:`Piece` a resource; a broken line of NDJSON is a piece with its problem.
    Raises :class:`FileRefused` where a single object or a Bundle is no JSON: nothing after that place can
    be trusted.
    """
    start = stream.tell()
    head = stream.read(4096)
    refuse_other_formats(head)
    stream.seek(start)
    if not is_ndjson:
        if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] != b"{":
            raise FileRefused("The file is not FHIR JSON: that begins with “{”.")
        is_ndjson = _is_one_object_a_line(stream)
        stream.seek(start)
    if is_ndjson:
        yield from _lines(stream)
        return
    try:
        yield from _document(stream)
    except ValueError as error:
        raise FileRefused(
            f"The file is not JSON: {str(error).removeprefix('not JSON ').strip('()')}."
        ) from error
