"""The base of what is written down during a dosing session, and triggers that keep it as it was written."""

from datetime import datetime
from typing import Any, ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from kapclinic.clinics.models import ClinicalEntry, EntryQuerySet
from kapclinic.documents.categories import ConsentCategory

_STRIKE = ("entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason")


def final_but_for(*columns: str, until: str = "") -> pgtrigger.Trigger:
    """The trigger that keeps a row as written: only striking and `columns` may change.

    With `until` (an SQL condition over OLD) the row stays open while it holds: a running infusion gets its end.
    """
    allowed = ", ".join(f"'{column}'" for column in (*_STRIKE, *columns))
    guard = f"IF {until} THEN RETURN NEW; END IF;" if until else ""
    return pgtrigger.Trigger(
        name="final",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            {guard}
            IF (to_jsonb(NEW) - ARRAY[{allowed}]) IS DISTINCT FROM (to_jsonb(OLD) - ARRAY[{allowed}]) THEN
                RAISE EXCEPTION 'this record cannot be changed' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        """,
    )


class SessionEntry(ClinicalEntry):
    """Something written down in a dosing session. `request_key` makes sending a form twice one row."""

    session = models.ForeignKey("dosing.DosingSession", on_delete=models.PROTECT, related_name="%(class)ss")
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    # What a sharing consent calls it.
    consent_category: ClassVar[ConsentCategory] = ConsentCategory.DOSE

    class Meta(ClinicalEntry.Meta):
        abstract = True

    @property
    def episode_id(self) -> Any:
        """The episode that decides who may see it."""
        return self.session.episode_id

    @property
    def episode(self) -> Any:
        """The episode of the session."""
        return self.session.episode


class CorrectableQuerySet(EntryQuerySet):
    """Queries over measured and given things."""

    def current(self) -> Self:
        """Rows that hold: neither superseded by a correction nor struck."""
        return self.standing().filter(superseded_at__isnull=True)


class CorrectableEntry(SessionEntry):
    """A measured or given thing: a correction is a new row that supersedes it with a reason."""

    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded_by", editable=False
    )
    correction_reason = models.CharField(max_length=300, blank=True)
    superseded_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[CorrectableQuerySet] = CorrectableQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta(SessionEntry.Meta):
        abstract = True
        constraints = [
            *SessionEntry.Meta.constraints,
            models.CheckConstraint(
                name="%(app_label)s_%(class)s_correction_has_why",
                condition=Q(supersedes__isnull=True) | ~Q(correction_reason=""),
            ),
        ]

    @property
    def is_current(self) -> bool:
        """True while neither corrected nor struck."""
        return self.superseded_at is None and not self.is_struck


def day_in_words(at: datetime) -> str:
    """The day of an instant in the zone that is in force (on pages the clinic's): `2026-03-10`."""
    return f"{timezone.localtime(at):%Y-%m-%d}"


def moment_in_words(at: datetime) -> str:
    """An instant in the zone that is in force (on pages the clinic's), with its name: `2026-03-10 09:20 MDT`."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M %Z}"


def person_field(**options: Any) -> models.ForeignKey:
    """A person who did something, kept for good."""
    return models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", **options)
