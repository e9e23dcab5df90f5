"""Uploads through a virus scanner: one that answers as clamd does, over a socket in this process."""

import socketserver
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from episodes.models import Episode
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Refused
from kapclinic.documents import checks
from kapclinic.documents.models import Attachment
from kapclinic.documents.services import read_upload, store_attachment
from kapclinic.documents.viruses import INFECTED, NOT_SCANNED
from tests.documents.test_files import a_picture

MARK = b"made-up virus for a test"


class Scanner(socketserver.ThreadingUnixStreamServer):
    """clamd's INSTREAM: the command, chunks with their length before them, an empty one, then one answer."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        self.seen: list[bytes] = []
        # What it says instead of looking; empty: it hangs up.
        self.says: bytes | None = None
        super().__init__(str(path), _Answers)


class _Answers(socketserver.StreamRequestHandler):
    server: Scanner

    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        content = b""
        while size := struct.unpack("!L", self.rfile.read(4))[0]:
            content += self.rfile.read(size)
        self.server.seen.append(content)
        found = b"stream: Demo.Marker FOUND\0" if MARK in content else b"stream: OK\0"
        self.wfile.write(found if self.server.says is None else self.server.says)


@pytest.fixture
def scanner(tmp_path: Path, settings: Any) -> Iterator[Scanner]:
    """The scanner that the environment names."""
    server = Scanner(tmp_path / "clamd.sock")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    settings.VIRUS_SCANNER = str(tmp_path / "clamd.sock")
    yield server
    server.shutdown()
    server.server_close()


def _upload(*, infected: bool = False) -> SimpleUploadedFile:
    picture = a_picture("JPEG", comment=MARK) if infected else a_picture("JPEG")
    return SimpleUploadedFile("letter.jpg", picture, "image/jpeg")


def test_whole_file_goes_through_the_scanner_and_is_taken_when_it_is_clean(scanner: Scanner) -> None:
    checked = read_upload(_upload())
    assert scanner.seen == [checked.content]


@pytest.mark.django_db
def test_file_is_refused_at_its_field_and_not_kept_when_the_scanner_finds_something(
    scanner: Scanner, episode: Episode, nurse: User
) -> None:
    with pytest.raises(Refused) as refused:
        store_attachment(
            clinic=episode.clinic, subject_id=episode.pk, title="Letter", upload=_upload(infected=True),
            actor=nurse, field="paper",
        )  # fmt: skip
    assert [(reason.text, reason.field) for reason in refused.value.reasons] == [(INFECTED, "paper")]
    assert not Attachment.objects.exists()


@pytest.mark.parametrize(
    "says",
    [b"", b"stream: Can't allocate memory ERROR\0", b"INSTREAM size limit exceeded. ERROR\0", b"hello\0"],
)
def test_no_file_is_taken_when_the_scanner_does_not_finish(scanner: Scanner, says: bytes) -> None:
    scanner.says = says
    with pytest.raises(Refused, match="cannot be checked for viruses"):
        read_upload(_upload())


@pytest.mark.parametrize("address", ["/nowhere/clamd.sock", "127.0.0.1:9"])
def test_no_file_is_taken_when_the_scanner_is_away(settings: Any, address: str) -> None:
    settings.VIRUS_SCANNER = address
    with pytest.raises(Refused) as refused:
        read_upload(_upload())
    assert refused.value.reasons[0].text == NOT_SCANNED


@pytest.mark.parametrize(
    ("address", "is_good"),
    [("", True), ("/run/clamav/clamd.ctl", True), ("[::1]:3310", True), ("scanner:3310", True),
     ("clamd.ctl", False), ("scanner:", False), (":3310", False), ("scanner:http", False)],
)  # fmt: skip
def test_start_is_refused_when_the_address_is_none(settings: Any, address: str, is_good: bool) -> None:
    settings.VIRUS_SCANNER = address
    problems = checks.virus_scanner_has_an_address(None)
    assert [problem.id for problem in problems] == ([] if is_good else ["documents.E005"])
