"""Reading "go on, because ..." from a form: reasons of people for what a guard lets them pass."""

from typing import Any

from django.http import QueryDict

from episodes.guards import GuardContext, reasons
from kapclinic.clinics.refusals import Reason

PREFIX = "pass_"


def passing_of(data: QueryDict) -> dict[str, str]:
    """Reason codes with the reason that the person wrote; blank ones are left out."""
    return {
        name.removeprefix(PREFIX): str(value).strip()
        for name, value in data.items()
        if name.startswith(PREFIX) and str(value).strip()
    }


def standing_reasons(context: GuardContext) -> list[dict[str, Any]]:
    """Every reason before an action, each with the name of the field that passes it (None where it is hard for this person)."""
    return [_shown(reason, context) for reason in reasons(context)]


def _shown(reason: Reason, context: GuardContext) -> dict[str, Any]:
    may_pass = bool(reason.passable_by.intersection(context.actor_roles))
    return {"reason": reason, "field": f"{PREFIX}{reason.code}" if may_pass else None}
