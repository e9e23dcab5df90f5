"""Imported questionnaires: the runs that read them, and populations kept as counts."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalRow
from screening.instruments import Instrument, instrument


class ImportDestination(models.TextChoices):
    """Where the rows of a file go."""

    HISTORY = "history", "Patients' history"
    REFERENCE = "reference", "Reference sample of a named population"


class ImportState(models.TextChoices):
    """Life of an import."""

    UPLOADED = "uploaded", "Waiting for you"
    QUEUED = "queued", "Waiting to start"
    CHECKING = "checking", "Checking the file"
    RUNNING = "running", "Importing"
    DONE = "done", "Done"
    REFUSED = "refused", "File refused"
    ABANDONED = "abandoned", "Given up"


@tracked
class ImportBatch(ClinicalRow):
    """One file of answered questionnaires: how it was read and what became of each row."""

    destination = models.CharField(max_length=10, choices=ImportDestination, blank=True)
    file_name = models.CharField(max_length=200)
    file_sha256 = models.CharField(max_length=64)
    file_size = models.PositiveIntegerField("size in bytes")
    mapping_name = models.CharField(max_length=60, blank=True)
    # The whole mapping as it was used, so that a report can be read years later.
    mapping = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=ImportState, default=ImportState.UPLOADED)
    rows_total = models.PositiveIntegerField(null=True, blank=True)
    rows_done = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=dict, blank=True)
    reasons = models.JSONField("why the file was refused", default=list, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    class Meta:
        verbose_name = "import"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["clinic", "-created_at"], name="screening_import_recent")]
        constraints = [
            models.CheckConstraint(
                name="screening_import_ended_has_when",
                condition=Q(state__in=["done", "refused", "abandoned"], finished_at__isnull=False)
                | Q(~Q(state__in=["done", "refused", "abandoned"]), finished_at__isnull=True),
            ),
            models.CheckConstraint(
                name="screening_import_started_has_destination",
                condition=Q(state__in=["uploaded", "refused", "abandoned"]) | ~Q(destination=""),
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_over(self) -> bool:
        """True when nothing more will happen to it."""
        return self.state in (ImportState.DONE, ImportState.REFUSED, ImportState.ABANDONED)

    @property
    def percent_done(self) -> int:
        """Progress in whole per cent; checking the file counts as the first tenth."""
        if self.state in (ImportState.UPLOADED, ImportState.QUEUED, ImportState.CHECKING):
            return 0 if self.state != ImportState.CHECKING else 5
        if self.state == ImportState.RUNNING and self.rows_total:
            return 10 + 90 * min(self.rows_done, self.rows_total) // self.rows_total
        return 100


class ImportChunk(models.Model):
    """A piece of an uploaded file, kept only until the import is over: it may tell of people who are no patients here."""

    rows_may_be_deleted = True

    batch = models.ForeignKey(ImportBatch, on_delete=models.PROTECT, related_name="chunks")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["batch", "number"]
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="screening_chunk_once")]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.number}"


@tracked
class ReferenceSample(models.Model):
    """A named population's answers as counts: no person, no date. Without a clinic it is shared by all of them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(
        "clinics.Clinic", on_delete=models.PROTECT, null=True, blank=True, related_name="reference_samples"
    )
    key = models.SlugField(max_length=80)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    source = models.CharField(max_length=300, blank=True)
    licence = models.CharField(max_length=200, blank=True)
    instrument_id = models.CharField("questionnaire", max_length=20)
    instrument_version = models.CharField(max_length=10)
    people = models.PositiveIntegerField()
    complete = models.PositiveIntegerField()
    total_sum = models.PositiveBigIntegerField()
    # Digest over the rows in any order: the same file again is recognised without keeping anybody's identifier.
    content_digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    class Meta:
        ordering = ["title"]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "key", "instrument_id"], name="screening_sample_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                name="screening_sample_complete_within_people", condition=Q(complete__lte=F("people"))
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def instrument(self) -> Instrument:
        """The questionnaire that the sample answered."""
        return instrument(self.instrument_id, self.instrument_version)

    @property
    def mean(self) -> float | None:
        """Mean total of the complete ones, in points."""
        return self.total_sum / self.complete if self.complete else None


@tracked
class ReferenceCount(models.Model):
    """How many people of a sample have one total (`item` 0) or gave one answer to one item (`value` null: no answer)."""

    sample = models.ForeignKey(ReferenceSample, on_delete=models.PROTECT, related_name="counts")
    item = models.PositiveSmallIntegerField(default=0)
    value = models.PositiveSmallIntegerField(null=True, blank=True)
    people = models.PositiveIntegerField()

    class Meta:
        ordering = ["sample", "item", "value"]
        constraints = [
            models.UniqueConstraint(
                fields=["sample", "item", "value"], name="screening_count_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.sample_id} {self.item}: {self.value}"
