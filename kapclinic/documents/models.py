"""Attachments, and documents with their snapshot and renditions."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from kapclinic.audit.history import tracked, tracked_without
from kapclinic.clinics.models import ClinicalEntry, ClinicalRow
from kapclinic.documents.notes import content_hash, never_deleted, row_is_final


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

    def hash_now(self) -> str:
        """What `content_hash` must be: the hash over everything that the document says, as it is stored now."""
        return content_hash(
            {
                "kind": self.kind,
                "subject_id": str(self.subject_id),
                "title": self.title,
                "language": self.language,
                "version": self.version,
                "snapshot": self.snapshot,
            }
        )


class RenditionState(models.TextChoices):
    """Life of a rendition."""

    QUEUED = "queued", "Being made"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


@tracked
class Rendition(ClinicalRow):
    """One PDF of a document, for one audience and consent state; its hash is kept for good, so that the file can be checked.

    `created_by` is who asked for it. It is served as long as `fingerprint` says what its reader may see at that moment
    (documents.reading); after that it stays on record, and another is made.
    """

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="renditions")
    audience = models.CharField(max_length=60)
    # The person outside whom it was made out to; empty for the clinic's own people.
    addressee = models.CharField(max_length=300, blank=True)
    # Consent categories withheld from this audience when it was made, and the keys of the sections that they hide.
    withheld = models.JSONField(default=list, blank=True)
    withheld_sections = models.JSONField(default=list, blank=True)
    # Pairs of category and the notice that its sections carry.
    notices = models.JSONField(default=list, blank=True)
    # What it says across its first page when another version stands in its place.
    standing_words = models.CharField(max_length=200, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    # Subject and serial number of the certificate that it was signed with (PAdES).
    signed_with = models.CharField(max_length=300, blank=True)
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
            ),
            models.UniqueConstraint(
                fields=["document", "audience", "fingerprint"],
                condition=~Q(fingerprint=""),
                name="documents_rendition_once_per_state",
            ),
        ]
        indexes = [models.Index(fields=["sha256"], name="documents_rendition_by_hash")]

    def __str__(self) -> str:
        return f"{self.document} ({self.get_state_display()})"


class Medium(models.TextChoices):
    """How something reached its receiver."""

    PAGE = "page", "Shown on screen"
    PDF = "pdf", "PDF opened here"
    PAPER = "paper", "Handed over on paper"
    FAX = "fax", "Faxed"
    LETTER = "letter", "Sent by letter"
    SECURE_MAIL = "secure-mail", "Sent by encrypted e-mail"
    SPOKEN = "spoken", "Told"


class DisclosureBasis(models.TextChoices):
    """What a disclosure rested on."""

    TREATMENT = "treatment", "Treatment (45 CFR 164.506)"
    CONSENT = "consent", "Sharing consent"
    EMERGENCY = "emergency", "Emergency"
    PATIENT = "patient", "The patient's own copy"


@tracked
class Disclosure(ClinicalRow):
    """Something of the record that reached a person: what, to whom, when, how, on what ground. It never changes.

    `subject_id` is the key of the episode. A person who reads the same thing again in the same consent state makes no second
    row. `until` is set where an emergency opened what is withheld: the receiver sees it up to then.
    """

    subject_id = models.UUIDField(db_index=True)
    what = models.CharField(max_length=200)
    document = models.ForeignKey(
        Document, on_delete=models.PROTECT, null=True, blank=True, related_name="disclosures"
    )
    rendition = models.ForeignKey(
        Rendition, on_delete=models.PROTECT, null=True, blank=True, related_name="disclosures"
    )
    receiver = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    receiver_name = models.CharField(max_length=300)
    receiver_part = models.CharField(max_length=60, blank=True)
    medium = models.CharField(max_length=12, choices=Medium)
    # Consent categories that were shown and those that were withheld.
    shown = models.JSONField(default=list, blank=True)
    withheld = models.JSONField(default=list, blank=True)
    basis = models.CharField(max_length=10, choices=DisclosureBasis)
    # Keys of the consents that it rested on.
    consents = models.JSONField(default=list, blank=True)
    purpose = models.CharField(max_length=300, blank=True)
    reason = models.TextField(blank=True)
    at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    state_key = models.CharField(max_length=64, blank=True, editable=False)
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    class Meta:
        ordering = ["-at"]
        triggers = [row_is_final(), never_deleted()]
        constraints = [
            models.UniqueConstraint(
                fields=["receiver", "medium", "state_key"],
                condition=Q(receiver__isnull=False) & ~Q(state_key=""),
                name="documents_disclosure_once_per_state",
            ),
            models.CheckConstraint(
                name="documents_emergency_disclosure_has_reason",
                condition=~Q(basis="emergency") | ~Q(reason=""),
            ),
            models.CheckConstraint(
                name="documents_disclosure_until_is_emergency",
                condition=Q(until__isnull=True) | Q(basis="emergency", receiver__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} to {self.receiver_name}"
