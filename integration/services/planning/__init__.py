"""Planning by the program: gathering what waits, solving it, and booking the plan."""

from integration.services.planning.applying import Applied, apply_plan
from integration.services.planning.deciding import (
    applied_repair,
    apply_proposal,
    drop_proposal,
    undo_proposal,
)
from integration.services.planning.explaining import Explanation, Help, explain_need
from integration.services.planning.gathering import Gathered, gather, waiting_needs
from integration.services.planning.inducting import (
    MOST_INDUCTIONS,
    InductionCapacity,
    induction_capacity,
)
from integration.services.planning.outlook import Outlook, outlook_for
from integration.services.planning.proposing import follow_loss, look_again, propose_plan
from integration.services.planning.repairing import apply_repair
from integration.services.planning.running import plan_need, plan_waiting

__all__ = [
    "MOST_INDUCTIONS",
    "Applied",
    "Explanation",
    "Gathered",
    "Help",
    "InductionCapacity",
    "Outlook",
    "applied_repair",
    "apply_plan",
    "apply_proposal",
    "apply_repair",
    "drop_proposal",
    "explain_need",
    "follow_loss",
    "gather",
    "induction_capacity",
    "look_again",
    "outlook_for",
    "plan_need",
    "plan_waiting",
    "propose_plan",
    "undo_proposal",
    "waiting_needs",
]
