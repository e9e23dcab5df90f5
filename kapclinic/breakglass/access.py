"""Which patients a person reads under an emergency access now."""

import uuid

from django.utils import timezone

from kapclinic.accounts.policy import Actor
from kapclinic.breakglass.models import EmergencyAccess


def open_patients(actor: Actor) -> frozenset[uuid.UUID]:
    """Keys of the patients at the actor's clinic; one query. At most one by the database's constraint."""
    return frozenset(
        EmergencyAccess.objects.open_at(timezone.now())
        .filter(user=actor.user, clinic=actor.clinic)
        .values_list("patient", flat=True)
    )
