"""Leaving after a dose: a gate computed from facts, and the endings that pass it or do not.

The gate may refuse the word "discharged". It never refuses that a patient has left: the other endings are
recorded with what was unmet. A prescriber may override an unmet item with a reason; not the two hours of
the REMS, not the escort, and not a dose that still runs.
"""

from sessions.discharge.checklist import (
    DEFAULT_DISCHARGE_LIMITS,
    FIRM_ITEMS,
    REMS_FLOOR_MINUTES,
    DischargeFacts,
    DischargeLimits,
    Gate,
    GateItem,
    Item,
    gate,
)
from sessions.discharge.endings import (
    ENDING_LABELS,
    Ending,
    EndingProblem,
    EndingRequest,
    check_ending,
)

__all__ = [
    "DEFAULT_DISCHARGE_LIMITS",
    "ENDING_LABELS",
    "FIRM_ITEMS",
    "REMS_FLOOR_MINUTES",
    "DischargeFacts",
    "DischargeLimits",
    "Ending",
    "EndingProblem",
    "EndingRequest",
    "Gate",
    "GateItem",
    "Item",
    "check_ending",
    "gate",
]
