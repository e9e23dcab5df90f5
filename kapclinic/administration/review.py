"""Reading the record for a manager's review: access events and unusual reads of one clinic, with names to them."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from kapclinic.accounts.models import Membership, User
from kapclinic.administration.forms.review import in_words
from kapclinic.administration.patients import PatientLine, directory
from kapclinic.audit.models import DENIED, AccessEvent, UnusualRead
from kapclinic.clinics.models import Clinic

COLUMNS = (
    "time", "person", "action", "outcome", "allowed as", "patient", "patient number", "page", "method", "rows shown",
    "client address", "request",
)  # fmt: skip
# Who reached their process notes is on record; about whom there are any is told to nobody, managers included. Who was kept
# out told nothing by it.
_APART = Q(action__startswith="process-note.") & ~Q(outcome__in=DENIED)


@dataclass(frozen=True)
class EventLine:
    """One access event with the names of its people; `patient` is None where it is about nobody or kept apart."""

    event: AccessEvent
    person: str
    patient: PatientLine | None
    is_apart: bool = False

    @property
    def action(self) -> str:
        """The action in words."""
        return in_words(self.event.action)

    @property
    def is_denied(self) -> bool:
        """Whether somebody was kept out."""
        return self.event.outcome in DENIED


@dataclass(frozen=True)
class UnusualLine:
    """One unusual read with the names of its people, and of who answered it."""

    read: UnusualRead
    person: str
    patient: PatientLine | None
    reviewer: str


def events_of(
    clinic: Clinic,
    *,
    since: date,
    until: date,
    patient: str = "",
    person: User | None = None,
    action: str = "",
    outcome: str = "",
) -> QuerySet[AccessEvent]:
    """The clinic's events from the day `since` to the day `until`, both included, newest first.

    Sign-ins belong to no clinic: those of its people are shown, and failed ones of nobody's address.
    """  # fmt: skip
    begin = datetime.combine(since, time(), clinic.zone)
    end = datetime.combine(until + timedelta(days=1), time(), clinic.zone)
    members = Membership.objects.filter(clinic=clinic).values("user")
    found = AccessEvent.objects.filter(at__gte=begin, at__lt=end).filter(
        Q(clinic_id=clinic.pk)
        | Q(clinic_id__isnull=True, user_id__in=members)
        | Q(clinic_id__isnull=True, user_id__isnull=True)
    )
    if patient.strip():
        patients = directory().found(clinic, patient)
        found = found.filter(
            Q(patient_id__in=patients) | Q(episode_id__in=directory().episodes_of(patients) | patients)
        ).exclude(_APART)
    if person is not None:
        found = found.filter(user_id=person.pk)
    if action:
        found = found.filter(action=action)
    if outcome:
        found = found.filter(outcome__in=DENIED if outcome == "denied" else [outcome])
    return found.order_by("-id")


def _names(user_ids: Iterable[Any]) -> dict[uuid.UUID | None, str]:
    return {user.pk: user.full_name for user in User.objects.filter(pk__in={key for key in user_ids if key})}


def lines_of(events: Iterable[AccessEvent]) -> list[EventLine]:
    """The events with names, in a fixed number of queries."""
    events = list(events)
    names = _names(event.user_id for event in events)
    told = [event for event in events if not _is_apart(event)]
    patient_of = directory().patient_of(
        event.episode_id for event in told if event.patient_id is None and event.episode_id is not None
    )
    keys = {event.pk: event.patient_id or patient_of.get(event.episode_id) for event in told}
    patients = directory().lines(key for key in keys.values() if key is not None)
    return [
        EventLine(
            event,
            names.get(event.user_id, "a person without a name here" if event.user_id else "nobody known"),
            patients.get(keys.get(event.pk)),
            _is_apart(event),
        )
        for event in events
    ]


def _is_apart(event: AccessEvent) -> bool:
    """The same as `_APART`, of a row at hand."""
    return event.action.startswith("process-note.") and event.outcome not in DENIED


def unusual_of(clinic: Clinic, *, is_open: bool) -> QuerySet[UnusualRead]:
    """The clinic's unusual reads that wait for an answer, or those that have one."""
    return UnusualRead.objects.filter(clinic_id=clinic.pk, review__isnull=is_open).select_related("review")


def unusual_lines(reads: Iterable[UnusualRead]) -> list[UnusualLine]:
    """The reads with names, in a fixed number of queries."""
    reads = list(reads)
    reviews = {read.pk: getattr(read, "review", None) for read in reads}
    names = _names(
        [*(read.user_id for read in reads), *(review.reviewed_by for review in reviews.values() if review)]
    )
    patients = directory().lines(read.patient_id for read in reads if read.patient_id is not None)
    return [
        UnusualLine(
            read,
            names.get(read.user_id, "somebody"),
            patients.get(read.patient_id) if read.patient_id else None,
            names.get(review.reviewed_by, "") if (review := reviews[read.pk]) else "",
        )
        for read in reads
    ]


def csv_rows(clinic: Clinic, events: QuerySet[AccessEvent], *, at_once: int = 2000) -> Iterator[list[Any]]:
    """The rows of the export, in the clinic's zone, oldest last."""
    batch: list[AccessEvent] = []
    yield list(COLUMNS)
    for event in events.iterator(chunk_size=at_once):
        batch.append(event)
        if len(batch) == at_once:
            yield from (_csv_row(clinic, line) for line in lines_of(batch))
            batch = []
    yield from (_csv_row(clinic, line) for line in lines_of(batch))


def _csv_row(clinic: Clinic, line: EventLine) -> list[Any]:
    event = line.event
    return [
        event.at.astimezone(clinic.zone).isoformat(timespec="seconds"), line.person, event.action,
        event.get_outcome_display(), event.relation, line.patient.name if line.patient else "",
        line.patient.public_id if line.patient else "", event.url_name, event.method,
        "" if event.rows is None else event.rows, event.client_address or "", event.request,
    ]  # fmt: skip
