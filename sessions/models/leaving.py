"""Leaving: the checklist as it was seen, and how the visit ended."""

from django.db import models
from django.db.models import Q

from kapclinic.audit.history import tracked
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.notes import never_deleted
from sessions.discharge import ENDING_LABELS, Ending
from sessions.models.base import CorrectableEntry, SessionEntry, final_but_for, moment_in_words, person_field
from sessions.models.monitoring import STEP_CHOICES

ENDING_CHOICES = [(ending.value, ENDING_LABELS[ending]) for ending in Ending]


@tracked
class DischargeCheck(SessionEntry):
    """What somebody saw before the patient left. Every look is a row; the latest holds."""

    consent_category = ConsentCategory.SAFETY

    at = models.DateTimeField()
    is_oriented = models.BooleanField("alert and oriented", null=True, blank=True)
    walks_steadily = models.BooleanField(null=True, blank=True)
    nausea = models.PositiveSmallIntegerField(choices=STEP_CHOICES, null=True, blank=True)
    dissociation = models.PositiveSmallIntegerField(choices=STEP_CHOICES, null=True, blank=True)
    escort_name = models.CharField(max_length=150, blank=True)
    escort_seen_at = models.DateTimeField(null=True, blank=True)
    instructions_given = models.BooleanField("written instructions given", default=False)
    phone_given = models.BooleanField("phone number given", default=False)
    risk_rechecked = models.BooleanField("suicide risk asked again", null=True, blank=True)
    mental_status = models.CharField(max_length=500, blank=True)
    checked_by = person_field()

    class Meta(SessionEntry.Meta):
        ordering = ["-at", "-created_at"]
        triggers = [final_but_for(), never_deleted()]
        constraints = [
            *SessionEntry.Meta.constraints,
            models.CheckConstraint(
                name="dosing_check_seen_has_name",
                condition=Q(escort_seen_at__isnull=True) | ~Q(escort_name=""),
            ),
        ]

    def __str__(self) -> str:
        return f"Discharge check {moment_in_words(self.at)}"


@tracked
class SessionEnding(CorrectableEntry):
    """How the visit ended, with the checklist as it stood. `overrides` maps an item to the prescriber's reason."""

    consent_category = ConsentCategory.SAFETY

    ending = models.CharField(max_length=20, choices=ENDING_CHOICES)
    ended_at = models.DateTimeField()
    reason = models.TextField(blank=True)
    transport = models.CharField(max_length=200, blank=True)
    destination = models.CharField(max_length=200, blank=True)
    overrides = models.JSONField(default=dict, blank=True)
    checklist = models.JSONField(default=list, blank=True)
    recorded_by = person_field()

    class Meta(CorrectableEntry.Meta):
        ordering = ["-ended_at"]
        triggers = [final_but_for("superseded_at"), never_deleted()]
        constraints = [
            *CorrectableEntry.Meta.constraints,
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(superseded_at__isnull=True, entered_in_error_at__isnull=True),
                name="dosing_one_ending",
                violation_error_message="The ending of this session is already recorded.",
            ),
            models.CheckConstraint(
                name="dosing_ending_says_why",
                condition=Q(ending="discharged") | ~Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        return self.get_ending_display()
