"""Orders of a dose."""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from kapclinic.audit.history import tracked
from kapclinic.clinics.models import EntryQuerySet
from kapclinic.documents.notes import never_deleted
from sessions.dose import DRUG_LABELS, ROUTE_LABELS, ROUTE_SHORT, Drug, Route, Salt, Unit, plain
from sessions.models.base import SessionEntry, final_but_for, person_field
from sessions.vitals import HoldParameters

DRUG_CHOICES = [(drug.value, DRUG_LABELS[drug]) for drug in Drug]
ROUTE_CHOICES = [(route.value, ROUTE_LABELS[route]) for route in Route]
UNIT_CHOICES = [(unit.value, unit.value) for unit in Unit]
SALT_CHOICES = [(Salt.BASE.value, "of base"), (Salt.HYDROCHLORIDE.value, "of hydrochloride")]


class OrderQuerySet(EntryQuerySet):
    """Queries over orders."""

    def active(self) -> Self:
        """Orders in force."""
        return self.standing().filter(superseded_at__isnull=True, cancelled_at__isnull=True)

    def in_force_at(self, at: datetime) -> Self:
        """Orders that stood at `at`, whatever became of them since; times are typed to the second."""
        return self.standing().filter(
            Q(superseded_at__isnull=True) | Q(superseded_at__gt=at),
            Q(cancelled_at__isnull=True) | Q(cancelled_at__gt=at),
            ordered_at__lt=at + timedelta(seconds=1),
        )


