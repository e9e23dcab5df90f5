"""Where patients began, before the backdrop of a named population: the clinic's baselines beside a reference sample."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import Q

from kapclinic.accounts.policy import Actor
from kapclinic.documents.charts import Band, Chart, distribution
from kapclinic.outcomes.report import Report
from screening.models import ReferenceSample
from screening.selectors import reference_distribution

MOST_SAMPLES = 4
BIN = 3
"""Points in one bar."""


@dataclass(frozen=True)
class Backdrop:
    """One chart with what has to be said about the sample."""

    title: str
    chart: Chart
    words: str


def backdrops_of(report: Report, actor: Actor) -> list[Backdrop]:
    """A chart for each reference sample whose instrument somebody of the group answered. At most one query more than samples.

    Clinic-wide, a chart with a small bar is left out: the height of a bar is a count.
    """
    baselines = {
        each.whole.instrument.id: Counter(each.baselines)
        for each in report.instruments
        if each.baselines and _may_show(Counter(each.baselines), report.hide_below)
    }
    if not baselines:
        return []
    samples = ReferenceSample.objects.filter(
        Q(clinic=actor.clinic) | Q(clinic__isnull=True), instrument_id__in=baselines
    ).order_by("instrument_id", "title")[:MOST_SAMPLES]
    return [_backdrop(sample, baselines[sample.instrument_id]) for sample in samples]


def _may_show(totals: Counter[int], hide_below: int) -> bool:
    bars: Counter[int] = Counter()
    for total, count in totals.items():
        bars[total // BIN] += count
    return all(count >= hide_below for count in bars.values())


def _backdrop(sample: ReferenceSample, totals: Counter[int]) -> Backdrop:
    definition = sample.instrument
    title = f"{definition.short_title} at baseline"
    reference = {row["total"]: row["people"] for row in reference_distribution(sample) if row["people"]}
    chart = distribution(
        counts=totals,
        label="Your patients",
        reference=reference,
        reference_label=sample.title,
        maximum=definition.maximum,
        bands=[Band(band.minimum, band.maximum, band.label) for band in definition.bands],
        bin_width=BIN,
        chart_id=f"baseline-{sample.pk.hex[:12]}",
        title=title,
    )
    own = totals.total()
    words = (
        f"{own} baseline{'' if own == 1 else 's'} before {sample.complete} complete questionnaires of {sample.title}. "
        "The sample is another population, not a comparison group."
    )
    return Backdrop(title=title, chart=chart, words=words)
