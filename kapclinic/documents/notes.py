"""The base of every signed note: draft, then signed, then only addenda.

Signed text keeps signer, time, version and a hash of its content; the database refuses any change to it except striking it
as "entered in error".
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pgtrigger
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from kapclinic.accounts.models import User
from kapclinic.clinics.models import ClinicalEntry, ClinicalRow

_STRIKE_COLUMNS = "ARRAY['entered_in_error_at', 'entered_in_error_by_id', 'entered_in_error_reason']"


class NoteState(models.TextChoices):
    """Life of a note."""

    DRAFT = "draft", "Draft"
    SIGNED = "signed", "Signed"


def content_hash(content: dict[str, Any]) -> str:
    """SHA-256, in hexadecimal, of the canonical JSON of `content` (sorted keys, UTF-8, no spaces)."""
    canonical = json.dumps(
        content, cls=DjangoJSONEncoder, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def signed_is_final() -> pgtrigger.Trigger:
    """The trigger that refuses any change of a signed row, striking apart."""
    return pgtrigger.Trigger(
        name="signed_is_final",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition("OLD.state = 'signed'"),
        func=f"""
            IF (to_jsonb(NEW) - {_STRIKE_COLUMNS}) IS DISTINCT FROM (to_jsonb(OLD) - {_STRIKE_COLUMNS}) THEN
                RAISE EXCEPTION 'a signed record cannot be changed' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        """,
    )


def row_is_final() -> pgtrigger.Trigger:
    """The trigger that refuses any change of a row from the moment it is written, striking apart."""
    return pgtrigger.Trigger(
        name="row_is_final",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF (to_jsonb(NEW) - {_STRIKE_COLUMNS}) IS DISTINCT FROM (to_jsonb(OLD) - {_STRIKE_COLUMNS}) THEN
                RAISE EXCEPTION 'this record cannot be changed' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        """,
    )


def never_deleted() -> pgtrigger.Trigger:
    """The trigger that refuses deleting."""
    return pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)


class SignedNote(ClinicalEntry):
    """A note with a version for optimistic locking, a JSON body by section, and a signature.

    Subclasses that hold clinical content in further fields override `content()` to include them.
    """

    state = models.CharField(max_length=6, choices=NoteState, default=NoteState.DRAFT)
    version = models.PositiveIntegerField(default=1)
    body = models.JSONField(default=dict, blank=True)
    content_hash = models.CharField(max_length=64, blank=True, editable=False)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    signed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True
        triggers = [signed_is_final(), never_deleted()]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.CheckConstraint(
                name="%(app_label)s_%(class)s_signed_has_signer",
                condition=Q(state="draft", signed_by__isnull=True, signed_at__isnull=True, content_hash="")
                | Q(Q(state="signed", signed_by__isnull=False, signed_at__isnull=False), ~Q(content_hash="")),
            ),
        ]

    @property
    def is_signed(self) -> bool:
        """True once signed."""
        return self.state == NoteState.SIGNED

    def content(self) -> dict[str, Any]:
        """What the signature covers."""
        return {"body": self.body}

    def hash_for(self, *, signer_id: Any, signed_at: datetime) -> str:
        """The hash that a signature of `signer_id` at `signed_at` has over this note."""
        return content_hash(
            {
                "record": self._meta.label_lower,
                "id": str(self.pk),
                "version": self.version,
                "signed_by": str(signer_id),
                # The database gives the instant back in UTC, whatever zone it was signed in.
                "signed_at": signed_at.astimezone(UTC).isoformat(),
                "content": self.content(),
            }
        )

    def apply_signature(self, *, signer: User, signed_at: datetime) -> None:
        """Set the signature's fields; the caller saves inside its transaction."""
        self.state = NoteState.SIGNED
        self.signed_by = signer
        self.signed_at = signed_at
        self.content_hash = self.hash_for(signer_id=signer.pk, signed_at=signed_at)

    def signature_holds(self) -> bool:
        """True when the content is still what was signed."""
        if not self.is_signed or self.signed_at is None:
            return False
        return self.content_hash == self.hash_for(signer_id=self.signed_by_id, signed_at=self.signed_at)


class Addendum(ClinicalRow):
    """Text added to a signed note; final from the moment it is written. Subclasses add the foreign key `note`."""

    text = models.TextField()

    class Meta:
        abstract = True
        ordering = ["created_at"]
        triggers = [row_is_final(), never_deleted()]
        constraints = [
            models.CheckConstraint(name="%(app_label)s_%(class)s_has_text", condition=~Q(text="")),
        ]