@tracked
class DoseOrder(SessionEntry):
    """What a prescriber ordered, with the arithmetic as it was shown and the warnings that were accepted.

    Milligrams of base, kilograms, millilitres, minutes. Changing it means a new order that supersedes it.
    """

    drug = models.CharField(max_length=10, choices=DRUG_CHOICES)
    route = models.CharField(max_length=4, choices=ROUTE_CHOICES)
    amount = models.DecimalField(max_digits=8, decimal_places=3)
    unit = models.CharField(max_length=5, choices=UNIT_CHOICES)
    salt = models.CharField(max_length=13, choices=SALT_CHOICES, default=Salt.BASE.value)
    weight_kg = models.DecimalField(max_digits=5, decimal_places=1, null=True, blank=True)
    weight_on = models.DateField(null=True, blank=True)
    concentration_mg_per_ml = models.DecimalField(max_digits=7, decimal_places=3, null=True, blank=True)
    diluted_to_ml = models.DecimalField(max_digits=6, decimal_places=1, null=True, blank=True)
    infusion_minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    dose_mg = models.DecimalField(max_digits=7, decimal_places=1)
    mg_per_kg = models.DecimalField(max_digits=6, decimal_places=3, null=True, blank=True)
    volume_ml = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    steps = models.JSONField(default=list, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    warnings_reason = models.CharField("why it is right all the same", max_length=300, blank=True)
    hold_systolic = models.PositiveSmallIntegerField("proceed up to systolic", null=True, blank=True)
    hold_diastolic = models.PositiveSmallIntegerField("proceed up to diastolic", null=True, blank=True)
    hold_spo2 = models.PositiveSmallIntegerField("proceed from SpO₂", null=True, blank=True)
    hold_heart_high = models.PositiveSmallIntegerField("proceed up to heart rate", null=True, blank=True)
    hold_heart_low = models.PositiveSmallIntegerField("proceed from heart rate", null=True, blank=True)
    note = models.CharField("instructions", max_length=500, blank=True)
    is_supplemental = models.BooleanField("supplemental dose in the same session", default=False)
    ordered_by = person_field()
    ordered_at = models.DateTimeField()
    is_telephone = models.BooleanField(default=False)
    read_back_by = person_field(null=True, blank=True)
    countersigned_by = person_field(null=True, blank=True)
    countersigned_at = models.DateTimeField(null=True, blank=True)
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded_by", editable=False
    )
    change_reason = models.CharField(max_length=300, blank=True)
    superseded_at = models.DateTimeField(null=True, blank=True, editable=False)
    cancelled_at = models.DateTimeField(null=True, blank=True, editable=False)
    cancelled_by = person_field(null=True, blank=True, editable=False)
    cancel_reason = models.CharField(max_length=300, blank=True, editable=False)

    objects: ClassVar[OrderQuerySet] = OrderQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta(SessionEntry.Meta):
        ordering = ["-ordered_at"]
        triggers = [
            final_but_for(
                "superseded_at",
                "cancelled_at",
                "cancelled_by_id",
                "cancel_reason",
                "countersigned_at",
                "countersigned_by_id",
            ),
            never_deleted(),
        ]
        constraints = [
            *SessionEntry.Meta.constraints,
            models.CheckConstraint(name="dosing_order_amount", condition=Q(amount__gt=0, dose_mg__gt=0)),
            models.CheckConstraint(
                name="dosing_order_per_kg_has_weight", condition=~Q(unit="mg/kg") | Q(weight_kg__gt=0)
            ),
            models.CheckConstraint(
                name="dosing_order_telephone_read_back",
                condition=Q(is_telephone=False) | Q(read_back_by__isnull=False),
            ),
            models.CheckConstraint(
                name="dosing_order_countersigned_has_who",
                condition=Q(countersigned_at__isnull=True, countersigned_by__isnull=True)
                | Q(countersigned_at__isnull=False, countersigned_by__isnull=False),
            ),
            models.CheckConstraint(
                name="dosing_order_cancelled_has_why",
                condition=Q(cancelled_at__isnull=True, cancelled_by__isnull=True, cancel_reason="")
                | Q(Q(cancelled_at__isnull=False, cancelled_by__isnull=False), ~Q(cancel_reason="")),
            ),
            models.CheckConstraint(
                name="dosing_order_change_has_why",
                condition=Q(supersedes__isnull=True) | ~Q(change_reason=""),
            ),
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(
                    is_supplemental=False,
                    superseded_at__isnull=True,
                    cancelled_at__isnull=True,
                    entered_in_error_at__isnull=True,
                ),
                name="dosing_one_active_order",
                violation_error_message="This session already has an active order.",
            ),
        ]

    def __str__(self) -> str:
        return self.summary

    @property
    def is_active(self) -> bool:
        """True while in force."""
        return self.superseded_at is None and self.cancelled_at is None and not self.is_struck

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
        """One line: "IV ketamine 34 mg (0.5 mg/kg × 68 kg) over 40 min"."""
        words = f"{ROUTE_SHORT[self.route_value]} {self.drug} {plain(self.dose_mg)} mg"
        if self.unit == Unit.MG_PER_KG and self.weight_kg is not None:
            words += f" ({plain(self.amount)} mg/kg × {plain(self.weight_kg)} kg)"
        if self.infusion_minutes is not None and self.route_value is Route.INTRAVENOUS:
            words += f" over {self.infusion_minutes} min"
        return words

    @property
    def hold(self) -> HoldParameters:
        """The order's own limits, inside which nobody is called."""
        return HoldParameters(
            max_systolic=self.hold_systolic,
            max_diastolic=self.hold_diastolic,
            min_spo2=self.hold_spo2,
            max_heart_rate=self.hold_heart_high,
            min_heart_rate=self.hold_heart_low,
        )

    @property
    def hold_words(self) -> str:
        """The limits in words, empty when the order has none."""
        parts: list[str] = []
        if self.hold_systolic is not None and self.hold_diastolic is not None:
            parts.append(f"up to {self.hold_systolic}/{self.hold_diastolic}")
        if self.hold_spo2 is not None:
            parts.append(f"SpO₂ from {self.hold_spo2} %")
        if self.hold_heart_low is not None:
            parts.append(f"heart rate from {self.hold_heart_low}")
        if self.hold_heart_high is not None:
            parts.append(f"heart rate up to {self.hold_heart_high}")
        return f"Proceed {', '.join(parts)}" if parts else ""
