"""Puts the person at work on the request."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from kapclinic.accounts.models import Membership, Role
from kapclinic.accounts.policy import Actor

CLINIC_SESSION_KEY = "clinic_id"


def actor_of(user, clinic_id: str | None = None) -> Actor | None:
    """The actor for a signed-in person at the chosen clinic (the first by name when none or a lost one is chosen).

    Returns None for a person without a current role anywhere. One query.
    """
    memberships = list(
        Membership.objects.current().filter(user=user).select_related("clinic").order_by("clinic__name", "role")
    )
    if not memberships:
        return None
    clinic = next((m.clinic for m in memberships if str(m.clinic_id) == clinic_id), memberships[0].clinic)
    here = [membership for membership in memberships if membership.clinic_id == clinic.pk]
    return Actor(
        user=user,
        clinic=clinic,
        roles=frozenset(Role(membership.role) for membership in here),
        is_medical_director=any(membership.is_medical_director for membership in here),
    )


class ActorMiddleware:
    """Sets `request.actor` anew on every request, so a role that is taken away ends at once."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        actor = actor_of(request.user, request.session.get(CLINIC_SESSION_KEY)) if request.user.is_authenticated else None
        request.actor = actor  # type: ignore[attr-defined]  # the attribute is ours
        if actor is None:
            return self.get_response(request)
        # Pages show and forms read times in the clinic's zone.
        with timezone.override(actor.zone):
            return self.get_response(request)
