"""The contraindication rules: facts in, findings and open questions out. No database, no clock."""

from screening.contraindications.catalogue import Catalogue, Rule, Scope, Severity, catalogue
from screening.contraindications.cutoffs import Cutoffs
from screening.contraindications.evaluation import (
    TAKES_PLACE_OF,
    Evaluation,
    Finding,
    OpenRule,
    Standing,
    ask,
    evaluate,
)
from screening.contraindications.facts import Facts
from screening.contraindications.verdicts import Evidence, MissingFact, Outcome, Verdict

__all__ = [
    "TAKES_PLACE_OF",
    "Catalogue",
    "Cutoffs",
    "Evaluation",
    "Evidence",
    "Facts",
    "Finding",
    "MissingFact",
    "OpenRule",
    "Outcome",
    "Rule",
    "Scope",
    "Severity",
    "Standing",
    "Verdict",
    "ask",
    "catalogue",
    "evaluate",
]
