"""HTML to PDF/UA: tagged, from our own files only, the same bytes every time."""

import io
import os

import pypdf
import pytest
from pytest_django import Settings

from kapclinic.documents import checks, rendering
from kapclinic.documents.rendering import RenderFailed, render_pdf

HOSTILE_NAMES = [
    'O\'Brien "Zed"',
    "<b>Bold</b> & <script>alert(1)</script>",
    "Smile 😀",
    "مريم العبد الله",
    "שרה כהן",
    "Zoe\u0308 Ngo\u0323c Żółć",
    "N" * 200,
    "A\x00B\x1bC\x7fD\ufffeE",
    "\u202eright to left\u202c",
    "{{ 7 }} {% now %} url(file:///etc/passwd)",
]


def html(body: str, title: str = "Test", lang: str = "en") -> str:
    return f'<!doctype html><html lang="{lang}"><head><title>{title}</title></head><body>{body}</body></html>'


def reader(data: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(data))


def test_pdf_is_tagged_and_titled_when_rendered() -> None:
    pdf = render_pdf(html("<h1>Heading</h1><table><tr><th>A</th><td>B</td></tr></table>"), identifier="x")
    read = reader(pdf.data)
    assert pdf.data.startswith(b"%PDF-1.7")
    assert pdf.pages == 1
    assert read.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert read.trailer["/Root"]["/Lang"] == "en"
    assert "/StructTreeRoot" in read.trailer["/Root"]
    assert b"pdfuaid" in read.trailer["/Root"]["/Metadata"].get_data()
    assert read.metadata is not None
    assert read.metadata.title == "Test"


def test_pdf_is_the_same_bytes_when_rendered_again() -> None:
    page = html("<h1>Heading</h1><p><b>Bold</b> and <i>italic</i></p>")
    first = render_pdf(page, identifier="a")
    assert render_pdf(page, identifier="a") == first
    assert render_pdf(page, identifier="b").sha256 != first.sha256


def test_clock_of_the_process_is_untouched_when_rendering_ends() -> None:
    before = os.environ.get("SOURCE_DATE_EPOCH")
    render_pdf(html("<p>x</p>"), identifier="x")
    assert os.environ.get("SOURCE_DATE_EPOCH") == before


def test_fonts_are_our_own_when_text_is_latin_or_arabic() -> None:
    pdf = render_pdf(html("<p>Plain <b>bold</b> <i>italic</i> <bdi>مريم</bdi></p>"), identifier="x")
    fonts = {
        str(font["/BaseFont"]).split("+")[1]
        for font in reader(pdf.data).pages[0]["/Resources"]["/Font"].values()
    }
    assert {name.split("-")[0] for name in fonts} <= {"Source", "Noto"}


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "http://127.0.0.1/x.png",
        "https://example.org/x.png",
        "data:image/png;base64,AAAA",
        "x.png",
    ],
)
def test_rendering_fails_when_a_page_asks_for_a_foreign_file(address: str) -> None:
    with pytest.raises(RenderFailed) as failure:
        render_pdf(html(f'<img alt="x" src="{address}">'), identifier="x")
    assert address not in str(failure.value)


def test_rendering_fails_when_a_picture_cannot_be_drawn() -> None:
    broken = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><path d="M0,0 L garbage"/></svg>'
    nameless = '<img src="font:source-sans-3">'
    for body in (broken, nameless):
        try:
            pdf = render_pdf(html(body), identifier="x")
        except RenderFailed:
            continue
        # What WeasyPrint draws without complaint is allowed, as long as it reads back.
        assert rendering.read_back(pdf.data) == 1


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7 nothing", b"<html>", b"%PDF-1.7\n%%EOF"])
def test_bytes_are_refused_when_they_are_no_pdf(data: bytes) -> None:
    with pytest.raises(RenderFailed):
        rendering.read_back(data)


def test_start_is_refused_when_a_library_is_missing(settings: Settings) -> None:
    assert checks.documents_can_be_printed(None) == []
    settings.PRINTING_LIBRARIES = ("libnone.so.0",)
    assert [problem.id for problem in checks.documents_can_be_printed(None)] == ["documents.E001"]
