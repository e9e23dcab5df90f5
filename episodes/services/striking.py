"""Marking an entry as "entered in error": it is struck through, stays visible, and what followed from it is taken back."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from episodes.access import episode_of
from episodes.services.episode import record_event
from episodes.services.locking import lock_episode
from kapclinic.accounts.models import User
from kapclinic.clinics.models import ClinicalEntry
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.documents.models import Document

TakeBack = Callable[..., None]
_take_backs: dict[type[ClinicalEntry], TakeBack] = {}


def takes_back(model: type[ClinicalEntry]) -> Callable[[TakeBack], TakeBack]:
    """Register what is taken back when an entry of `model` is struck: called in the transaction with (entry, actor, now)."""

    def register(function: TakeBack) -> TakeBack:
        _take_backs[model] = function
        return function

    return register


def can_be_struck(model: type) -> bool:
    """True for models whose entries people may strike. A document is struck with what it prints, never by itself."""
    return isinstance(model, type) and issubclass(model, ClinicalEntry) and not issubclass(model, Document)


def strike_entry(*, entry: Any, reason: str, actor: User, now: datetime | None = None) -> Any:
    """Strike `entry` with a reason; striking it twice changes nothing. Raises Refused without a reason."""
    now = now or timezone.now()
    if not reason.strip():
        raise Refused(Reason("no-reason", "Say what was wrong.", field="reason"))
    with transaction.atomic():
        episode = episode_of(entry)
        if episode is not None:
            episode = lock_episode(episode)
        model = type(entry)
        entry = model._base_manager.select_for_update(of=("self",)).get(pk=entry.pk)
        if entry.is_struck:
            return entry
        entry.entered_in_error_at = now
        entry.entered_in_error_by = actor
        entry.entered_in_error_reason = reason.strip()
        entry.save(update_fields=["entered_in_error_at", "entered_in_error_by", "entered_in_error_reason"])
        take_back = _take_backs.get(model)
        if take_back is not None:
            take_back(entry, actor=actor, now=now)
        if episode is not None:
            record_event(
                episode=episode, kind="entry.struck", summary=f"Entered in error: {model._meta.verbose_name}", actor=actor,
                now=now, subject=entry,
            )  # fmt: skip
        return entry
