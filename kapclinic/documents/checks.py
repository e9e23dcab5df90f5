"""What must hold at the start so that documents can be printed."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from kapclinic.documents.fonts import FONTS, STYLESHEET, font_file
from kapclinic.runtime.bootstrap import PANGO_LIBRARIES, libraries_load


@register()
def documents_can_be_printed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Pango, the style sheet and every font that it names are there."""
    # The libraries are asked for by themselves: loading WeasyPrint for it would cost every start most of a second.
    if not libraries_load(PANGO_LIBRARIES):
        return [
            Error(
                f"WeasyPrint needs {', '.join(PANGO_LIBRARIES)}, and the machine lacks one of them.",
                hint="On Debian: apt-get install -y libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0",
                id="documents.E001",
            )
        ]
    missing = [str(path) for path in (font_file(*font) for font in FONTS.values()) if not path.is_file()]
    style = Path(settings.BASE_DIR) / STYLESHEET
    if not style.is_file():
        missing.append(str(style))
    return [Error(f"Documents need this file: {path}", id="documents.E002") for path in missing]
