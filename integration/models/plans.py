"""Plans that a person decides on: what would move, from where to where, and what was done of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalRow
from kapclinic.documents.notes import never_deleted


class PlanCause(models.TextChoices):
    """Why a plan was looked for."""

    ABSENCE = "absence", "Somebody is away"
    ROOM = "room", "A room is lost"
    HOURS = "hours", "Hours or holidays changed"
    DOSE = "dose", "A dose moved"
    REPAIR = "repair", "A repair for one session"
    ASKED = "asked", "Somebody asked"


class ProposalState(models.TextChoices):
    """Life of a proposal."""

    OPEN = "open", "Waits for a decision"
    APPLIED = "applied", "Applied"
    UNDONE = "undone", "Undone"
    DROPPED = "dropped", "Not applied"


@tracked
class PlanProposal(ClinicalRow):
    """One plan, as it was shown. Times of sessions that patients know move through it alone, when a person applies it.

    `changes`: one dict a session with `need` (None: an appointment that only changes its room), `appointment`, its `sequence`,
    `why` it moves, and `before` and `after` (starts_at and ends_at as ISO instants, person, room, place, told); where it was
    applied also `applied_sequence`. `unplaced`: `need`, `reasons`, and `offers` that would help. `others`: appointments that
    are touched at `starts_at` and that no plan moves, with `why`. `remedy`: what a repair asks for besides
    (`integration/repairs.py`), and where it was applied what was made of it.
    """

    key = models.CharField(max_length=120, unique=True)
    cause = models.CharField(max_length=10, choices=PlanCause)
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=8, choices=ProposalState, default=ProposalState.OPEN)
    changes = models.JSONField(default=list)
    unplaced = models.JSONField(default=list)
    others = models.JSONField(default=list, blank=True)
    remedy = models.JSONField(default=dict, blank=True)
    # By what it was brought about (`services/planning/losing.py`), to look again.
    about = models.JSONField(default=dict, blank=True)
    is_proven = models.BooleanField(default=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-created_at"]
        triggers = [never_deleted()]
        indexes = [models.Index(fields=["clinic", "-created_at"], name="integration_plans_of_clinic")]
        constraints = [
            models.CheckConstraint(
                name="integration_plan_decided_has_who",
                condition=Q(state="open", decided_at__isnull=True, decided_by__isnull=True)
                | Q(~Q(state="open"), Q(decided_at__isnull=False, decided_by__isnull=False)),
            ),
            models.CheckConstraint(
                name="integration_plan_undone_has_who",
                condition=Q(state="undone", undone_at__isnull=False, undone_by__isnull=False)
                | Q(~Q(state="undone"), Q(undone_at__isnull=True, undone_by__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """True while nobody decided."""
        return self.state == ProposalState.OPEN
