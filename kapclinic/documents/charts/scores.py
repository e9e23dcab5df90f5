"""Questionnaire totals over time, with the doses marked.

Whole points only: a form with a missing answer has no total (POLICY: no prorating), so it breaks the line
instead of bending it. Forms whose recall of two weeks overlaps the one before are drawn hollow, never left
out (POLICY).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from . import _svg
from ._svg import Chart, Table

WIDTH, LEFT, RIGHT, TOP, PLOT = 640, 34, 92, 26, 190
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STYLES = (
    ("circle", _svg.ACCENT, None),
    ("square", _svg.INK, "5 4"),
    ("diamond", _svg.AMBER, "1.5 3"),
    ("triangle", _svg.MUTED, "9 3 2 3"),
)
MAX_LINES = len(_STYLES)


@dataclass(frozen=True, slots=True)
class Band:
    """A named range of totals, both ends included."""

    low: int
    high: int
    label: str


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """One filled-in form: when it was taken (aware) and its total, `None` when an item is missing."""

    at: datetime
    total: int | None
    overlapping: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """All forms of one instrument. `maximum` is the highest total that the instrument can give."""

    label: str
    maximum: int
    bands: tuple[Band, ...]
    points: tuple[ScorePoint, ...]

    def band_of(self, total: int) -> str:
        """The band's label, empty outside every band."""
        return next((band.label for band in self.bands if band.low <= total <= band.high), "")


@dataclass(frozen=True, slots=True)
class DoseMark:
    """The start of a dose (aware)."""

    number: int
    at: datetime


def day_label(day: date, *, with_year: bool = True) -> str:
    """`1 Sep 2026`, the same in every locale."""
    text = f"{day.day} {_MONTHS[day.month - 1]}"
    return f"{text} {day.year}" if with_year else text


def score_trend(
    *,
    lines: Sequence[ScoreLine],
    doses: Sequence[DoseMark],
    zone: tzinfo,
    chart_id: str,
    title: str = "Questionnaire scores",
) -> Chart:
    """Totals of up to four instruments on one time axis. Days are the clinic's (`zone`).

    Raises:
        ValueError: more lines than there are markers that can be told apart without colour.
    """
    if len(lines) > MAX_LINES:
        raise ValueError(f"at most {MAX_LINES} instruments can be told apart in one chart")
    lines = [
        ScoreLine(line.label, line.maximum, line.bands, tuple(sorted(line.points, key=lambda p: p.at)))
        for line in lines
    ]
    doses = sorted(doses, key=lambda dose: (dose.at, dose.number))
    moments = [point.at for line in lines for point in line.points] + [dose.at for dose in doses]
    is_empty = not any(line.points for line in lines)
    description = _describe(lines, doses, zone)
    table = _table(lines, doses, zone, title)
    top = max((line.maximum for line in lines), default=27)
    scale_x = _TimeScale(moments, zone)

    def y(total: float) -> float:
        return TOP + PLOT * (1 - min(max(total, 0), top) / top)

    body = _background(lines, top, y)
    if is_empty:
        body.append(_svg.text((LEFT + WIDTH - RIGHT) / 2, TOP + PLOT / 2, "No scores recorded yet", size=13))
    body += _time_axis(scale_x, bool(moments))
    body += _doses(doses, scale_x)
    ends: list[tuple[float, str, int]] = []
    for index, line in enumerate(lines):
        body += _draw(line, index, scale_x, y)
        complete = [point for point in line.points if point.total is not None]
        if complete and complete[-1].total is not None:
            ends.append((y(complete[-1].total), f"{line.label} {complete[-1].total}", index))
    for baseline, words, index in _spread(ends):
        css, fill = f"c-label-{index + 1}", _STYLES[index][1]
        body.append(
            _svg.text(
                WIDTH - RIGHT + 10, baseline + 4, words, css=css, fill=fill, anchor="start", weight="600"
            )
        )
    keys, key_height = _svg.legend(_legend(lines), LEFT, TOP + PLOT + 44, WIDTH - 8)
    body += keys
    height = TOP + PLOT + 30 + key_height
    svg = _svg.document(chart_id, title, description, WIDTH, height, body)
    return Chart(title, description, svg, table, is_empty)


