"""Owned tasks and the inbox. E-mail that tells of them carries no health data."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from kapclinic.accounts.models import Role
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalRow, validate_time_zone


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


class DigestState(models.TextChoices):
    """Where an e-mail is on its way."""

    QUEUED = "queued", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    DROPPED = "dropped", "Not needed any more"


@tracked
class EmailDigest(ClinicalRow):
    """One e-mail to one person: that things wait for them here, how many and where to look, never what they are."""

    receiver = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="email_digests"
    )
    state = models.CharField(max_length=8, choices=DigestState, default=DigestState.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    error_class = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["receiver", "clinic", "-created_at"], name="notices_digest_of_person")
        ]
        constraints = [
            models.CheckConstraint(
                name="notices_digest_sent_has_a_time",
                condition=Q(state="sent", sent_at__isnull=False) | Q(~Q(state="sent"), sent_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()}, {self.created_at:%Y-%m-%d %H:%M}"


@tracked
class DigestItem(ClinicalRow):
    """What a digest tells of. The database keeps each thing out of a second e-mail to the same person."""

    digest = models.ForeignKey(EmailDigest, on_delete=models.PROTECT, related_name="items")
    receiver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(fields=["receiver", "task"], name="notices_task_mailed_once"),
            models.UniqueConstraint(fields=["receiver", "notice"], name="notices_notice_mailed_once"),
            models.CheckConstraint(
                name="notices_digest_item_is_one_thing",
                condition=Q(task__isnull=False, notice__isnull=True)
                | Q(task__isnull=True, notice__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.digest)


@tracked
class EmailChoice(models.Model):
    """What a person chose about e-mail; without a row they get it, on the clinic's clock."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, primary_key=True, related_name="email_choice"
    )
    is_on = models.BooleanField("e-mail me when something waits for me", default=True)
    time_zone = models.CharField("my time zone", max_length=64, blank=True, validators=[validate_time_zone])

    def __str__(self) -> str:
        return "on" if self.is_on else "off"
