"""What of screening tells of substance use, by its own data."""

import pytest

from kapclinic.documents.categories import ConsentCategory
from screening.contraindications import catalogue
from screening.instruments import instrument, instruments
from screening.medications import recognise
from screening.questions import CONDITION_KINDS, QUESTIONS
from screening.segments import (
    category_of_condition,
    category_of_event,
    category_of_instrument,
    category_of_medication,
    category_of_question,
    category_of_rule,
    withholdable,
)

SUBSTANCE_USE = ConsentCategory.SUBSTANCE_USE


def test_substance_use_is_what_the_data_say_and_nothing_else() -> None:
    assert [each.id for each in instruments() if category_of_instrument(each) is SUBSTANCE_USE] == ["audit-c"]
    assert category_of_instrument(instrument("phq-9")) is ConsentCategory.SCORES
    assert {each.key for each in QUESTIONS if category_of_question(each.key) is SUBSTANCE_USE} == {
        "substance_use",
        "ketamine_misuse",
    }
    assert {each.key for each in CONDITION_KINDS if category_of_condition(each.key) is SUBSTANCE_USE} == {
        "substance_use",
        "ketamine_misuse",
    }
    telling = {code for code in catalogue().codes if category_of_rule(code) is SUBSTANCE_USE}
    assert telling == {"CI-SUD-ACTIVE", "CI-KETAMINE-MISUSE", "CI-ALCOHOL-SCREEN", "MED-NALTREXONE"}
    assert {code for code in catalogue().codes if withholdable(code)} == telling


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("Suboxone 8/2 mg film", SUBSTANCE_USE),
        ("methadone 40 mg", SUBSTANCE_USE),
        ("Vivitrol", SUBSTANCE_USE),
        ("Antabuse", SUBSTANCE_USE),
        ("Campral", SUBSTANCE_USE),
        ("oxycodone 5 mg", ConsentCategory.MEDICATION),
        ("sertraline", ConsentCategory.MEDICATION),
        ("no such thing", ConsentCategory.MEDICATION),
    ],
)
def test_medication_tells_of_substance_use_by_its_ingredients(name: str, category: ConsentCategory) -> None:
    assert category_of_medication(recognise(name).ingredients) is category


def test_line_of_the_log_tells_of_what_its_finding_is_about() -> None:
    assert category_of_event("finding.found", {"code": "CI-SUD-ACTIVE"}) is SUBSTANCE_USE
    assert category_of_event("finding.found", {"code": "CI-LIVER"}) is ConsentCategory.SAFETY
    assert category_of_event("finding.found", {}) is None
    assert category_of_event("stage.moved", {"code": "CI-SUD-ACTIVE"}) is None
