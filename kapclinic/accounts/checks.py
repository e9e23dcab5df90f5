"""System checks of the access policy, and of the list of breached passwords."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Error, register

from kapclinic.accounts import policy
from kapclinic.accounts.breached import NotUsable, refuse_unusable


@register()
def every_grant_has_a_relation(**_kwargs: Any) -> list[Error]:
    """An action whose role has no relation would silently refuse everyone."""
    return [
        Error(f"the access table gives {role} no relation for {action}", id="accounts.E001")
        for action, grants in policy.TABLE.items()
        for role, relations in grants.items()
        if not relations
    ]


@register()
def breached_passwords_can_be_looked_up(**_kwargs: Any) -> list[Error]:
    """A file that is named is there, and sorted hashes at its beginning and end."""
    if not settings.BREACHED_PASSWORDS:
        return []
    try:
        refuse_unusable(Path(settings.BREACHED_PASSWORDS))
    except NotUsable as error:
        return [
            Error(
                f"KAP_BREACHED_PASSWORDS: {error}.",
                hint="Put Pwned Passwords there, one file of SHA-1 hashes sorted by hash, or leave the setting empty.",
                id="accounts.E002",
            )
        ]
    return []
