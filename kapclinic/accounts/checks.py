"""System checks of the access policy."""

from typing import Any

from django.core.checks import Error, register

from kapclinic.accounts import policy


@register()
def every_grant_has_a_relation(**_kwargs: Any) -> list[Error]:
    """An action whose role has no relation would silently refuse everyone."""
    return [
        Error(f"the access table gives {role} no relation for {action}", id="accounts.E001")
        for action, grants in policy.TABLE.items()
        for role, relations in grants.items()
        if not relations
    ]
