"""Reading documents and attachments."""

import uuid
from typing import Any

from kapclinic.clinics.models import Clinic, EntryQuerySet
from kapclinic.documents.models import Attachment, Document


def documents_of(*, clinic: Clinic, subject_id: uuid.UUID, kind: str | None = None) -> EntryQuerySet:
    """Documents about an episode, newest first, those entered in error included (they show as struck)."""
    found: Any = Document.objects.filter(clinic=clinic, subject_id=subject_id).select_related("issued_by")
    # The snapshot is large and no list shows it.
    return (found if kind is None else found.filter(kind=kind)).defer("snapshot")


def current_document(*, clinic: Clinic, subject_id: uuid.UUID, kind: str) -> Document | None:
    """The newest document of a kind that nothing has replaced."""
    found = documents_of(clinic=clinic, subject_id=subject_id, kind=kind).standing()
    return found.filter(superseded_by__isnull=True).first()


def attachments_of(*, clinic: Clinic, subject_id: uuid.UUID) -> EntryQuerySet:
    """Attachments of an episode, newest first, struck ones included."""
    return Attachment.objects.filter(clinic=clinic, subject_id=subject_id).select_related("created_by")


def version_in_force_after(document: Document) -> Document | None:
    """The newer version that stands in the document's place; None while there is none that was not struck.

    One query, and another for each version that was entered in error.
    """
    newer: Document | None = document
    while newer is not None:
        newer = (
            Document.objects.filter(supersedes_id=newer.pk)
            .select_related("issued_by")
            .defer("snapshot")
            .first()
        )
        if newer is not None and not newer.is_struck:
            break
    return newer
