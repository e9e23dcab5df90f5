"""The questionnaires' wording and arithmetic: each boundary, each trap."""

import hashlib
import json
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.instruments import (
    InvalidAnswer,
    SafetyStatus,
    UnknownInstrument,
    instrument,
    instruments,
    loinc_notice,
    not_included,
    safety_status,
    score,
)

PHQ9, GAD7, AUDIT_C, PCL5 = (instrument(name) for name in ("phq-9", "gad-7", "audit-c", "pcl-5"))

# A released wording never changes in place: a change is a new version, and answers keep the version they
# were given to.
RELEASED_WORDING = {
    ("phq-9", "1"): "7dfe15aadc255858",
    ("gad-7", "1"): "551ecf0e450b06fa",
    ("audit-c", "1"): "50e5d61b53e00224",
    ("pcl-5", "1"): "1ad13a8b7dfe00c7",
}


def wording(definition):
    """Everything that a patient reads, as one digest."""
    text = [definition.stem, definition.recall]
    for item in definition.items:
        text += [
            item.text,
            *(f"{option.value}={option.text}" for option in item.options),
        ]
    if definition.functional_item:
        text += [definition.functional_item.text]
        text += [f"{option.value}={option.text}" for option in definition.functional_item.options]
    return hashlib.sha256(json.dumps(text, ensure_ascii=False).encode()).hexdigest()[:16]


@pytest.mark.parametrize("definition", instruments(), ids=lambda each: each.id)
def test_wording_is_the_released_one_when_the_version_is_the_same(definition):
    assert wording(definition) == RELEASED_WORDING[definition.id, definition.version]


@pytest.mark.parametrize("definition", instruments(), ids=lambda each: each.id)
def test_definition_is_sound_when_loaded(definition):
    assert [item.number for item in definition.items] == list(range(1, len(definition.items) + 1))
    assert len({item.link_id for item in definition.items}) == len(definition.items)
    assert definition.minimum == 0
    assert definition.maximum == sum(max(o.value for o in item.options) for item in definition.items)
    for item in definition.items:
        assert [option.value for option in item.options] == list(range(len(item.options)))
    assert all((definition.attribution, definition.licence, definition.licence_source))
    with pytest.raises(FrozenInstanceError):
        definition.title = "another"


@pytest.mark.parametrize("definition", [PHQ9, GAD7], ids=lambda each: each.id)
def test_bands_cover_the_range_once_when_there_are_bands(definition):
    for total in range(definition.minimum, definition.maximum + 1):
        assert sum(band.minimum <= total <= band.maximum for band in definition.bands) == 1


@pytest.mark.parametrize(
    ("answers", "total", "band"),
    [
        ("000000000", 0, "None-minimal"),
        ("000000001", 1, "None-minimal"),
        ("111100000", 4, "None-minimal"),
        ("111110000", 5, "Mild"),
        ("222210000", 9, "Mild"),
        ("202220001", 9, "Mild"),
        ("222220000", 10, "Moderate"),
        ("012301230", 12, "Moderate"),
        ("222222200", 14, "Moderate"),
        ("222222210", 15, "Moderately severe"),
        ("333332200", 19, "Moderately severe"),
        ("333333200", 20, "Severe"),
        ("333333333", 27, "Severe"),
    ],
)
def test_phq9_total_and_band_when_complete(answers, total, band):
    result = score(PHQ9, [int(digit) for digit in answers])
    assert (result.total, result.band.label, result.is_complete) == (total, band, True)


@pytest.mark.parametrize(
    ("answers", "total", "band"),
    [
        ("0000000", 0, "Minimal"),
        ("1111000", 4, "Minimal"),
        ("1111100", 5, "Mild"),
        ("2222100", 9, "Mild"),
        ("2222200", 10, "Moderate"),
        ("2222222", 14, "Moderate"),
        ("3222222", 15, "Severe"),
        ("3333333", 21, "Severe"),
    ],
)
def test_gad7_total_and_band_when_complete(answers, total, band):
    result = score(GAD7, [int(digit) for digit in answers])
    assert (result.total, result.band.label) == (total, band)
    assert result.safety is None


