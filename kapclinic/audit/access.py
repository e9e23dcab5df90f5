"""Writing down who reached for what. One row per try, in the same request; what was denied stands in a transaction of its own.

The gate in front of every page (kapclinic/accounts/pages.py) writes most of them; sign-ins and calendar feeds write theirs.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from allauth.account.adapter import get_adapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import connection, transaction
from django.http import HttpRequest

from kapclinic.audit.models import AccessEvent, Outcome

_LONGEST_ID = 64


@dataclass(frozen=True)
class Subject:
    """Whom a thing is about; both None for a thing that is no patient's."""

    patient_id: uuid.UUID | None = None
    episode_id: uuid.UUID | None = None

    @property
    def is_patient(self) -> bool:
        """True when it is about one patient."""
        return self.patient_id is not None or self.episode_id is not None


class SubjectOf(Protocol):
    """Tells whom a thing is about, without asking the database."""

    def __call__(self, thing: Any) -> Subject: ...


_subject_of: list[SubjectOf] = []


def register_subjects(look_up: SubjectOf) -> None:
    """The room that owns patients and episodes says how a thing leads to them."""
    _subject_of[:] = [look_up]


def subject_of(thing: Any) -> Subject:
    """Whom `thing` is about."""
    return _subject_of[0](thing) if _subject_of and thing is not None else Subject()


def request_id(request: HttpRequest) -> str:
    """The id that ties the events of a request to its history."""
    return str(getattr(request, "audit_id", ""))


def note_rows(request: HttpRequest, count: int) -> None:
    """A list says how many rows it shows; its access event carries the number."""
    request.audit_rows = count  # type: ignore[attr-defined]  # read by the gate after the view


def _client_address(request: HttpRequest) -> str | None:
    """The client's address as the limits on sign-in count it: behind the proxies that the settings trust."""
    try:
        return get_adapter(request).get_client_ip(request)
    except (PermissionDenied, ImproperlyConfigured):
        return None


def is_on_record(request: HttpRequest, *, user_id: uuid.UUID | None, object_id: str, since: datetime) -> bool:
    """Whether this person was let in to that object at this address since that instant (UTC)."""
    match = request.resolver_match
    return AccessEvent.objects.filter(
        user_id=user_id,
        at__gte=since,
        outcome=Outcome.ALLOWED,
        url_name=match.view_name[:100] if match is not None else "",
        object_id=object_id[:_LONGEST_ID],
    ).exists()


def record_access(
    request: HttpRequest,
    *,
    action: str,
    outcome: Outcome,
    user_id: uuid.UUID | None,
    clinic_id: uuid.UUID | None = None,
    relation: str = "",
    thing: Any = None,
    object_id: str = "",
) -> None:
    """Write one event. `thing` is what the page is about; `object_id` what was asked for, where nothing was found.

    A row that cannot be written is raised: nothing is shown that is not on the record.
    """
    subject = subject_of(thing)
    match = request.resolver_match
    event = AccessEvent(
        user_id=user_id,
        clinic_id=clinic_id,
        action=action,
        outcome=outcome,
        relation=relation,
        patient_id=subject.patient_id,
        episode_id=subject.episode_id,
        object_type=thing._meta.label_lower if hasattr(thing, "_meta") else "",
        object_id=str(thing.pk if hasattr(thing, "pk") else object_id)[:_LONGEST_ID],
        url_name=match.view_name[:100] if match is not None else "",
        method=str(request.method)[:7],
        rows=getattr(request, "audit_rows", None),
        client_address=_client_address(request),
        request=request_id(request),
    )
    if outcome is Outcome.ALLOWED and request.method == "POST" and not connection.in_atomic_block:
        _write_beside_history(event)
    else:
        event.save(force_insert=True)


def _write_beside_history(event: AccessEvent) -> None:
    """Write it without waiting for the disk: what the POST changed is durable already, with the same request's id.

    Only a crash of the database server itself, in the 0.6 s after it, can lose the event; it never loses the history.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        event.save(force_insert=True)
