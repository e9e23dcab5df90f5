"""What became of a group of patients: response, remission range, meaningful change, with who is missing.

Pure: scores in, counts out. Baseline and change are judged by `screening.score_change`; here cases are counted. A figure is
never shown without its denominator and the number of people for whom it could not be known (practice guide G0; POLICY: no
prorating, no carrying forward).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction

from screening.instruments import Instrument
from screening.score_change import Change, choose_baseline, compare

SMALL_CELL = 11
"""Counts from 1 to one below this are not shown outside a clinician's own caseload (POLICY)."""

FOLLOW_UP_FROM_DAYS = 14
"""A follow-up counts from this long after the first dose: PHQ-9 and GAD-7 ask about two weeks (POLICY)."""


@dataclass(frozen=True, slots=True)
class Score:
    """One filled-in form: when (aware), and its total, None when an item is missing."""

    completed_at: datetime
    total: int | None


@dataclass(frozen=True, slots=True)
class Case:
    """One episode in which at least one dose was given, with its forms of one instrument."""

    first_dose_at: datetime
    scores: tuple[Score, ...]
    group: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of one case. `change` is None while baseline or follow-up is missing."""

    baseline: Score | None
    follow_up: Score | None
    change: Change | None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """A count over its denominator. `hide_below` is the smallest cell that is shown; 0 shows all.

    `is_withheld` hides a figure that is large enough itself, but from which a hidden one beside it could be worked out.
    """

    count: int
    of: int
    hide_below: int = 0
    is_withheld: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.of:
            raise ValueError(f"{self.count} of {self.of} is no rate")

    @property
    def is_hidden(self) -> bool:
        """True when the count, its complement or the whole is a small cell: any of them would give away the others."""
        return self.is_withheld or any(
            0 < cell < self.hide_below for cell in (self.count, self.of - self.count, self.of)
        )

    @property
    def percent(self) -> int | None:
        """Whole per cent, halves rounded up; None without a denominator or when hidden."""
        if self.of == 0 or self.is_hidden:
            return None
        return int(Fraction(100 * self.count, self.of) + Fraction(1, 2))

    @property
    def fraction_text(self) -> str:
        """ "12 of 30", or why there is no figure."""
        if self.of == 0:
            return "nobody yet"
        if self.is_hidden:
            return "hidden"
        return f"{self.count} of {self.of}"

    @property
    def percent_text(self) -> str:
        """ "40 %", or a dash."""
        return "–" if self.percent is None else f"{self.percent} %"


@dataclass(frozen=True, slots=True)
class Summary:
    """One instrument over a group: every rate with its denominator, and who is missing."""

    instrument: Instrument
    dosed: int
    has_baseline: Rate
    has_follow_up: Rate
    response: Rate
    remission: Rate
    meaningful: Rate
    worse: Rate
    median_change: float | None

    @property
    def median_text(self) -> str:
        """Median change of the total in points; lower is better."""
        if self.median_change is None:
            return "–"
        points = f"{self.median_change:+.1f}".removesuffix(".0")
        return f"{points} points"


def judge(
    case: Case,
    instrument: Instrument,
    *,
    baseline_max_days: int,
    follow_up_from_days: int = FOLLOW_UP_FROM_DAYS,
) -> Outcome:
    """Baseline, follow-up and change of one case.

    Baseline: the last complete form before the first dose, at most `baseline_max_days` old. Follow-up: the last complete form
    from `follow_up_from_days` after the first dose on.
    """
    baseline = choose_baseline(case.scores, first_dose_at=case.first_dose_at, max_days=baseline_max_days)
    from_then = case.first_dose_at + timedelta(days=follow_up_from_days)
    complete = [score for score in case.scores if score.total is not None and score.completed_at >= from_then]
    follow_up = max(complete, key=lambda score: score.completed_at, default=None)
    change = None
    if baseline is not None and follow_up is not None:
        change = compare(instrument, baseline.total, follow_up.total)
    return Outcome(baseline=baseline, follow_up=follow_up, change=change, group=case.group)


def summarise(outcomes: Sequence[Outcome], instrument: Instrument, *, hide_below: int = 0) -> Summary:
    """Count the outcomes of one instrument over a group of dosed cases."""
    changes = [outcome.change for outcome in outcomes if outcome.change is not None]

    def rate(flags: Iterable[bool | None]) -> Rate:
        known = [flag for flag in flags if flag is not None]
        return Rate(sum(known), len(known), hide_below)

    median = _median([change.points for change in changes])
    too_few = 0 < len(changes) < hide_below
    return Summary(
        instrument=instrument,
        dosed=len(outcomes),
        has_baseline=Rate(
            sum(outcome.baseline is not None for outcome in outcomes), len(outcomes), hide_below
        ),
        has_follow_up=Rate(len(changes), len(outcomes), hide_below),
        response=rate(change.is_response for change in changes),
        remission=rate(change.is_remission_range for change in changes),
        meaningful=rate(change.is_meaningful for change in changes),
        worse=rate(change.is_deterioration for change in changes),
        median_change=None if too_few else median,
    )


def protect_rates(rates: Sequence[Rate]) -> list[Rate]:
    """The parts of one whole: when one is hidden all are, or the hidden one could be had by subtracting the rest."""
    if not any(rate.is_hidden for rate in rates):
        return list(rates)
    return [replace(rate, is_withheld=True) if rate.of else rate for rate in rates]


def protect_summaries(summaries: Sequence[Summary]) -> list[Summary]:
    """`protect_rates` for every rate of the parts of one whole."""

    def parts(rates: Iterable[Rate]) -> list[Rate]:
        return protect_rates(list(rates))

    columns = zip(
        parts(summary.has_baseline for summary in summaries),
        parts(summary.has_follow_up for summary in summaries),
        parts(summary.response for summary in summaries),
        parts(summary.remission for summary in summaries),
        parts(summary.meaningful for summary in summaries),
        parts(summary.worse for summary in summaries),
        strict=True,
    )
    return [
        replace(
            summary,
            has_baseline=has_baseline,
            has_follow_up=has_follow_up,
            response=response,
            remission=remission,
            meaningful=meaningful,
            worse=worse,
        )
        for summary, (has_baseline, has_follow_up, response, remission, meaningful, worse) in zip(
            summaries, columns, strict=True
        )
    ]


def shown_counts(counts: Sequence[int], *, hide_below: int) -> list[str]:
    """Parts of a known total as text. Small ones are hidden; a single hidden one takes the smallest other with it."""
    hidden = {place for place, count in enumerate(counts) if 0 < count < hide_below}
    if len(hidden) == 1:
        others = [place for place, count in enumerate(counts) if place not in hidden and count > 0]
        if others:
            hidden.add(min(others, key=lambda place: counts[place]))
    return ["hidden" if place in hidden else str(count) for place, count in enumerate(counts)]


def by_group(outcomes: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    """Outcomes by their group, groups in alphabetical order."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.group, []).append(outcome)
    return dict(sorted(groups.items()))


def _median(values: Sequence[int]) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[middle])
    return (ordered[middle - 1] + ordered[middle]) / 2
