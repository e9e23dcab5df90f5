"""Charts as inline SVG, drawn on the server: one picture for page and PDF, each with its table."""

from ._svg import Chart, Table
from .distribution import distribution
from .scores import Band, DoseMark, ScoreLine, ScorePoint, day_label, score_trend
from .vitals import Given, Limit, VitalsPoint, vitals_chart

__all__ = [
    "Band",
    "Chart",
    "DoseMark",
    "Given",
    "Limit",
    "ScoreLine",
    "ScorePoint",
    "Table",
    "VitalsPoint",
    "day_label",
    "distribution",
    "score_trend",
    "vitals_chart",
]
