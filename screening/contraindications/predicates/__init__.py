"""One named predicate for each of the 62 codes."""

from screening.contraindications.predicates import (
    cardiovascular,
    day,
    medication,
    neurological,
    organs,
    person,
    psychiatric,
)
from screening.contraindications.predicates._registry import PREDICATES, Predicate

__all__ = [
    "PREDICATES",
    "Predicate",
    "cardiovascular",
    "day",
    "medication",
    "neurological",
    "organs",
    "person",
    "psychiatric",
]
