"""The style sheet of printed documents, and the fonts that it may name."""

from pathlib import Path

import fontpkg

STYLESHEET = Path("static/css/pdf.css")
# What `@font-face` in the style sheet may name, and the package that carries the file (family, style).
FONTS = {
    "font:source-sans-3": ("Source Sans 3", "normal"),
    "font:source-sans-3-italic": ("Source Sans 3", "italic"),
    "font:noto-sans-arabic": ("Noto Sans Arabic", "normal"),
}


def font_file(family: str, style: str) -> Path:
    """Where the installed package keeps the file of a font."""
    return Path(fontpkg.path(family, style=style))
