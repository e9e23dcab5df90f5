"""Is this paper one of ours, whole, and still in force? Answers by the hash of a file; the file itself is kept nowhere."""

from __future__ import annotations

import hashlib
import io
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from django.core.files.uploadedfile import UploadedFile

from kapclinic.clinics.models import Clinic
from kapclinic.documents.models import Document, Rendition
from kapclinic.documents.selectors import version_in_force_after

_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Where a file of ours names its document: its metadata, then the links and the text of its last pages.
_PAGES_READ = 3
_KEYS_TRIED = 20


class Answer(StrEnum):
    """What a file or a document turned out to be."""

    CURRENT = "current"
    SUPERSEDED = "superseded"
    WITHDRAWN = "entered in error"
    ALTERED = "altered"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Checked:
    """The answer, the document that it is about, and the copy of it where the file is one that was made here."""

    answer: Answer
    document: Document | None = None
    newer: Document | None = None
    rendition: Rendition | None = None
    sha256: str = ""


def check_document(document: Document, *, content: str = "") -> Checked:
    """How a document stands. `content` is the beginning of the hash that its printed copy names, where one is at hand."""
    newer = version_in_force_after(document)
    if document.hash_now() != document.content_hash:
        # The record itself is not what was issued.
        return Checked(Answer.ALTERED, document, newer)
    if content and not document.content_hash.startswith(content.lower()):
        return Checked(Answer.ALTERED, document, newer)
    if document.is_struck:
        return Checked(Answer.WITHDRAWN, document, newer)
    return Checked(Answer.SUPERSEDED if newer else Answer.CURRENT, document, newer)


def check_file(upload: UploadedFile, *, clinic: Clinic, expected: Document | None = None) -> Checked:
    """What a dropped file is at this clinic. `expected` is the document whose page it was dropped on.

    A file is known by the SHA-256 of its bytes. An unknown one that names a document of the clinic is an altered copy of it.
    """
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    sha256 = digest.hexdigest()
    rendition = (
        Rendition.objects.filter(clinic=clinic, sha256=sha256)
        .select_related("document__issued_by", "document__clinic")
        .order_by("created_at")
        .first()
    )
    if rendition is not None:
        found = check_document(rendition.document)
        return Checked(found.answer, found.document, found.newer, rendition, sha256)
    named = _document_named_in(upload, clinic)
    if named is not None:
        return Checked(Answer.ALTERED, named, sha256=sha256)
    return Checked(Answer.UNKNOWN, expected, sha256=sha256)


def _document_named_in(upload: UploadedFile, clinic: Clinic) -> Document | None:
    upload.seek(0)
    data = upload.read()
    if not data.startswith(b"%PDF-"):
        return None
    try:
        keys = {uuid.UUID(key) for key in islice(_keys_in(data), _KEYS_TRIED)}
    except Exception:  # noqa: BLE001  hostile bytes make a parser fail in any way it can; then the file names nothing
        return None
    return Document.objects.filter(clinic=clinic, pk__in=keys).select_related("issued_by", "clinic").first()


def _keys_in(data: bytes) -> Iterator[str]:
    """Every key of a document that a PDF names, the likeliest places first."""
    # Loaded with the first PDF: it costs every process a fifth of a second at its start.
    import pypdf

    reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
    for value in (reader.metadata or {}).values():
        yield from _UUID.findall(str(value).lower())
    last = list(islice(reversed(reader.pages), _PAGES_READ))
    for page in last:
        for annotation in page.get("/Annots") or ():
            yield from _UUID.findall(str(annotation.get_object().get("/A", "")).lower())
    for page in last:
        yield from _UUID.findall(page.extract_text().lower())
