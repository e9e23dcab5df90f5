"""Who is on duty for a day's doses, and so sees those patients."""

from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from kapclinic.accounts.policy import Actor
from kapclinic.scheduling.models import AppointmentKind, AppointmentParticipant, AppointmentState, Part
from sessions.clinical_settings import duty_days
from sessions.models import DosingSession, DutyShift
from sessions.selectors import day_bounds


def duty_source(actor: Actor) -> Q:
    """Episodes with a dose on a day for which the actor is on duty, or in whose dosing appointment they take part.

    The clinic's settings say how many days before (to prepare) and after (to finish the record) that counts.
    """
    today = timezone.now().astimezone(actor.zone).date()
    days = duty_days(actor.clinic)
    earliest, latest = today - timedelta(days=days.after), today + timedelta(days=days.before)
    shifts = DutyShift.objects.standing().filter(
        clinic=actor.clinic,
        person=actor.user,
        on__gte=earliest,
        on__lte=latest,
    )
    found = Q(pk__in=[])
    sessions = DosingSession.objects.expected().filter(episode=OuterRef("pk"))
    for day in shifts.values_list("on", flat=True).distinct():
        start, end = day_bounds(actor.clinic, day)
        found |= Q(Exists(sessions.planned_between(start, end)))
    first, _ = day_bounds(actor.clinic, earliest)
    _, last = day_bounds(actor.clinic, latest)
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
