"""The prescriber's decision whether a patient may be treated."""

import datetime as dt
import uuid
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from episodes.models import Episode
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalEntry, ClinicalRow, EntryQuerySet
from kapclinic.documents.notes import content_hash, never_deleted, row_is_final


class DecisionOutcome(models.TextChoices):
    """What was decided."""

    ELIGIBLE = "eligible", "Eligible"
    CONDITIONS = "conditions", "Eligible with conditions"
    DEFERRED = "deferred", "Deferred"
    INELIGIBLE = "ineligible", "Ineligible"


CLEARS = (DecisionOutcome.ELIGIBLE, DecisionOutcome.CONDITIONS)


class DecisionQuerySet(EntryQuerySet):
    """Queries over decisions."""

    def of_episode(self, episode: Episode) -> Self:
        """Decisions of one episode, the newest first."""
        return self.filter(episode=episode).order_by("-signed_at")


@tracked
class EligibilityDecision(ClinicalEntry):
    """A signed eligibility decision with what it rested on: every finding with its answer.

    It is final from the moment it is written. It clears for treatment through the end of
    `valid_until`, unless it lapses or a newer one is signed.
    """

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="eligibility_decisions")
    outcome = models.CharField(max_length=10, choices=DecisionOutcome)
    rationale = models.TextField()
    conditions = models.TextField(blank=True)
    valid_until = models.DateField()
    snapshot = models.JSONField()
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()
    signed_on = models.DateField()
    content_hash = models.CharField(max_length=64)
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    objects: ClassVar[DecisionQuerySet] = DecisionQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        ordering = ["-signed_at"]
        triggers = [row_is_final(), never_deleted()]
        indexes = [models.Index(fields=["episode", "-signed_at"], name="screening_decision_latest")]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.CheckConstraint(name="screening_decision_has_rationale", condition=~Q(rationale="")),
            models.CheckConstraint(
                name="screening_decision_names_conditions",
                condition=~Q(outcome="conditions") | ~Q(conditions=""),
            ),
            models.CheckConstraint(
                name="screening_decision_valid_from_signing", condition=Q(valid_until__gte=F("signed_on"))
            ),
        ]

    def __str__(self) -> str:
        return self.get_outcome_display()

    @property
    def clears(self) -> bool:
        """True when the outcome allows treatment."""
        return self.outcome in CLEARS

    @property
    def has_lapsed(self) -> bool:
        """True when a fact changed after signing."""
        return hasattr(self, "lapse")

    def is_in_force_on(self, day: dt.date) -> bool:
        """True while it clears for treatment: through its last valid day, not lapsed, not struck."""
        return self.clears and not self.is_struck and not self.has_lapsed and day <= self.valid_until

    def expected_hash(self) -> str:
        """The hash over what was signed, by whom and when."""
        return content_hash(
            {
                "record": self._meta.label_lower,
                "id": str(self.pk),
                "signed_by": str(self.signed_by_id),
                "signed_at": self.signed_at.isoformat(),
                "outcome": self.outcome,
                "rationale": self.rationale,
                "conditions": self.conditions,
                "valid_until": self.valid_until.isoformat(),
                "snapshot": self.snapshot,
            }
        )


@tracked
class DecisionLapse(ClinicalRow):
    """That a decision no longer holds, and which findings came after it."""

    decision = models.OneToOneField(EligibilityDecision, on_delete=models.PROTECT, related_name="lapse")
    codes = models.JSONField()
    lapsed_at = models.DateTimeField()

    class Meta:
        ordering = ["-lapsed_at"]
        triggers = [row_is_final(), never_deleted()]

    def __str__(self) -> str:
        return f"Lapsed: {', '.join(self.codes)}"

    @property
    def episode_id(self) -> uuid.UUID:
        """The episode of the decision."""
        return self.decision.episode_id