@pytest.mark.parametrize("blank", range(9))
def test_phq9_has_no_total_and_no_band_when_one_item_is_missing(blank):
    answers = [3] * 9
    answers[blank] = None
    result = score(PHQ9, answers)
    assert (result.total, result.band, result.is_complete) == (None, None, False)
    assert result.missing == (blank + 1,)
    assert result.answered == 8


@pytest.mark.parametrize("bad", [4, -1, 2.0, "2", True, "٢"])
def test_score_refuses_when_the_answer_is_not_an_option(bad):
    with pytest.raises(InvalidAnswer) as refusal:
        score(PHQ9, [0, bad, *[0] * 7])
    assert refusal.value.item == 2


def test_score_refuses_when_the_number_of_answers_is_wrong():
    with pytest.raises(ValueError, match="9 items, got 8"):
        score(PHQ9, [0] * 8)


def test_functional_item_is_never_in_the_total_when_answered():
    assert score(PHQ9, [0] * 9, functional=3).total == 0
    with pytest.raises(InvalidAnswer):
        score(PHQ9, [0] * 9, functional=4)
    with pytest.raises(InvalidAnswer):
        score(AUDIT_C, [0] * 3, functional=0)


@pytest.mark.parametrize(
    ("answers", "functional", "owed"),
    [
        ([0] * 9, None, False),
        ([0] * 8 + [1], None, True),
        ([0] * 8 + [1], 0, False),
        ([None] * 9, None, False),
    ],
)
def test_functional_item_is_owed_when_any_answer_is_above_zero(answers, functional, owed):
    assert score(PHQ9, answers, functional=functional).is_functional_owed is owed


def test_functional_codes_are_out_of_order_when_sorted_by_severity():
    codes = {option.text: option.loinc_answer for option in PHQ9.functional_item.options}
    assert codes["Very difficult"] == "LA6575-0"
    assert codes["Extremely difficult"] == "LA6574-3"
    assert [option.value for option in PHQ9.functional_item.options] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("value", "status", "needs_assessment", "is_urgent"),
    [
        (None, SafetyStatus.MISSING, True, False),
        (0, SafetyStatus.ZERO, False, False),
        (1, SafetyStatus.ONE, True, False),
        (2, SafetyStatus.TWO_OR_MORE, True, True),
        (3, SafetyStatus.TWO_OR_MORE, True, True),
    ],
)
def test_item_nine_status_when_answered_or_blank(value, status, needs_assessment, is_urgent):
    assert safety_status(value) is status
    assert status.needs_assessment is needs_assessment
    assert status.is_urgent is is_urgent
    assert score(PHQ9, [None] * 8 + [value]).safety is status


@pytest.mark.parametrize(
    ("answers", "total", "skipped"),
    [
        ([0, None, None], 0, (2, 3)),
        ([0, 0, None], 0, (3,)),
        ([0, 0, 0], 0, ()),
        ([1, None, None], None, ()),
        ([1, 0, None], None, ()),
        ([None, 0, 0], None, ()),
        ([4, 4, 4], 12, ()),
    ],
)
def test_audit_c_skips_when_the_first_answer_is_never(answers, total, skipped):
    result = score(AUDIT_C, answers)
    assert (result.total, result.skipped) == (total, skipped)


def test_audit_c_keeps_what_was_said_when_the_answers_contradict():
    result = score(AUDIT_C, [0, 0, 3], sex="female")
    assert result.total == 3
    assert result.contradictions == (3,)
    assert result.screen.is_positive


@pytest.mark.parametrize(
    ("sex", "total", "positive"),
    [
        ("male", 3, False),
        ("male", 4, True),
        ("male", 5, True),
        ("female", 2, False),
        ("female", 3, True),
        ("female", 4, True),
        ("intersex", 2, False),
        ("intersex", 3, True),
        (None, 2, False),
        (None, 3, True),
    ],
)
def test_audit_c_cut_off_depends_on_sex_when_complete(sex, total, positive):
    first = min(total, 4)
    result = score(AUDIT_C, [first, 0, total - first] if total > first else [first, 0, 0], sex=sex)
    assert result.total == total
    assert result.screen.is_positive is positive
    assert result.band is None


