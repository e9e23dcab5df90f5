"""The key ring: AES-256-GCM over single values, with the place they belong to bound in.

Stored text: `v1.<key id>.<base64url of nonce + ciphertext + tag>`. The associated data names table, column and row, so a
ciphertext that is moved to another row or column does not decrypt. Failure raises; nothing falls back to ciphertext.
"""

import base64
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_VERSION = "v1"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_KEY_ID = re.compile(r"^[A-Za-z0-9_-]{1,32}$")


class DecryptionError(Exception):
    """The value was altered, moved to another row, or its key is not in the ring."""


@dataclass(frozen=True)
class KeyRing:
    """Keys by id; the first one encrypts, all of them decrypt."""

    keys: tuple[tuple[str, bytes], ...]

    @classmethod
    def from_pairs(cls, pairs: Iterable[str]) -> "KeyRing":
        """Build a ring from `id:base64` strings, newest first; raises ImproperlyConfigured for a bad or missing key."""
        keys: list[tuple[str, bytes]] = []
        for pair in pairs:
            key_id, _, encoded = pair.partition(":")
            if not _KEY_ID.match(key_id):
                raise ImproperlyConfigured(
                    "an encryption key must be written id:base64, with a short plain id"
                )
            try:
                key = base64.b64decode(encoded, validate=True)
            except ValueError as error:
                raise ImproperlyConfigured(f"encryption key {key_id} is not base64") from error
            if len(key) != _KEY_BYTES:
                raise ImproperlyConfigured(
                    f"encryption key {key_id} must have {_KEY_BYTES} bytes, not {len(key)}"
                )
            if key_id in dict(keys):
                raise ImproperlyConfigured(f"encryption key {key_id} is given twice")
            keys.append((key_id, key))
        if not keys:
            raise ImproperlyConfigured("KAP_ENCRYPTION_KEYS is empty; see docs/operations.md")
        return cls(tuple(keys))

    @property
    def newest(self) -> str:
        """The id of the key that encrypts."""
        return self.keys[0][0]

    @property
    def key_ids(self) -> frozenset[str]:
        """The ids of all keys."""
        return frozenset(key_id for key_id, _ in self.keys)

    def encrypt(self, text: str, *, bound_to: str) -> str:
        """Ciphertext of `text` under the newest key, readable only with the same `bound_to`."""
        key_id, key = self.keys[0]
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, text.encode("utf-8"), bound_to.encode("utf-8"))
        return f"{_VERSION}.{key_id}.{base64.urlsafe_b64encode(nonce + sealed).decode('ascii')}"

    def decrypt(self, stored: str, *, bound_to: str) -> str:
        """Clear text of `stored`; raises DecryptionError when it was altered, moved, or its key is unknown."""
        version, _, rest = stored.partition(".")
        key_id, _, encoded = rest.partition(".")
        if version != _VERSION:
            raise DecryptionError("the stored value has an unknown form")
        key = dict(self.keys).get(key_id)
        if key is None:
            raise DecryptionError(f"encryption key {key_id} is not in the ring")
        try:
            raw = base64.urlsafe_b64decode(encoded.encode("ascii"))
            clear = AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound_to.encode("utf-8"))
        except (InvalidTag, ValueError) as error:
            raise DecryptionError("the stored value was altered or belongs to another row") from error
        return clear.decode("utf-8")


@lru_cache(maxsize=4)
def _ring_of(pairs: tuple[str, ...]) -> KeyRing:
    return KeyRing.from_pairs(pairs)


def key_ring() -> KeyRing:
    """The ring of the running settings."""
    return _ring_of(tuple(settings.ENCRYPTION_KEYS))
