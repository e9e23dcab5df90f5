"""What each thing of screening tells of, as a sharing consent calls it. Pure: the rule itself is `episodes.sharing`.

Substance use (42 CFR Part 2): AUDIT-C, the history and conditions of the system "Alcohol and other substances", toxicology,
medications that treat a substance use disorder, and the findings that rest on these. POLICY: suspected intoxication at the
door is the safety of that day and stays with it; free text is as its writer chose.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from kapclinic.documents.categories import ConsentCategory
from screening.contraindications import catalogue
from screening.instruments import Instrument
from screening.medications import segments_of
from screening.questions import CONDITION_KINDS, QUESTION_BY_KEY, SUBSTANCES

_SUBSTANCE_RULES = "substance"
# A rule about one medication that treats a substance use disorder says which one by its name.
_NAMES_A_TREATMENT = frozenset({"MED-NALTREXONE"})
_SUBSTANCE_KINDS = frozenset(kind.key for kind in CONDITION_KINDS if kind.system == SUBSTANCES)


def category_of_instrument(definition: Instrument) -> ConsentCategory:
    """An instrument's own segment where its definition names one, else outcome scores."""
    return ConsentCategory(definition.segment) if definition.segment else ConsentCategory.SCORES


def category_of_rule(code: str) -> ConsentCategory:
    """What a finding of this rule tells of; safety for codes that the catalogue does not know (of the door)."""
    return ConsentCategory.SUBSTANCE_USE if code in _telling_rules() else ConsentCategory.SAFETY


@lru_cache(maxsize=1)
def _telling_rules() -> frozenset[str]:
    return _NAMES_A_TREATMENT | {rule.code for rule in catalogue().rules if rule.category == _SUBSTANCE_RULES}


def withholdable(code: str) -> str:
    """The category of a reason to refuse that names this rule: empty where nothing is ever withheld."""
    category = category_of_rule(code)
    return "" if category is ConsentCategory.SAFETY else category.value


def category_of_question(key: str) -> ConsentCategory:
    """What the answer to a history question tells of."""
    question = QUESTION_BY_KEY.get(key)
    is_substance = question is not None and question.system == SUBSTANCES
    return ConsentCategory.SUBSTANCE_USE if is_substance else ConsentCategory.SAFETY


def category_of_condition(kind: str) -> ConsentCategory:
    """What a condition of this kind tells of."""
    return ConsentCategory.SUBSTANCE_USE if kind in _SUBSTANCE_KINDS else ConsentCategory.SAFETY


def category_of_medication(ingredients: Iterable[str]) -> ConsentCategory:
    """Medication, unless an ingredient gives a substance use disorder away."""
    if ConsentCategory.SUBSTANCE_USE in segments_of(ingredients):
        return ConsentCategory.SUBSTANCE_USE
    return ConsentCategory.MEDICATION


def category_of_event(kind: str, data: Mapping[str, object]) -> ConsentCategory | None:
    """What a line of the log about a finding tells of, where its code gives more away than its kind."""
    code = data.get("code")
    if kind == "finding.found" and isinstance(code, str):
        return category_of_rule(code)
    return None
