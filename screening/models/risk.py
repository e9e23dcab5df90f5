"""Suicide-risk assessments: owed, then recorded by a clinician."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from episodes.models import Episode
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalEntry
from kapclinic.documents.notes import never_deleted


class RiskOutcome(models.TextChoices):
    """Outcome of an assessment, from none to imminent."""

    NONE = "none", "No thoughts of suicide"
    PASSIVE = "passive", "Passive thoughts (wish to be dead)"
    ACTIVE_NO_INTENT = "active-no-intent", "Active thoughts without intent"
    INTENT_OR_PLAN = "intent-or-plan", "Intent or plan"
    IMMINENT = "imminent", "Imminent: intent with plan, or an attempt in the last 24 hours"


class Disposition(models.TextChoices):
    """What follows from an assessment."""

    CONTINUE = "continue", "Care goes on as planned"
    SAFETY_PLAN = "safety-plan", "Safety plan made or renewed"
    CLOSER_FOLLOW_UP = "closer-follow-up", "Closer follow-up"
    EMERGENCY = "emergency", "Emergency care"
    HOSPITAL = "hospital", "Admitted to hospital"


class RiskState(models.TextChoices):
    """Life of an assessment."""

    OPEN = "open", "Owed"
    RECORDED = "recorded", "Recorded"
    WITHDRAWN = "withdrawn", "No longer owed"


@tracked
class RiskAssessment(ClinicalEntry):
    """One suicide-risk assessment. While it is open no dose is ordered or started.

    The method is named in free text: no instrument's wording is kept here. `reasons` says why it was
    opened, in sentences; `response_id` is the questionnaire that opened it.
    """

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="risk_assessments")
    state = models.CharField(max_length=10, choices=RiskState, default=RiskState.OPEN)
    reasons = models.JSONField(default=list)
    is_urgent = models.BooleanField(default=False)
    response_id = models.UUIDField(null=True, blank=True)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    outcome = models.CharField(max_length=16, choices=RiskOutcome, blank=True)
    method = models.CharField("how it was assessed", max_length=200, blank=True)
    protective_plan = models.TextField("what protects, and the plan", blank=True)
    disposition = models.CharField(max_length=20, choices=Disposition, blank=True)
    unchanged_since = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    assessed_at = models.DateTimeField(null=True, blank=True)
    assessed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    by_prescriber = models.BooleanField(default=False)
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    class Meta:
        ordering = ["-opened_at"]
        triggers = [
            pgtrigger.Trigger(
                name="recorded_is_final",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.state = 'recorded'"),
                func="""
                    IF (to_jsonb(NEW) - ARRAY['entered_in_error_at', 'entered_in_error_by_id',
                                              'entered_in_error_reason'])
                       IS DISTINCT FROM
                       (to_jsonb(OLD) - ARRAY['entered_in_error_at', 'entered_in_error_by_id',
                                              'entered_in_error_reason']) THEN
                        RAISE EXCEPTION 'a recorded assessment cannot be changed'
                            USING ERRCODE = 'integrity_constraint_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            never_deleted(),
        ]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.UniqueConstraint(
                fields=["episode"],
                condition=Q(state="open", entered_in_error_at__isnull=True),
                name="screening_one_open_risk_assessment",
            ),
            models.CheckConstraint(
                name="screening_recorded_risk_has_who_and_what",
                condition=~Q(state="recorded")
                | Q(
                    ~Q(outcome=""),
                    ~Q(method=""),
                    ~Q(disposition=""),
                    assessed_at__isnull=False,
                    assessed_by__isnull=False,
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.get_outcome_display() if self.outcome else "Suicide-risk assessment owed"

    @property
    def is_open(self) -> bool:
        """True while it is owed."""
        return self.state == RiskState.OPEN and not self.is_struck
