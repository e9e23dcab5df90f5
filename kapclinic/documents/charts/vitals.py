"""Vital signs over the minutes since the first administration, as the dosing room reads them.

Three panels on one time axis: blood pressure (a bar from diastolic to systolic) with heart rate, oxygen
saturation, and depth of sedation (MOAA/S, 5 awake to 0). Administrations are shaded, limits drawn as dashed
lines. Nothing that was measured is cut off: the scales grow with the readings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from . import _svg
from ._svg import Chart, Table

WIDTH, LEFT, RIGHT, TOP = 640, 46, 96, 22
_PRESSURE, _SATURATION, _SEDATION, _BETWEEN = 170, 56, 48, 26

Measure = Literal["systolic", "diastolic", "heart_rate", "spo2", "moaas"]


@dataclass(frozen=True, slots=True)
class VitalsPoint:
    """One reading (aware `at`): mmHg, beats and breaths a minute, per cent, MOAA/S 0-5; `None`: not taken."""

    at: datetime
    systolic: int | None = None
    diastolic: int | None = None
    heart_rate: int | None = None
    respiratory_rate: int | None = None
    spo2: int | None = None
    moaas: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """One administration (aware). Without a later stop: a moment. `running`: shaded to the end."""

    start: datetime
    stop: datetime | None
    label: str
    running: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """A line that somebody watches for, in the unit of its measure."""

    measure: Measure
    value: int
    label: str


def vitals_chart(
    *,
    readings: Sequence[VitalsPoint],
    given: Sequence[Given],
    limits: Sequence[Limit],
    zone: tzinfo,
    chart_id: str,
    title: str = "Vital signs",
) -> Chart:
    """The readings of one dosing session. Clock times in the table are the clinic's (`zone`).

    Minute 0 is the first administration's start; without one, the first reading.
    """
    readings = sorted(readings, key=lambda reading: reading.at)
    given = sorted(given, key=lambda dose: dose.start)
    zero = given[0].start if given else readings[0].at if readings else None
    is_empty = not readings
    table = _table(readings, zero, zone, title, bool(given))
    description = _describe(readings, given, zero)
    minutes = [_minutes(reading.at, zero) for reading in readings]
    stops = [_minutes(dose.stop, zero) for dose in given if dose.stop is not None]
    first, last = min([0.0, *minutes]), max([60.0, *minutes, *stops])

    def x(minute: float) -> float:
        return LEFT + 10 + (WIDTH - RIGHT - LEFT - 20) * (minute - first) / (last - first)

    body: list[str] = []
    has_saturation = any(reading.spo2 is not None for reading in readings)
    has_sedation = any(reading.moaas is not None for reading in readings)
    panels = [(TOP, _PRESSURE)]
    for wanted, tall in ((has_saturation, _SATURATION), (has_sedation, _SEDATION)):
        if wanted:
            panels.append((panels[-1][0] + panels[-1][1] + _BETWEEN, tall))
    bottom = panels[-1][0] + panels[-1][1]
    for top, tall in panels:
        body.append(
            _svg.rect(LEFT, top, WIDTH - RIGHT - LEFT, tall, css="c-panel", fill="none", stroke=_svg.GRID)
        )
    body += _administrations(given, zero, x, last, bottom)
    body += _pressure(readings, zero, limits, x, len(readings) > 40)
    later = iter(panels[1:])
    if has_saturation:
        body += _trace_panel(
            readings, zero, limits, x, *next(later), "spo2", "SpO2 %", _saturation_scale(readings)
        )
    if has_sedation:
        body += _trace_panel(readings, zero, limits, x, *next(later), "moaas", "MOAA/S", (0, 5, (0, 3, 5)))
    body += _minute_axis(first, last, x, bottom)
    if is_empty:
        body.append(
            _svg.text((LEFT + WIDTH - RIGHT) / 2, TOP + _PRESSURE / 2, "No readings recorded yet", size=13)
        )
    keys, key_height = _svg.legend(_legend(readings, given), LEFT, bottom + 50, WIDTH - 8)
    svg = _svg.document(chart_id, title, description, WIDTH, bottom + 38 + key_height, body + keys)
    return Chart(title, description, svg, table, is_empty)


def _minutes(at: datetime, zero: datetime | None) -> float:
    return 0.0 if zero is None else (at - zero) / timedelta(minutes=1)


def _administrations(
    given: Sequence[Given], zero: datetime | None, x: Callable[[float], float], last: float, bottom: float
) -> list[str]:
    parts: list[str] = []
    free_from = 0.0
    for dose in given:
        start = _minutes(dose.start, zero)
        stop = last if dose.running else start if dose.stop is None else _minutes(dose.stop, zero)
        if stop > start:
            shade = _svg.rect(
                x(start),
                TOP,
                x(stop) - x(start),
                bottom - TOP,
                css="c-given",
                fill=_svg.AMBER,
                fill_opacity="0.1",
            )
            parts.append(shade)
        parts.append(
            _svg.line(x(start), TOP, x(start), bottom, css="c-dose", stroke=_svg.AMBER, dash="1.5 3")
        )
        # A label that would run into the one before moves on; past the edge it is left to table and record.
        at, wide = max(x(start) - 4, free_from), _svg.text_width(dose.label, 11)
        if at + wide <= WIDTH - 8:
            parts.append(
                _svg.text(at, TOP - 8, dose.label, css="c-dose-label", fill=_svg.AMBER, anchor="start")
            )
            free_from = at + wide + 8
    return parts


def _pressure(
    readings: Sequence[VitalsPoint],
    zero: datetime | None,
    limits: Sequence[Limit],
    x: Callable[[float], float],
    dense: bool,
) -> list[str]:
    values = [v for r in readings for v in (r.systolic, r.diastolic, r.heart_rate) if v is not None]
    values += [value + 8 for value in values]
    values += [
        limit.value + 10 for limit in limits if limit.measure in ("systolic", "diastolic", "heart_rate")
    ]
    low, high = min([50, *values]) // 20 * 20, -(-max([160, *values]) // 20) * 20

    def y(value: float) -> float:
        return TOP + _PRESSURE * (high - value) / (high - low)

    parts: list[str] = []
    step = 20 if high - low <= 160 else 40
    for value in range(low, high + 1, step):
        parts.append(_svg.line(LEFT, y(value), WIDTH - RIGHT, y(value), css="c-grid", stroke=_svg.GRID))
        parts.append(_svg.text(LEFT - 7, y(value) + 4, value, anchor="end"))
    parts += _limit_lines(limits, ("systolic", "diastolic", "heart_rate"), y)
    width = 1.2 if dense else 3.0
    cap = 2.0 if dense else 4.0
    for reading in readings:
        at = x(_minutes(reading.at, zero))
        ends = [y(value) for value in (reading.systolic, reading.diastolic) if value is not None]
        bars = [(at - cap, end, at + cap, end, 1.6) for end in ends]
        if len(ends) == 2:
            bars.append((at, ends[0], at, ends[1], width))
        parts += [_svg.line(*bar[:4], css="c-pressure", stroke=_svg.INK, width=bar[4]) for bar in bars]
    parts += _trace(readings, zero, x, y, "heart_rate", dense)
    return parts


def _trace(
    readings: Sequence[VitalsPoint],
    zero: datetime | None,
    x: Callable[[float], float],
    y: Callable[[float], float],
    measure: Measure,
    dense: bool,
) -> list[str]:
    """A line with its points. A reading at which this was not measured breaks the line."""
    parts: list[str] = []
    run: list[tuple[float, float]] = []
    for reading in (*readings, None):
        value = None if reading is None else getattr(reading, measure)
        if reading is not None and value is not None:
            run.append((x(_minutes(reading.at, zero)), y(value)))
            continue
        if len(run) > 1:
            dash, line = ("5 3", "c-line-1 c-dashed") if measure == "heart_rate" else (None, "c-line-1")
            parts.append(_svg.polyline(run, css=line, stroke=_svg.ACCENT, dash=dash))
        shape = "diamond" if measure == "heart_rate" else "circle"
        css = "c-dot-1"
        parts += [_svg.marker(shape, *at, 1.8 if dense else 3.0, css=css, color=_svg.ACCENT) for at in run]
        run = []
    return parts


def _trace_panel(
    readings: Sequence[VitalsPoint],
    zero: datetime | None,
    limits: Sequence[Limit],
    x: Callable[[float], float],
    top: float,
    tall: float,
    measure: Measure,
    name: str,
    scale: tuple[int, int, tuple[int, ...]],
) -> list[str]:
    low, high, ticks = scale

    def y(value: float) -> float:
        return top + 4 + (tall - 8) * (high - value) / (high - low)

    parts: list[str] = []
    for value in ticks:
        parts.append(_svg.line(LEFT, y(value), WIDTH - RIGHT, y(value), css="c-grid", stroke=_svg.GRID))
        parts.append(_svg.text(LEFT - 7, y(value) + 4, value, anchor="end"))
    parts.append(_svg.text(LEFT, top - 8, name, anchor="start", css="c-strong", fill=_svg.INK))
    parts += _limit_lines(limits, (measure,), y)
    parts += _trace(readings, zero, x, y, measure, len(readings) > 40)
    return parts


def _saturation_scale(readings: Sequence[VitalsPoint]) -> tuple[int, int, tuple[int, ...]]:
    lowest = min((reading.spo2 for reading in readings if reading.spo2 is not None), default=100)
    low = min(88, lowest // 4 * 4)
    middle = (low + 100) // 2
    return low, 100, (low, middle, 100)


def _limit_lines(
    limits: Sequence[Limit], measures: tuple[Measure, ...], y: Callable[[float], float]
) -> list[str]:
    parts: list[str] = []
    taken: list[float] = []
    for limit in limits:
        if limit.measure not in measures:
            continue
        at = y(limit.value)
        parts.append(_svg.line(LEFT, at, WIDTH - RIGHT, at, css="c-limit", stroke=_svg.RED, dash="6 3"))
        words_at = at + 4
        while any(abs(words_at - other) < 12 for other in taken):
            words_at += 12
        taken.append(words_at)
        css = "c-limit-label"
        parts.append(
            _svg.text(
                WIDTH - RIGHT + 6, words_at, limit.label, css=css, fill=_svg.RED, anchor="start", size=10
            )
        )
    return parts


def _minute_axis(first: float, last: float, x: Callable[[float], float], bottom: float) -> list[str]:
    step = next((s for s in (10, 15, 20, 30, 60, 120, 240, 480, 1440) if (last - first) / s <= 9), 2880)
    parts: list[str] = []
    value = -(-int(first) // step) * step
    while value <= last:
        at = x(value)
        parts.append(_svg.line(at, bottom, at, bottom + 4, css="c-grid", stroke=_svg.GRID))
        parts.append(_svg.text(at, bottom + 17, value))
        value += step
    parts.append(_svg.text((LEFT + WIDTH - RIGHT) / 2, bottom + 33, "minutes since start"))
    return parts


def _legend(readings: Sequence[VitalsPoint], given: Sequence[Given]) -> list[tuple[str, str, str, bool]]:
    entries: list[tuple[str, str, str, bool]] = []
    if any(reading.systolic is not None or reading.diastolic is not None for reading in readings):
        entries.append(("square", _svg.INK, "bar: systolic to diastolic, mmHg", False))
    if any(reading.heart_rate is not None for reading in readings):
        entries.append(("diamond", _svg.ACCENT, "dashed: heart rate, /min", False))
    if any(dose.running or (dose.stop is not None and dose.stop > dose.start) for dose in given):
        entries.append(("square", _svg.AMBER, "shaded: being given", True))
    return entries


def _describe(readings: Sequence[VitalsPoint], given: Sequence[Given], zero: datetime | None) -> str:
    if not readings:
        return "No readings recorded yet."
    many = "1 reading" if len(readings) == 1 else f"{len(readings)} readings"
    span = f"from minute {_whole(readings[0].at, zero)} to minute {_whole(readings[-1].at, zero)}"
    sentences = [
        f"{many} {span}." if len(readings) > 1 else f"{many} at minute {_whole(readings[0].at, zero)}."
    ]
    pressures = [r for r in readings if r.systolic is not None]
    if pressures:
        peak = max(pressures, key=lambda r: r.systolic or 0)
        sentences.append(f"Highest blood pressure {_pair(peak)} mmHg at minute {_whole(peak.at, zero)}.")
    saturations = [r for r in readings if r.spo2 is not None]
    if saturations:
        lowest = min(saturations, key=lambda r: r.spo2 or 0)
        sentences.append(f"Lowest oxygen saturation {lowest.spo2} % at minute {_whole(lowest.at, zero)}.")
    sentences += [f"{dose.label} given at minute {_whole(dose.start, zero)}." for dose in given]
    return " ".join(sentences)


def _whole(at: datetime, zero: datetime | None) -> int:
    return round(_minutes(at, zero))


def _pair(reading: VitalsPoint) -> str:
    if reading.systolic is None and reading.diastolic is None:
        return ""
    return f"{_or_dash(reading.systolic)}/{_or_dash(reading.diastolic)}"


def _or_dash(value: int | None) -> str:
    return "-" if value is None else str(value)


def _blank(value: int | None) -> str:
    return "" if value is None else str(value)


def _table(
    readings: Sequence[VitalsPoint], zero: datetime | None, zone: tzinfo, title: str, has_start: bool
) -> Table:
    columns = [
        "Minute" if has_start else "Minute since first",
        "Time",
        "BP mmHg",
        "HR /min",
        "RR /min",
        "SpO2 %",
        "MOAA/S",
    ]
    with_notes = any(reading.note for reading in readings)
    rows: list[tuple[str, ...]] = []
    for reading in readings:
        local = reading.at.astimezone(zone)
        row = [
            f"{_whole(reading.at, zero):+d}" if _whole(reading.at, zero) else "0",
            f"{local:%H:%M}",
            _pair(reading),
            _blank(reading.heart_rate),
            _blank(reading.respiratory_rate),
            _blank(reading.spo2),
            _blank(reading.moaas),
        ]
        rows.append((*row, reading.note) if with_notes else tuple(row))
    return Table(title, (*columns, "Note") if with_notes else tuple(columns), tuple(rows))
