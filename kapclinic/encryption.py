"""AES-256-GCM encryption of single values, with a key ring and the row they belong to bound in.

Stored text: `v1.<key id>.<base64url of nonce + ciphertext + tag>`. The associated data names table, column and row, so a
ciphertext that is moved to another row or column does not decrypt. Failure raises; nothing falls back to ciphertext.
"""

import base64
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

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


class _Sealed:
    """Descriptor: decrypts on first reading, encrypts on setting, bound to the row's client-made key."""

    def __init__(self, field: "EncryptedTextField"):
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type[models.Model] | None = None) -> Any:
        if instance is None:
            return self
        if self.field.attname not in instance.__dict__:
            instance.refresh_from_db(fields=[self.field.attname])
        stored = instance.__dict__[self.field.attname]
        if stored is None or stored == "":
            return stored
        return key_ring().decrypt(stored, bound_to=self.field.binding(instance))

    def __set__(self, instance: models.Model, value: str | None) -> None:
        if value is None or value == "":
            instance.__dict__[self.field.attname] = value
        elif value.__class__ is _Stored:
            instance.__dict__[self.field.attname] = str(value)
        else:
            instance.__dict__[self.field.attname] = key_ring().encrypt(
                value, bound_to=self.field.binding(instance)
            )


class _Stored(str):
    """Marks text that came from the database and is already sealed."""


class EncryptedTextField(models.TextField):
    """Text that rests encrypted. The model needs a primary key made before saving (a UUID).

    `.values()`, `.update()` and look-ups see ciphertext: read and write through instances.
    """

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, self.attname, _Sealed(self))

    def binding(self, instance: models.Model) -> str:
        """Name of the one place where this value is valid."""
        # The primary key stands first in every model's field order, so it is set before this field is.
        return f"{instance._meta.db_table}.{self.column}:{instance.pk}"

    def from_db_value(self, value: str | None, _expression: object, _connection: object) -> str | None:
        return None if value is None else _Stored(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        return model_instance.__dict__.get(self.attname)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        return None
