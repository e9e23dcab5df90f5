"""The keys of the chain: apart from the database, in KAP_AUDIT_KEYS, in the form of every key ring (kapclinic/encryption.py).

They are a ring of their own: an encryption key may be dropped once nothing is encrypted under it, a key of the chain must stay
for as long as its seals are to be verified.
"""

from functools import lru_cache

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from kapclinic.encryption import KeyRing


@lru_cache(maxsize=4)
def _ring_of(pairs: tuple[str, ...]) -> tuple[tuple[str, bytes], ...]:
    return KeyRing.from_pairs(pairs).keys


def chain_keys() -> tuple[tuple[str, bytes], ...]:
    """Keys of the chain as (id, 32 bytes), newest first; raises ImproperlyConfigured for a bad or missing one."""
    pairs = tuple(settings.AUDIT_KEYS)
    if not pairs:
        raise ImproperlyConfigured("KAP_AUDIT_KEYS is empty; see docs/operations.md")
    return _ring_of(pairs)


@register()
def check_chain_keys(**_kwargs: object) -> list[CheckMessage]:
    """The clinic does not start without a key for the chain: its record would stay unsealed."""
    try:
        chain_keys()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="audit.E001")]
    return []
