"""What a dose owes, the sessions that meet it, what follows from them, plans, and whole courses."""

from integration.models.courses import CourseProposal, CourseState
from integration.models.needs import IntegrationNeed, MissReason, NeedPart, NeedQuerySet
from integration.models.plans import PlanCause, PlanProposal, ProposalState
from integration.models.sessions import (
    ActionStep,
    ActionStepReview,
    IntegrationAddendum,
    IntegrationSession,
    Modality,
    StepOutcome,
    StepQuerySet,
)

__all__ = [
    "ActionStep",
    "ActionStepReview",
    "CourseProposal",
    "CourseState",
    "IntegrationAddendum",
    "IntegrationNeed",
    "IntegrationSession",
    "MissReason",
    "Modality",
    "NeedPart",
    "NeedQuerySet",
    "PlanCause",
    "PlanProposal",
    "ProposalState",
    "StepOutcome",
    "StepQuerySet",
]
