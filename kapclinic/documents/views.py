"""Pages of documents and files.

A kind of document says with which action it is read; every such action has addresses of its own, so that the access table
alone decides who opens what.
"""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.http import content_disposition_header

from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.documents import kinds, selectors, snapshots
from kapclinic.documents.models import Attachment, Document, Rendition, RenditionState
from kapclinic.documents.services import job_key, retry_rendition
from kapclinic.jobs.models import Job, JobState

# The word in the address, and the action that documents under it are read with.
SHELVES = {
    "records": "document.read",
    "handoffs": "handoff.read",
    "sheets": "document.instructions",
    "reports": "outcomes.export",
}
_SHELF_OF = {action: shelf for shelf, action in SHELVES.items()}

# A file never runs anything and is never shown inside another page.
_ATTACHMENT_POLICY = "default-src 'none'; sandbox"
_PDF_POLICY = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'none'"


def url_name(document: Document, what: str) -> str:
    """The name of an address of this document: `what` is "detail", "status", "file" or "retry"."""
    return f"documents:{_SHELF_OF[kinds.kind_of(document.kind).action]}-{what}"


def _fetch(action: str) -> Callable[[Actor, uuid.UUID], Document]:
    def fetch(actor: Actor, pk: uuid.UUID) -> Document:
        found = Document.objects.select_related("clinic", "issued_by", "supersedes")
        try:
            return found.get(clinic=actor.clinic, pk=pk, kind__in=kinds.with_action(action))
        except Document.DoesNotExist as error:
            raise Http404 from error

    return fetch


def document_status(document: Document) -> dict[str, Any]:
    """Context of the partial `documents/_status.html`: the rendition and, unless it is ready, how its job stands."""
    rendition = selectors.rendition_of(document)
    job = None
    if rendition is not None and rendition.state != RenditionState.READY:
        job = Job.objects.filter(key=job_key(rendition)).first()
    gave_up = job is None or job.state == JobState.FAILED
    failed = rendition is not None and rendition.state == RenditionState.FAILED
    return {
        "document": document,
        "rendition": rendition,
        "job": job,
        "has_given_up": failed and gave_up,
        "is_waiting": rendition is not None
        and rendition.state != RenditionState.READY
        and not (failed and gave_up),
        "status_url": url_name(document, "status"),
        "file_url": url_name(document, "file"),
        "retry_url": url_name(document, "retry"),
    }


def _detail(request: ActorRequest, document: Document) -> HttpResponse:
    kind = kinds.kind_of(document.kind)
    context = {
        **document_status(document),
        "kind": kind,
        "snapshot": document.snapshot,
        "sections": list(snapshots.shown_sections(document.snapshot)),
        "home": kind.home(document) if kind.home else "",
        "replaced_by": Document.objects.filter(supersedes=document).defer("snapshot").first(),
        "detail_url": url_name(document, "detail"),
    }
    return render(request, "documents/detail.html", context)


def _status_card(request: ActorRequest, document: Document) -> HttpResponse:
    return render(request, "documents/_status.html", document_status(document))


def _file(request: ActorRequest, document: Document) -> HttpResponse:
    rendition: Rendition | None = (
        Rendition.objects.select_related("blob")
        .filter(document=document, audience="care team", state=RenditionState.READY)
        .order_by("created_at")
        .first()
    )
    if rendition is None or rendition.blob is None:
        raise Http404
    kind = kinds.kind_of(document.kind)
    # No name and no date of birth in a file name: it ends up in download lists and on printers.
    name = f"{kind.file_word}-{document.number}-v{document.version}.pdf"
    as_attachment = request.GET.get("download") == "1"
    response = _bytes(
        request, bytes(rendition.blob.content), "application/pdf", name, rendition.sha256, as_attachment
    )
    response["Content-Security-Policy"] = _ATTACHMENT_POLICY if as_attachment else _PDF_POLICY
    return response


def _retry(request: ActorRequest, document: Document) -> HttpResponse:
    rendition = selectors.rendition_of(document)
    if rendition is not None:
        retry_rendition(rendition=rendition, actor=request.actor.user, now=timezone.now())
        messages.info(request, "The PDF is being made again.")
    return redirect(url_name(document, "detail"), pk=document.pk)


def _attachment(actor: Actor, pk: uuid.UUID) -> Attachment:
    try:
        return Attachment.objects.select_related("clinic", "blob").get(clinic=actor.clinic, pk=pk)
    except Attachment.DoesNotExist as error:
        raise Http404 from error


@page("attachment.view", fetch=_attachment, methods=("GET", "HEAD"))
def attachment_file(request: ActorRequest, attachment: Attachment) -> HttpResponse:
    """An uploaded file, always as a download, never opened by the browser."""
    content = bytes(attachment.blob.content)
    name, sha256 = attachment.filename, attachment.blob.sha256
    response = _bytes(request, content, attachment.media_type, name, sha256, as_attachment=True)
    response["Content-Security-Policy"] = _ATTACHMENT_POLICY
    return response


def _bytes(
    request: HttpRequest, content: bytes, media_type: str, name: str, sha256: str, as_attachment: bool
) -> HttpResponse:
    if request.headers.get("If-None-Match") == f'"{sha256}"':
        return HttpResponseNotModified()
    response = HttpResponse(content, content_type=media_type)
    disposition = content_disposition_header(as_attachment, name)
    if disposition:
        response["Content-Disposition"] = disposition
    response["ETag"] = f'"{sha256}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def shelf_urls() -> list[URLPattern]:
    """The addresses of every shelf, each guarded by its own action."""
    patterns: list[URLPattern] = []
    for shelf, action in SHELVES.items():
        guard = page(action, fetch=_fetch(action), methods=("GET", "HEAD"))
        change = page(action, fetch=_fetch(action), methods=("POST",))
        patterns += [
            path(f"{shelf}/<uuid:pk>/", guard(_detail), name=f"{shelf}-detail"),
            path(f"{shelf}/<uuid:pk>/status/", guard(_status_card), name=f"{shelf}-status"),
            path(f"{shelf}/<uuid:pk>/file.pdf", guard(_file), name=f"{shelf}-file"),
            path(f"{shelf}/<uuid:pk>/retry/", change(_retry), name=f"{shelf}-retry"),
        ]
    return patterns
