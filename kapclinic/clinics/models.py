"""Clinics, their rooms and clinical settings, and the base of every clinical row."""

import uuid
import zoneinfo
from typing import ClassVar, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from kapclinic.audit.history import tracked


def validate_time_zone(value: str) -> None:
    """Refuse anything that is not a name of the IANA time zone database."""
    if value not in zoneinfo.available_timezones():
        raise ValidationError("Choose a time zone of the IANA list, such as America/Denver.")


@tracked
class Clinic(models.Model):
    """One clinic; every clinical row belongs to exactly one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    address = models.TextField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    after_hours_phone = models.CharField(max_length=40, blank=True)
    time_zone = models.CharField(max_length=64, default="America/Denver", validators=[validate_time_zone])
    is_demo = models.BooleanField(default=False)
    rems_site_id = models.CharField("REMS site identifier", max_length=40, blank=True)
    rems_certified_until = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The clinic's time zone."""
        return zoneinfo.ZoneInfo(self.time_zone)


class ClinicalQuerySet(models.QuerySet):
    """Queries that every clinical table answers."""

    def of_clinic(self, clinic: Clinic) -> Self:
        """Rows of one clinic."""
        return self.filter(clinic=clinic)


class ClinicalRow(models.Model):
    """Base of every clinical row: a client-made key, its clinic in one step, who made it and when."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    objects: ClassVar[ClinicalQuerySet] = ClinicalQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        abstract = True


class EntryQuerySet(ClinicalQuerySet):
    """Queries over entries that can be struck."""

    def standing(self) -> Self:
        """Entries that were not marked "entered in error"."""
        return self.filter(entered_in_error_at__isnull=True)


class ClinicalEntry(ClinicalRow):
    """A clinical row that a person entered and may strike as "entered in error" (it stays visible, with who and why)."""

    entered_in_error_at = models.DateTimeField(null=True, blank=True, editable=False)
    entered_in_error_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    entered_in_error_reason = models.TextField(blank=True, editable=False)

    objects: ClassVar[EntryQuerySet] = EntryQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                name="%(app_label)s_%(class)s_error_has_who_and_why",
                condition=Q(
                    entered_in_error_at__isnull=True,
                    entered_in_error_by__isnull=True,
                    entered_in_error_reason="",
                )
                | Q(entered_in_error_at__isnull=False, entered_in_error_by__isnull=False)
                & ~Q(entered_in_error_reason=""),
            )
        ]

    @property
    def is_struck(self) -> bool:
        """True when the entry was marked "entered in error"."""
        return self.entered_in_error_at is not None


class RoomKind(models.TextChoices):
    """What a room is used for."""

    DOSING = "dosing", "Dosing room"
    THERAPY = "therapy", "Therapy room"
    OFFICE = "office", "Office"


@tracked
class Room(ClinicalRow):
    """A room of the clinic."""

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=RoomKind)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["clinic", "name"], name="clinics_room_name_once_per_clinic")
        ]

    def __str__(self) -> str:
        return self.name


class SettingState(models.TextChoices):
    """Life of a proposed value."""

    PROPOSED = "proposed", "Proposed"
    APPROVED = "approved", "In force"
    DECLINED = "declined", "Declined"
    SUPERSEDED = "superseded", "Superseded"
    WITHDRAWN = "withdrawn", "Withdrawn"


@tracked
class ClinicalSetting(ClinicalRow):
    """A clinic's own value of a declared clinical setting: proposed by a manager, approved by a medical director."""

    key = models.CharField(max_length=100)
    value = models.JSONField()
    reason = models.TextField()
    state = models.CharField(max_length=12, choices=SettingState, default=SettingState.PROPOSED)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decision_note = models.TextField(blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "key"],
                condition=Q(state="approved"),
                name="clinics_one_value_in_force_per_setting",
            ),
            models.UniqueConstraint(
                fields=["clinic", "key"],
                condition=Q(state="proposed"),
                name="clinics_one_open_proposal_per_setting",
            ),
            models.CheckConstraint(
                name="clinics_setting_decided_has_who_and_when",
                condition=Q(state="proposed", decided_at__isnull=True, decided_by__isnull=True)
                | Q(~Q(state="proposed"), decided_at__isnull=False, decided_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.key
