"""Correcting facts under an absolute finding: by a prescriber, with evidence."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from episodes.models import Episode
from episodes.services import record_event
from episodes.services.locking import lock_episode
from kapclinic.accounts.models import User
from kapclinic.clinics.models import ClinicalEntry
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.documents.models import Attachment
from kapclinic.documents.services import store_attachment
from screening.contraindications import Evaluation, Severity, catalogue
from screening.models import (
    Correction,
)
from screening.services.findings.keeping import current_evaluation, is_prescriber, keep_in_step


@dataclass(frozen=True)
class Evidence:
    """What a prescriber brings to correct a fact under an absolute finding: why, and the paper."""

    reason: str
    upload: UploadedFile | None = None
    attachment: Attachment | None = None
    title: str = ""


@contextmanager
def changing_facts(
    *,
    episode: Episode,
    actor: User,
    now: datetime,
    evidence: Evidence | None = None,
    fact: ClinicalEntry | None = None,
) -> Iterator[Episode]:
    """A transaction around a change of facts; yields the locked episode.

    When the change would take away an absolute finding, it is refused unless a prescriber brings a
    reason and the paper; the correction is then written down. Raises Refused and changes nothing.
    """
    with transaction.atomic():
        locked = lock_episode(episode)
        before = current_evaluation(locked, now=now)
        yield locked
        after = current_evaluation(locked, now=now)
        cleared = _cleared_absolutes(before, after)
        if cleared:
            _correct(locked, cleared, actor=actor, now=now, evidence=evidence, fact=fact)
        keep_in_step(locked, after, actor=actor, now=now)


def _cleared_absolutes(before: Evaluation, after: Evaluation) -> list[str]:
    still = {finding.code for finding in after.of(Severity.ABSOLUTE)}
    return [finding.code for finding in before.of(Severity.ABSOLUTE) if finding.code not in still]


def _correct(
    episode: Episode,
    codes: list[str],
    *,
    actor: User,
    now: datetime,
    evidence: Evidence | None,
    fact: ClinicalEntry | None,
) -> None:
    labels = ", ".join(catalogue()[code].label for code in codes)
    if not is_prescriber(actor, episode.clinic):
        raise Refused(
            Reason(
                "absolute-needs-prescriber",
                f"This would take away an absolute finding ({labels}). A prescriber corrects it with evidence.",
            )
        )
    write_correction(episode=episode, codes=codes, fact=fact, evidence=evidence, actor=actor, now=now)


def write_correction(
    *,
    episode: Episode,
    codes: list[str],
    fact: ClinicalEntry | None,
    evidence: Evidence | None,
    actor: User,
    now: datetime,
) -> Correction:
    """Write down why a prescriber took a fact from under absolute findings, with the paper.

    The caller holds the episode's lock and has checked that the actor is a prescriber. Raises Refused
    without a reason or without a paper.
    """
    labels = ", ".join(catalogue()[code].label for code in codes)
    reasons = []
    if evidence is None or not evidence.reason.strip():
        reasons.append(
            Reason("no-reason", f"Say why this takes away an absolute finding ({labels}).", "change_reason")
        )
    if evidence is None or (evidence.upload is None and evidence.attachment is None):
        reasons.append(
            Reason("no-evidence", f"Attach the paper that shows it: {_required(codes)}.", "evidence_file")
        )
    if evidence is None or reasons:
        raise Refused(reasons)
    correction = Correction.objects.create(
        clinic_id=episode.clinic_id,
        episode=episode,
        codes=codes,
        fact_type=fact._meta.label_lower if fact is not None else "",
        fact_id=fact.pk if fact is not None else None,
        reason=evidence.reason.strip(),
        evidence=_paper(episode, evidence, actor=actor, now=now),
        created_at=now,
        created_by=actor,
    )
    record_event(
        episode=episode,
        kind="finding.corrected",
        summary="Absolute finding corrected with evidence",
        actor=actor,
        now=now,
        data={"codes": codes},
        subject=correction,
    )
    return correction


def _paper(episode: Episode, evidence: Evidence, *, actor: User, now: datetime) -> Attachment:
    if evidence.attachment is not None:
        return evidence.attachment
    if evidence.upload is None:
        raise ValueError("evidence without a paper")
    return store_attachment(
        clinic=episode.clinic,
        subject_id=episode.pk,
        title=evidence.title or "Evidence for a correction",
        upload=evidence.upload,
        actor=actor,
        field="evidence_file",
        now=now,
    )


def _required(codes: list[str]) -> str:
    return "; ".join(catalogue()[code].evidence_required for code in codes)
