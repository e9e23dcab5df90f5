"""What prescriber and therapist hand to each other around a dose, and that it was read."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from episodes.models import Episode
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalRow, EntryQuerySet
from kapclinic.documents.models import Document
from kapclinic.documents.notes import NoteState, SignedNote, never_deleted, row_is_final
from sessions.models import DosingSession


class HandoffKind(models.TextChoices):
    """Who tells whom, and when (practice guide G0)."""

    TO_PRESCRIBER = "to-prescriber", "Therapist to prescriber, before the dose"
    TO_THERAPIST = "to-therapist", "Prescriber to therapist, after the dose"


class HandoffQuerySet(EntryQuerySet):
    """Queries over handoffs."""

    def signed(self) -> Self:
        """Signed editions."""
        return self.standing().filter(state=NoteState.SIGNED)

    def in_force(self) -> Self:
        """The newest signed edition of each: what its reader has to go by."""
        newer = Handoff.objects.filter(
            supersedes=models.OuterRef("pk"), state=NoteState.SIGNED, entered_in_error_at__isnull=True
        )
        return self.signed().filter(~models.Exists(newer))

    def unread(self) -> Self:
        """Editions in force that their receiver has not acknowledged."""
        return self.in_force().filter(acknowledgement__isnull=True)


@tracked
class Handoff(SignedNote):
    """One handoff about one dosing session. `body` maps the keys of `kapclinic.handoffs.fields` to text.

    An amendment is a new edition that supersedes the signed one and wants to be read again. `sources` says where
    prefilled text came from, in words.
    """

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="handoffs")
    session = models.ForeignKey(DosingSession, on_delete=models.PROTECT, related_name="handoffs")
    kind = models.CharField(max_length=14, choices=HandoffKind)
    edition = models.PositiveSmallIntegerField(default=1)
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded_by", editable=False
    )
    amendment_reason = models.CharField(max_length=300, blank=True)
    sources = models.JSONField(default=dict, blank=True, editable=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(editable=False)
    document = models.OneToOneField(
        Document, on_delete=models.PROTECT, null=True, blank=True, related_name="handoff", editable=False
    )

    objects: ClassVar[HandoffQuerySet] = HandoffQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta(SignedNote.Meta):
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["episode", "kind"], name="handoffs_of_episode"),
            models.Index(fields=["clinic", "kind"], condition=Q(state="draft"), name="handoffs_drafts"),
        ]
        constraints = [
            *SignedNote.Meta.constraints,
            models.UniqueConstraint(
                fields=["session", "kind", "edition"],
                condition=Q(entered_in_error_at__isnull=True),
                name="handoffs_one_of_each_edition",
            ),
            models.CheckConstraint(
                name="handoffs_signed_has_document", condition=Q(state="draft") | Q(document__isnull=False)
            ),
            models.CheckConstraint(
                name="handoffs_amendment_has_why",
                condition=Q(supersedes__isnull=True) | ~Q(amendment_reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, edition {self.edition}"

    def content(self) -> dict[str, Any]:
        return {
            "body": self.body,
            "kind": self.kind,
            "session": str(self.session_id),
            "edition": self.edition,
            "amendment_reason": self.amendment_reason,
            # The document's own hash covers the dose, the charts and everything else that was shown.
            "document": self.document.content_hash if self.document else "",
        }

    @property
    def is_read(self) -> bool:
        """True once its receiver acknowledged this edition."""
        return hasattr(self, "acknowledgement")


@tracked
class Acknowledgement(ClinicalRow):
    """The receiver read this edition of a handoff."""

    handoff = models.OneToOneField(Handoff, on_delete=models.PROTECT, related_name="acknowledgement")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reply = models.TextField(blank=True)

    class Meta:
        ordering = ["-at"]
        triggers = [row_is_final(), never_deleted()]

    def __str__(self) -> str:
        return f"Read {self.at:%Y-%m-%d %H:%M}"

    @property
    def episode_id(self) -> Any:
        """The episode that decides who may see it."""
        return self.handoff.episode_id
