"""Recovery codes rest hashed as passwords do, and sealed: who has the database and the key ring still cannot read them.

django-allauth makes them from a seed, which rests sealed until the codes are shown, once. From then on its row holds what it
knows as codes of another origin (`migrated_codes`), and these are hashes: what a person types is hashed in the same way
before the library compares, and a code that was used is taken from the row.
"""

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.db.models import QuerySet

from kapclinic.accounts.models import User
from kapclinic.accounts.second_step import seal, unseal

HASHES = "migrated_codes"
_SEPARATORS = str.maketrans("", "", " -")


def codes_of(user: User) -> QuerySet[Authenticator]:
    """The row of a person's codes, if there is one."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES)


def keep_hashes(row: Authenticator, codes: list[str]) -> None:
    """Put hashes of `codes`, which were just shown, in place of what they are made from. Takes a password's time for each."""
    hasher = get_hasher("default")
    # One salt for all ten, so that a code that is typed is hashed once.
    salt = hasher.salt()
    hashes = [seal(hasher.encode(code, salt), user_id=row.user_id) for code in codes]
    row.data = {name: value for name, value in row.data.items() if name != "seed"} | {HASHES: hashes}
    row.save(update_fields=["data"])


def as_kept(user: User, typed: str) -> str:
    """What the library compares for a code that was typed: its hash where it may be one of the person's codes.

    A code of an app stays as it is; what is no code becomes nothing, for a stolen hash must not open what it is compared with.
    """
    code = typed.translate(_SEPARATORS)
    row = codes_of(user).first()
    if row is None or HASHES not in row.data:
        return typed
    if not (code.isascii() and code.isdecimal()):
        return ""
    if not row.data[HASHES] or len(code) != settings.MFA_RECOVERY_CODE_DIGITS:
        return typed
    kept = unseal(row.data[HASHES][0], user_id=user.pk)
    hasher = identify_hasher(kept)
    parts = hasher.decode(kept)
    # As many rounds as then, whatever is usual now.
    rounds = {"iterations": parts["iterations"]} if "iterations" in parts else {}
    return str(hasher.encode(code, parts["salt"], **rounds))
