"""What must hold at the start so that documents can be printed."""

import ctypes
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils import timezone

from kapclinic.documents.fonts import FONTS, STYLESHEET, font_file
from kapclinic.documents.signing import SigningFailed, is_configured, load_signer
from kapclinic.documents.viruses import place_of


@register()
def documents_can_be_printed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Pango, the style sheet and every font that it names are there."""
    # The libraries are asked for by themselves: loading WeasyPrint for it would cost every start most of a second.
    lacking = [name for name in settings.PRINTING_LIBRARIES if not _loads(name)]
    if lacking:
        return [
            Error(
                f"WeasyPrint needs {', '.join(lacking)}, and the machine lacks {'it' if len(lacking) == 1 else 'them'}.",
                hint="On Debian: apt-get install -y libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0",
                id="documents.E001",
            )
        ]
    missing = [str(path) for path in (font_file(*font) for font in FONTS.values()) if not path.is_file()]
    style = Path(settings.BASE_DIR) / STYLESHEET
    if not style.is_file():
        missing.append(str(style))
    return [Error(f"Documents need this file: {path}", id="documents.E002") for path in missing]


@register()
def documents_can_be_signed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A certificate that is configured opens, has its key, and holds today."""
    if not is_configured():
        return []
    try:
        _, certificate = load_signer(
            settings.DOCUMENT_SIGNING_CERTIFICATE, settings.DOCUMENT_SIGNING_PASSPHRASE
        )
    except SigningFailed as error:
        return [Error(f"KAP_SIGNING_CERTIFICATE: {error}.", id="documents.E003")]
    now = timezone.now()
    if not certificate.not_valid_before <= now <= certificate.not_valid_after:
        return [
            Error(
                f"The certificate that signs documents holds from {certificate.not_valid_before:%Y-%m-%d} "
                f"to {certificate.not_valid_after:%Y-%m-%d}.",
                hint="Put a valid one in its place, or leave KAP_SIGNING_CERTIFICATE empty.",
                id="documents.E004",
            )
        ]
    return []


@register()
def virus_scanner_has_an_address(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A scanner that is configured can be asked; whether it answers is seen at each file."""
    try:
        if settings.VIRUS_SCANNER:
            place_of(settings.VIRUS_SCANNER)
    except ValueError as error:
        return [Error(f"KAP_CLAMD: {error}.", id="documents.E005")]
    return []


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
