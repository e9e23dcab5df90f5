"""What people changed by hand, as long as it can be undone."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q

from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalRow
from kapclinic.documents.notes import never_deleted
from kapclinic.scheduling.models.appointments import Appointment


@tracked
class HandChange(ClinicalRow):
    """A booking, a move or a cancellation that a person made: how it was before, and whether it was undone.

    `sequence` is the appointment's right after it: another one now means that something was done to it since. `before` holds
    instants in UTC as ISO text, keys as text, and what the patient knew.
    """

    class What(models.TextChoices):
        """What was done."""

        BOOKED = "booked", "Booking"
        MOVED = "moved", "Move"
        CANCELLED = "cancelled", "Cancellation"

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="hand_changes")
    what = models.CharField(max_length=10, choices=What)
    sequence = models.PositiveIntegerField()
    before: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-created_at", "-sequence"]
        triggers: ClassVar = [never_deleted()]
        constraints = [
            models.UniqueConstraint(
                fields=["appointment", "sequence"], name="scheduling_one_hand_change_a_step"
            ),
            models.CheckConstraint(
                name="scheduling_hand_change_has_a_person", condition=Q(created_by__isnull=False)
            ),
            models.CheckConstraint(
                name="scheduling_undone_has_who_and_when",
                condition=Q(undone_at__isnull=True, undone_by__isnull=True)
                | Q(undone_at__isnull=False, undone_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.get_what_display()

    @property
    def episode_id(self) -> UUID | None:
        """Whose it is, for the access policy."""
        return self.appointment.episode_id

    @property
    def episode(self) -> Any | None:
        """The episode of its appointment."""
        return self.appointment.episode
