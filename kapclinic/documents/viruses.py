"""Uploads through a virus scanner (clamd of ClamAV), where the environment names one.

Its INSTREAM command by hand: the maintained client for it is under a licence that this program's does not go with.
"""

import socket
import struct

import structlog
from django.conf import settings

from kapclinic.documents.files import BadFile

log = structlog.get_logger(__name__)
# Seconds for each step of a file of 10 MB; a scanner that takes longer has a trouble of its own.
PATIENCE = 30
INFECTED = (
    "The virus scanner found something in this file, so it is not taken. Tell whoever runs the clinic’s computers, "
    "and do not open it again."
)
NOT_SCANNED = (
    "Files cannot be checked for viruses just now, so none is taken. Try again in a few minutes; if it stays so, "
    "tell whoever runs the clinic’s computers."
)
_CHUNK = 64 * 1024
_LONGEST_ANSWER = 4096


def place_of(address: str) -> str | tuple[str, int]:
    """Where the scanner listens: an absolute path of its socket, or host and port; ValueError for anything else."""
    if address.startswith("/"):
        return address
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError("neither the path of a socket nor host:port")
    return host.strip("[]"), int(port)


def _connected(address: str) -> socket.socket:
    place = place_of(address)
    if isinstance(place, tuple):
        return socket.create_connection(place, timeout=PATIENCE)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(PATIENCE)
    try:
        connection.connect(place)
    except OSError:
        connection.close()
        raise
    return connection


def _answer_to(content: bytes, address: str) -> str:
    """What clamd says of the bytes: "stream: OK", "stream: <name> FOUND", or another line; raises OSError."""
    with _connected(address) as connection:
        connection.sendall(b"zINSTREAM\0")
        for start in range(0, len(content), _CHUNK):
            chunk = content[start : start + _CHUNK]
            connection.sendall(struct.pack("!L", len(chunk)) + chunk)
        connection.sendall(struct.pack("!L", 0))
        with connection.makefile("rb") as answers:
            answer = answers.read(_LONGEST_ANSWER)
    return answer.rstrip(b"\0\n").decode(errors="replace")


def refuse_infected(content: bytes) -> None:
    """Raises BadFile for a file that the scanner objects to, and for every file while it does not answer.

    Where no scanner is named nothing is asked.
    """
    if not settings.VIRUS_SCANNER:
        return
    try:
        answer = _answer_to(content, settings.VIRUS_SCANNER)
    except OSError as error:
        log.error("the virus scanner did not answer", error_class=type(error).__name__)
        raise BadFile(NOT_SCANNED) from error
    if answer.endswith(" FOUND"):
        log.warning("the virus scanner found something in an upload")
        raise BadFile(INFECTED)
    if answer != "stream: OK":
        log.error("the virus scanner did not finish")
        raise BadFile(NOT_SCANNED)
