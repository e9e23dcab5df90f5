"""The few SVG parts that the charts are made of. Pure: values in, markup out, the same bytes every time.

Colours stand as presentation attributes, which print as they are; every shape also carries a class, so that
the style sheet of the pages (which outranks presentation attributes) can redraw the picture for a dim room.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from django.utils.safestring import SafeString, mark_safe

INK = "#1d2733"
MUTED = "#56626f"
GRID = "#d5dce4"
BAND = "#f1f4f7"
SURFACE = "#ffffff"
ACCENT = "#0d6a6b"
AMBER = "#8a5200"
AMBER_SOFT = "#fcf1db"
RED = "#b3261e"
REFERENCE = "#c3ccd6"

# What the page's style sheet calls the colours in a legend.
_KEYS = {
    ACCENT: "c-dot-1",
    INK: "c-dot-2",
    AMBER: "c-dot-3",
    MUTED: "c-dot-4",
    RED: "c-alarm",
    REFERENCE: "c-reference",
}

FONT = "'Source Sans 3', 'Noto Sans Arabic', sans-serif"
CHART_ID = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")

# XML 1.0 knows none of these, so one of them in a label would break the whole picture.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Table:
    """What a chart shows, as rows: the first cell of a row is its heading."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A finished picture with its words: inline SVG for page and PDF, and the same facts as a table."""

    title: str
    description: str
    svg: SafeString
    table: Table
    is_empty: bool


def clean(text: object) -> str:
    """`text` without the characters that no XML document may hold."""
    return _NOT_XML.sub("", str(text))


def number(value: float) -> str:
    """A coordinate with at most two decimals and no trailing zeros."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def tag(name: str, attributes: Mapping[str, object] | None = None, *children: str) -> str:
    """One element: attribute values are escaped, `None` leaves one out; children are markup already."""
    parts = [name]
    for key, value in (attributes or {}).items():
        if value is None:
            continue
        text = number(value) if isinstance(value, float) else clean(value)
        parts.append(f'{key}="{escape(text, quote=True)}"')
    opening = " ".join(parts)
    return f"<{opening}>{''.join(children)}</{name}>" if children else f"<{opening}/>"


def text(
    x: float,
    y: float,
    content: object,
    *,
    css: str = "c-axis",
    fill: str = MUTED,
    size: float = 11,
    anchor: str = "middle",
    weight: str | None = None,
) -> str:
    """A line of text whose baseline starts, centres or ends at `x`, `y`."""
    attributes = {
        "class": css,
        "x": float(x),
        "y": float(y),
        "fill": fill,
        "font-size": float(size),
        "font-weight": weight,
        "text-anchor": anchor,
    }
    return tag("text", attributes, escape(clean(content), quote=False))


def line(
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    *,
    css: str,
    stroke: str,
    width: float = 1,
    dash: str | None = None,
    cap: str | None = None,
) -> str:
    """A straight stroke."""
    attributes = {
        "class": css,
        "x1": float(x1),
        "y1": float(y1),
        "x2": float(x2),
        "y2": float(y2),
        "stroke": stroke,
        "stroke-width": float(width),
        "stroke-dasharray": dash,
        "stroke-linecap": cap,
    }
    return tag("line", attributes)


def rect(x: float, y: float, width: float, height: float, *, css: str, fill: str, **more: object) -> str:
    """A filled box; a width or height below nothing becomes nothing."""
    attributes: dict[str, object] = {
        "class": css,
        "x": float(x),
        "y": float(y),
        "width": float(max(width, 0)),
        "height": float(max(height, 0)),
        "fill": fill,
    }
    attributes.update({key.replace("_", "-"): value for key, value in more.items()})
    return tag("rect", attributes)


def polyline(points: Iterable[tuple[float, float]], *, css: str, stroke: str, dash: str | None = None) -> str:
    """A connected line through `points`."""
    attributes = {
        "class": css,
        "points": " ".join(f"{number(x)},{number(y)}" for x, y in points),
        "fill": "none",
        "stroke": stroke,
        "stroke-width": 2.0,
        "stroke-linejoin": "round",
        "stroke-dasharray": dash,
    }
    return tag("polyline", attributes)


def marker(
    shape: str, x: float, y: float, radius: float, *, css: str, color: str, hollow: bool = False
) -> str:
    """A data point: "circle", "square", "diamond", "triangle" (up), "triangle-down" or "cross"."""
    if shape == "cross":
        d = number(2 * radius)
        path = f"M{number(x - radius)},{number(y - radius)}l{d},{d}m0,-{d}l-{d},{d}"
        stroke = {"fill": "none", "stroke": color, "stroke-width": 1.6}
        return tag("path", {"class": f"{css} c-stroke", "d": path, **stroke})
    attributes = {
        "class": f"{css} c-hollow" if hollow else css,
        "fill": SURFACE if hollow else color,
        "stroke": color,
        "stroke-width": 1.6,
    }
    if shape == "circle":
        return tag("circle", {**attributes, "cx": float(x), "cy": float(y), "r": float(radius)})
    corners = {
        "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        "diamond": ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
        "triangle": ((0, -1.3), (1.2, 0.9), (-1.2, 0.9)),
        "triangle-down": ((0, 1.3), (1.2, -0.9), (-1.2, -0.9)),
    }[shape]
    points = " ".join(f"{number(x + radius * dx)},{number(y + radius * dy)}" for dx, dy in corners)
    return tag("polygon", {**attributes, "points": points})


def text_width(content: str, size: float) -> float:
    """A generous estimate of how wide `content` is drawn, in the chart's units."""
    return len(content) * size * 0.54


def document(
    chart_id: str, title: str, description: str, width: float, height: float, body: Iterable[str]
) -> SafeString:
    """The whole picture: named for assistive technology by its title and description.

    Raises:
        ValueError: `chart_id` is no plain identifier. It must be unique on its page.
    """
    if not CHART_ID.fullmatch(chart_id):
        raise ValueError("a chart id is a letter followed by letters, digits and hyphens")
    attributes = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": "c-svg",
        "role": "img",
        "aria-labelledby": f"{chart_id}-title {chart_id}-desc",
        "viewBox": f"0 0 {number(width)} {number(height)}",
        "width": number(width),
        "height": number(height),
        "font-family": FONT,
    }
    return mark_safe(  # noqa: S308  every part was made by `tag`, which escapes each value
        tag(
            "svg",
            attributes,
            tag("title", {"id": f"{chart_id}-title"}, escape(clean(title), quote=False)),
            tag("desc", {"id": f"{chart_id}-desc"}, escape(clean(description), quote=False)),
            *body,
        )
    )


def legend(
    entries: Iterable[tuple[str, str, str, bool]], x: float, y: float, limit: float
) -> tuple[list[str], float]:
    """A row of (shape, colour, words, hollow) that wraps before `limit`. Returns its parts and its height."""
    parts: list[str] = []
    left, baseline = x, y
    for shape, color, words, hollow in entries:
        width = 14 + text_width(words, 11) + 14
        if left > x and left + width > limit:
            left, baseline = x, baseline + 16
        parts.append(
            marker(shape, left + 4, baseline - 3.6, 3.4, css=_KEYS[color], color=color, hollow=hollow)
        )
        parts.append(text(left + 14, baseline, words, anchor="start"))
        left += width
    return parts, baseline - y + (16 if parts else 0)