class _TimeScale:
    """Instants to x. One moment alone, or none, gets a week on both sides."""

    def __init__(self, moments: Sequence[datetime], zone: tzinfo) -> None:
        self.zone = zone
        first, last = (min(moments), max(moments)) if moments else (None, None)
        if first is None or last is None:
            self.first = self.last = None
            return
        if last - first < timedelta(days=1):
            first, last = first - timedelta(days=7), last + timedelta(days=7)
        self.first, self.last = first, last

    def __call__(self, at: datetime) -> float:
        if self.first is None or self.last is None:
            return float(LEFT)
        share = (at - self.first) / (self.last - self.first)
        # A little room inside both edges, so that no marker is cut in half.
        return LEFT + 8 + (WIDTH - RIGHT - LEFT - 16) * share

    def ticks(self) -> list[tuple[float, str]]:
        """At most eight round days with their labels; the year where it changes."""
        if self.first is None or self.last is None:
            return []
        start, end = self.first.astimezone(self.zone).date(), self.last.astimezone(self.zone).date()
        days = _round_days(start, end)
        several_years = start.year != end.year
        ticks: list[tuple[float, str]] = []
        year = None
        for day in days:
            at = datetime(day.year, day.month, day.day, tzinfo=self.zone)
            if day == start:
                at = max(at, self.first)
            if not self.first <= at <= self.last:
                continue
            show_year = day.year != year and (several_years or year is None)
            ticks.append((self(at), day_label(day, with_year=show_year)))
            year = day.year
        return ticks


def _round_days(start: date, end: date) -> list[date]:
    span = (end - start).days
    for step in (1, 2, 7, 14):
        if span / step <= 7:
            return [start + timedelta(days=n) for n in range(0, span + 1, step)]
    months = span / 30.44
    step = next((s for s in (1, 2, 3, 6, 12, 24, 60) if months / s <= 7), 120)
    first = start.year * 12 + start.month - 1
    first += -first % step
    last = end.year * 12 + end.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(first, last + 1, step)]


def _background(lines: Sequence[ScoreLine], top: int, y: Callable[[float], float]) -> list[str]:
    """Faint bands of the first instrument, and a rule with its number at each of their lower ends."""
    bands = lines[0].bands if lines else ()
    right = WIDTH - RIGHT
    parts = []
    for index, band in enumerate(bands):
        if index % 2 == 0:
            upper = y(min(band.high + 1, top))
            parts.append(
                _svg.rect(LEFT, upper, right - LEFT, y(band.low) - upper, css="c-band", fill=_svg.BAND)
            )
    steps = sorted({band.low for band in bands} | {0, top})
    for step in steps:
        parts.append(_svg.line(LEFT, y(step), right, y(step), css="c-grid", stroke=_svg.GRID))
        parts.append(_svg.text(LEFT - 7, y(step) + 4, step, anchor="end"))
    return parts


def _time_axis(scale: _TimeScale, has_moments: bool) -> list[str]:
    if not has_moments:
        return []
    parts: list[str] = []
    free_from = 0.0
    for x, words in scale.ticks():
        half = _svg.text_width(words, 11) / 2
        at = min(max(x, LEFT + half), WIDTH - RIGHT - half + 8)
        if at - half < free_from:
            continue
        parts.append(_svg.line(x, TOP + PLOT, x, TOP + PLOT + 4, css="c-grid", stroke=_svg.GRID))
        parts.append(_svg.text(at, TOP + PLOT + 18, words))
        free_from = at + half + 6
    return parts


def _doses(doses: Sequence[DoseMark], scale: _TimeScale) -> list[str]:
    parts = [
        _svg.line(
            scale(dose.at), TOP, scale(dose.at), TOP + PLOT, css="c-dose", stroke=_svg.AMBER, dash="1.5 3"
        )
        for dose in doses
    ]
    # The newest label always stands; of those before it, as many as have room.
    placed: list[float] = []
    for dose in reversed(doses):
        x = scale(dose.at)
        words = f"D{dose.number}"
        if placed and placed[-1] - x < _svg.text_width(words, 11) + 3:
            continue
        parts.append(_svg.text(x, TOP - 9, words, css="c-dose-label", fill=_svg.AMBER))
        placed.append(x)
    return parts


def _draw(line: ScoreLine, index: int, scale: _TimeScale, y: Callable[[float], float]) -> list[str]:
    shape, color, dash = _STYLES[index]
    parts: list[str] = []
    run: list[tuple[float, float]] = []
    for point in (*line.points, None):
        if point is not None and point.total is not None:
            run.append((scale(point.at), y(point.total)))
            continue
        if len(run) > 1:
            parts.append(_svg.polyline(run, css=f"c-line-{index + 1}", stroke=color, dash=dash))
        run = []
    radius = 4.0 if len(line.points) <= 40 else 2.4
    for point in line.points:
        css = f"c-dot-{index + 1}"
        x = scale(point.at)
        if point.total is None:
            parts.append(_svg.marker("cross", x, TOP + PLOT - 5 - 9 * index, 3.4, css=css, color=color))
        elif not 0 <= point.total <= line.maximum:
            beyond = "triangle" if point.total > 0 else "triangle-down"
            parts.append(_svg.marker(beyond, x, y(point.total), radius + 1, css="c-alarm", color=_svg.RED))
        else:
            parts.append(
                _svg.marker(shape, x, y(point.total), radius, css=css, color=color, hollow=point.overlapping)
            )
    return parts


