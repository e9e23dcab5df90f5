"""Passwords that were found in breaches elsewhere, looked up in a file on this machine: nobody outside is asked.

The file is Pwned Passwords as its own downloader writes it: one line a password, its SHA-1 in 40 hexadecimal digits, a colon
and how often it was found, sorted by the hash. It may have tens of gigabytes, so a look-up reads some 40 places of it.
"""

import hashlib
import re
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import structlog
from django.core.exceptions import ValidationError

log = structlog.get_logger(__name__)
_LINE = re.compile(rb"([0-9A-Fa-f]{40})(?::([0-9]+))?\r?")
# Longer than any line: hash, colon, count, line end.
_LONGEST_LINE = 80
# What is looked at of either end of the file before the start.
_EDGE = 64 * 1024


class NotUsable(Exception):
    """The file is not there, or not what it must be; the text says which, for whoever runs the clinic."""


def hash_of(password: str) -> bytes:
    """SHA-1 of the password in UTF-8, as the file has it: 40 capital hexadecimal digits. It protects nothing here."""
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()


def times_found(path: Path, wanted: bytes) -> int:
    """How often the hash `wanted` was found in breaches, 0 for never; raises NotUsable."""
    try:
        with path.open("rb") as file:
            return search(file, wanted)
    except OSError as error:
        raise NotUsable(f"{path} cannot be read: {error.strerror}") from error


def search(file: BinaryIO, wanted: bytes) -> int:
    """The count beside the hash `wanted` (40 capital digits) in a sorted file, 0 when it is not there; raises NotUsable."""
    low, high = 0, file.seek(0, 2)
    while low < high:
        begin, end, found, count = _line_at(file, (low + high) // 2)
        if found == wanted:
            return count
        if found < wanted:
            low = end
        else:
            high = begin
    return 0


def _line_at(file: BinaryIO, place: int) -> tuple[int, int, bytes, int]:
    """The line that the byte at `place` stands in: where it begins and where the next one does, its hash, its count."""
    before = max(0, place - _LONGEST_LINE)
    file.seek(before)
    window = file.read(2 * _LONGEST_LINE)
    begin = window.rfind(b"\n", 0, place - before) + 1
    if begin == 0 and before > 0:
        raise NotUsable("a line is longer than a hash and its count")
    line, newline, _ = window[begin:].partition(b"\n")
    found, count = _parsed(line)
    return before + begin, before + begin + len(line) + len(newline), found, count


def _parsed(line: bytes) -> tuple[bytes, int]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise NotUsable("a line is not a SHA-1 hash with a count")
    return match[1].upper(), int(match[2] or 1)


def refuse_unusable(path: Path) -> None:
    """Raises NotUsable when the file is missing or empty, or its first and last lines are not sorted hashes."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            first = file.read(_EDGE)
            file.seek(max(0, size - _EDGE))
            last = file.read()
    except OSError as error:
        raise NotUsable(f"{path} cannot be read: {error.strerror}") from error
    # What was cut in the middle of a line is left out.
    head = first.split(b"\n") if size <= _EDGE else first.split(b"\n")[:-1]
    tail = [] if size <= _EDGE else last.split(b"\n")[1:]
    hashes = [_parsed(line)[0] for line in [*head, *tail] if line]
    if not hashes:
        raise NotUsable(f"{path} is empty")
    if any(former > latter for former, latter in pairwise(hashes)):
        raise NotUsable(f"{path} is not sorted by hash")


class BreachedPasswordValidator:
    """Refuses a password that others know from a breach of another service; also while the file cannot be read."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError in words; `user` is not asked."""
        try:
            times = times_found(self._path, hash_of(password))
        except NotUsable as error:
            log.error("the list of breached passwords cannot be read", error_class=type(error).__name__)
            raise ValidationError(
                "Passwords cannot be checked just now. Ask whoever runs the clinic's computer, then try again.",
                code="password_not_checked",
            ) from error
        if times:
            raise ValidationError(
                "This password was found in a breach of another service, so others know it: choose another one.",
                code="password_breached",
            )

    def get_help_text(self) -> str:
        """One sentence for the form."""
        return "Your password can’t be one that was found in a breach of another service."
