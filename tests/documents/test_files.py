"""Uploads are judged by their bytes."""

import io
import zipfile

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from kapclinic.documents import files
from kapclinic.documents.files import BadFile, check_file, safe_name


def a_pdf(**changes: str) -> bytes:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(200, 200)
    if "script" in changes:
        action = {
            NameObject("/S"): NameObject("/JavaScript"),
            NameObject("/JS"): TextStringObject(changes["script"]),
        }
        writer.root_object[NameObject("/OpenAction")] = writer._add_object(DictionaryObject(action))
    if "attachment" in changes:
        writer.add_attachment("a.exe", changes["attachment"].encode())
    if "password" in changes:
        writer.encrypt(changes["password"], algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def a_picture(kind: str, **saved: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 10), "white").save(out, kind, **saved)
    return out.getvalue()


def a_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "hidden")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "media_type", "kept_as"),
    [
        (a_pdf(), "scan.pdf", "application/pdf", "scan.pdf"),
        (a_picture("PNG"), "ecg.png", "image/png", "ecg.png"),
        (a_picture("JPEG"), "photo.jpeg", "image/jpeg", "photo.jpg"),
        (a_picture("PNG"), "really.pdf", "image/png", "really.png"),
    ],
)
def test_file_is_taken_by_its_content_when_it_is_whole(
    content: bytes, name: str, media_type: str, kept_as: str
) -> None:
    checked = check_file(content, name)
    assert (checked.media_type, checked.filename) == (media_type, kept_as)
    assert len(checked.sha256) == 64


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"GIF89a" + b"\0" * 40, "Only PDF, PNG and JPEG"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>', "Only PDF"),
        (b"<html>%PDF-1.7</html>", "Only PDF"),
        (b"\n%PDF-1.7 leading line", "Only PDF"),
        (b"%PDF-1.7\nnot really\n%%EOF", "damaged"),
        (a_pdf()[:-40], "cut off"),
        (a_pdf() + b"<script>alert(1)</script>", "something else follows"),
        (a_pdf() + a_zip(), "something else follows"),
        (a_pdf(script="app.alert(1)"), "script or another file"),
        (a_pdf(attachment="MZ"), "script or another file"),
        (a_pdf(password="x"), "password"),
        (a_picture("PNG") + a_zip(), "follows the end"),
        (a_picture("PNG")[:-12], "cut off"),
        (a_picture("PNG")[:40] + b"\xff" * 60, "cut off"),
        (a_picture("JPEG") + b"<?php ?>", "something follows"),
        (a_picture("JPEG")[:-30], "cut off"),
        (a_zip(), "Only PDF"),
    ],
)
def test_file_is_refused_when_it_is_not_what_it_seems(content: bytes, why: str) -> None:
    with pytest.raises(BadFile, match=why):
        check_file(content, "file.pdf")


def test_file_is_refused_when_an_archive_hides_behind_a_comment() -> None:
    hidden = a_picture("JPEG")[:-2] + a_zip()
    # The archive's comment swallows the picture's end marker, so that both readers are content.
    hidden = hidden[:-2] + (2).to_bytes(2, "little") + b"\xff\xd9"
    with pytest.raises(BadFile):
        check_file(hidden, "both.jpg")


def test_picture_is_refused_when_it_is_a_pdf_as_well() -> None:
    picture = a_picture("JPEG")
    comment = b"%PDF-1.4 "
    both = picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + picture[2:]
    with pytest.raises(BadFile, match="at the same time"):
        check_file(both, "both.jpg")


@pytest.mark.parametrize(("extra", "is_taken"), [(-1, True), (0, True), (1, False)])
def test_size_limit_holds_when_at_its_edge(
    extra: int, is_taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = a_pdf()
    monkeypatch.setattr(files, "MAX_BYTES", len(content) - extra)
    if is_taken:
        assert check_file(content, "a.pdf").content == content
    else:
        with pytest.raises(BadFile, match="larger"):
            check_file(content, "a.pdf")


def test_picture_is_refused_when_it_would_unpack_to_a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_PIXELS", 199)
    with pytest.raises(BadFile, match="too many pixels"):
        check_file(a_picture("PNG"), "bomb.png")


@pytest.mark.parametrize(
    ("name", "kept_as"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\x\\scan.PDF", "scan.pdf"),
        ("scan.pdf.exe", "scan.pdf.pdf"),
        ("a\r\nSet-Cookie: x=1.pdf", "a Set-Cookie x=1.pdf"),
        ("\u202efdp.exe", "fdp.pdf"),
        ('"><script>.pdf', "script.pdf"),
        ("", "file.pdf"),
        ("...", "file.pdf"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
        ("مريم.pdf", "مريم.pdf"),
    ],
)
def test_name_is_made_safe_when_it_is_hostile(name: str, kept_as: str) -> None:
    assert safe_name(name, "application/pdf") == kept_as


@given(st.binary(max_size=400), st.text(max_size=60))
def test_check_answers_or_refuses_when_bytes_are_arbitrary(content: bytes, name: str) -> None:
    for start in (b"", b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"):
        try:
            check_file(start + content, name)
        except BadFile:
            continue
