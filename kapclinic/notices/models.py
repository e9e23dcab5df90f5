"""Owned tasks and the inbox. E-mail that tells of them carries no health data."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from kapclinic.accounts.models import Role
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalRow


class Urgency(models.IntegerChoices):
    """How soon a person must act."""

    ROUTINE = 0, "Routine"
    TODAY = 1, "Today"
    NOW = 2, "Now"


@tracked
class Task(ClinicalRow):
    """Something that a person owes. It belongs to one person, or to whoever holds `role` (on the episode's team first).

    `key` makes opening it twice one task. It is done by a person, or withdrawn when its cause falls away.
    """

    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    detail = models.CharField(max_length=400, blank=True)
    episode = models.ForeignKey(
        "episodes.Episode", on_delete=models.PROTECT, null=True, blank=True, related_name="tasks"
    )
    role = models.CharField(max_length=12, choices=Role)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="tasks"
    )
    urgency = models.PositiveSmallIntegerField(choices=Urgency, default=Urgency.ROUTINE)
    due_at = models.DateTimeField(null=True, blank=True)
    # Address inside the program where the work is done.
    url = models.CharField(max_length=300, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    outcome = models.CharField(max_length=400, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-urgency", "due_at", "created_at"]
        indexes = [
            models.Index(
                fields=["clinic", "role", "person"],
                condition=Q(done_at__isnull=True, withdrawn_at__isnull=True),
                name="notices_task_of_role",
            ),
            models.Index(
                fields=["person"],
                condition=Q(done_at__isnull=True, withdrawn_at__isnull=True),
                name="notices_task_of_person",
            ),
            models.Index(
                fields=["episode"],
                condition=Q(done_at__isnull=True, withdrawn_at__isnull=True),
                name="notices_task_episode",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="notices_task_done_or_withdrawn",
                condition=Q(done_at__isnull=True) | Q(withdrawn_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """True while someone still owes it."""
        return self.done_at is None and self.withdrawn_at is None


@tracked
class Notice(ClinicalRow):
    """A line in a person's inbox."""

    key = models.CharField(max_length=200)
    receiver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notices")
    title = models.CharField(max_length=200)
    url = models.CharField(max_length=300, blank=True)
    urgency = models.PositiveSmallIntegerField(choices=Urgency, default=Urgency.ROUTINE)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["receiver", "key"], name="notices_notice_once_per_person")
        ]
        indexes = [
            models.Index(fields=["receiver"], condition=Q(read_at__isnull=True), name="notices_unread")
        ]

    def __str__(self) -> str:
        return self.title
