"""Pages of documents and files.

A kind of document says with which action it is read; every such action has addresses of its own, so that the access table
alone decides who opens what.
"""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import content_disposition_header

from kapclinic.accounts.pages import ActorRequest, ask_who_it_is, page
from kapclinic.accounts.policy import Actor, can
from kapclinic.documents import kinds, snapshots
from kapclinic.documents.checking import Checked, check_document, check_file
from kapclinic.documents.forms import CheckForm
from kapclinic.documents.models import Attachment, Document, Medium, Rendition, RenditionState
from kapclinic.documents.reading import actions_on, reading_of, withheld_files
from kapclinic.documents.selectors import version_in_force_after
from kapclinic.documents.services import (
    ensure_rendition,
    job_key,
    list_reading,
    rendition_for,
    retry_rendition,
)
from kapclinic.jobs.models import Job, JobState

# The word in the address, and the action that documents under it are read with.
SHELVES = {
    "records": "document.read",
    "handoffs": "handoff.read",
    "sheets": "document.instructions",
    "reports": "outcomes.export",
    "disclosures": "disclosure.list",
}
# Files that are an export whoever opens them, and not one patient's paper that is read in their care.
_EXPORTED = frozenset({"reports"})
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


def document_status(actor: Actor, document: Document, *, now: datetime) -> dict[str, Any]:
    """Context of the partial `documents/_status.html`: this reader's rendition and, unless it is ready, how its job stands.

    Where what the reader may see has changed since the last one, another is asked for.
    """
    reading = reading_of(actor, document, now=now)
    rendition = ensure_rendition(document=document, reading=reading, actor=actor.user, now=now)
    job = None
    if rendition.state != RenditionState.READY:
        job = Job.objects.filter(key=job_key(rendition)).first()
    failed = rendition.state == RenditionState.FAILED
    has_given_up = failed and (job is None or job.state == JobState.FAILED)
    return {
        "document": document,
        "reading": reading,
        "rendition": rendition,
        "job": job,
        "has_given_up": has_given_up,
        "is_waiting": rendition.state != RenditionState.READY and not has_given_up,
        "status_url": url_name(document, "status"),
        "file_url": url_name(document, "file"),
        "retry_url": url_name(document, "retry"),
    }


def document_shown(actor: Actor, document: Document, *, now: datetime) -> dict[str, Any]:
    """Context of a page that shows a document to this reader: its sections as they may be seen now, and its PDF.

    The one way in which a document's content comes to a page; it is put on the list of disclosures.
    """
    status = document_status(actor, document, now=now)
    reading = status["reading"]
    list_reading(document=document, reading=reading, receiver=actor.user, medium=Medium.PAGE, now=now)
    sections = list(snapshots.shown_sections(document.snapshot, reading.withheld, reading.notices))
    has_withheld = any(section["is_withheld"] for section in sections)
    return {
        **status,
        "snapshot": document.snapshot,
        "sections": sections,
        "has_withheld": has_withheld,
        "actions": actions_on(actor, document, has_withheld=has_withheld),
    }


def _detail(request: ActorRequest, document: Document) -> HttpResponse:
    kind = kinds.kind_of(document.kind)
    context = {
        **document_shown(request.actor, document, now=timezone.now()),
        "kind": kind,
        "home": kind.home(document) if kind.home else "",
        "replaced_by": version_in_force_after(document),
        "detail_url": url_name(document, "detail"),
    }
    return render(request, "documents/detail.html", context)


def _status_card(request: ActorRequest, document: Document) -> HttpResponse:
    status = document_status(request.actor, document, now=timezone.now())
    return render(request, "documents/_status.html", status)


def _file(request: ActorRequest, document: Document) -> HttpResponse:
    """This reader's PDF as of now; one that was made when more might be seen is never served.

    To take it away (`?download=1`) the person proves once more who they are, as before any export.
    """
    if _is_download(request):
        ask_who_it_is(request)
    now = timezone.now()
    reading = reading_of(request.actor, document, now=now)
    rendition = ensure_rendition(document=document, reading=reading, actor=request.actor.user, now=now)
    if rendition.state != RenditionState.READY or rendition.blob is None:
        messages.info(
            request, "The PDF is being made anew: what it may show has changed, or it was never asked for."
        )
        return redirect(url_name(document, "detail"), pk=document.pk)
    list_reading(
        document=document,
        reading=reading,
        receiver=request.actor.user,
        medium=Medium.PDF,
        rendition=rendition,
        now=now,
    )
    return pdf_response(request, rendition, document)


