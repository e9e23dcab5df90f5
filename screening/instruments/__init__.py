"""The questionnaires as data, and their arithmetic.

Pure: definitions come from ``data/instruments.json``, answers go in as numbers or ``None``, a :class:`Score` comes
out. Nothing here knows a patient, a clock or a database.
"""

from screening.instruments.definitions import (
    Band,
    ChangeRule,
    Cluster,
    Clusters,
    CutOff,
    FunctionalItem,
    Instrument,
    Item,
    NotIncluded,
    Option,
    SkipRule,
)
from screening.instruments.library import (
    DATA_FILE,
    UnknownInstrument,
    instrument,
    instruments,
    loinc_notice,
    not_included,
)
from screening.instruments.scoring import (
    ClusterCount,
    ClusterResult,
    InvalidAnswer,
    SafetyStatus,
    Score,
    Screen,
    safety_status,
    score,
)

__all__ = [
    "DATA_FILE",
    "Band",
    "ChangeRule",
    "Cluster",
    "ClusterCount",
    "ClusterResult",
    "Clusters",
    "CutOff",
    "FunctionalItem",
    "Instrument",
    "InvalidAnswer",
    "Item",
    "NotIncluded",
    "Option",
    "SafetyStatus",
    "Score",
    "Screen",
    "SkipRule",
    "UnknownInstrument",
    "instrument",
    "instruments",
    "loinc_notice",
    "not_included",
    "safety_status",
    "score",
]