def _spread(ends: Sequence[tuple[float, str, int]]) -> list[tuple[float, str, int]]:
    """End labels moved apart to 14 units, kept within the plot, in their order from top to bottom."""
    placed: list[tuple[float, str, int]] = []
    for at, words, index in sorted(ends, key=lambda end: end[0]):
        least = placed[-1][0] + 14 if placed else at
        placed.append((max(at, least), words, index))
    overflow = max(0.0, placed[-1][0] - (TOP + PLOT)) if placed else 0.0
    return [(at - overflow, words, index) for at, words, index in placed]


def _legend(lines: Sequence[ScoreLine]) -> list[tuple[str, str, str, bool]]:
    entries = [(*_STYLES[index][:2], line.label, False) for index, line in enumerate(lines) if line.points]
    points = [(line, point) for line in lines for point in line.points]
    if any(point.overlapping and point.total is not None for _, point in points):
        entries.append(("circle", _svg.MUTED, "hollow: recall overlaps the form before", True))
    if any(point.total is None for _, point in points):
        entries.append(("cross", _svg.MUTED, "form with missing answers, no total", False))
    if any(point.total is not None and not 0 <= point.total <= line.maximum for line, point in points):
        entries.append(("triangle", _svg.RED, "outside the instrument's range", False))
    return entries


def _describe(lines: Sequence[ScoreLine], doses: Sequence[DoseMark], zone: tzinfo) -> str:
    sentences = []
    for line in lines:
        complete = [point for point in line.points if point.total is not None]
        missing = len(line.points) - len(complete)
        if not line.points:
            sentences.append(f"{line.label}: no forms.")
            continue
        if not complete:
            sentences.append(f"{line.label}: {_count(missing, 'form')}, none complete.")
            continue
        first, last = complete[0], complete[-1]
        if len(complete) == 1:
            words = f"{line.label} {first.total} on {_day(first.at, zone)}"
        else:
            words = (
                f"{line.label} from {first.total} on {_day(first.at, zone)} to {last.total} on "
                f"{_day(last.at, zone)}, {len(complete)} complete forms"
            )
        sentences.append(f"{words}; {missing} incomplete." if missing else f"{words}.")
    if doses:
        marked = "dose is" if len(doses) == 1 else "doses are"
        sentences.append(f"{len(doses)} {marked} marked.")
    return " ".join(sentences) or "No scores recorded yet."


def _table(lines: Sequence[ScoreLine], doses: Sequence[DoseMark], zone: tzinfo, title: str) -> Table:
    """One row a day; a second form of the same instrument on that day gets a row of its own."""
    days: dict[date, list[list[str]]] = defaultdict(lambda: [[] for _ in range(len(lines) + 1)])
    for index, line in enumerate(lines):
        for point in line.points:
            days[point.at.astimezone(zone).date()][index].append(_cell(line, point))
    for dose in doses:
        days[dose.at.astimezone(zone).date()][-1].append(f"dose {dose.number}")
    rows: list[tuple[str, ...]] = []
    for day in sorted(days):
        cells = days[day]
        depth = max(max((len(cell) for cell in cells[:-1]), default=0), 1)
        for level in range(depth):
            scores = [cell[level] if level < len(cell) else "" for cell in cells[:-1]]
            rows.append((day_label(day), *scores, ", ".join(cells[-1]) if level == 0 else ""))
    return Table(title, ("Date", *(line.label for line in lines), "Dose"), tuple(rows))


def _cell(line: ScoreLine, point: ScorePoint) -> str:
    if point.total is None:
        words = "incomplete, no total"
    elif not 0 <= point.total <= line.maximum:
        words = f"{point.total}, outside 0-{line.maximum}"
    else:
        band = line.band_of(point.total)
        words = f"{point.total}, {band[:1].lower()}{band[1:]}" if band else str(point.total)
    if point.overlapping:
        words += " (overlapping recall)"
    return f"{words}; {point.note}" if point.note else words


def _day(at: datetime, zone: tzinfo) -> str:
    return day_label(at.astimezone(zone).date())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
