"""Process notes, and the only two ways in which a word of them leaves their author's hands."""

from datetime import date
from typing import ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from episodes.models import Episode
from kapclinic.accounts.models import User
from kapclinic.audit.history import tracked, tracked_without
from kapclinic.clinics.models import ClinicalQuerySet, ClinicalRow
from kapclinic.documents.notes import NoteState, content_hash, never_deleted
from kapclinic.encryption import EncryptedTextField, key_index


def _final_but_for_its_key(
    condition: str, *, sealed: tuple[str, ...], free: tuple[str, ...]
) -> pgtrigger.Trigger:
    """Refuses any change of a final row, `free` columns apart; a `sealed` column may only go under another key."""
    columns = ", ".join(f"'{column}'" for column in (*sealed, *free))
    other_words = " OR ".join(
        f"(NEW.{column} IS DISTINCT FROM OLD.{column}"
        f" AND split_part(NEW.{column}, '.', 2) IN ('', split_part(OLD.{column}, '.', 2)))"
        for column in sealed
    )
    return pgtrigger.Trigger(
        name="final_but_for_its_key",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition(condition) if condition else None,
        func=f"""
            IF (to_jsonb(NEW) - ARRAY[{columns}]) IS DISTINCT FROM (to_jsonb(OLD) - ARRAY[{columns}]) OR {other_words} THEN
                RAISE EXCEPTION 'a signed process note cannot be changed' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        """,
    )


class ProcessNoteQuerySet(ClinicalQuerySet):
    """Queries over process notes."""

    def held_by(self, user: User) -> Self:
        """The notes that are this person's: written by them, or received when their author left."""
        return self.filter(holder=user)


