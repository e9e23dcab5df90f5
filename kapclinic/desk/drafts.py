"""Keeping, giving back and dropping the drafts of one person's forms."""

import json
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.desk.models import Draft

KEPT_FOR = timedelta(days=7)
"""A draft that nobody came back to within this time is dropped (POLICY)."""

LONGEST = 200_000
"""Characters of one draft; a form beyond it is no form that a person typed."""

MOST_PER_PERSON = 200


def save_draft(*, user: User, key: str, body: str, now: datetime | None = None) -> Draft:
    """Keep `body` (a JSON object of field names to lists of values) under `key`; the newest text wins.

    Raises Refused for a body that is not such an object or too long.
    """
    now = now or timezone.now()
    if not key or len(key) > 200:
        raise Refused(Reason("draft-key", "The form has no usable name."))
    if len(body) > LONGEST:
        raise Refused(Reason("draft-too-long", "The draft is too long to be kept."))
    _parse(body)
    with transaction.atomic():
        draft = Draft.objects.select_for_update().filter(user=user, key=key).first()
        if draft is None:
            draft = Draft(user=user, key=key)
        draft.body = body
        draft.updated_at = now
        draft.save()
        Draft.objects.filter(user=user, updated_at__lt=now - KEPT_FOR).delete()
        for old in Draft.objects.filter(user=user).order_by("-updated_at")[MOST_PER_PERSON:]:
            old.delete()
    return draft


def load_draft(
    *, user: User, key: str, now: datetime | None = None
) -> tuple[dict[str, list[str]], datetime] | None:
    """The person's own draft under `key` and when it was kept, or None; drafts past their age are not given back."""
    now = now or timezone.now()
    draft = Draft.objects.filter(user=user, key=key, updated_at__gte=now - KEPT_FOR).first()
    if draft is None:
        return None
    return _parse(draft.body), draft.updated_at


def discard_draft(*, user: User, key: str) -> None:
    """Drop the draft; dropping nothing is fine."""
    Draft.objects.filter(user=user, key=key).delete()


def _parse(body: str) -> dict[str, list[str]]:
    try:
        values = json.loads(body)
    except ValueError as error:
        raise Refused(Reason("draft-unreadable", "The draft could not be read.")) from error
    if not isinstance(values, dict) or not all(
        isinstance(kept, list) and all(isinstance(one, str) for one in kept) for kept in values.values()
    ):
        raise Refused(Reason("draft-unreadable", "The draft could not be read."))
    return values
