"""The mark by which a printed document is checked: where to, and a QR code that leads there. No word about the patient."""

import segno
from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from kapclinic.documents.models import Document

# So much of the snapshot's hash stands in the code: a shorter code survives a fax, the whole hash is printed beside it.
HASH_IN_CODE = 16


def check_address() -> str:
    """Where a file is dropped to be checked."""
    return settings.SITE_URL.rstrip("/") + reverse("documents:check")


def code_address(document: Document) -> str:
    """Where the code of a document leads: its key and the beginning of its snapshot's hash."""
    path = reverse("documents:check-document", args=[document.pk])
    return f"{settings.SITE_URL.rstrip('/')}{path}?content={document.content_hash[:HASH_IN_CODE]}"


def check_mark(document: Document) -> SafeString:
    """The QR code as inline SVG, with its quiet zone, named for assistive technology."""
    code = segno.make_qr(code_address(document), error="m")
    drawn = code.svg_inline(
        border=4,
        omitsize=True,
        svgclass="check-mark",
        lineclass=None,
        title=f"QR code that leads to the check of document {document.number}",
    )
    return mark_safe(drawn)  # noqa: S308  drawn from our own address and the document's key alone
