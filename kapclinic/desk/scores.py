"""The score trend of the chart: PHQ-9 and GAD-7 over the episode with the doses marked, and the change in words."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from episodes.models import Episode
from kapclinic.accounts.policy import Actor
from kapclinic.desk.doses import DoseRow
from kapclinic.documents.charts import Chart, DoseMark, score_trend
from screening.instruments import Instrument, instrument
from screening.models import Response
from screening.score_change import choose_baseline, compare
from screening.selectors import points_of
from screening.trends import score_line

SHOWN = ("phq-9", "gad-7")

LOOK_BACK = timedelta(days=183)
"""Forms from up to this long before the episode are drawn with it, so that a course is seen from where it began (POLICY)."""

_MOST_FORMS = 200


def scores_of(episode: Episode, doses: Sequence[DoseRow], actor: Actor) -> tuple[Chart | None, list[str]]:
    """The chart, None while no form was filled in, and one phrase per instrument. One query."""
    responses = list(
        Response.objects.current()
        .filter(
            patient_id=episode.patient_id,
            instrument_id__in=SHOWN,
            completed_at__gte=episode.opened_at - LOOK_BACK,
        )
        .order_by("-completed_at")[:_MOST_FORMS]
    )[::-1]
    if not responses:
        return None, []
    began = sorted(dose.began_at for dose in doses if dose.began_at is not None)
    lines, words = [], []
    for key in SHOWN:
        definition = instrument(key)
        own = [response for response in responses if response.instrument_id == key]
        if not own:
            continue
        lines.append(score_line(definition, points_of(own)))
        phrase = _in_words(definition, own, began[0] if began else None)
        if phrase:
            words.append(phrase)
    marks = [
        DoseMark(dose.number, dose.began_at)
        for dose in doses
        if dose.number is not None and dose.began_at is not None
    ]
    return score_trend(lines=lines, doses=marks, zone=actor.zone, chart_id="scores"), words


def _in_words(definition: Instrument, own: Sequence[Response], first_dose_at: datetime | None) -> str:
    """ "PHQ-9 down 13 (68 %): response", against the baseline of the rules; nothing before there is a change."""
    if first_dose_at is None:
        return ""
    baseline = choose_baseline(own, first_dose_at=first_dose_at)
    after = [
        response for response in own if response.total is not None and response.completed_at > first_dose_at
    ]
    change = compare(definition, baseline.total if baseline else None, after[-1].total if after else None)
    if change is None:
        return ""
    if change.points == 0:
        return f"{definition.short_title} unchanged"
    direction = "down" if change.points < 0 else "up"
    percent = f" ({abs(change.percent_lower)} %)" if change.percent_lower else ""
    return f"{definition.short_title} {direction} {abs(change.points)}{percent}: {change.label}"
