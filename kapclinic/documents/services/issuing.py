"""Issuing a document: freezing a snapshot, and having it printed for those who will open it."""

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.documents import kinds, reading, snapshots
from kapclinic.documents.models import Document
from kapclinic.documents.services.printing import ensure_rendition


def issue_document(
    *,
    clinic: Clinic,
    kind: str,
    subject_id: uuid.UUID,
    title: str,
    snapshot: dict[str, Any],
    actor: User,
    language: str = "en",
    supersedes: Document | None = None,
    now: datetime | None = None,
) -> Document:
    """Freeze a snapshot (made with `documents.snapshots`) and have its PDFs made, in the caller's transaction.

    With `supersedes` it becomes that document's next version; the same snapshot again gives the one that is there.

    Raises:
        BadSnapshot: the snapshot could not be shown whole.
        Refused: `supersedes` was already replaced by another version.
    """
    now = now or timezone.now()
    kinds.kind_of(kind)
    snapshots.check(snapshot)
    with transaction.atomic():
        version = 1
        if supersedes is not None:
            before = Document.objects.select_for_update(of=("self",)).get(pk=supersedes.pk, clinic=clinic)
            if before.snapshot == snapshot and before.title == title and before.language == language:
                return before
            if Document.objects.filter(supersedes=before).exists():
                raise Refused(Reason("already-replaced", "This version was already replaced by a newer one."))
            version = before.version + 1
        document = Document(
            clinic=clinic,
            kind=kind,
            subject_id=subject_id,
            title=title,
            language=language,
            snapshot=snapshot,
            version=version,
            supersedes=supersedes,
            issued_at=now,
            issued_by=actor,
            created_at=now,
            created_by=actor,
        )
        document.content_hash = document.hash_now()
        document.save(force_insert=True)
        for wanted in reading.expected_readings(document, now=now):
            ensure_rendition(document=document, reading=wanted, actor=actor, now=now)
    return document
