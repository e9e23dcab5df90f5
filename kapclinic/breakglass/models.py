"""Emergency accesses, what was read under them, and their review."""

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from episodes.models import Patient
from kapclinic.accounts.models import User
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalQuerySet, ClinicalRow


class Verdict(models.TextChoices):
    """What a manager found."""

    JUSTIFIED = "justified", "Justified"
    NOT_JUSTIFIED = "not-justified", "Not justified"


class _Span(Func):
    """From one instant to another, the end not included."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class EmergencyAccessQuerySet(ClinicalQuerySet):
    """Queries over emergency accesses."""

    def open_at(self, now: datetime) -> Self:
        """Those that let somebody read at `now`."""
        return self.filter(opened_at__lte=now, until__gt=now)

    def unreviewed(self) -> Self:
        """Those that a manager still owes a verdict on."""
        return self.filter(reviewed_at__isnull=True)


@tracked
class EmergencyAccess(ClinicalRow):
    """One person may read one patient's record from `opened_at` until `until`, the end not included; with the reason.

    `until` is moved back to the moment at which somebody ends it by hand.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="emergency_accesses"
    )
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="emergency_accesses")
    reason = models.TextField(max_length=2000)
    opened_at = models.DateTimeField()
    until = models.DateTimeField()
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    verdict = models.CharField(max_length=13, choices=Verdict, blank=True)
    comment = models.TextField(max_length=2000, blank=True)

    objects: ClassVar[EmergencyAccessQuerySet] = EmergencyAccessQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        ordering = ["-opened_at"]
        verbose_name_plural = "emergency accesses"
        indexes = [
            models.Index(fields=["user", "-until"], name="breakglass_of_person"),
            models.Index(
                fields=["clinic"], condition=Q(reviewed_at__isnull=True), name="breakglass_unreviewed"
            ),
        ]
        constraints = [
            ExclusionConstraint(
                name="breakglass_one_patient_at_a_time",
                expressions=[
                    (_Span("opened_at", "until", RangeBoundary()), RangeOperators.OVERLAPS),
                    ("user", RangeOperators.EQUAL),
                ],
            ),
            models.CheckConstraint(
                name="breakglass_ends_after_it_opens", condition=Q(until__gte=F("opened_at"))
            ),
            models.CheckConstraint(name="breakglass_has_a_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="breakglass_review_is_whole",
                condition=Q(reviewed_at__isnull=True, reviewed_by__isnull=True, verdict="", comment="")
                | Q(Q(reviewed_at__isnull=False, reviewed_by__isnull=False), ~Q(verdict=""), ~Q(comment="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.opened_at:%Y-%m-%d %H:%M}"

    def is_open_at(self, now: datetime) -> bool:
        """True while it lets the person read."""
        return self.opened_at <= now < self.until

    def minutes_left(self, now: datetime) -> int:
        """Whole minutes until it ends, the last one counted in full; 0 once it is over."""
        return max(0, -(-int((self.until - now).total_seconds()) // 60))


@tracked
class EmergencyReading(ClinicalRow):
    """One page that was let in by an emergency access: the action of the access table and the name of the address."""

    access = models.ForeignKey(EmergencyAccess, on_delete=models.PROTECT, related_name="readings")
    action = models.CharField(max_length=60)
    page = models.CharField(max_length=100)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"{self.page}, {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def words(self) -> str:
        """The page in words: "Handoffs: of episode" for `handoffs:of-episode`."""
        room, _, name = self.page.replace("-", " ").replace("_", " ").rpartition(":")
        return f"{room.capitalize()}: {name}" if room else name.capitalize()
