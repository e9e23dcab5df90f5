"""Short public identifiers that people can read out: Crockford's alphabet, random, with a prefix."""

import secrets

# Crockford's base 32: no I, L, O, U, so that nothing is misread.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 7


def new_patient_id() -> str:
    """A fresh patient identifier such as `KC-7Q4M2XD` (35 random bits; unique in the database)."""
    return "KC-" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def new_episode_id() -> str:
    """A fresh episode identifier such as `KE-7Q4M2XD` (35 random bits; unique in the database)."""
    return "KE-" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
