"""What prescriber and therapist hand to each other, that it was read, and what the team writes and decides."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from episodes.models import Episode
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalEntry, ClinicalRow, EntryQuerySet
from kapclinic.documents.models import Document
from kapclinic.documents.notes import NoteState, SignedNote, never_deleted, row_is_final
from kapclinic.handoffs import fields
from kapclinic.scheduling.models import Appointment
from sessions.models import DosingSession


class HandoffKind(models.TextChoices):
    """Who tells whom, and when (practice guide G0)."""

    COORDINATION = fields.COORDINATION, "First coordination, agreed by both"
    TO_PRESCRIBER = fields.TO_PRESCRIBER, "Therapist to prescriber, before the dose"
    TO_THERAPIST = fields.TO_THERAPIST, "Prescriber to therapist, after the dose"
    EMERGENCY = fields.EMERGENCY, "Emergency"


# Kinds about one dosing session; the others are about the episode.
OF_A_DOSE = (HandoffKind.TO_PRESCRIBER, HandoffKind.TO_THERAPIST)


class Discipline(models.TextChoices):
    """The two that hand over to each other."""

    THERAPIST = fields.THERAPIST, "Therapist"
    PRESCRIBER = fields.PRESCRIBER, "Prescriber"


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
    """One handoff about one dosing session, or about the episode. `body` maps the keys of `kapclinic.handoffs.fields` to text.

    An amendment is a new edition that supersedes the signed one and wants to be read again. `sources` says where
    prefilled text came from: by field, pairs of words and address. A first coordination is agreed once the other discipline
    has acknowledged what the first one signed.
    """

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="handoffs")
    session = models.ForeignKey(
        DosingSession, on_delete=models.PROTECT, null=True, blank=True, related_name="handoffs"
    )
    kind = models.CharField(max_length=14, choices=HandoffKind)
    # The discipline that signed, where either may write the kind.
    author_part = models.CharField(max_length=10, choices=Discipline, blank=True, editable=False)
    edition = models.PositiveSmallIntegerField(default=1)
    supersedes = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="amendments", editable=False
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
            models.UniqueConstraint(
                fields=["supersedes"],
                condition=Q(entered_in_error_at__isnull=True),
                name="handoffs_amended_once",
            ),
            models.UniqueConstraint(
                fields=["episode", "kind"],
                condition=Q(session__isnull=True, state="draft", entered_in_error_at__isnull=True),
                name="handoffs_one_draft_of_episode",
            ),
            models.UniqueConstraint(
                fields=["episode", "edition"],
                condition=Q(kind="coordination", entered_in_error_at__isnull=True),
                name="handoffs_one_coordination",
            ),
            models.CheckConstraint(
                name="handoffs_dose_kinds_have_a_dose",
                condition=Q(kind__in=["to-prescriber", "to-therapist"], session__isnull=False)
                | Q(kind__in=["coordination", "emergency"], session__isnull=True),
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
            "session": "" if self.session_id is None else str(self.session_id),
            "edition": self.edition,
            "amendment_reason": self.amendment_reason,
            # The document's own hash covers the dose, the charts and everything else that was shown.
            "document": self.document.content_hash if self.document else "",
            **({"author_part": self.author_part} if self.author_part else {}),
        }

    @property
    def is_read(self) -> bool:
        """True once its receiver acknowledged this edition."""
        return hasattr(self, "acknowledgement")

    @property
    def written_by_part(self) -> str:
        """The discipline that wrote it; empty for a draft that either may sign."""
        return fields.AUTHOR_PART.get(self.kind, self.author_part)

    @property
    def reader_part(self) -> str:
        """The discipline that is to read it; empty for a draft that either may sign."""
        return fields.OTHER_PART.get(self.written_by_part, "")


class HeardHow(models.TextChoices):
    """By what way somebody outside got a handoff and said so."""

    PHONE = "phone", "By phone"
    FAX = "fax", "By fax"
    LETTER = "letter", "By letter"
    IN_PERSON = "in_person", "In person"


@tracked
class Acknowledgement(ClinicalRow):
    """The receiver read this edition of a handoff.

    `person` said so here. For a receiver without an account it is who recorded it; then `heard_by` names who heard it, and
    `heard_how` by what way.
    """

    handoff = models.OneToOneField(Handoff, on_delete=models.PROTECT, related_name="acknowledgement")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    heard_by = models.CharField(max_length=150, blank=True)
    heard_how = models.CharField(max_length=10, choices=HeardHow, blank=True)
    reply = models.TextField(blank=True)

    class Meta:
        ordering = ["-at"]
        triggers = [row_is_final(), never_deleted()]
        constraints = [
            models.CheckConstraint(
                name="handoffs_heard_by_whom_and_how",
                condition=Q(heard_by="", heard_how="") | ~Q(heard_by="") & ~Q(heard_how=""),
            )
        ]

    def __str__(self) -> str:
        return f"Read {self.at:%Y-%m-%d %H:%M}"

    @property
    def episode_id(self) -> Any:
        """The episode that decides who may see it."""
        return self.handoff.episode_id


class MessageTopic(models.TextChoices):
    """What a message is about, which decides who sees it."""

    CLINICAL = "clinical", "Care"
    SCHEDULE = "schedule", "Schedule"


@tracked
class Message(ClinicalRow):
    """A short message on an episode between its team members: on the record, never changed.

    A coordinator sees and writes messages about the schedule alone.
    """

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="messages")
    topic = models.CharField(max_length=8, choices=MessageTopic, default=MessageTopic.CLINICAL)
    text = models.TextField()
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        triggers = [row_is_final(), never_deleted()]
        indexes = [models.Index(fields=["episode", "-created_at"], name="handoffs_message_of_episode")]
        constraints = [models.CheckConstraint(name="handoffs_message_has_text", condition=~Q(text=""))]

    def __str__(self) -> str:
        return f"{self.get_topic_display()}, {self.created_at:%Y-%m-%d %H:%M}"


@tracked
class TeamDecision(ClinicalEntry):
    """What the team conference decided about a patient, with the meeting where one was in the calendar. Never changed."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="team_decisions")
    meeting = models.ForeignKey(
        Appointment, on_delete=models.PROTECT, null=True, blank=True, related_name="team_decisions"
    )
    decided_at = models.DateTimeField()
    text = models.TextField()
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    class Meta(ClinicalEntry.Meta):
        ordering = ["-decided_at", "-created_at"]
        triggers = [row_is_final(), never_deleted()]
        indexes = [models.Index(fields=["episode", "-decided_at"], name="handoffs_decision_of_episode")]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.CheckConstraint(name="handoffs_decision_has_text", condition=~Q(text="")),
        ]

    def __str__(self) -> str:
        return f"Team decision, {self.decided_at:%Y-%m-%d}"