@tracked_without("text", "seal")
class ProcessNote(ClinicalRow):
    """What a therapist keeps for themselves about a session's content (45 CFR 164.501), apart from the record.

    `created_by` wrote it; `holder` has it: the author, or after a sealed transfer its custodian. `seal` is the SHA-256 of
    the signed content, encrypted too, for the hash of a short text could be guessed.
    """

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="+")
    holder = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    about_on = models.DateField("about the session of")
    text = EncryptedTextField()
    state = models.CharField(max_length=6, choices=NoteState, default=NoteState.DRAFT)
    version = models.PositiveIntegerField(default=1)
    saved_at = models.DateTimeField(default=timezone.now)
    signed_at = models.DateTimeField(null=True, blank=True, editable=False)
    seal = EncryptedTextField(blank=True, editable=False)
    struck_at = models.DateTimeField("entered in error", null=True, blank=True, editable=False)
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    objects: ClassVar[ProcessNoteQuerySet] = ProcessNoteQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        ordering = ["-about_on", "-created_at"]
        indexes = [
            models.Index(fields=["holder", "clinic", "-about_on"], name="process_notes_of_holder"),
            key_index("text", name="process_notes_text_key"),
            key_index("seal", name="process_notes_seal_key"),
        ]
        triggers = [
            _final_but_for_its_key(
                "OLD.state = 'signed'", sealed=("text", "seal"), free=("holder_id", "struck_at")
            ),
            never_deleted(),
        ]
        constraints = [
            models.CheckConstraint(
                name="process_notes_note_has_author", condition=Q(created_by__isnull=False)
            ),
            models.CheckConstraint(
                name="process_notes_signed_has_seal",
                condition=Q(state="draft", signed_at__isnull=True)
                | Q(state="signed", signed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Process note about {self.about_on}"

    @property
    def is_signed(self) -> bool:
        """True once signed: from then on there are addenda only."""
        return self.state == NoteState.SIGNED

    @property
    def is_struck(self) -> bool:
        """True when its author marked it as entered in error."""
        return self.struck_at is not None

    def hash_now(self) -> str:
        """SHA-256, in hexadecimal, of what a signature covers, as it is now."""
        return content_hash(
            {
                "record": self._meta.label_lower,
                "id": str(self.pk),
                "version": self.version,
                "about_on": self.about_on,
                "text": self.text,
                "signed_by": str(self.created_by_id),
            }
        )

    def seal_holds(self) -> bool:
        """True when a signed note still says what was signed."""
        return self.is_signed and self.seal == self.hash_now()


@tracked_without("text")
class ProcessNoteAddendum(ClinicalRow):
    """Text added to a signed process note; final from the moment it is written."""

    note = models.ForeignKey(ProcessNote, on_delete=models.PROTECT, related_name="addenda")
    text = EncryptedTextField()

    class Meta:
        ordering = ["created_at"]
        indexes = [key_index("text", name="process_notes_addendum_key")]
        triggers = [_final_but_for_its_key("", sealed=("text",), free=()), never_deleted()]

    def __str__(self) -> str:
        return f"Addendum {self.created_at:%Y-%m-%d}"


class ReleaseQuerySet(ClinicalQuerySet):
    """Queries over releases."""

    def open_on(self, day: date) -> Self:
        """Releases in force on `day` (the clinic's), its last day included."""
        return self.filter(
            revoked_at__isnull=True, expires_on__gte=day, note__struck_at__isnull=True, authorized_on__lte=day
        )


@tracked
class ProcessNoteRelease(ClinicalRow):
    """One note, shown to one receiver under the patient's authorization for it (45 CFR 164.508(a)(2), (b)(3), (c)(1))."""

    note = models.ForeignKey(ProcessNote, on_delete=models.PROTECT, related_name="releases")
    receiver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=300)
    authorized_on = models.DateField("signed on")
    authorized_by_name = models.CharField("signed by", max_length=150)
    representative_authority = models.CharField(max_length=150, blank=True)
    is_separate = models.BooleanField(default=False)
    expires_on = models.DateField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    revoked_how = models.CharField("how it was revoked", max_length=300, blank=True)
    first_read_at = models.DateTimeField(null=True, blank=True)
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    objects: ClassVar[ReleaseQuerySet] = ReleaseQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        ordering = ["-created_at"]
        triggers = [never_deleted()]
        indexes = [models.Index(fields=["receiver", "clinic"], name="process_notes_released_to")]
        constraints = [
            models.CheckConstraint(
                name="process_notes_release_expires_after_signing",
                condition=Q(expires_on__gte=F("authorized_on")),
            ),
            # An authorization for psychotherapy notes stands alone: 45 CFR 164.508(b)(3)(ii).
            models.CheckConstraint(name="process_notes_release_is_separate", condition=Q(is_separate=True)),
            models.CheckConstraint(
                name="process_notes_release_revoked_has_who",
                condition=Q(revoked_at__isnull=True, revoked_by__isnull=True, revoked_how="")
                | Q(Q(revoked_at__isnull=False, revoked_by__isnull=False), ~Q(revoked_how="")),
            ),
        ]

    def __str__(self) -> str:
        return f"Released to {self.receiver}"

    def is_open_on(self, day: date) -> bool:
        """True from the day of signing up to and including the day of expiry, unless revoked or the note was struck."""
        return (
            self.authorized_on <= day <= self.expires_on
            and self.revoked_at is None
            and not self.note.is_struck
        )


class TransferState(models.TextChoices):
    """Life of a transfer."""

    STARTED = "started", "Waits for the custodian"
    RECEIVED = "received", "Received"
    WITHDRAWN = "withdrawn", "Taken back"


@tracked
class ProcessNoteTransfer(ClinicalRow):
    """All process notes of somebody who left go to a custodian, unopened. Whoever starts it sees no text and no number."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    custodian = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    state = models.CharField(max_length=9, choices=TransferState, default=TransferState.STARTED)
    ended_at = models.DateTimeField("received or taken back", null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        triggers = [never_deleted()]
        indexes = [models.Index(fields=["custodian", "clinic"], name="process_notes_waiting_for")]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "author"],
                condition=Q(state="started"),
                name="process_notes_one_transfer_at_a_time",
            ),
            models.CheckConstraint(
                name="process_notes_transfer_to_another", condition=~Q(author=F("custodian"))
            ),
            models.CheckConstraint(
                name="process_notes_transfer_ended_has_when",
                condition=Q(state="started", ended_at__isnull=True)
                | Q(~Q(state="started"), ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Process notes of {self.author} to {self.custodian}"


class OpeningGround(models.TextChoices):
    """On what ground a custodian, who did not write it, may open a note (45 CFR 164.508(a)(2))."""

    AUTHORIZATION = "authorization", "The patient's written authorization"
    LAW = "law", "Required by law, or by the Secretary (164.512(a), 160.310)"
    OVERSIGHT = "oversight", "Oversight of the author (164.512(d))"
    DEFENCE = "defence", "Defence in an action that the patient brought"
    CORONER = "coroner", "Coroner or medical examiner (164.512(g)(1))"
    THREAT = "threat", "To avert a serious and imminent threat (164.512(j)(1)(i))"


@tracked
class ProcessNoteOpening(ClinicalRow):
    """A custodian broke the seal of one note; the ground stays on record."""

    note = models.ForeignKey(ProcessNote, on_delete=models.PROTECT, related_name="openings")
    ground = models.CharField(max_length=13, choices=OpeningGround)
    detail = models.CharField(max_length=300)

    class Meta:
        ordering = ["created_at"]
        triggers = [never_deleted()]
        constraints = [
            models.UniqueConstraint(fields=["note", "created_by"], name="process_notes_opened_once_each"),
            models.CheckConstraint(name="process_notes_opening_has_detail", condition=~Q(detail="")),
        ]

    def __str__(self) -> str:
        return self.get_ground_display()
