"""The card of old answers to item 9 that alarmed nobody and that a clinician still looks at."""

from datetime import datetime

from django.utils.timesince import timesince

from episodes.access import patient_scope
from episodes.models import Patient
from kapclinic.accounts.models import Role
from kapclinic.accounts.policy import Actor
from kapclinic.desk.links import link
from kapclinic.desk.today.registry import Card, Place, Row, card
from screening.models import Response

_SHOWN = 3


@card(
    key="review-history",
    action="screening.review-history",
    roles=(Role.NURSE, Role.THERAPIST, Role.PRESCRIBER),
    place=Place.ASIDE,
    order=50,
)
def old_answers(actor: Actor, now: datetime) -> Card:
    """Imported or old forms with item 9 at 1 or more, or blank; nothing is shown while there is none. Two queries."""
    waiting = (
        Response.objects.awaiting_review()
        .of_clinic(actor.clinic)
        .filter(patient__in=Patient.objects.filter(patient_scope(actor)))
        .select_related("patient")
    )
    first = list(waiting[:_SHOWN])
    return Card(
        title="Old answers to look at",
        rows=tuple(
            Row(
                who=response.patient.display_name,
                line=f"{response.instrument.short_title} of old: item {response.instrument.safety_item}",
                pill=f"{timesince(response.completed_at, now, depth=1)} ago",
            )
            for response in first
        ),
        summary=f"{waiting.count()} waiting" if len(first) == _SHOWN else "",
        more_url=link("screening:response-review") if first else "",
        more_words="Look at them" if first else "",
    )
