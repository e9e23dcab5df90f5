"""Findings as they were when they stood, and what prescribers said to them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from episodes.models import Episode
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalEntry, ClinicalRow
from kapclinic.documents.models import Attachment
from kapclinic.documents.notes import never_deleted, row_is_final


class SeverityChoice(models.TextChoices):
    """How far a finding stops treatment; the values are those of the data file."""

    ABSOLUTE = "absolute", "Absolute"
    RELATIVE = "relative-needs-prescriber-decision", "Needs a prescriber's decision"
    INFORMATIONAL = "informational", "For information"


class ScopeChoice(models.TextChoices):
    """How long an answer holds."""

    EPISODE = "episode", "This episode"
    SESSION = "session", "This session only"


@tracked
class Finding(ClinicalRow):
    """A rule that fired, on the evidence of that moment.

    Other evidence for the same code is another finding: the older one is cleared, and what was
    answered to it does not carry over. Findings of a dosing day carry the session's key.
    """

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="findings")
    code = models.CharField(max_length=40)
    severity = models.CharField(max_length=40, choices=SeverityChoice)
    scope = models.CharField(max_length=8, choices=ScopeChoice)
    session_key = models.UUIDField(null=True, blank=True)
    evidence = models.JSONField()
    evidence_hash = models.CharField(max_length=64)
    catalogue_version = models.CharField(max_length=20)
    found_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["found_at"]
        triggers = [never_deleted()]
        indexes = [models.Index(fields=["episode", "cleared_at"], name="screening_finding_standing")]
        constraints = [
            models.UniqueConstraint(
                fields=["episode", "code"],
                condition=Q(cleared_at__isnull=True, session_key__isnull=True),
                name="screening_one_finding_per_code",
            ),
            models.UniqueConstraint(
                fields=["episode", "session_key", "code"],
                condition=Q(cleared_at__isnull=True, session_key__isnull=False),
                name="screening_one_finding_per_code_and_session",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class AnswerOutcome(models.TextChoices):
    """A prescriber's answer to a relative finding."""

    ACCEPT = "accept", "Accept"
    DEFER = "defer", "Defer"
    DECLINE = "decline", "Decline"


@tracked
class FindingAnswer(ClinicalRow):
    """A prescriber's signed answer to a relative finding; the latest one counts, none is ever changed."""

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="answers")
    outcome = models.CharField(max_length=8, choices=AnswerOutcome)
    rationale = models.TextField()
    conditions = models.TextField(blank=True)
    scope = models.CharField(max_length=8, choices=ScopeChoice)
    session_key = models.UUIDField(null=True, blank=True)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()
    content_hash = models.CharField(max_length=64)
    request_key = models.UUIDField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-signed_at"]
        triggers = [row_is_final(), never_deleted()]
        constraints = [
            models.UniqueConstraint(fields=["finding", "request_key"], name="screening_answer_once"),
            models.CheckConstraint(name="screening_answer_has_rationale", condition=~Q(rationale="")),
        ]

    def __str__(self) -> str:
        return self.get_outcome_display()

    @property
    def episode_id(self) -> uuid.UUID:
        """The episode of the finding."""
        return self.finding.episode_id


@tracked
class Correction(ClinicalEntry):
    """Why a prescriber corrected a fact on which an absolute finding rested, with the evidence."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="corrections")
    codes = models.JSONField()
    # The fact that was superseded or struck; none where several answers changed at once.
    fact_type = models.CharField(max_length=60, blank=True)
    fact_id = models.UUIDField(null=True, blank=True)
    reason = models.TextField()
    evidence = models.ForeignKey(Attachment, on_delete=models.PROTECT, related_name="+")
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.CheckConstraint(name="screening_correction_has_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"Correction of {', '.join(self.codes)}"
