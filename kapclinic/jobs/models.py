"""Jobs: the truth of what must happen. The broker is only a hint."""

import uuid
from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from kapclinic.clinics.models import Clinic


class JobState(models.TextChoices):
    """Life of a job."""

    PENDING = "pending", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class JobQueue(models.TextChoices):
    """Queues with workers of their own."""

    DEFAULT = "default", "Default"
    DOCUMENTS = "documents", "Documents"


class JobQuerySet(models.QuerySet["Job"]):
    """Queries over jobs."""

    def due(self, now: datetime) -> Self:
        """Jobs to take now: waiting and due, or running with a lease that ran out."""
        return self.filter(
            Q(state=JobState.PENDING, due_at__lte=now) | Q(state=JobState.RUNNING, lease_until__lt=now)
        ).order_by("due_at", "id")

    def failed(self) -> Self:
        """Jobs that gave up and wait for a person."""
        return self.filter(state=JobState.FAILED)


class Job(models.Model):
    """One piece of work, identified by `key`: asking for the same key again asks for the same work again.

    `payload` holds ids only, never clinical text.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=200, unique=True)
    queue = models.CharField(max_length=12, choices=JobQueue, default=JobQueue.DEFAULT)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=JobState, default=JobState.PENDING)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    due_at = models.DateTimeField()
    deadline_at = models.DateTimeField(null=True, blank=True)
    # Counts how often the work was asked for: asked again while running, it runs once more.
    asked = models.PositiveIntegerField(default=1)
    attempts = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField(default=8)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    last_error_class = models.CharField(max_length=200, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[JobQuerySet] = JobQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        ordering = ["due_at"]
        indexes = [
            models.Index(fields=["queue", "due_at"], condition=Q(state="pending"), name="jobs_waiting"),
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="jobs_leased"),
            models.Index(fields=["clinic", "last_error_at"], condition=Q(state="failed"), name="jobs_failed"),
        ]
        constraints = [
            models.CheckConstraint(
                name="jobs_running_has_a_lease",
                condition=Q(state="running", lease_token__isnull=False, lease_until__isnull=False)
                | Q(~Q(state="running"), lease_token__isnull=True, lease_until__isnull=True),
            ),
            models.CheckConstraint(
                name="jobs_done_has_an_end",
                condition=Q(state="done", finished_at__isnull=False)
                | Q(~Q(state="done"), finished_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.state})"

    @property
    def kind_words(self) -> str:
        """The kind as people read it: "Send invitation"."""
        return " ".join(self.kind.replace(".", ": ").replace("_", " ").replace("-", " ").split()).capitalize()


class Heartbeat(models.Model):
    """When something regular last happened (the sweep)."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