def pdf_response(request: HttpRequest, rendition: Rendition, document: Document) -> HttpResponse:
    """The bytes of a finished rendition, in the browser or as a download (`?download=1`)."""
    assert rendition.blob is not None
    kind = kinds.kind_of(document.kind)
    # No name and no date of birth in a file name: it ends up in download lists and on printers.
    name = f"{kind.file_word}-{document.number}-v{document.version}.pdf"
    as_attachment = _is_download(request)
    response = _bytes(
        request, bytes(rendition.blob.content), "application/pdf", name, rendition.sha256, as_attachment
    )
    response["Content-Security-Policy"] = _ATTACHMENT_POLICY if as_attachment else _PDF_POLICY
    return response


def _is_download(request: HttpRequest) -> bool:
    return request.GET.get("download") == "1"


def _retry(request: ActorRequest, document: Document) -> HttpResponse:
    now = timezone.now()
    rendition = rendition_for(document, reading_of(request.actor, document, now=now))
    if rendition is not None:
        retry_rendition(rendition=rendition, actor=request.actor.user, now=now)
        messages.info(request, "The PDF is being made again.")
    return redirect(url_name(document, "detail"), pk=document.pk)


# Checking


@page("document.check")
def check(request: ActorRequest) -> HttpResponse:
    """Drop a file: is it one of ours, whole and in force?"""
    return _check_page(request, None)


def _checked_document(actor: Actor, pk: uuid.UUID) -> Document:
    try:
        return Document.objects.select_related("clinic", "issued_by").get(clinic=actor.clinic, pk=pk)
    except Document.DoesNotExist as error:
        raise Http404 from error


@page("document.check", fetch=_checked_document)
def check_one(request: ActorRequest, document: Document) -> HttpResponse:
    """Where the code of a printed document leads: does that document stand? A file can be dropped here too."""
    return _check_page(request, document)


def _check_page(request: ActorRequest, document: Document | None) -> HttpResponse:
    form = CheckForm(request.POST or None, request.FILES or None)
    checked: Checked | None = None
    if request.method == "POST":
        if form.is_valid():
            checked = check_file(form.cleaned_data["file"], clinic=request.actor.clinic, expected=document)
    elif document is not None:
        checked = check_document(document, content=request.GET.get("content", ""))
    about = checked.document if checked is not None else document
    kind = kinds.kind_of(about.kind) if about is not None else None
    may_open = kind is not None and can(request.actor, kind.action, about)
    return render(
        request,
        "documents/check.html",
        {
            "form": form,
            "checked": checked,
            "is_file": request.method == "POST",
            "document": document,
            "about": about,
            "is_another": document is not None and about is not None and about.pk != document.pk,
            "kind": kind,
            "open_url": reverse(url_name(about, "detail"), args=[about.pk]) if may_open and about else "",
        },
        status=422 if form.errors else 200,
    )


def _attachment(actor: Actor, pk: uuid.UUID) -> Attachment:
    try:
        return Attachment.objects.select_related("clinic", "blob").get(clinic=actor.clinic, pk=pk)
    except Attachment.DoesNotExist as error:
        raise Http404 from error


@page("attachment.view", fetch=_attachment, methods=("GET", "HEAD"))
def attachment_file(request: ActorRequest, attachment: Attachment) -> HttpResponse:
    """An uploaded file, always as a download, never opened by the browser; 403 where the sharing consent withholds it."""
    if withheld_files(request.actor, [attachment], now=timezone.now()):
        raise PermissionDenied
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
        asks = ("GET", "HEAD") if shelf in _EXPORTED else ()
        guard_file = page(action, fetch=_fetch(action), methods=("GET", "HEAD"), confirm=asks)
        change = page(action, fetch=_fetch(action), methods=("POST",))
        patterns += [
            path(f"{shelf}/<uuid:pk>/", guard(_detail), name=f"{shelf}-detail"),
            path(f"{shelf}/<uuid:pk>/status/", guard(_status_card), name=f"{shelf}-status"),
            path(f"{shelf}/<uuid:pk>/file.pdf", guard_file(_file), name=f"{shelf}-file"),
            path(f"{shelf}/<uuid:pk>/retry/", change(_retry), name=f"{shelf}-retry"),
        ]
    return patterns
