"""Taking facts back: entered in error, or corrected with evidence under an absolute finding."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from episodes.models import Allergy, Episode
from episodes.services import record_event, strike_entry
from episodes.services.locking import lock_episode
from episodes.services.striking import takes_back
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused
from screening.contraindications import Severity
from screening.models import (
    FACT_MODELS,
    Correction,
    Fact,
    Finding,
)
from screening.services.findings import (
    Evidence,
    changing_facts,
    current_evaluation,
    is_prescriber,
    refresh_findings,
    write_correction,
)


def retract_fact(*, fact: Any, evidence: Evidence, actor: User, now: datetime | None = None) -> None:
    """Strike a fact as entered in error. Under an absolute finding only a prescriber does, with evidence."""
    now = now or timezone.now()
    with changing_facts(episode=fact.episode, actor=actor, now=now, evidence=evidence, fact=fact) as locked:
        _struck_by_correction(fact, locked, evidence=evidence, actor=actor, now=now)


def _struck_by_correction(
    fact: Fact, episode: Episode, *, evidence: Evidence, actor: User, now: datetime
) -> None:
    if not evidence.reason.strip():
        raise Refused(Reason("no-reason", "Say what was wrong.", "change_reason"))
    model = type(fact)
    changed = model._base_manager.filter(pk=fact.pk, entered_in_error_at__isnull=True).update(
        entered_in_error_at=now,
        entered_in_error_by=actor,
        entered_in_error_reason=evidence.reason.strip(),
    )
    if changed:
        _bring_back_superseded(fact)
        record_event(
            episode=episode,
            kind="entry.struck",
            summary=f"Entered in error: {model._meta.verbose_name}",
            actor=actor,
            now=now,
            subject=fact,
        )


def _bring_back_superseded(fact: Fact) -> None:
    """What a struck fact had superseded counts again, unless a later one took its place."""
    before = fact.supersedes
    if before is not None and fact.superseded_at is None:
        type(fact)._base_manager.filter(pk=before.pk).update(superseded_at=None)


def refuse_to_clear_absolutes(episode: Episode, *, now: datetime) -> None:
    """Raise Refused when the record as it stands now has lost an absolute finding that is stored."""
    stored = set(
        Finding.objects.filter(
            episode=episode, session_key__isnull=True, cleared_at__isnull=True, severity=Severity.ABSOLUTE
        ).values_list("code", flat=True)
    )
    still = {finding.code for finding in current_evaluation(episode, now=now).of(Severity.ABSOLUTE)}
    if stored - still:
        raise Refused(
            Reason(
                "absolute-needs-evidence",
                "An absolute finding rests on this entry. A prescriber corrects it with evidence, in Screening.",
                "reason",
            )
        )


def _take_back(entry: Fact, *, actor: User, now: datetime) -> None:
    """A struck fact gives its place back; one under an absolute finding is not struck without evidence."""
    _bring_back_superseded(entry)
    refuse_to_clear_absolutes(entry.episode, now=now)
    refresh_findings(episode=entry.episode, actor=actor, now=now)


def _keep_correction(entry: Correction, *, actor: User, now: datetime) -> None:
    raise Refused(
        Reason(
            "correction-stays", "A correction is not struck. Record the fact again where it holds.", "reason"
        )
    )


for _model in FACT_MODELS:
    takes_back(_model)(_take_back)
takes_back(Correction)(_keep_correction)


def correct_allergy(
    *, episode: Episode, allergy: Allergy, evidence: Evidence, actor: User, now: datetime | None = None
) -> None:
    """A prescriber takes an allergy to ketamine off the record, with a reason and the paper."""
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        if not is_prescriber(actor, episode.clinic):
            raise Refused(Reason("not-a-prescriber", "Only a prescriber corrects this."))
        write_correction(
            episode=episode, codes=["CI-HYPERSENS"], fact=allergy, evidence=evidence, actor=actor, now=now
        )
        strike_entry(entry=allergy, reason=evidence.reason, actor=actor, now=now)
