"""Questionnaire scores as the line of a chart."""

from collections.abc import Iterable

from kapclinic.documents.charts import Band, ScoreLine
from kapclinic.documents.charts import ScorePoint as DrawnPoint
from screening.instruments import Instrument
from screening.selectors import ScorePoint


def score_line(definition: Instrument, points: Iterable[ScorePoint]) -> ScoreLine:
    """The line of one instrument; incomplete forms break it, forms with overlapping recall are marked."""
    return ScoreLine(
        label=definition.short_title,
        maximum=definition.maximum,
        bands=tuple(Band(band.minimum, band.maximum, band.label) for band in definition.bands),
        points=tuple(
            DrawnPoint(at=point.completed_at, total=point.total, overlapping=point.is_overlapping)
            for point in points
        ),
    )
