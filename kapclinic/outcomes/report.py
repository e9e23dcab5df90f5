"""The outcome report: every figure with its denominator and who is missing, as page, CSV and document.

It holds counts alone: no person, no date but the period's, no free text (45 CFR 164.514(b)(2)), and no small cell.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from episodes.access import episodes_for
from episodes.models import Episode
from episodes.readers import eyes_of_each
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.services import settings_for
from kapclinic.documents.categories import ConsentCategory
from kapclinic.outcomes import selectors
from kapclinic.outcomes.clinical_settings import FOLLOW_UP_FROM, SMALLEST_CELL
from kapclinic.outcomes.rules import (
    Outcome,
    Rate,
    Summary,
    by_group,
    judge,
    protect_rates,
    protect_summaries,
    shown_counts,
    summarise,
)
from screening.instruments import instrument
from screening.response_settings import BASELINE_MAX_DAYS

PERIODS = {
    "6": "First dose in the past 6 months",
    "12": "First dose in the past 12 months",
    "all": "All who had a dose",
}
_MONTH = timedelta(days=30.4375)


@dataclass(frozen=True)
class InstrumentOutcome:
    """One instrument over the whole group, and by protocol; `baselines` are the totals that patients began with."""

    whole: Summary
    by_protocol: tuple[tuple[str, Summary], ...]
    baselines: tuple[int, ...]


@dataclass(frozen=True)
class Report:
    """Everything on the outcomes page. `hide_below` 0: nothing is hidden (a clinician's own caseload)."""

    is_clinic: bool
    period: str
    at: datetime
    dosed: int
    is_dosed_hidden: bool
    hide_below: int
    # Episodes of the own caseload that are not counted, for the patient's consent does not cover it for this reader.
    scores_withheld: int
    events_withheld: int
    follow_up_from_days: int
    instruments: tuple[InstrumentOutcome, ...]
    windows: selectors.WindowCounts
    windows_by_protocol: tuple[tuple[str, Rate], ...]
    events: selectors.EventCounts
    with_event: Rate

    @property
    def dosed_text(self) -> str:
        """How many episodes the report is about."""
        return f"fewer than {self.hide_below}" if self.is_dosed_hidden else str(self.dosed)

    @property
    def period_words(self) -> str:
        """The period as people say it."""
        return PERIODS[self.period]

    @property
    def miss_reasons(self) -> tuple[tuple[str, str], ...]:
        """Why windows were missed, small counts hidden."""
        texts = shown_counts([count for _, count in self.windows.reasons], hide_below=self.hide_below)
        return tuple((label, text) for (label, _), text in zip(self.windows.reasons, texts, strict=True))

    @property
    def grades(self) -> tuple[tuple[int, str], ...]:
        """Adverse events by grade, small counts hidden."""
        texts = shown_counts([count for _, count in self.events.by_grade], hide_below=self.hide_below)
        return tuple((grade, text) for (grade, _), text in zip(self.events.by_grade, texts, strict=True))

    @property
    def serious_text(self) -> str:
        """Serious adverse events, a small count hidden."""
        return self.shown(self.events.serious)

    @property
    def events_text(self) -> str:
        """Adverse events, a small count hidden."""
        return self.shown(self.events.events)

    @property
    def doses_text(self) -> str:
        """Doses given, a small count hidden."""
        return self.shown(self.events.doses)

    def shown(self, count: int) -> str:
        """A count of people or events as it may be shown."""
        return f"fewer than {self.hide_below}" if 0 < count < self.hide_below else str(count)


def build_report(actor: Actor, *, is_clinic: bool, period: str, now: datetime) -> Report:
    """The report on the clinic (small cells hidden) or on the actor's own caseload, as far as the consents let them see it.

    Seven queries, four more for an own caseload.

    The right to see it was checked by the page. KeyError for an unknown period.
    """
    values = settings_for(actor.clinic, SMALLEST_CELL, FOLLOW_UP_FROM, BASELINE_MAX_DAYS)
    hide_below = values[SMALLEST_CELL] if is_clinic else 0
    if period not in PERIODS:
        raise KeyError(period)
    since = None if period == "all" else now - int(period) * _MONTH
    episodes = Episode.objects.standing().filter(clinic=actor.clinic)
    if not is_clinic:
        episodes = episodes.filter(episodes_for(actor, "chart.view"))
    dosed = selectors.dosed_episodes(episodes, since=since)
    scored, watched = (dosed, dosed) if is_clinic else _by_consent(actor, dosed, now)
    cases = selectors.cases_of(scored)
    outcomes = []
    for instrument_id in selectors.INSTRUMENTS:
        definition = instrument(instrument_id)
        judged: list[Outcome] = [
            judge(
                case,
                definition,
                baseline_max_days=values[BASELINE_MAX_DAYS],
                follow_up_from_days=values[FOLLOW_UP_FROM],
            )
            for case in cases[instrument_id]
        ]
        groups = by_group(judged)
        parts = protect_summaries(
            [summarise(group, definition, hide_below=hide_below) for group in groups.values()]
        )
        outcomes.append(
            InstrumentOutcome(
                whole=summarise(judged, definition, hide_below=hide_below),
                by_protocol=tuple(zip(groups, parts, strict=True)),
                baselines=tuple(
                    outcome.baseline.total
                    for outcome in judged
                    if outcome.baseline is not None and outcome.baseline.total is not None
                ),
            )
        )
    windows, by_protocol = selectors.windows_of(dosed, now=now, hide_below=hide_below)
    events = selectors.events_of(watched)
    return Report(
        is_clinic=is_clinic,
        period=period,
        at=now,
        dosed=len(dosed),
        is_dosed_hidden=0 < len(dosed) < hide_below,
        hide_below=hide_below,
        scores_withheld=len(dosed) - len(scored),
        events_withheld=len(dosed) - len(watched),
        follow_up_from_days=values[FOLLOW_UP_FROM],
        instruments=tuple(outcomes),
        windows=windows,
        windows_by_protocol=tuple(zip(by_protocol, protect_rates(list(by_protocol.values())), strict=True)),
        events=events,
        with_event=Rate(events.doses_with_event, events.doses, hide_below),
    )


def _by_consent(
    actor: Actor, dosed: list[selectors.Dosed], now: datetime
) -> tuple[list[selectors.Dosed], list[selectors.Dosed]]:
    """Of the own caseload, which has no cell too small to show: those whose scores, and whose doses and adverse events, the
    actor may see. Four queries."""
    episodes = Episode.objects.select_related("clinic").filter(pk__in=[each.episode_id for each in dosed])
    eyes = eyes_of_each(actor, episodes, now=now)
    told = (ConsentCategory.DOSE, ConsentCategory.ADVERSE_EVENTS)
    return (
        [each for each in dosed if not eyes[each.episode_id].withheld(ConsentCategory.SCORES)],
        [each for each in dosed if not eyes[each.episode_id].withheld(*told)],
    )


COLUMNS = ("measure", "group", "count", "of", "percent", "note")


def rows_of(report: Report) -> Iterator[tuple[str, str, str, str, str, str]]:
    """The report as rows under `COLUMNS`. A hidden figure has no number in any column."""
    yield "Episodes with a dose", "All", report.dosed_text, "", "", report.period_words
    for each in report.instruments:
        yield from _summary_rows(each.whole, "All")
        for name, summary in each.by_protocol:
            yield from _summary_rows(summary, name)
    yield _rate_row("Integration held inside its window", "All", report.windows.rate)
    for name, rate in report.windows_by_protocol:
        yield _rate_row("Integration held inside its window", name, rate)
    for label, count in report.miss_reasons:
        yield "Window missed", label, count, "", "", ""
    yield _rate_row("Doses with an adverse event", "All", report.with_event)
    yield "Adverse events", "All", report.events_text, "", "", ""
    for grade, count in report.grades:
        yield "Adverse events", f"Grade {grade}", count, "", "", ""
    yield "Serious adverse events", "All", report.serious_text, "", "", ""


def _summary_rows(summary: Summary, group: str) -> Iterator[tuple[str, str, str, str, str, str]]:
    title = summary.instrument.short_title
    yield _rate_row(f"{title}: baseline known", group, summary.has_baseline)
    yield _rate_row(f"{title}: baseline and follow-up known", group, summary.has_follow_up)
    yield _rate_row(f"{title}: response", group, summary.response)
    if summary.instrument.change is not None and summary.instrument.change.remission_below is not None:
        yield _rate_row(f"{title}: remission range", group, summary.remission)
    yield _rate_row(f"{title}: meaningful change", group, summary.meaningful)
    yield _rate_row(f"{title}: worse", group, summary.worse)
    yield f"{title}: median change", group, summary.median_text, "", "", ""


def _rate_row(measure: str, group: str, rate: Rate) -> tuple[str, str, str, str, str, str]:
    if rate.of == 0 or rate.is_hidden:
        return measure, group, "", "", "", rate.fraction_text
    return measure, group, str(rate.count), str(rate.of), str(rate.percent), ""
