"""The chain's heads outside the database: one line of JSON for each seal, in a file that is only ever added to.

Who can rewrite the whole database, seals included, meets these lines, and whoever got them by e-mail.
"""

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from django.conf import settings

from kapclinic.audit.models import Seal


@dataclass(frozen=True)
class Head:
    """One line of the file. `chain` names the chain: the beginning of its first seal's random `previous_head`."""

    chain: str
    number: int
    head: str


def heads_file() -> Path:
    """The file that the settings name."""
    return Path(settings.AUDIT_HEADS_FILE)


def chain_name(genesis: str) -> str:
    """Short name of the chain that begins with this random value."""
    return genesis[:16]


def read_heads(path: Path) -> list[Head]:
    """Every line of the file, in its order; an absent file has none. Raises ValueError for a line that is none of ours."""
    if not path.exists():
        return []
    found = []
    for place, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            said = json.loads(line)
            found.append(Head(str(said["chain"]), int(said["number"]), str(said["head"])))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"line {place} of {path} is not a head") from error
    return found


def line_of(chain: str, seal: Seal) -> str:
    """One line for the file, without its end."""
    return json.dumps(
        {
            "chain": chain,
            "number": seal.number,
            "head": seal.head,
            "key": seal.key_id,
            "upto": seal.upto_position,
            "at": seal.sealed_at.astimezone(UTC).isoformat(timespec="seconds"),
        }
    )


def append_heads(path: Path, chain: str, seals: Iterable[Seal]) -> None:
    """Add the lines and have them on the disk; the folder is made for its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        known = {head.number for head in read_heads(path) if head.chain == chain}
        for seal in seals:
            if seal.number not in known:
                file.write(line_of(chain, seal) + "\n")
        file.flush()
        os.fsync(file.fileno())
