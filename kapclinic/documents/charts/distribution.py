"""How often each total occurs: the clinic's own before a reference sample's, in per cent of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import _svg
from ._svg import Chart, Table
from .scores import Band

WIDTH, LEFT, RIGHT, TOP, PLOT = 640, 40, 12, 30, 170


def distribution(
    *,
    counts: Mapping[int, int],
    label: str,
    reference: Mapping[int, int] | None = None,
    reference_label: str = "",
    maximum: int,
    bands: Sequence[Band] = (),
    bin_width: int = 1,
    chart_id: str,
    title: str,
) -> Chart:
    """Bars of totals 0 to `maximum` in bins of `bin_width`; totals outside are told, never dropped silently.

    Raises:
        ValueError: a bin narrower than one point.
    """
    if bin_width < 1:
        raise ValueError("a bin holds at least one point")
    bins = [(low, min(low + bin_width - 1, maximum)) for low in range(0, maximum + 1, bin_width)]
    own = _gather(counts, bins)
    other = _gather(reference or {}, bins)
    own_total, other_total = sum(own), sum(other)
    outside = sum(n for total, n in counts.items() if not 0 <= total <= maximum)
    own_shares, other_shares = _shares(own, own_total), _shares(other, other_total)
    ceiling = _ceiling(max([*own_shares, *other_shares], default=0))
    slot = (WIDTH - LEFT - RIGHT) / len(bins)

    def y(share: float) -> float:
        return TOP + PLOT * (1 - share / ceiling)

    body: list[str] = []
    for index, band in enumerate(bands):
        left = LEFT + slot * band.low / bin_width
        # The last bar is as wide as the others, though its last totals do not exist.
        right = WIDTH - RIGHT if band.high >= maximum else LEFT + slot * (band.high + 1) / bin_width
        left, right = max(left, LEFT), min(right, WIDTH - RIGHT)
        if index % 2 == 0:
            body.append(_svg.rect(left, TOP, right - left, PLOT, css="c-band", fill=_svg.BAND))
        if _svg.text_width(band.label, 10) < right - left:
            body.append(_svg.text((left + right) / 2, TOP - 6, band.label, size=10))
    for share in (0, ceiling / 2, ceiling):
        body.append(_svg.line(LEFT, y(share), WIDTH - RIGHT, y(share), css="c-grid", stroke=_svg.GRID))
        body.append(_svg.text(LEFT - 6, y(share) + 4, f"{_svg.number(share)} %", anchor="end"))
    for index in range(len(bins)):
        at = LEFT + slot * index
        if other[index]:
            share = other_shares[index]
            body.append(
                _svg.rect(
                    at + slot * 0.04,
                    y(share),
                    slot * 0.92,
                    y(0) - y(share),
                    css="c-reference",
                    fill=_svg.REFERENCE,
                )
            )
        if own[index]:
            share = own_shares[index]
            body.append(
                _svg.rect(
                    at + slot * 0.26, y(share), slot * 0.48, y(0) - y(share), css="c-share", fill=_svg.ACCENT
                )
            )
    every = -(-len(bins) // 14)
    for index, (low, high) in enumerate(bins):
        if index % every == 0:
            body.append(_svg.text(LEFT + slot * (index + 0.5), TOP + PLOT + 16, _range(low, high)))
    body.append(_svg.text((LEFT + WIDTH - RIGHT) / 2, TOP + PLOT + 32, "total score"))
    is_empty = own_total == 0 and other_total == 0
    if is_empty:
        body.append(_svg.text((LEFT + WIDTH - RIGHT) / 2, TOP + PLOT / 2, "No scores recorded yet", size=13))
    entries = [("square", _svg.ACCENT, f"{label}, {own_total} scores", False)]
    if reference is not None:
        entries.append(("square", _svg.REFERENCE, f"{reference_label}, {other_total} scores", False))
    keys, key_height = _svg.legend(entries, LEFT, TOP + PLOT + 54, WIDTH - 8)
    description = _describe(own, own_total, label, bins, other_total, reference_label, outside)
    svg = _svg.document(chart_id, title, description, WIDTH, TOP + PLOT + 42 + key_height, body + keys)
    columns = ["Total", f"{label} (n = {own_total})"]
    if reference is not None:
        columns.append(f"{reference_label} (n = {other_total})")
    rows = []
    for index, (low, high) in enumerate(bins):
        row = [_range(low, high), _cell(own[index], own_shares[index])]
        if reference is not None:
            row.append(_cell(other[index], other_shares[index]))
        rows.append(tuple(row))
    return Chart(title, description, svg, Table(title, tuple(columns), tuple(rows)), is_empty)


def _gather(counts: Mapping[int, int], bins: Sequence[tuple[int, int]]) -> list[int]:
    return [sum(counts.get(total, 0) for total in range(low, high + 1)) for low, high in bins]


def _shares(counts: Sequence[int], total: int) -> list[float]:
    return [100 * count / total if total else 0.0 for count in counts]


def _ceiling(highest: float) -> float:
    return next((float(top) for top in (4, 10, 20, 30, 40, 60, 80) if highest <= top), 100.0)


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def _cell(count: int, share: float) -> str:
    return f"{count} ({share:.1f} %)"


def _describe(
    own: Sequence[int],
    own_total: int,
    label: str,
    bins: Sequence[tuple[int, int]],
    other_total: int,
    reference_label: str,
    outside: int,
) -> str:
    if own_total == 0:
        sentences = [f"{label}: no scores."]
    else:
        most = max(range(len(bins)), key=lambda index: own[index])
        sentences = [f"{label}: {own_total} scores, most often {_range(*bins[most])}."]
    if outside:
        sentences.append(f"{outside} outside the instrument's range are not drawn.")
    if reference_label:
        sentences.append(f"Behind them {reference_label}, {other_total} scores.")
    return " ".join(sentences)
