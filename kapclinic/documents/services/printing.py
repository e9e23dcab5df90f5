"""Renditions: one PDF for each audience and consent state, made by a job, never served once its state has passed."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from kapclinic.accounts.models import User
from kapclinic.documents import kinds, snapshots
from kapclinic.documents.checkmark import check_address, check_mark
from kapclinic.documents.models import Document, Rendition, RenditionState
from kapclinic.documents.notes import content_hash
from kapclinic.documents.reading import Reading
from kapclinic.documents.selectors import version_in_force_after
from kapclinic.documents.services.attachments import keep_bytes
from kapclinic.jobs.models import Job, JobQueue, JobState
from kapclinic.jobs.services import enqueue

if TYPE_CHECKING:
    from kapclinic.documents.rendering import RenderedPdf

log = structlog.get_logger(__name__)

RENDER = "render_document"


class SnapshotAltered(Exception):
    """The stored snapshot is not the one that was issued; nothing is printed from it."""


@dataclass(frozen=True)
class Print:
    """What one PDF of a document says beside its snapshot; the defaults are the whole document, in force.

    `withheld` are consent categories, `notices` pairs of a category and its notice, `standing_words` what it says when
    another version stands in its place, `addressee` the person outside to whom it is made out.
    """

    withheld: tuple[str, ...] = ()
    notices: tuple[tuple[str, str], ...] = ()
    standing_words: str = ""
    addressee: str = ""

    def fingerprint(self, document: Document) -> str:
        """One key for a PDF of this document that says just this, in hexadecimal."""
        return content_hash(
            {
                "document": str(document.pk),
                "content": document.content_hash,
                "withheld": sorted(self.withheld),
                "notices": sorted(self.notices),
                "standing": self.standing_words,
                "addressee": self.addressee,
            }
        )


def standing_words(document: Document) -> str:
    """What a copy must say when the document does not stand any more; empty while it does."""
    if document.is_struck:
        return f"Entered in error: {document.entered_in_error_reason}"[:200]
    newer = version_in_force_after(document)
    return "" if newer is None else f"Superseded by version {newer.version}"


def print_of(document: Document, reading: Reading) -> Print:
    """The PDF that this reader gets now: nothing is named as withheld that the document does not hold anyway."""
    held = frozenset(part["category"] for part in document.snapshot["sections"])
    return Print(
        withheld=tuple(sorted(held.intersection(reading.withheld))),
        notices=tuple(sorted((category, text) for category, text in reading.notices if category in held)),
        standing_words=standing_words(document),
        addressee=reading.addressee,
    )


def rendition_for(document: Document, reading: Reading) -> Rendition | None:
    """The rendition that this reader may be served now, without its bytes; None when none was asked for yet."""
    wanted = print_of(document, reading).fingerprint(document)
    return Rendition.objects.filter(document=document, audience=reading.audience, fingerprint=wanted).first()


def ensure_rendition(
    *, document: Document, reading: Reading, actor: User | None, now: datetime | None = None
) -> Rendition:
    """The rendition for this reader in the state of this moment, asked for when there is none; twice gives the same.

    A file that says the very same for another audience is used again.
    """
    now = now or timezone.now()
    wanted = print_of(document, reading)
    fingerprint = wanted.fingerprint(document)
    known = Rendition.objects.filter(document=document, audience=reading.audience, fingerprint=fingerprint)
    found = known.first()
    if found is not None:
        return found
    with transaction.atomic():
        made = Rendition(
            clinic=document.clinic,
            document=document,
            audience=reading.audience,
            addressee=wanted.addressee,
            withheld=list(wanted.withheld),
            withheld_sections=_sections_in(document, wanted.withheld),
            notices=[list(notice) for notice in wanted.notices],
            standing_words=wanted.standing_words,
            fingerprint=fingerprint,
            created_at=now,
            created_by=actor,
        )
        _take_file(made, _same_file(made))
        rendition, is_new = known.get_or_create(
            defaults={
                field.name: getattr(made, field.name)
                for field in Rendition._meta.concrete_fields
                if not field.primary_key
            }
        )
        if is_new and rendition.state == RenditionState.QUEUED:
            _ask(rendition, now=now)
    return rendition


def _sections_in(document: Document, categories: Iterable[str]) -> list[str]:
    hidden = frozenset(categories)
    return [part["key"] for part in document.snapshot["sections"] if part["category"] in hidden]


def _same_file(rendition: Rendition) -> Rendition | None:
    """A finished rendition for another audience that says the very same."""
    return (
        Rendition.objects.filter(
            document_id=rendition.document_id,
            fingerprint=rendition.fingerprint,
            state=RenditionState.READY,
        )
        .exclude(pk=rendition.pk)
        .first()
    )


def _take_file(rendition: Rendition, other: Rendition | None) -> None:
    if other is not None:
        for field in ("blob_id", "sha256", "pages", "rendered_at", "signed_with", "state"):
            setattr(rendition, field, getattr(other, field))


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


def render_html(document: Document, wanted: Print | None = None) -> str:
    """The page that becomes the PDF; categories in `wanted.withheld` are named but not shown."""
    wanted = wanted or Print()
    kind = kinds.kind_of(document.kind)
    before = document.supersedes
    context = {
        **document.snapshot,
        "sections": list(snapshots.shown_sections(document.snapshot, wanted.withheld, wanted.notices)),
        "language": document.language,
        # The file's title: no name, no date of birth.
        "file_title": f"{kind.label}, document {document.number}",
        "document_id": str(document.pk),
        "document_number": document.number,
        "version": document.version,
        "supersedes": before,
        "content_hash": document.content_hash,
        "standing_words": wanted.standing_words,
        "addressee": wanted.addressee,
        "check_address": check_address(),
        "check_mark": check_mark(document),
    }
    return render_to_string(kind.template, context)


def make_pdf(document: Document, wanted: Print | None = None) -> "RenderedPdf":
    """Render one document from its snapshot, signed where a certificate is configured.

    Raises:
        SnapshotAltered: the snapshot does not carry its hash any more.
        RenderFailed: the PDF could not be made.
        SigningFailed: the certificate that is configured does not sign.
    """
    # Loaded with the first document: WeasyPrint costs almost a second, and only the documents' worker prints.
    from kapclinic.documents.rendering import render_pdf
    from kapclinic.documents.signing import sign_pdf

    if document.hash_now() != document.content_hash:
        raise SnapshotAltered("the stored snapshot does not match its hash")
    wanted = wanted or Print()
    return sign_pdf(
        render_pdf(render_html(document, wanted), identifier=f"{document.pk}:{wanted.fingerprint(document)}")
    )


def render_rendition(*, rendition_id: uuid.UUID, now: datetime | None = None) -> None:
    """Make and store one PDF. Running it twice stores one file; a failure is written down and raised for the retry."""
    now = now or timezone.now()
    rendition = Rendition.objects.select_related("document__supersedes", "clinic").get(pk=rendition_id)
    if rendition.state == RenditionState.READY:
        return
    other = _same_file(rendition) if rendition.fingerprint else None
    try:
        pdf = None if other else make_pdf(rendition.document, _print_in(rendition))
    except Exception as error:
        Rendition.objects.filter(pk=rendition.pk).exclude(state=RenditionState.READY).update(
            state=RenditionState.FAILED, error_class=type(error).__name__
        )
        raise
    with transaction.atomic():
        locked = Rendition.objects.select_for_update().get(pk=rendition.pk)
        if locked.state == RenditionState.READY:
            return
        if pdf is None:
            _take_file(locked, other)
        else:
            locked.blob = keep_bytes(rendition.clinic, pdf.data, pdf.sha256, actor=None, now=now)
            locked.sha256 = pdf.sha256
            locked.pages = pdf.pages
            locked.signed_with = pdf.signed_with
            locked.rendered_at = timezone.now()
            locked.state = RenditionState.READY
        locked.error_class = ""
        locked.save()


def _print_in(rendition: Rendition) -> Print:
    return Print(
        withheld=tuple(rendition.withheld),
        notices=tuple((category, text) for category, text in rendition.notices),
        standing_words=rendition.standing_words,
        addressee=rendition.addressee,
    )
