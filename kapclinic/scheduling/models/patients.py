"""When a patient can come, and how: what they said, taken back instead of deleted."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from kapclinic.audit.history import tracked
from kapclinic.scheduling.models.roster import HoursPlace, RosterRow, WeeklyRow, weekly_constraints


class Wish(models.TextChoices):
    """What a patient said about a weekly time."""

    CANNOT = "cannot", "Cannot come"
    PREFERS = "prefers", "Would rather come"


@tracked
class PatientTimes(WeeklyRow):
    """A weekly time in which a patient cannot come, or would rather come."""

    patient = models.ForeignKey(
        "episodes.Patient", on_delete=models.PROTECT, related_name="weekly_availability"
    )
    wish = models.CharField(max_length=10, choices=Wish)

    class Meta:
        ordering = ["weekday", "starts_at"]
        verbose_name_plural = "patient times"
        indexes = [
            models.Index(
                fields=["patient"],
                condition=Q(withdrawn_at__isnull=True),
                name="scheduling_times_of_patient",
            )
        ]
        constraints = weekly_constraints("scheduling_patient_times")


@tracked
class PatientAbsence(RosterRow):
    """A stretch of days and times in which a patient cannot come."""

    patient = models.ForeignKey("episodes.Patient", on_delete=models.PROTECT, related_name="absences")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        ordering = ["starts_at"]
        indexes = [
            models.Index(
                fields=["patient", "starts_at"],
                condition=Q(withdrawn_at__isnull=True),
                name="scheduling_patient_away",
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="scheduling_patient_away_end_after_start", condition=Q(ends_at__gt=F("starts_at"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.patient_id} away"


@tracked
class PatientPlace(RosterRow):
    """How a patient can come: in person, by telehealth, or either; one answer stands."""

    patient = models.ForeignKey("episodes.Patient", on_delete=models.PROTECT, related_name="places")
    place = models.CharField(max_length=10, choices=HoursPlace)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(withdrawn_at__isnull=True),
                name="scheduling_patient_place_once",
            )
        ]

    def __str__(self) -> str:
        return self.get_place_display()
