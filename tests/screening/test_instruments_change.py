"""What a change of score means, at each boundary."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.instruments import instrument
from screening.score_change import choose_baseline, compare, is_recall_overlapping

PHQ9, GAD7, AUDIT_C, PCL5 = (instrument(name) for name in ("phq-9", "gad-7", "audit-c", "pcl-5"))
DOSE = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Filled:
    completed_at: datetime
    total: int | None


@pytest.mark.parametrize(
    ("baseline", "followup", "response", "partial"),
    [
        (18, 9, True, False),
        (18, 10, False, True),
        (17, 9, False, True),
        (17, 8, True, False),
        (20, 15, False, True),
        (20, 16, False, False),
        (11, 9, False, False),
        (12, 9, False, True),
        (10, 5, True, False),
        (10, 6, False, True),
        (9, 0, None, None),
        (10, 10, False, False),
        (10, 27, False, False),
    ],
)
def test_phq9_response_when_the_score_falls(baseline, followup, response, partial):
    change = compare(PHQ9, baseline, followup)
    assert (change.is_response, change.is_partial_response) == (response, partial)


@pytest.mark.parametrize(
    ("baseline", "followup", "remission"),
    [
        (5, 4, True),
        (5, 5, False),
        (4, 0, None),
        (4, 4, None),
        (20, 4, True),
        (20, 5, False),
    ],
)
@pytest.mark.parametrize("definition", [PHQ9, GAD7], ids=lambda each: each.id)
def test_remission_range_when_below_five_from_five_or_more(definition, baseline, followup, remission):
    assert compare(definition, baseline, followup).is_remission_range is remission


@pytest.mark.parametrize(
    ("definition", "points"),
    [(PHQ9, 5), (GAD7, 4), (PCL5, 10)],
    ids=["phq-9", "gad-7", "pcl-5"],
)
def test_meaningful_change_and_deterioration_when_at_the_points(definition, points):
    for offset, expected in ((-1, False), (0, True), (1, True)):
        assert compare(definition, 20, 20 - points - offset).is_meaningful is expected
    # the worse direction starts low, so that the follow-up stays inside the scale
    for offset, expected in ((-1, False), (0, True), (1, True)):
        assert compare(definition, 2, 2 + points + offset).is_deterioration is expected


@pytest.mark.parametrize(("followup", "reliable"), [(15, False), (14, True), (13, True)])
def test_gad7_reliable_change_when_six_points(followup, reliable):
    assert compare(GAD7, 20, followup).is_reliable is reliable
    assert compare(PHQ9, 20, followup).is_reliable is None


@pytest.mark.parametrize(("followup", "response"), [(36, False), (35, True), (34, True)])
def test_pcl5_response_is_five_points_when_compared(followup, response):
    change = compare(PCL5, 40, followup)
    assert change.is_response is response
    assert change.is_partial_response is None
    assert change.is_remission_range is None


@pytest.mark.parametrize(("baseline", "followup"), [(None, 4), (4, None), (None, None)])
def test_no_outcome_when_a_total_is_missing(baseline, followup):
    assert compare(PHQ9, baseline, followup) is None


def test_no_outcome_when_the_instrument_measures_no_change():
    assert compare(AUDIT_C, 8, 2) is None


@pytest.mark.parametrize(("baseline", "followup"), [(28, 3), (3, -1)])
def test_compare_refuses_when_a_total_is_impossible(baseline, followup):
    with pytest.raises(ValueError, match="outside"):
        compare(PHQ9, baseline, followup)


@pytest.mark.parametrize(
    ("baseline", "followup", "label"),
    [
        (19, 6, "response"),
        (19, 4, "PHQ-9 remission range, response"),
        (8, 4, "PHQ-9 remission range"),
        (19, 13, "partial response"),
        (9, 5, "no meaningful change"),
        (20, 20, "no meaningful change"),
        (10, 15, "worse"),
        (27, 21, "meaningful change"),
    ],
)
def test_label_says_the_range_and_never_remitted(baseline, followup, label):
    assert compare(PHQ9, baseline, followup).label == label


@pytest.mark.parametrize(
    ("baseline", "followup", "percent"),
    [(19, 6, 68), (10, 5, 50), (27, 14, 48), (10, 12, -20), (0, 3, None)],
)
def test_percent_never_rounds_up_to_a_response(baseline, followup, percent):
    assert compare(PHQ9, baseline, followup).percent_lower == percent


@given(st.integers(0, 27), st.integers(0, 27))
def test_flags_never_contradict_each_other_whatever_the_totals(baseline, followup):
    change = compare(PHQ9, baseline, followup)
    assert not (change.is_response and change.is_partial_response)
    assert not (change.is_meaningful and change.is_deterioration)
    if change.is_response:
        assert change.percent_lower >= 50
    if baseline >= 10 and change.percent_lower < 50:
        assert change.is_response is False
    assert change.points == -compare(PHQ9, followup, baseline).points


@pytest.mark.parametrize(
    ("gap", "overlapping"),
    [
        (timedelta(days=14, seconds=-1), True),
        (timedelta(days=14), False),
        (timedelta(days=14, seconds=1), False),
        (timedelta(0), True),
    ],
)
def test_recall_overlaps_when_less_than_fourteen_days_apart(gap, overlapping):
    assert is_recall_overlapping(PHQ9, DOSE, DOSE + gap) is overlapping


def test_recall_does_not_overlap_when_there_is_no_earlier_one_or_no_change_to_measure():
    assert not is_recall_overlapping(PHQ9, None, DOSE)
    assert not is_recall_overlapping(AUDIT_C, DOSE, DOSE + timedelta(days=1))
    assert is_recall_overlapping(PCL5, DOSE, DOSE + timedelta(days=29))


@pytest.mark.parametrize(
    ("before", "chosen"),
    [
        (timedelta(days=14, seconds=1), False),
        (timedelta(days=14), True),
        (timedelta(days=14, seconds=-1), True),
        (timedelta(seconds=1), True),
        (timedelta(0), False),
        (timedelta(seconds=-1), False),
    ],
)
def test_baseline_is_at_most_fourteen_days_before_the_first_dose(before, chosen):
    filled = Filled(DOSE - before, 18)
    assert choose_baseline([filled], first_dose_at=DOSE) is (filled if chosen else None)


def test_baseline_is_the_last_complete_one_when_there_are_several():
    early, late, incomplete = (
        Filled(DOSE - timedelta(days=9), 20),
        Filled(DOSE - timedelta(days=2), 18),
        Filled(DOSE - timedelta(days=1), None),
    )
    assert choose_baseline([late, incomplete, early], first_dose_at=DOSE) is late
    assert choose_baseline([late, incomplete, early], first_dose_at=None) is late
    assert choose_baseline([incomplete], first_dose_at=DOSE) is None


def test_baseline_follows_the_clinic_when_it_chooses_another_age():
    filled = Filled(DOSE - timedelta(days=20), 18)
    assert choose_baseline([filled], first_dose_at=DOSE, max_days=21) is filled
