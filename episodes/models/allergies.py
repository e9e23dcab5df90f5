"""Allergies and intolerances."""

from django.db import models
from django.db.models import Q

from episodes.models.patient import Patient
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalEntry


class AllergyKind(models.TextChoices):
    """Allergy proper, or an intolerance that is not one."""

    ALLERGY = "allergy", "Allergy"
    INTOLERANCE = "intolerance", "Intolerance"


@tracked
class Allergy(ClinicalEntry):
    """One allergy or intolerance of a patient; struck or resolved, never removed."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="allergies")
    substance = models.CharField(max_length=150)
    kind = models.CharField(max_length=12, choices=AllergyKind, default=AllergyKind.ALLERGY)
    reaction = models.CharField(max_length=300, blank=True)
    resolved_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["substance"]
        verbose_name_plural = "allergies"
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.UniqueConstraint(
                fields=["patient", "substance"],
                condition=Q(resolved_on__isnull=True, entered_in_error_at__isnull=True),
                name="episodes_allergy_once",
            ),
        ]

    def __str__(self) -> str:
        return self.substance
