"""What every page's frame needs."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from kapclinic.accounts import policy
from kapclinic.accounts.policy import Actor


class Rights:
    """`rights.patient_register` in templates: whether the actor has the action at all (dashes and dots as underscores)."""

    def __init__(self, actor: Actor):
        self._actor = actor
        self._actions = {action.replace(".", "_").replace("-", "_"): action for action in policy.TABLE}

    def __getitem__(self, name: str) -> bool:
        return policy.can(self._actor, self._actions[name])


def shell(request: HttpRequest) -> dict[str, Any]:
    """The actor, the clinic and the rights, for the frame around every page."""
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None:
        return {
            "idle_lock_minutes": settings.IDLE_LOCK_MINUTES,
            "oidc_name": settings.OIDC_NAME if settings.OIDC_SERVER_URL else "",
        }
    return {
        "actor": actor,
        "clinic": actor.clinic,
        "rights": Rights(actor),
        "idle_lock_minutes": settings.IDLE_LOCK_MINUTES,
    }
