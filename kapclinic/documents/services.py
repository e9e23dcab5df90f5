"""Verbs over documents: take a file in, issue a document, render it, ask for it again."""

import uuid
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import structlog
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.documents import kinds, snapshots
from kapclinic.documents.files import MAX_BYTES, BadFile, CheckedFile, check_file
from kapclinic.documents.models import Attachment, Blob, Document, Rendition, RenditionState
from kapclinic.documents.notes import content_hash
from kapclinic.jobs.models import Job, JobQueue, JobState
from kapclinic.jobs.services import enqueue

if TYPE_CHECKING:
    from kapclinic.documents.rendering import RenderedPdf

log = structlog.get_logger(__name__)

RENDER = "render_document"


class SnapshotAltered(Exception):
    """The stored snapshot is not the one that was issued; nothing is printed from it."""


# Attachments


def read_upload(upload: UploadedFile, *, field: str | None = "file") -> CheckedFile:
    """The checked bytes of an upload; Refused with the reason at `field` when it is not taken."""
    if upload.size is not None and upload.size > MAX_BYTES:
        raise Refused(
            Reason("file-refused", f"The file is larger than {MAX_BYTES // 1024 // 1024} MB.", field)
        )
    try:
        return check_file(upload.read(), upload.name or "file")
    except BadFile as error:
        raise Refused(Reason("file-refused", str(error), field)) from error


def store_attachment(
    *,
    clinic: Clinic,
    subject_id: uuid.UUID,
    title: str,
    upload: UploadedFile | CheckedFile,
    actor: User,
    dated_on: date | None = None,
    field: str | None = "file",
    now: datetime | None = None,
) -> Attachment:
    """Keep an uploaded file with the episode `subject_id`. The same bytes are stored once per clinic.

    Raises:
        Refused: the file is not taken; the reason stands at `field`.
    """
    now = now or timezone.now()
    checked = upload if isinstance(upload, CheckedFile) else read_upload(upload, field=field)
    with transaction.atomic():
        return Attachment.objects.create(
            clinic=clinic,
            subject_id=subject_id,
            title=title.strip()[:200] or checked.filename,
            filename=checked.filename,
            media_type=checked.media_type,
            blob=_keep(clinic, checked.content, checked.sha256, actor=actor, now=now),
            dated_on=dated_on,
            created_at=now,
            created_by=actor,
        )


def _keep(clinic: Clinic, content: bytes, sha256: str, *, actor: User | None, now: datetime) -> Blob:
    """The clinic's blob with these bytes."""
    blob, _ = Blob.objects.defer("content").get_or_create(
        clinic=clinic,
        sha256=sha256,
        defaults={"size": len(content), "content": content, "created_at": now, "created_by": actor},
    )
    return blob


# Documents


def document_hash(document: Document) -> str:
    """What a document's `content_hash` must be."""
    return content_hash(
        {
            "kind": document.kind,
            "subject_id": str(document.subject_id),
            "title": document.title,
            "language": document.language,
            "version": document.version,
            "snapshot": document.snapshot,
        }
    )


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
    """Freeze a snapshot (made with `documents.snapshots`) and have its PDF made, in the caller's transaction.

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
        document.content_hash = document_hash(document)
        document.save(force_insert=True)
        rendition = Rendition.objects.create(
            clinic=clinic, document=document, created_at=now, created_by=actor
        )
        _ask(rendition, now=now)
    return document


def job_key(rendition: Rendition) -> str:
    """The key of the job that makes this rendition."""
    return f"{RENDER}:{rendition.pk}"


def _ask(rendition: Rendition, *, now: datetime) -> Job:
    return enqueue(
        kind=RENDER,
        key=job_key(rendition),
        clinic=rendition.clinic,
        payload={"rendition_id": str(rendition.pk)},
        queue=JobQueue.DOCUMENTS,
        now=now,
    )


def retry_rendition(*, rendition: Rendition, actor: User, now: datetime | None = None) -> None:
    """A person asks again for a PDF that failed; pressing twice, or on a finished one, changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        locked = Rendition.objects.select_for_update().select_related("clinic").get(pk=rendition.pk)
        if locked.state == RenditionState.READY:
            return
        running = Job.objects.filter(
            key=job_key(locked), state=JobState.RUNNING, lease_until__gt=now
        ).exists()
        if running:
            return
        if locked.state == RenditionState.FAILED:
            Rendition.objects.filter(pk=locked.pk).update(state=RenditionState.QUEUED)
        _ask(locked, now=now)
        log.info("rendition asked for again", rendition_id=str(locked.pk), user_id=str(actor.pk))


def render_html(document: Document, *, withheld: tuple[str, ...] = ()) -> str:
    """The page that becomes the PDF; categories in `withheld` are named but not shown."""
    kind = kinds.kind_of(document.kind)
    context = {
        **document.snapshot,
        "sections": list(snapshots.shown_sections(document.snapshot, withheld)),
        "language": document.language,
        # The file's title: no name, no date of birth.
        "file_title": f"{kind.label}, document {document.number}",
        "document_number": document.number,
        "version": document.version,
        "replaces": document.version - 1 if document.version > 1 else None,
        "content_hash": document.content_hash,
    }
    return render_to_string(kind.template, context)


def make_pdf(document: Document, *, withheld: tuple[str, ...] = ()) -> "RenderedPdf":
    """Render one document from its snapshot.

    Raises:
        SnapshotAltered: the snapshot does not carry its hash any more.
        RenderFailed: the PDF could not be made.
    """
    # Loaded with the first document: WeasyPrint costs almost a second, and only the documents' worker prints.
    from kapclinic.documents.rendering import render_pdf

    if document_hash(document) != document.content_hash:
        raise SnapshotAltered("the stored snapshot does not match its hash")
    return render_pdf(
        render_html(document, withheld=withheld), identifier=f"{document.pk}:{document.content_hash}"
    )


def render_rendition(*, rendition_id: uuid.UUID, now: datetime | None = None) -> None:
    """Make and store one PDF. Running it twice stores one file; a failure is written down and raised for the retry."""
    now = now or timezone.now()
    rendition = Rendition.objects.select_related("document", "clinic").get(pk=rendition_id)
    if rendition.state == RenditionState.READY:
        return
    try:
        pdf = make_pdf(rendition.document, withheld=tuple(rendition.withheld))
    except Exception as error:
        Rendition.objects.filter(pk=rendition.pk).exclude(state=RenditionState.READY).update(
            state=RenditionState.FAILED, error_class=type(error).__name__
        )
        raise
    with transaction.atomic():
        locked = Rendition.objects.select_for_update().get(pk=rendition.pk)
        if locked.state == RenditionState.READY:
            return
        locked.blob = _keep(rendition.clinic, pdf.data, pdf.sha256, actor=None, now=now)
        locked.sha256 = pdf.sha256
        locked.pages = pdf.pages
        locked.rendered_at = timezone.now()
        locked.state = RenditionState.READY
        locked.error_class = ""
        locked.save(update_fields=["blob", "sha256", "pages", "rendered_at", "state", "error_class"])
