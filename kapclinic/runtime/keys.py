"""Keys of the clinic that runs from this folder, made once and kept in var/secrets, readable by their owner alone."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from kapclinic.runtime.problems import SetupProblem


def kept(path: Path, make: Callable[[], str]) -> str:
    """The text of `path`, made and written with mode 0600 the first time; raises SetupProblem when unreadable or empty."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    except OSError as error:
        raise SetupProblem(f"{path} cannot be written: {error.strerror}") from error
    else:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(make())
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SetupProblem(f"{path} cannot be read: {error.strerror}") from error
    if not text:
        raise SetupProblem(
            f"{path} is empty: put the key back from your backup; without it encrypted notes stay closed."
        )
    return text


def django_secret() -> str:
    """A new key for Django's signatures, 64 characters."""
    return secrets.token_urlsafe(48)


def encryption_key() -> str:
    """A new key ring with one 256-bit key, as KAP_ENCRYPTION_KEYS and KAP_AUDIT_KEYS want it: `id:base64`."""
    return f"k1:{base64.b64encode(secrets.token_bytes(32)).decode('ascii')}"
