"""Recording what a patient reports: history by body system, and the problem list."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from episodes.models import Episode
from episodes.services import record_event
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, refuse_if
from screening.models import (
    Condition,
    HistoryAnswer,
)
from screening.models.clinical import Answer
from screening.questions import QUESTION_BY_KEY
from screening.services.facts.recording import record_fact, write_fact
from screening.services.findings import (
    Evidence,
    changing_facts,
)


def answer_history(
    *,
    episode: Episode,
    answers: Mapping[str, str],
    actor: User,
    evidence: Evidence | None = None,
    now: datetime | None = None,
) -> int:
    """Record answers to history questions (key -> yes, no, unknown); returns how many changed.

    An answer that is already so stays as it is. Raises Refused for a key or an answer that does not
    exist, and where an absolute finding would go without a prescriber's evidence.
    """
    now = now or timezone.now()
    refuse_if(
        Reason("no-such-question", "There is no such question.")
        for key, value in answers.items()
        if key not in QUESTION_BY_KEY or value not in Answer.values
    )
    with changing_facts(episode=episode, actor=actor, now=now, evidence=evidence) as locked:
        current = {entry.question: entry for entry in HistoryAnswer.objects.current().of_episode(locked)}
        changed = [
            (key, value)
            for key, value in answers.items()
            if key not in current or current[key].answer != value
        ]
        for key, value in changed:
            write_fact(
                HistoryAnswer,
                episode=locked,
                values={"question": key, "answer": value},
                actor=actor,
                now=now,
                supersedes=current.get(key),
                evidence=evidence,
            )
        if changed:
            record_event(
                episode=locked,
                kind="screening.recorded",
                summary=f"{len(changed)} history answer{'s' if len(changed) > 1 else ''} recorded",
                actor=actor,
                now=now,
                data={"questions": [key for key, _ in changed]},
            )
    return len(changed)


def record_condition(
    *,
    episode: Episode,
    values: Mapping[str, Any],
    actor: User,
    supersedes: Condition | None = None,
    evidence: Evidence | None = None,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Condition:
    """Add a condition to the problem list, or record how it stands now."""
    now = now or timezone.now()
    reasons = []
    if values["kind"] == "other" and not values.get("name", "").strip():
        reasons.append(Reason("no-name", "Name the condition.", "name"))
    event_on = values.get("event_on")
    if event_on is not None and event_on > now.astimezone(episode.clinic.zone).date():
        reasons.append(Reason("future-event", "The event cannot lie in the future.", "event_on"))
    refuse_if(reasons)
    return record_fact(
        Condition,
        episode=episode,
        values=values,
        actor=actor,
        now=now,
        event="Condition recorded",
        supersedes=supersedes,
        evidence=evidence,
        request_key=request_key,
    )
