"""Uploaded files, judged by their bytes: PDF, PNG or JPEG, whole, with nothing hidden in or behind them. Pure."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import unicodedata
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from kapclinic.documents.text import printable

if TYPE_CHECKING:
    from pypdf import PdfReader

# POLICY: large enough for a scanned letter, small enough for a database row.
MAX_BYTES = 10 * 1024 * 1024
# POLICY: an A4 page at 600 dpi has 35 million pixels; far above that a picture is a bomb.
MAX_PIXELS = 60_000_000
MAX_NAME = 120

_PDF, _PNG, _JPEG = b"%PDF-", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_SUFFIXES = {"application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg"}
# Keys of a PDF that run or carry something.
_ACTIVE = frozenset(
    {
        "/JS",
        "/JavaScript",
        "/Launch",
        "/EmbeddedFiles",
        "/EmbeddedFile",
        "/RichMedia",
        "/AA",
        "/XFA",
        "/SubmitForm",
    }
)
_ZIP_END = struct.Struct("<4s4H2LH")
_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_UNSAFE = re.compile(r'[<>:"|?*\s]+')


class BadFile(ValueError):
    """A file that is not taken; the message says why, in words for the person who chose it."""


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that may be kept: media type by content, safe name, SHA-256 in hexadecimal."""

    media_type: str
    filename: str
    sha256: str
    content: bytes


def check_file(content: bytes, name: str) -> CheckedFile:
    """Judge the bytes of an upload called `name`.

    Raises:
        BadFile: empty, too large, of another kind, damaged, protected, or more than one kind at once.
    """
    if not content:
        raise BadFile("The file is empty.")
    if len(content) > MAX_BYTES:
        raise BadFile(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB.")
    if content.startswith(_PDF):
        media_type = "application/pdf"
        _check_pdf(content)
    elif content.startswith(_PNG):
        media_type = "image/png"
        _check_png(content)
    elif content.startswith(_JPEG):
        media_type = "image/jpeg"
        _check_jpeg(content)
    else:
        raise BadFile(
            "Only PDF, PNG and JPEG files are taken; this one is none of them, whatever its name says."
        )
    if _ends_as_zip(content):
        raise BadFile("The file is an archive at the same time. Print or export it again, then upload that.")
    return CheckedFile(media_type, safe_name(name, media_type), hashlib.sha256(content).hexdigest(), content)


def safe_name(name: str, media_type: str) -> str:
    """`name` without folders, control and direction characters, ending as its content does."""
    base = _BIDI.sub("", printable(unicodedata.normalize("NFC", name))).replace("\\", "/").rsplit("/", 1)[-1]
    base = _UNSAFE.sub(" ", base).strip(" .")
    suffix = _SUFFIXES[media_type]
    stem, dot, end = base.rpartition(".")
    if dot and (end.lower() in {"pdf", "png", "jpg", "jpeg"} or len(end) <= 4):
        base = stem
    return f"{base.strip(' .')[: MAX_NAME - len(suffix)].strip(' .') or 'file'}{suffix}"


def _check_pdf(content: bytes) -> None:
    tail = content[-1024:]
    end = tail.rfind(b"%%EOF")
    if end < 0 or tail[end + 5 :].strip(b"\r\n\t \0"):
        raise BadFile("The PDF is cut off, or something else follows its end.")
    # Loaded with the first PDF: it costs every process a fifth of a second at its start.
    from pypdf import PdfReader

    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted:
            raise BadFile("The PDF is protected by a password. Save it without one, then upload that.")
        if len(reader.pages) == 0:
            raise BadFile("The PDF has no pages.")
        active = _active_part(reader)
    except BadFile:
        raise
    except Exception as error:  # hostile bytes make a parser fail in any way it can
        raise BadFile("The PDF is damaged.") from error
    if active:
        raise BadFile("The PDF holds a script or another file. Print it to a new PDF, then upload that.")


def _active_part(reader: PdfReader) -> str | None:
    """The first key that runs or carries something, reachable from the trailer."""
    from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

    todo: list[object] = [reader.trailer]
    seen: set[tuple[int, int]] = set()
    while todo:
        part = todo.pop()
        if isinstance(part, IndirectObject):
            if (part.idnum, part.generation) in seen:
                continue
            seen.add((part.idnum, part.generation))
            todo.append(part.get_object())
        elif isinstance(part, DictionaryObject | StreamObject):
            for key, value in part.raw_items() if hasattr(part, "raw_items") else part.items():
                if key in _ACTIVE or (key == "/S" and value in _ACTIVE):
                    return str(key)
                todo.append(value)
        elif isinstance(part, ArrayObject):
            todo.extend(part)
    return None


def _check_png(content: bytes) -> None:
    at = len(_PNG)
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">L", content, at)
        kind = content[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND":
            if at != len(content):
                raise BadFile("Something follows the end of the picture. Save it again, then upload that.")
            break
    else:
        raise BadFile("The picture is cut off.")
    _check_picture(content, "PNG")


def _check_jpeg(content: bytes) -> None:
    if not content.rstrip(b"\0").endswith(b"\xff\xd9"):
        raise BadFile(
            "The picture is cut off, or something follows its end. Save it again (a screenshot will do), then upload that."
        )
    _check_picture(content, "JPEG")


def _check_picture(content: bytes, kind: str) -> None:
    if _PDF in content[:1024]:
        raise BadFile("The file is a picture and a PDF at the same time.")
    try:
        with warnings.catch_warnings():
            # The limit below is ours; Pillow's own warning would only end up in a log.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=[kind]) as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS:
                    raise BadFile("The picture has too many pixels. Scan it at 300 dpi, then upload that.")
                picture.load()
    except BadFile:
        raise
    except Exception as error:  # hostile bytes make a parser fail in any way it can
        raise BadFile("The picture is damaged.") from error


def _ends_as_zip(content: bytes) -> bool:
    """True when an archive's directory closes the file (its last record ends exactly where the file does)."""
    start = max(0, len(content) - _ZIP_END.size - 65535)
    at = content.find(b"PK\x05\x06", start)
    while at >= 0:
        if at + _ZIP_END.size <= len(content):
            *_, comment = _ZIP_END.unpack_from(content, at)
            if at + _ZIP_END.size + comment == len(content):
                return True
        at = content.find(b"PK\x05\x06", at + 1)
    return False
