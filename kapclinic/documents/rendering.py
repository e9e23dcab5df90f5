"""HTML to PDF/UA-1 with WeasyPrint: tagged, with our own fonts, nothing fetched from anywhere else.

The same HTML gives the same bytes (same versions of WeasyPrint and fonts): no dates, no random identifiers. A file is
handed out only after it was read back as a PDF; everything else raises.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pypdf
from django.conf import settings
from pypdf.errors import PyPdfError
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from kapclinic.documents.fonts import FONTS, STYLESHEET, font_file
from kapclinic.documents.text import printable

# Fonts are subset while rendering and stamped with this time instead of the clock's (2024-01-01 00:00 UTC).
_FONT_TIMESTAMP = "1704067200"
_render_lock = threading.Lock()


class RenderFailed(Exception):
    """The PDF could not be made, or what came out is none. The message holds no text of the document."""


@dataclass(frozen=True, slots=True)
class RenderedPdf:
    """A finished file: its bytes, their SHA-256 in hexadecimal, the number of pages, and the certificate that signed it."""

    data: bytes
    sha256: str
    pages: int
    signed_with: str = ""


class OwnFilesFetcher(URLFetcher):
    """Hands out the fonts of `FONTS` and nothing else; any other address stops the rendering."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """The file behind `url`.

        Raises:
            FatalURLFetchingError: the address is not one of ours. It is not repeated: it may hold a patient's data.
        """
        known = FONTS.get(url)
        if known is None:
            raise FatalURLFetchingError("a document asked for a file that is not ours")
        return URLFetcherResponse(url, font_file(*known).read_bytes(), {"Content-Type": "font/ttf"})


def render_pdf(html: str, *, identifier: str) -> RenderedPdf:
    """Render one whole HTML page, whose `<html>` names its language and whose `<title>` becomes the file's title.

    `identifier` stands in the file as its permanent identifier (the document's key or the hash of its snapshot).

    Raises:
        RenderFailed: a part could not be drawn, or the result does not read back as a PDF.
    """
    fetcher, fonts, style = _engine()
    with _render_lock, _fixed_font_timestamp(), _complaints() as complaints:
        try:
            data = HTML(string=printable(html), url_fetcher=fetcher).write_pdf(
                stylesheets=[style],
                font_config=fonts,
                pdf_variant="pdf/ua-1",
                pdf_identifier=hashlib.sha256(identifier.encode()).digest()[:16],
            )
        except FatalURLFetchingError as error:
            raise RenderFailed(str(error)) from error
    if complaints:
        # WeasyPrint goes on without a picture that it cannot draw; a clinical document must not.
        raise RenderFailed(f"{len(complaints)} parts of the document could not be drawn")
    return RenderedPdf(data, hashlib.sha256(data).hexdigest(), read_back(data))


def read_back(data: bytes) -> int:
    """The number of pages of a PDF.

    Raises:
        RenderFailed: these bytes are not a PDF with at least one page.
    """
    if not data.startswith(b"%PDF-"):
        raise RenderFailed("the result is not a PDF")
    try:
        pages = len(pypdf.PdfReader(io.BytesIO(data)).pages)
    except (PyPdfError, ValueError, KeyError) as error:
        raise RenderFailed("the result cannot be read back as a PDF") from error
    if pages == 0:
        raise RenderFailed("the result has no pages")
    return pages


@cache
def _engine() -> tuple[OwnFilesFetcher, FontConfiguration, CSS]:
    """Fetcher, fonts and style sheet, read once per process."""
    fetcher = OwnFilesFetcher()
    fonts = FontConfiguration()
    css = (Path(settings.BASE_DIR) / STYLESHEET).read_text(encoding="utf-8")
    return fetcher, fonts, CSS(string=css, url_fetcher=fetcher, font_config=fonts)


@contextmanager
def _fixed_font_timestamp() -> Iterator[None]:
    """The time that goes into subset fonts, for the usual variable of reproducible builds."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = _FONT_TIMESTAMP
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before


@contextmanager
def _complaints() -> Iterator[list[logging.LogRecord]]:
    """Collects what WeasyPrint logs as an error in this thread; its messages may hold text, so they go nowhere else."""
    found: list[logging.LogRecord] = []
    thread = threading.get_ident()

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == thread:
                found.append(record)

    logger = logging.getLogger("weasyprint")
    collector = Collector(level=logging.ERROR)
    propagates = logger.propagate
    logger.addHandler(collector)
    logger.propagate = False
    try:
        yield found
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagates
