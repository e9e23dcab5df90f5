"""Who may be in several sessions at once, in how many, and what stands against one more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason
from kapclinic.clinics.services import settings_for
from kapclinic.scheduling.clinical_settings import NURSE_ROOMS, PRESCRIBER_SESSIONS
from kapclinic.scheduling.models import AppointmentParticipant, Part
from kapclinic.scheduling.spans import Span, busiest
from kapclinic.scheduling.wording import span_words


@dataclass(frozen=True)
class Sharing:
    """The setting that bounds a part, whether sessions that the person is in alone count, and the words for a refusal."""

    setting: str
    counts_alone: bool
    words: str


# A nurse who is in a session alone watches nobody else meanwhile; a prescriber within reach may see patients.
_SHARED_PARTS = {
    Part.NURSE: Sharing(
        NURSE_ROOMS,
        counts_alone=True,
        words="{person} is in {most} already {when}; a nurse is in {limit} at once at most.",
    ),
    Part.PRESCRIBER: Sharing(
        PRESCRIBER_SESSIONS,
        counts_alone=False,
        words="{person} is within reach of {most} already {when}; a prescriber is of {limit} at once at most.",
    ),
}


def most_at_once(clinic: Clinic) -> dict[str, int]:
    """The clinic's bound for each part that is shared."""
    values = settings_for(clinic, *(sharing.setting for sharing in _SHARED_PARTS.values()))
    return {part.value: values[sharing.setting] for part, sharing in _SHARED_PARTS.items()}


def sharing_reasons(
    clinic: Clinic,
    span: Span,
    *,
    shared: Iterable[tuple[Any, str]],
    alone: Iterable[Any],
    leave_out: Collection[UUID] = (),
) -> list[Reason]:
    """Why one more session in `span` is too many for somebody, with the hours; nobody gets past these.

    `shared`: who would share it, with their part; `alone`: who would be in nothing else. Bookings in `leave_out` do not count.
    """
    wanted = [(person, part, False) for person, part in shared if part in _SHARED_PARTS]
    wanted += [
        (person, part.value, True)
        for person in alone
        for part, sharing in _SHARED_PARTS.items()
        if sharing.counts_alone
    ]
    if not wanted:
        return []
    rows = list(
        AppointmentParticipant.objects.filter(
            Q(is_exclusive=True) | Q(part__in=_SHARED_PARTS),
            person__in={person.pk for person, _, _ in wanted},
            is_live=True,
            removed_at__isnull=True,
            starts_at__lt=span.ends_at,
            ends_at__gt=span.starts_at,
        ).exclude(appointment__in=leave_out)
    )
    limits, found = most_at_once(clinic) if rows else {}, []
    for person, part, is_alone in wanted:
        sharing = _SHARED_PARTS[Part(part)]
        mine = [row for row in rows if row.person_id == person.pk]
        watched = [row for row in mine if not row.is_exclusive and row.part == part]
        if is_alone and not watched:
            # Two sessions alone are a clash of their own.
            continue
        counted = watched + [row for row in mine if row.is_exclusive and sharing.counts_alone]
        most, when = busiest((Span(row.starts_at, row.ends_at) for row in counted), span)
        if counted and most >= limits[part]:
            words = sharing.words.format(
                person=person,
                most="one session" if most == 1 else f"{most} sessions",
                when=span_words(when, clinic.time_zone),
                limit=limits[part],
            )
            found.append(Reason(f"too-many-{person.pk}", words, field=part))
    return found
