"""Planning by the program: gathering what waits, solving it, and booking the plan."""

from integration.services.planning.applying import Applied, apply_plan
from integration.services.planning.gathering import Gathered, gather, waiting_needs
from integration.services.planning.running import plan_need, plan_waiting

__all__ = ["Applied", "Gathered", "apply_plan", "gather", "plan_need", "plan_waiting", "waiting_needs"]
