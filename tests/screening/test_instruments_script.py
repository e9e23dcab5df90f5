"""The page's live score says what the server's rules say, for every vector."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import Browser, Page

from screening.instruments import instruments, score
from screening.views.responses import _rules

SCRIPT = Path(__file__).parents[2] / "static" / "js" / "questionnaire.js"


@pytest.fixture
def script(browser: Browser) -> Iterator[Page]:
    """An empty page with the questionnaire's script."""
    page = browser.new_page()
    page.add_script_tag(content=SCRIPT.read_text(encoding="utf-8").replace("const KapQ", "var KapQ", 1))
    yield page
    page.close()


def vectors(definition):
    """Every boundary of the total, blanks, and many mixed answers; the same in each run."""
    chance = Random(definition.id)
    most = [len(item.options) - 1 for item in definition.items]
    for total in range(definition.maximum + 1):
        left, answers = total, []
        for highest in most:
            answers.append(min(left, highest))
            left -= answers[-1]
        yield answers
    for _ in range(200):
        yield [chance.choice([None, *range(highest + 1), 0]) for highest in most]
    yield [None] * len(most)
    yield [0, *[None] * (len(most) - 1)]


@pytest.mark.parametrize("definition", instruments(), ids=lambda each: each.id)
def test_script_agrees_with_the_server_when_scoring(script, definition):
    rules = json.loads(_rules(definition, cut_off=None, cut_point=None, shows_score=True))
    cases = list(vectors(definition))
    keyed = [{str(number): value for number, value in enumerate(each, start=1)} for each in cases]
    shown = script.evaluate(
        "([rules, cases]) => cases.map((answers) => KapQuestionnaire.score(rules, answers))", [rules, keyed]
    )
    for answers, result in zip(cases, shown, strict=True):
        expected = score(definition, answers)
        assert result["total"] == expected.total, answers
        assert result["band"] == (expected.band.label if expected.band else None)
        assert result["missing"] == list(expected.missing)
