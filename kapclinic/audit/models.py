"""The record itself: who reached for what, what was unusual about it, and the seals over all of it.

Keys of people, clinics, patients and episodes stand here as plain values: the record is the lowest room, and it outlives and
never constrains what it tells of. kapclinic/audit/protection.py keeps these tables append-only in the database.
"""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone


class AppendOnly(models.Model):
    """Base of the tables whose rows are added and never touched again."""

    id = models.BigAutoField(primary_key=True)

    class Meta:
        abstract = True


class Outcome(models.TextChoices):
    """How a try ended."""

    ALLOWED = "allowed", "Let in"
    FORBIDDEN = "forbidden", "Refused (403)"
    NOT_FOUND = "not-found", "Nothing found (404)"
    SIGNED_IN = "signed-in", "Signed in"
    SIGNED_OUT = "signed-out", "Signed out"
    FAILED = "failed", "Sign-in failed"
    LOCKED_OUT = "locked-out", "Locked out"


DENIED = frozenset({Outcome.FORBIDDEN, Outcome.NOT_FOUND, Outcome.FAILED, Outcome.LOCKED_OUT})


class AccessEventQuerySet(models.QuerySet["AccessEvent"]):
    """Queries over access events."""

    def reads(self) -> Self:
        """Whatever was let in and is about one patient."""
        return self.filter(outcome=Outcome.ALLOWED).filter(
            Q(patient_id__isnull=False) | Q(episode_id__isnull=False)
        )


class AccessEvent(AppendOnly):
    """One try to reach something: a page, a file, an export, a sign-in. Names and keys alone, never clinical text.

    `url_name` is the address's name and not the address; `rows` is how many rows a list showed; `relation` is how the person
    stood to the thing when the access table let them in; `request` ties the event to the history of the same request.
    """

    at = models.DateTimeField(default=timezone.now)
    user_id = models.UUIDField(null=True)
    clinic_id = models.UUIDField(null=True)
    action = models.CharField(max_length=60)
    outcome = models.CharField(max_length=10, choices=Outcome)
    relation = models.CharField(max_length=60, blank=True)
    patient_id = models.UUIDField(null=True)
    episode_id = models.UUIDField(null=True)
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    url_name = models.CharField(max_length=100, blank=True)
    method = models.CharField(max_length=7, blank=True)
    rows = models.PositiveIntegerField(null=True)
    client_address = models.GenericIPAddressField(null=True)
    request = models.CharField(max_length=32, blank=True)

    objects: ClassVar[AccessEventQuerySet] = AccessEventQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["clinic_id", "-at"], name="audit_access_of_clinic"),
            models.Index(fields=["user_id", "-at"], name="audit_access_of_person"),
            models.Index(
                fields=["patient_id", "-at"], name="audit_access_of_patient", condition=Q(patient_id__isnull=False)
            ),
            models.Index(
                fields=["episode_id", "-at"], name="audit_access_of_episode", condition=Q(episode_id__isnull=False)
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.action}: {self.get_outcome_display()}"


class Oddity(models.TextChoices):
    """What is unusual about a read."""

    OFF_TEAM = "off-team", "Not on the care team"
    MANY = "many", "Many patients in an hour"
    NIGHT = "night", "At night"
    FAMILY_NAME = "family-name", "Patient of the same family name"


class UnusualRead(AppendOnly):
    """Reads that a manager should look at. `key` makes a second look at the same hours add nothing.

    `number` counts the patients (for "many") or the reads (for the others).
    """

    clinic_id = models.UUIDField()
    kind = models.CharField(max_length=12, choices=Oddity)
    key = models.CharField(max_length=160, unique=True)
    user_id = models.UUIDField()
    patient_id = models.UUIDField(null=True)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    number = models.PositiveIntegerField()
    found_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-first_at", "-id"]
        indexes = [models.Index(fields=["clinic_id", "-first_at"], name="audit_unusual_of_clinic")]

    def __str__(self) -> str:
        return self.get_kind_display()


class Verdict(models.TextChoices):
    """What a manager found."""

    EXPLAINED = "explained", "Explained: part of the work"
    NOT_EXPLAINED = "not-explained", "Not explained: to be followed up"


class ReadReview(AppendOnly):
    """A manager's answer to one unusual read; final."""

    unusual = models.OneToOneField(UnusualRead, on_delete=models.PROTECT, related_name="review")
    verdict = models.CharField(max_length=14, choices=Verdict)
    comment = models.TextField()
    reviewed_by = models.UUIDField()
    reviewed_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="audit_review_has_comment", condition=~Q(comment=""))]

    def __str__(self) -> str:
        return self.get_verdict_display()


class Seal(models.Model):
    """One link of the chain: every row of the record with a position in [from_position, upto_position).

    `head` is HMAC-SHA256 over the head before it and over everything that this link and its parts say. The first link's
    `previous_head` is random and names the chain.
    """

    number = models.BigIntegerField(primary_key=True)
    sealed_at = models.DateTimeField()
    from_position = models.BigIntegerField()
    upto_position = models.BigIntegerField()
    row_count = models.PositiveIntegerField()
    key_id = models.CharField(max_length=32)
    previous_head = models.CharField(max_length=64)
    head = models.CharField(max_length=64)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.CheckConstraint(name="audit_seal_numbers_from_one", condition=Q(number__gte=1)),
            models.CheckConstraint(
                name="audit_seal_moves_on", condition=Q(upto_position__gt=models.F("from_position"))
            ),
        ]

    def __str__(self) -> str:
        return f"seal {self.number}"


class SealPart(AppendOnly):
    """What one seal says of one table: its rows' keys and their codes (HMAC-SHA256, 32 bytes each), in sealed order.

    `columns` are those that the codes cover, so that a column added later changes nothing.
    """

    seal = models.ForeignKey(Seal, on_delete=models.PROTECT, related_name="parts")
    table = models.CharField(max_length=63)
    columns = models.TextField()
    row_ids = models.TextField()
    codes = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["seal", "table"], name="audit_one_part_per_table")]

    def __str__(self) -> str:
        return f"{self.table} in {self.seal_id}"
