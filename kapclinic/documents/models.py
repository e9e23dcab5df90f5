"""Attachments, and documents with their snapshot and renditions."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from kapclinic.audit.history import tracked, tracked_without
from kapclinic.clinics.models import ClinicalEntry, ClinicalRow
from kapclinic.documents.notes import never_deleted, row_is_final


@tracked_without("content")
class Blob(ClinicalRow):
    """Bytes, kept apart from what describes them so that no list ever drags them along."""

    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        triggers = [row_is_final(), never_deleted()]
        constraints = [models.UniqueConstraint(fields=["clinic", "sha256"], name="documents_blob_once")]

    def __str__(self) -> str:
        return self.sha256[:12]


class MediaType(models.TextChoices):
    """Kinds of files that are taken."""

    PDF = "application/pdf", "PDF"
    PNG = "image/png", "PNG"
    JPEG = "image/jpeg", "JPEG"


@tracked
class Attachment(ClinicalEntry):
    """A file that belongs to an episode (`subject_id` is the episode's key, or the patient's before there is one)."""

    subject_id = models.UUIDField(db_index=True)
    title = models.CharField(max_length=200)
    filename = models.CharField(max_length=200)
    media_type = models.CharField(max_length=20, choices=MediaType)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    # The date that the paper itself carries, where it has one.
    dated_on = models.DateField(null=True, blank=True)

    class Meta(ClinicalEntry.Meta):
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.title


@tracked
class Document(ClinicalEntry):
    """A document as it was issued: a snapshot in sections that carry consent categories. It never changes.

    `subject_id` is the key of the episode it tells of. `kind` names the app's template and access (documents/kinds.py).
    """

    kind = models.CharField(max_length=40)
    subject_id = models.UUIDField(db_index=True)
    title = models.CharField(max_length=200)
    language = models.CharField(max_length=10, default="en")
    snapshot = models.JSONField()
    content_hash = models.CharField(max_length=64)
    version = models.PositiveIntegerField(default=1)
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded_by"
    )
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta(ClinicalEntry.Meta):
        ordering = ["-issued_at"]
        triggers = [row_is_final(), never_deleted()]

    def __str__(self) -> str:
        return self.title

    @property
    def number(self) -> str:
        """Short identifier as printed: the first eight digits of the key."""
        return self.pk.hex[:8].upper()


class RenditionState(models.TextChoices):
    """Life of a rendition."""

    QUEUED = "queued", "Being made"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


@tracked
class Rendition(ClinicalRow):
    """One PDF of a document, for one audience and consent state."""

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="renditions")
    audience = models.CharField(max_length=60, default="care team")
    # Consent categories withheld from this audience when it was made.
    withheld = models.JSONField(default=list, blank=True)
    state = models.CharField(max_length=6, choices=RenditionState, default=RenditionState.QUEUED)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    sha256 = models.CharField(max_length=64, blank=True)
    pages = models.PositiveIntegerField(null=True, blank=True)
    rendered_at = models.DateTimeField(null=True, blank=True)
    error_class = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="documents_rendition_ready_has_file",
                condition=~Q(state="ready")
                | Q(Q(blob__isnull=False, rendered_at__isnull=False), ~Q(sha256="")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.document} ({self.get_state_display()})"
