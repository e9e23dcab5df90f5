"""Outcome figures: who counts, who is missing, and what must not be shown."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kapclinic.outcomes.rules import (
    Case,
    Rate,
    Score,
    by_group,
    judge,
    protect_rates,
    protect_summaries,
    shown_counts,
    summarise,
)
from screening.instruments import instrument

PHQ9 = instrument("phq-9")
FIRST_DOSE = datetime(2026, 6, 1, 16, 0, tzinfo=UTC)


def score(days: float, total: int | None) -> Score:
    return Score(FIRST_DOSE + timedelta(days=days), total)


def outcome_of(*scores: Score, group: str = ""):
    return judge(Case(FIRST_DOSE, scores, group), PHQ9, baseline_max_days=14, follow_up_from_days=14)


SECOND = 1 / 86_400


@pytest.mark.parametrize(
    ("days", "counts"),
    [(-14 - SECOND, False), (-14, True), (-14 + SECOND, True), (-SECOND, True), (0, False), (SECOND, False)],
)
def test_baseline_counts_when_it_lies_in_the_two_weeks_before_the_first_dose(
    days: float, counts: bool
) -> None:
    assert (outcome_of(score(days, 18)).baseline is not None) is counts


@pytest.mark.parametrize(
    ("days", "counts"), [(14 - SECOND, False), (14, True), (14 + SECOND, True), (300, True)]
)
def test_follow_up_counts_from_the_set_day_on(days: float, counts: bool) -> None:
    assert (outcome_of(score(-1, 18), score(days, 9)).follow_up is not None) is counts


def test_latest_complete_form_is_the_follow_up_when_a_later_one_has_a_blank() -> None:
    found = outcome_of(score(-1, 18), score(20, 12), score(40, 7), score(60, None))
    assert found.follow_up == score(40, 7)


@pytest.mark.parametrize(
    ("baseline", "follow_up", "response", "remission"),
    [
        (18, 9, True, False),
        (17, 9, False, False),
        (10, 5, True, False),
        (10, 4, True, True),
        (9, 4, None, True),
        (5, 4, None, True),
        (4, 0, None, None),
    ],
)
def test_response_and_remission_follow_the_instruments_rule(
    baseline: int, follow_up: int, response: bool | None, remission: bool | None
) -> None:
    change = outcome_of(score(-1, baseline), score(30, follow_up)).change
    assert change is not None
    assert (change.is_response, change.is_remission_range) == (response, remission)


def test_summary_names_who_is_missing_beside_every_figure() -> None:
    outcomes = [
        outcome_of(score(-1, 18), score(30, 8)),
        outcome_of(score(-1, 18), score(30, 16)),
        outcome_of(score(-1, 8), score(30, 4)),
        outcome_of(score(-1, 18)),
        outcome_of(score(30, 5)),
        outcome_of(score(-1, None), score(30, 5)),
    ]
    summary = summarise(outcomes, PHQ9)
    assert summary.dosed == 6
    assert summary.has_baseline == Rate(4, 6)
    assert summary.has_follow_up == Rate(3, 6)
    assert summary.response == Rate(1, 2)
    assert summary.remission == Rate(1, 3)
    assert summary.median_change == -4
    assert summary.median_text == "-4 points"


def test_summary_of_nobody_has_no_figures() -> None:
    summary = summarise([], PHQ9)
    assert summary.response.percent is None
    assert summary.response.fraction_text == "nobody yet"
    assert summary.median_text == "–"


@pytest.mark.parametrize(
    ("count", "of", "is_hidden"),
    [
        (0, 11, False),
        (10, 40, True),
        (11, 40, False),
        (29, 40, False),
        (30, 40, True),
        (40, 40, False),
        (0, 10, True),
        (10, 10, True),
        (11, 22, False),
        (11, 21, True),
        (0, 0, False),
    ],
)
def test_small_cells_and_their_complements_are_hidden(count: int, of: int, is_hidden: bool) -> None:
    rate = Rate(count, of, 11)
    assert rate.is_hidden is is_hidden
    assert (rate.percent is None) is (is_hidden or of == 0)


def test_nothing_is_hidden_in_the_own_caseload() -> None:
    assert Rate(1, 2).percent == 50
    assert Rate(1, 2).fraction_text == "1 of 2"


@pytest.mark.parametrize(
    ("count", "of", "percent"), [(1, 3, 33), (2, 3, 67), (1, 8, 13), (1, 200, 1), (0, 5, 0), (5, 5, 100)]
)
def test_percent_is_whole_with_halves_up(count: int, of: int, percent: int) -> None:
    assert Rate(count, of).percent == percent


@pytest.mark.parametrize(("count", "of"), [(-1, 3), (4, 3)])
def test_impossible_rate_is_refused(count: int, of: int) -> None:
    with pytest.raises(ValueError, match="is no rate"):
        Rate(count, of)


def test_all_parts_are_hidden_when_one_is_so_that_none_can_be_subtracted() -> None:
    parts = protect_rates([Rate(15, 30, 11), Rate(3, 8, 11), Rate(0, 0, 11)])
    assert [part.is_hidden for part in parts] == [True, True, False]
    assert [part.percent for part in parts] == [None, None, None]


def test_parts_stay_when_all_are_large_enough() -> None:
    parts = [Rate(15, 30, 11), Rate(20, 40, 11)]
    assert protect_rates(parts) == parts


def test_summaries_of_parts_protect_each_rate_for_itself() -> None:
    large = summarise([outcome_of(score(-1, 18), score(30, 8)) for _ in range(12)], PHQ9, hide_below=11)
    small = summarise([outcome_of(score(-1, 18)) for _ in range(12)], PHQ9, hide_below=11)
    shown = protect_summaries([large, small])
    assert not shown[0].has_baseline.is_hidden
    few = summarise([outcome_of(score(-1, 18), score(30, 8)) for _ in range(3)], PHQ9, hide_below=11)
    assert protect_summaries([large, few])[0].response.is_hidden
    assert few.median_change is None


@pytest.mark.parametrize(
    ("counts", "texts"),
    [
        ([20, 30], ["20", "30"]),
        ([20, 30, 3], ["hidden", "30", "hidden"]),
        ([20, 4, 3], ["20", "hidden", "hidden"]),
        ([0, 3], ["0", "hidden"]),
        ([], []),
    ],
)
def test_parts_of_a_total_are_hidden_at_least_in_pairs(counts: list[int], texts: list[str]) -> None:
    assert shown_counts(counts, hide_below=11) == texts


def test_groups_stand_in_alphabetical_order() -> None:
    outcomes = [outcome_of(group="KAP"), outcome_of(group="Parallel"), outcome_of(group="KAP")]
    assert [(name, len(group)) for name, group in by_group(outcomes).items()] == [("KAP", 2), ("Parallel", 1)]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 200), st.integers(0, 200))
def test_no_shown_rate_ever_has_a_small_cell(count: int, rest: int) -> None:
    rate = Rate(count, count + rest, 11)
    if rate.percent is not None:
        assert count == 0 or count >= 11
        assert rest == 0 or rest >= 11
