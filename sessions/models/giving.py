"""What was given: the dose itself, and other medicines."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q

from kapclinic.audit.history import tracked
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.notes import never_deleted
from sessions.dose import ROUTE_SHORT, Drug, Route, plain
from sessions.models.base import CorrectableEntry, SessionEntry, final_but_for, person_field
from sessions.models.orders import DRUG_CHOICES, ROUTE_CHOICES, DoseOrder


def is_late_entry(
    started_at: datetime, ended_at: datetime | None, *, written_at: datetime, minutes: int
) -> bool:
    """Whether what ran from `started_at` to `ended_at` (aware) was written down more than `minutes` after it."""
    return written_at - (ended_at or started_at) > timedelta(minutes=minutes)


@tracked
class Administration(CorrectableEntry):
    """One administration: an infusion, an injection, a lozenge, a device. `amount_mg` counts base.

    It stays open until its end is recorded; then it is final, and a correction is a new row. Whatever was
    given can be written down: `deviations` says in what it departs from order and rules.
    """

    order = models.ForeignKey(
        DoseOrder, on_delete=models.PROTECT, null=True, blank=True, related_name="administrations"
    )
    drug = models.CharField(max_length=10, choices=DRUG_CHOICES)
    route = models.CharField(max_length=4, choices=ROUTE_CHOICES)
    amount_mg = models.DecimalField("amount given", max_digits=7, decimal_places=1, null=True, blank=True)
    volume_ml = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    started_at = models.DateTimeField("start")
    ended_at = models.DateTimeField("stop", null=True, blank=True)
    stopped_early = models.BooleanField(default=False)
    stop_reason = models.CharField(max_length=300, blank=True)
    site = models.CharField("site or device", max_length=80, blank=True)
    lot = models.CharField(max_length=40, blank=True)
    expires_on = models.DateField("expiry", null=True, blank=True)
    given_by = person_field()
    deviations = models.JSONField(default=list, blank=True, editable=False)
    deviation_note = models.CharField("what happened", max_length=500, blank=True)

    class Meta(CorrectableEntry.Meta):
        ordering = ["started_at", "created_at"]
        indexes = [models.Index(fields=["session", "started_at"], name="dosing_given_in_session")]
        triggers = [
            final_but_for("superseded_at", until="OLD.ended_at IS NULL AND OLD.entered_in_error_at IS NULL"),
            never_deleted(),
        ]
        constraints = [
            *CorrectableEntry.Meta.constraints,
            models.CheckConstraint(
                name="dosing_given_amount", condition=Q(amount_mg__isnull=True) | Q(amount_mg__gt=0)
            ),
            models.CheckConstraint(
                name="dosing_given_ended_has_amount",
                condition=Q(ended_at__isnull=True) | Q(amount_mg__isnull=False),
            ),
            models.CheckConstraint(
                name="dosing_given_ends_after_start",
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
            ),
            models.CheckConstraint(
                name="dosing_given_early_stop_has_why", condition=Q(stopped_early=False) | ~Q(stop_reason="")
            ),
        ]

    def __str__(self) -> str:
        return self.summary

    @property
    def is_running(self) -> bool:
        """Started, current, and without a recorded end."""
        return self.ended_at is None and self.is_current

    def is_entered_late(self, minutes: int) -> bool:
        """Whether it was first written down more than `minutes` after it was over; a correction is not an entry."""
        return self.supersedes_id is None and is_late_entry(
            self.started_at, self.ended_at, written_at=self.created_at, minutes=minutes
        )

    @property
    def drug_value(self) -> Drug:
        """The drug as the rules know it."""
        return Drug(self.drug)

    @property
    def route_value(self) -> Route:
        """The route as the rules know it."""
        return Route(self.route)

    @property
    def summary(self) -> str:
        """One line: "IV ketamine 34 mg"."""
        amount = "amount not recorded" if self.amount_mg is None else f"{plain(self.amount_mg)} mg"
        return f"{ROUTE_SHORT[self.route_value]} {self.drug} {amount}"


@tracked
class OtherMedicine(SessionEntry):
    """Another medicine given in the session (an antiemetic, an antihypertensive)."""

    consent_category = ConsentCategory.MEDICATION

    name = models.CharField(max_length=120)
    amount = models.CharField("amount with unit", max_length=60)
    route = models.CharField(max_length=40, blank=True)
    given_at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)
    ordered_by_name = models.CharField("ordered by", max_length=150, blank=True)
    given_by = person_field()

    class Meta(SessionEntry.Meta):
        ordering = ["given_at"]
        triggers = [final_but_for(), never_deleted()]
        constraints = [
            *SessionEntry.Meta.constraints,
            models.CheckConstraint(name="dosing_medicine_is_named", condition=~Q(name="") & ~Q(amount="")),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.amount}"
