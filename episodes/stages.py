"""The stages of an episode: one table of allowed edges and who may take each. Every pair not in it is refused."""

from dataclasses import dataclass

from django.db import models

from kapclinic.accounts.models import Role


class Stage(models.TextChoices):
    """Where a patient stands on the way."""

    REFERRED = "referred", "Referred"
    SCREENING = "screening", "Screening"
    PREPARATION = "preparation", "Preparation"
    TREATMENT = "treatment", "Treatment"
    MAINTENANCE = "maintenance", "Maintenance"
    CLOSED = "closed", "Closed"


class CloseReason(models.TextChoices):
    """Why an episode ended."""

    COMPLETED = "completed", "Completed"
    DECLINED = "declined", "Declined"
    INELIGIBLE = "ineligible", "Ineligible"
    WITHDREW = "withdrew", "Withdrew"
    LOST = "lost", "Lost to follow-up"
    TRANSFERRED = "transferred", "Transferred"


@dataclass(frozen=True)
class Edge:
    """One allowed step, who may take it, and the guarded action that is asked first."""

    action: str
    roles: frozenset[Role]


_CARE = frozenset({Role.NURSE, Role.THERAPIST, Role.PRESCRIBER})
_ALL = _CARE | {Role.COORDINATOR}
_DECIDERS = frozenset({Role.THERAPIST, Role.PRESCRIBER})

EDGES: dict[tuple[str, str], Edge] = {
    (Stage.REFERRED, Stage.SCREENING): Edge("stage.start-screening", _ALL),
    (Stage.SCREENING, Stage.PREPARATION): Edge("stage.start-preparation", _ALL),
    (Stage.PREPARATION, Stage.TREATMENT): Edge("stage.start-treatment", _CARE),
    # New findings can send a patient back before another dose.
    (Stage.PREPARATION, Stage.SCREENING): Edge("stage.return-to-screening", _CARE),
    (Stage.TREATMENT, Stage.SCREENING): Edge("stage.return-to-screening", _CARE),
    (Stage.MAINTENANCE, Stage.SCREENING): Edge("stage.return-to-screening", _CARE),
    (Stage.TREATMENT, Stage.MAINTENANCE): Edge("stage.start-maintenance", _DECIDERS),
    (Stage.MAINTENANCE, Stage.TREATMENT): Edge("stage.resume-treatment", _DECIDERS),
    (Stage.REFERRED, Stage.CLOSED): Edge("stage.close", _DECIDERS),
    (Stage.SCREENING, Stage.CLOSED): Edge("stage.close", _DECIDERS),
    (Stage.PREPARATION, Stage.CLOSED): Edge("stage.close", _DECIDERS),
    (Stage.TREATMENT, Stage.CLOSED): Edge("stage.close", _DECIDERS),
    (Stage.MAINTENANCE, Stage.CLOSED): Edge("stage.close", _DECIDERS),
}

JOURNEY = (
    Stage.REFERRED,
    Stage.SCREENING,
    Stage.PREPARATION,
    Stage.TREATMENT,
    Stage.MAINTENANCE,
    Stage.CLOSED,
)


def edge(origin: str, target: str) -> Edge | None:
    """The edge between two stages, or None when the step is not allowed."""
    return EDGES.get((origin, target))


def next_stages(origin: str) -> list[str]:
    """Stages that can follow `origin`, in the journey's order."""
    return [stage for stage in JOURNEY if (origin, stage) in EDGES]
