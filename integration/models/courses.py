"""A whole course as it was proposed: every dose with its sessions, before anything is booked."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from episodes.models import Episode
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalRow
from kapclinic.documents.notes import never_deleted


class CourseState(models.TextChoices):
    """Life of a proposed course."""

    OPEN = "open", "Not booked yet"
    BOOKED = "booked", "Booked"
    UNDONE = "undone", "Taken back"
    DROPPED = "dropped", "Not booked"


@tracked
class CourseProposal(ClinicalRow):
    """One course, as it was shown. `version` counts what was shown: only what a person saw last is booked.

    `asked`: the wishes, as `CourseAsk` writes them. `doses`: one dict a dose with `number`, `is_on`, `starts_at` and `ends_at`
    (ISO instants; None without a time), `room`, `others` (other beginnings) and `reasons`. `sessions`: one dict a session with
    `dose`, `talk`, `is_on`, `starts_at`, `ends_at`, `person`, `room`, `place` and `prepares`. `missing`: `dose`, `talk` and
    `reasons`. What was booked also has `appointment` and its `sequence`.
    """

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="course_proposals")
    key = models.UUIDField(unique=True, editable=False)
    state = models.CharField(max_length=8, choices=CourseState, default=CourseState.OPEN)
    version = models.PositiveIntegerField(default=1)
    asked = models.JSONField(default=dict)
    doses = models.JSONField(default=list)
    sessions = models.JSONField(default=list)
    missing = models.JSONField(default=list)
    is_proven = models.BooleanField(default=True)
    looked_at = models.DateTimeField()
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
        indexes = [models.Index(fields=["episode", "-created_at"], name="integration_courses_of_episode")]
        constraints = [
            models.CheckConstraint(
                name="integration_course_decided_has_who",
                condition=Q(state="open", decided_at__isnull=True, decided_by__isnull=True)
                | Q(~Q(state="open"), Q(decided_at__isnull=False, decided_by__isnull=False)),
            ),
            models.CheckConstraint(
                name="integration_course_undone_has_who",
                condition=Q(state="undone", undone_at__isnull=False, undone_by__isnull=False)
                | Q(~Q(state="undone"), Q(undone_at__isnull=True, undone_by__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"Course of {len(self.doses)} doses"

    @property
    def is_open(self) -> bool:
        """True while nobody decided."""
        return self.state == CourseState.OPEN
