"""Who is on duty for a day's doses, and so sees those patients."""

from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from kapclinic.accounts.policy import Actor
from kapclinic.scheduling.models import AppointmentKind, AppointmentParticipant, AppointmentState, Part
from sessions.models import DosingSession, DutyShift
from sessions.selectors import day_bounds

# A shift opens the charts of its day from the day before (to prepare) to the day after (to finish the record). POLICY.
DAYS_BEFORE = 1
DAYS_AFTER = 1


def duty_source(actor: Actor) -> Q:
    """Episodes with a dose on a day for which the actor is on duty, or in whose dosing appointment they take part."""
    today = timezone.now().astimezone(actor.zone).date()
    shifts = DutyShift.objects.standing().filter(
        clinic=actor.clinic,
        person=actor.user,
        on__gte=today - timedelta(days=DAYS_AFTER),
        on__lte=today + timedelta(days=DAYS_BEFORE),
    )
    found = Q(pk__in=[])
    sessions = DosingSession.objects.expected().filter(episode=OuterRef("pk"))
    for day in shifts.values_list("on", flat=True).distinct():
        start, end = day_bounds(actor.clinic, day)
        found |= Q(Exists(sessions.planned_between(start, end)))
    first, _ = day_bounds(actor.clinic, today - timedelta(days=DAYS_AFTER))
    _, last = day_bounds(actor.clinic, today + timedelta(days=DAYS_BEFORE))
    taking_part: Any = AppointmentParticipant.objects.filter(
        person=actor.user,
        part__in=[Part.NURSE, Part.PRESCRIBER],
        removed_at__isnull=True,
        appointment__kind=AppointmentKind.DOSING,
        appointment__starts_at__gte=first,
        appointment__starts_at__lt=last,
        appointment__episode=OuterRef("pk"),
    ).exclude(appointment__state__in=[AppointmentState.CANCELLED, AppointmentState.NO_SHOW])
    return found | Q(Exists(taking_part))
