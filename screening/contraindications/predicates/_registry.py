"""The table of predicates: one function a code, and nothing else decides whether a code fires."""

from __future__ import annotations

from collections.abc import Callable

from screening.contraindications.cutoffs import Cutoffs
from screening.contraindications.facts import Facts
from screening.contraindications.verdicts import Verdict

Predicate = Callable[[Facts, Cutoffs], Verdict]

PREDICATES: dict[str, Predicate] = {}


def predicate(code: str) -> Callable[[Predicate], Predicate]:
    """Register the decorated function as the predicate of ``code``. A second one raises ``ValueError``."""

    def register(function: Predicate) -> Predicate:
        if code in PREDICATES:
            raise ValueError(f"{code} has a predicate already: {PREDICATES[code].__name__}")
        PREDICATES[code] = function
        return function

    return register
