"""Verbs over documents: take a file in, issue a document, print it, ask for it again, give it out."""

from kapclinic.documents.services.attachments import read_upload, store_attachment
from kapclinic.documents.services.disclosing import list_reading, record_disclosure
from kapclinic.documents.services.issuing import issue_document
from kapclinic.documents.services.printing import (
    RENDER,
    Print,
    SnapshotAltered,
    ensure_rendition,
    job_key,
    make_pdf,
    print_of,
    render_html,
    render_rendition,
    rendition_for,
    retry_rendition,
)

__all__ = [
    "RENDER",
    "Print",
    "SnapshotAltered",
    "ensure_rendition",
    "issue_document",
    "job_key",
    "list_reading",
    "make_pdf",
    "print_of",
    "read_upload",
    "record_disclosure",
    "render_html",
    "render_rendition",
    "rendition_for",
    "retry_rendition",
    "store_attachment",
]