@pytest.mark.parametrize(
    ("answers", "alone"),
    [([3, 0, 0], True), ([3, 1, 0], False), ([0, None, None], False)],
)
def test_audit_c_says_so_when_all_points_come_from_the_first_item(answers, alone):
    assert score(AUDIT_C, answers).screen.is_first_item_alone is alone


def test_audit_c_uses_the_right_first_question_when_codes_are_read():
    assert AUDIT_C.items[0].loinc == "68518-0"
    assert "68517-2" not in {item.loinc for item in AUDIT_C.items}
    assert AUDIT_C.segment == "substance-use"
    assert not any(option.is_code_verified for item in AUDIT_C.items for option in item.options)


@pytest.mark.parametrize(
    ("total", "cut", "reached"),
    [(30, None, False), (31, None, True), (32, 33, False), (33, 33, True)],
)
def test_pcl5_cut_point_when_the_clinic_chooses_it(total, cut, reached):
    answers = [4] * (total // 4) + ([total % 4] if total % 4 else [])
    answers += [0] * (20 - len(answers))
    result = score(PCL5, answers, cut_point=cut)
    assert result.total == total
    assert result.clusters.is_at_cut_point is reached


@pytest.mark.parametrize(
    ("endorsed", "reached"),
    [
        ((1, 6, 8, 9, 15, 16), True),
        ((6, 8, 9, 15, 16), False),
        ((1, 8, 9, 15, 16), False),
        ((1, 6, 8, 15, 16), False),
        ((1, 6, 8, 9, 15), False),
        ((5, 7, 13, 14, 19, 20), True),
    ],
)
def test_pcl5_clusters_when_items_are_at_two_or_more(endorsed, reached):
    answers = [2 if number in endorsed else 1 for number in range(1, 21)]
    assert score(PCL5, answers).clusters.is_pattern_reached is reached


def test_pcl5_has_neither_bands_nor_clusters_when_incomplete():
    result = score(PCL5, [4] * 19 + [None])
    assert (result.total, result.band, result.clusters) == (None, None, None)
    assert PCL5.bands == ()


def test_no_text_names_a_diagnosis_when_scores_are_shown():
    shown = [band.label for each in instruments() for band in each.bands]
    shown += [group.label for group in PCL5.clusters.groups]
    assert not any(word in " ".join(shown).lower() for word in ("disorder", "diagnos", "ptsd", "depressi"))


def test_instrument_is_unknown_when_id_or_version_is_not_there():
    for wrong in (("phq-2", None), ("phq-9", "0")):
        with pytest.raises(UnknownInstrument):
            instrument(*wrong)


def test_notice_and_exclusions_are_there_when_shown():
    assert "Regenstrief" in loinc_notice()
    assert any("C-SSRS" in each.title and each.why and each.instead for each in not_included())


@given(st.lists(st.none() | st.integers(0, 3), min_size=9, max_size=9))
def test_phq9_total_is_the_sum_or_nothing_whatever_the_answers(answers):
    result = score(PHQ9, answers)
    if None in answers:
        assert (result.total, result.band) == (None, None)
    else:
        assert result.total == sum(answers)
        assert result.band.minimum <= result.total <= result.band.maximum


@given(st.data(), st.sampled_from(instruments()))
def test_total_stays_in_range_and_rises_with_any_answer(data, definition):
    answers = [data.draw(st.integers(0, len(item.options) - 1)) for item in definition.items]
    total = score(definition, answers).total
    assert definition.minimum <= total <= definition.maximum
    place = data.draw(st.integers(0, len(answers) - 1))
    if answers[place] + 1 < len(definition.items[place].options):
        answers[place] += 1
        assert score(definition, answers).total == total + 1
