"""What a change of score means: baseline, response, remission range, deterioration, overlapping recall.

Pure. Totals are whole points; instants are aware datetimes. The numbers stand with their sources in
``data/instruments.json`` (``change``); only the age of a baseline is a clinic's choice and comes in as an
argument.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from screening.instruments import Instrument

# Last complete administration before the first dose counts when it is at most this old (POLICY).
DEFAULT_BASELINE_MAX_DAYS = 14


class Administration(Protocol):
    """Anything with a completion instant and a total, ``None`` when incomplete."""

    @property
    def completed_at(self) -> datetime: ...

    @property
    def total(self) -> int | None: ...


A = TypeVar("A", bound=Administration)


@dataclass(frozen=True, slots=True)
class Change:
    """Follow-up against baseline. ``points`` is follow-up minus baseline, so lower is better and negative.

    ``None`` in a flag means "not reported for this baseline" (for example a response from a baseline below
    10), never "no".
    """

    instrument: Instrument
    baseline: int
    followup: int
    is_response: bool | None
    is_partial_response: bool | None
    is_remission_range: bool | None
    is_meaningful: bool
    is_reliable: bool | None
    is_deterioration: bool

    @property
    def points(self) -> int:
        return self.followup - self.baseline

    @property
    def percent_lower(self) -> int | None:
        """Reduction in whole per cent, halves rounded towards zero; ``None`` from a baseline of 0.

        Rounding towards zero keeps 49.x % from reading as 50 %: the flag, not this figure, is the rule.
        """
        if self.baseline == 0:
            return None
        reduction = 100 * (self.baseline - self.followup)
        return reduction // self.baseline if reduction >= 0 else -(-reduction // self.baseline)

    @property
    def label(self) -> str:
        """The change in words, strongest statement first, without naming an illness or its absence."""
        title = self.instrument.short_title
        if self.is_remission_range:
            return f"{title} remission range" + (", response" if self.is_response else "")
        if self.is_deterioration:
            return "worse"
        if self.is_response:
            return "response"
        if self.is_partial_response:
            return "partial response"
        if self.is_meaningful:
            return "meaningful change"
        return "no meaningful change"


def compare(definition: Instrument, baseline: int | None, followup: int | None) -> Change | None:
    """Compare two totals of one instrument.

    Out: ``None`` when either total is missing or the instrument does not measure change. Integer arithmetic
    throughout: 18 -> 9 is a response, 17 -> 9 is not. Raises ``ValueError`` for totals outside the
    instrument's range.
    """
    rule = definition.change
    if rule is None or baseline is None or followup is None:
        return None
    for total in (baseline, followup):
        if not definition.minimum <= total <= definition.maximum:
            raise ValueError(f"{total} is outside {definition.short_title}'s range")
    drop = baseline - followup
    response = partial = None
    if baseline >= rule.response_from_baseline:
        if rule.response == "halved":
            response = 2 * followup <= baseline
            partial = not response and 4 * drop >= baseline
        else:
            response = rule.response_points is not None and drop >= rule.response_points
    remission = None
    if rule.remission_below is not None and baseline >= (rule.remission_from_baseline or 0):
        remission = followup < rule.remission_below
    return Change(
        instrument=definition,
        baseline=baseline,
        followup=followup,
        is_response=response,
        is_partial_response=partial,
        is_remission_range=remission,
        is_meaningful=drop >= rule.meaningful_points,
        is_reliable=None if rule.reliable_points is None else drop >= rule.reliable_points,
        is_deterioration=-drop >= rule.deterioration_points,
    )


def is_recall_overlapping(definition: Instrument, earlier: datetime | None, later: datetime) -> bool:
    """Whether two administrations ask about overlapping days: less than the recall period apart (elapsed
    time).

    14 days exactly do not overlap. ``False`` without an earlier one, or where the instrument does not
    measure change.
    """
    if earlier is None or definition.recall_days is None:
        return False
    return timedelta(0) <= later - earlier < timedelta(days=definition.recall_days)


def choose_baseline(
    administrations: Iterable[A],
    *,
    first_dose_at: datetime | None,
    max_days: int = DEFAULT_BASELINE_MAX_DAYS,
) -> A | None:
    """The last complete administration before the first dose, at most ``max_days`` before it (both ends
    included).

    Without a dose yet, the last complete one: the baseline that would hold if the dose came now.
    """
    complete = [each for each in administrations if each.total is not None]
    if first_dose_at is not None:
        earliest = first_dose_at - timedelta(days=max_days)
        complete = [each for each in complete if earliest <= each.completed_at < first_dose_at]
    return max(complete, key=lambda each: each.completed_at, default=None)
