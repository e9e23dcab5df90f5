"""Values that rest encrypted (AES-256-GCM, key ids, bound to their row), and changing their keys."""

from kapclinic.encryption.fields import EncryptedTextField, KeyId, key_index
from kapclinic.encryption.ring import DecryptionError, KeyRing, key_ring

__all__ = ["DecryptionError", "EncryptedTextField", "KeyId", "KeyRing", "key_index", "key_ring"]
