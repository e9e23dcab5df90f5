"""Breached passwords in a file of hashes: found by binary search, refused in words, and the start refused without the file."""

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from kapclinic.accounts import checks
from kapclinic.accounts.breached import (
    BreachedPasswordValidator,
    NotUsable,
    hash_of,
    refuse_unusable,
    search,
    times_found,
)
from kapclinic.accounts.models import User
from tests.factories import PASSWORD

FOUND = "a password that was in a breach"


def _hash(number: int) -> bytes:
    return hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest().upper().encode()


def _file(folder: Path, hashes: list[bytes], *, end: bytes = b"\n", last: bytes | None = None) -> Path:
    """A file as the downloader writes it; counts are of one to nine digits."""
    lines = [value + b":%d" % 10 ** (place % 9) for place, value in enumerate(sorted(hashes))]
    path = folder / "pwned.txt"
    path.write_bytes(end.join(lines) + (end if last is None else last))
    return path


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("size", [1, 2, 3, 64, 1000])
def test_every_hash_of_the_file_is_found_and_no_other(tmp_path: Path, size: int, end: bytes) -> None:
    hashes = sorted(_hash(number) for number in range(size))
    for last in (end, b""):
        path = _file(tmp_path, hashes, end=end, last=last)
        assert [times_found(path, value) for value in hashes] == [10 ** (place % 9) for place in range(size)]
        others = [_hash(number) for number in range(size, 2 * size)]
        assert {times_found(path, value) for value in [*others, b"0" * 40, b"F" * 40]} == {0}


def test_hash_is_the_published_one() -> None:
    # SHA-1 of "abc" in FIPS 180, appendix A.
    assert hash_of("abc") == b"A9993E364706816ABA3E25717850C26C9CD0D89D"
    assert (
        hash_of("grün") == hashlib.sha1("grün".encode(), usedforsecurity=False).hexdigest().upper().encode()
    )


class _Counting(io.BytesIO):
    """A file that knows how many bytes were read of it."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        part = super().read(size)
        self.taken += len(part)
        return part


def test_lookup_reads_little_of_a_large_file() -> None:
    step = 2**160 // 100_000
    file = _Counting(b"".join(b"%040X:1\n" % (number * step) for number in range(100_000)))
    assert search(file, b"%040X" % (65_432 * step)) == 1
    assert search(file, b"%040X" % (65_432 * step + 1)) == 0
    assert file.getbuffer().nbytes > 4_000_000
    assert file.taken < 8_000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"password\n", "not a SHA-1 hash"),
        (b"8846F7EAEE8FB117AD06BDD830B7586C:9\n", "not a SHA-1 hash"),
        (_hash(1) + b":x\n", "not a SHA-1 hash"),
        (b"F" * 40 + b":1\n" + b"0" * 40 + b":1\n", "not sorted"),
        (b"".join(b"%040X:1\n" % n for n in range(9000)) + b"0" * 40 + b":1\n", "not sorted"),
        (b"F" * 40 + b":1\n" + b"".join(b"%040X:1\n" % n for n in range(9000)), "not sorted"),
    ],
    ids=[
        "missing",
        "empty",
        "blank",
        "words",
        "NTLM",
        "count",
        "two lines",
        "at its end",
        "at its beginning",
    ],
)
def test_start_is_refused_when_the_file_is_missing_or_wrong(
    tmp_path: Path, settings: Any, content: bytes | None, words: str
) -> None:
    path = tmp_path / "pwned.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NotUsable, match=words):
        refuse_unusable(path)
    settings.BREACHED_PASSWORDS = str(path)
    (problem,) = checks.breached_passwords_can_be_looked_up()
    assert problem.id == "accounts.E002"
    assert words in problem.msg


def test_start_is_free_when_the_file_is_right_or_none_is_named(tmp_path: Path, settings: Any) -> None:
    for size in (1, 5000):
        settings.BREACHED_PASSWORDS = str(_file(tmp_path, [_hash(number) for number in range(size)]))
        assert checks.breached_passwords_can_be_looked_up() == []
    settings.BREACHED_PASSWORDS = ""
    assert checks.breached_passwords_can_be_looked_up() == []


def test_password_is_not_taken_while_the_file_is_away(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="cannot be checked just now"):
        BreachedPasswordValidator(str(tmp_path / "gone.txt")).validate("whatever it is")


@pytest.mark.django_db
def test_breached_password_is_refused_at_its_field_when_changing(
    client: Client, nurse: User, tmp_path: Path, settings: Any
) -> None:
    path = _file(tmp_path, [hash_of(FOUND), *(_hash(number) for number in range(50))])
    settings.AUTH_PASSWORD_VALIDATORS = [
        *settings.AUTH_PASSWORD_VALIDATORS,
        {"NAME": "kapclinic.accounts.breached.BreachedPasswordValidator", "OPTIONS": {"path": str(path)}},
    ]
    client.force_login(nurse)
    page = reverse("account_change_password")
    assert "found in a breach of another service" in client.get(page).text
    sent = {"oldpassword": PASSWORD, "password1": FOUND, "password2": FOUND}
    assert "so others know it" in client.post(page, sent).text
    nurse.refresh_from_db()
    assert nurse.check_password(PASSWORD)
    unknown = {**sent, "password1": "nine green doors at dusk", "password2": "nine green doors at dusk"}
    assert client.post(page, unknown).status_code == 302
