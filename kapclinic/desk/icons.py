"""Line icons of our own, 20 x 20, drawn in the text's colour. They stand beside words, never instead of them."""

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

_PATHS = {
    "today": "M10 3v2M10 15v2M3 10h2M15 10h2M5 5l1.4 1.4M13.6 13.6 15 15M5 15l1.4-1.4M13.6 6.4 15 5"
    "M7 10a3 3 0 1 0 6 0 3 3 0 0 0-6 0",
    "patients": "M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6M2 16.5c0-3 2.4-4.8 5.5-4.8s5.5 1.8 5.5 4.8"
    "M13 3.9a3 3 0 0 1 0 5.3M14.5 12c2.1.6 3.5 2.1 3.5 4.5",
    "calendar": "M3 5.5h14v11.5H3zM3 9h14M7 3v4M13 3v4",
    "planner": "M3 5h8M3 10h14M3 15h6M14 3v4M6 8v4M12 13v4",
    "handoffs": "M3 7h11M11 4l3 3-3 3M17 13H6M9 10l-3 3 3 3",
    "outcomes": "M3 17h14M5.5 14V9.5M10 14V5M14.5 14v-3",
    "inbox": "M3 11l2-7h10l2 7v5.5H3zM3 11h4.5l1 2h3l1-2H17",
    "administration": "M4 5.5h7M15 5.5h1M4 10h2M10 10h6M4 14.5h8M16 14.5h0M13 4v3M8 8.5v3M14 13v3",
}


def icon(name: str) -> SafeString:
    """The named icon as inline SVG, hidden from screen readers; KeyError for an unknown name."""
    return format_html(
        '<svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false"><path d="{}"/></svg>',
        mark_safe(_PATHS[name]),  # noqa: S308  our own constant
    )
