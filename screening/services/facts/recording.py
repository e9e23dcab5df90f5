"""Writing one fact: a newer one supersedes the older, nothing is edited."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.utils import timezone

from episodes.models import Episode
from episodes.services import record_event
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused
from screening.models import (
    Fact,
)
from screening.services.findings import (
    Evidence,
    changing_facts,
)

AnyFact = TypeVar("AnyFact", bound=Fact)


def write_fact(
    model: type[AnyFact],
    *,
    episode: Episode,
    values: Mapping[str, Any],
    actor: User,
    now: datetime,
    supersedes: AnyFact | None = None,
    evidence: Evidence | None = None,
    request_key: uuid.UUID | None = None,
) -> AnyFact:
    """One new fact in the caller's transaction; the fact that it supersedes stops counting now."""
    if supersedes is not None:
        changed = model._base_manager.filter(
            pk=supersedes.pk, episode=episode, superseded_at__isnull=True, entered_in_error_at__isnull=True
        ).update(superseded_at=now)
        if not changed:
            raise Refused(
                Reason("fact-changed", "Someone has changed this already. Look at it again before you save.")
            )
    return model._base_manager.create(
        clinic_id=episode.clinic_id,
        episode=episode,
        supersedes=supersedes,
        change_reason=evidence.reason.strip() if evidence else "",
        request_key=request_key,
        created_at=now,
        created_by=actor,
        **values,
    )


def _known(model: type[AnyFact], request_key: uuid.UUID | None) -> AnyFact | None:
    return model._base_manager.filter(request_key=request_key).first() if request_key else None


def record_fact(
    model: type[AnyFact],
    *,
    episode: Episode,
    values: Mapping[str, Any],
    actor: User,
    now: datetime | None,
    event: str,
    supersedes: AnyFact | None = None,
    evidence: Evidence | None = None,
    request_key: uuid.UUID | None = None,
) -> AnyFact:
    """Write one fact with its event and bring the findings in step; the same request again changes nothing."""
    now = now or timezone.now()
    with changing_facts(episode=episode, actor=actor, now=now, evidence=evidence, fact=supersedes) as locked:
        known = _known(model, request_key)
        if known is not None:
            return known
        fact = write_fact(
            model,
            episode=locked,
            values=values,
            actor=actor,
            now=now,
            supersedes=supersedes,
            evidence=evidence,
            request_key=request_key,
        )
        record_event(
            episode=locked, kind="screening.recorded", summary=event, actor=actor, now=now, subject=fact
        )
    return fact
