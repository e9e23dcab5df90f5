"""Vital signs and the log."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from kapclinic.audit.history import tracked
from kapclinic.documents.notes import never_deleted
from sessions.models.base import CorrectableEntry, SessionEntry, final_but_for, moment_in_words, person_field
from sessions.vitals import FOUR_STEPS, SEDATION_STEPS, Reading, Sign

SEDATION_CHOICES = [(step, f"{step} – {words}") for step, words in SEDATION_STEPS.items()]
STEP_CHOICES = [(step, words.capitalize()) for step, words in FOUR_STEPS.items()]


def _between(field: str, low: int, high: int) -> Q:
    return Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__gte": low, f"{field}__lte": high})


@tracked
class VitalsReading(CorrectableEntry):
    """One set of vital signs (mmHg, per minute, per cent, MOAA/S). Only impossible values are refused."""

    taken_at = models.DateTimeField()
    systolic = models.PositiveSmallIntegerField(null=True, blank=True)
    diastolic = models.PositiveSmallIntegerField(null=True, blank=True)
    heart_rate = models.PositiveSmallIntegerField(null=True, blank=True)
    spo2 = models.PositiveSmallIntegerField("SpO₂", null=True, blank=True)
    is_on_oxygen = models.BooleanField("on oxygen", default=False)
    respiratory_rate = models.PositiveSmallIntegerField(null=True, blank=True)
    temperature_c = models.DecimalField("temperature", max_digits=4, decimal_places=1, null=True, blank=True)
    sedation = models.PositiveSmallIntegerField("MOAA/S", choices=SEDATION_CHOICES, null=True, blank=True)
    dissociation = models.PositiveSmallIntegerField(choices=STEP_CHOICES, null=True, blank=True)
    nausea = models.PositiveSmallIntegerField(choices=STEP_CHOICES, null=True, blank=True)
    signs = models.JSONField(default=list, blank=True)
    note = models.CharField(max_length=300, blank=True)
    alerts = models.JSONField(default=list, blank=True, editable=False)
    taken_by = person_field()

    class Meta(CorrectableEntry.Meta):
        ordering = ["taken_at", "created_at"]
        indexes = [models.Index(fields=["session", "taken_at"], name="dosing_vitals_in_session")]
        triggers = [final_but_for("superseded_at"), never_deleted()]
        constraints = [
            *CorrectableEntry.Meta.constraints,
            models.CheckConstraint(
                name="dosing_vitals_pressure",
                condition=Q(systolic__isnull=True, diastolic__isnull=True) | Q(systolic__gt=F("diastolic")),
            ),
            models.CheckConstraint(name="dosing_vitals_spo2", condition=_between("spo2", 0, 100)),
            models.CheckConstraint(name="dosing_vitals_sedation", condition=_between("sedation", 0, 5)),
            models.CheckConstraint(
                name="dosing_vitals_steps",
                condition=_between("dissociation", 0, 3) & _between("nausea", 0, 3),
            ),
        ]

    def __str__(self) -> str:
        return f"Vital signs {moment_in_words(self.taken_at)}"

    @property
    def pressure(self) -> str:
        """ "124/78", or nothing."""
        return "" if self.systolic is None else f"{self.systolic}/{self.diastolic}"

    def as_reading(self) -> Reading:
        """The values as the rules know them."""
        temperature = self.temperature_c
        return Reading(
            taken_at=self.taken_at,
            systolic=self.systolic,
            diastolic=self.diastolic,
            heart_rate=self.heart_rate,
            spo2=self.spo2,
            is_on_oxygen=self.is_on_oxygen,
            respiratory_rate=self.respiratory_rate,
            temperature_c=None if temperature is None else Decimal(temperature),
            sedation=self.sedation,
            dissociation=self.dissociation,
            nausea=self.nausea,
            signs=frozenset(Sign(sign) for sign in self.signs),
            key=str(self.pk),
        )


class LogKind(models.TextChoices):
    """Quick marks of the log; the words are a person's own."""

    NOTE = "note", "Note"
    TEARFUL = "tearful", "Tearful"
    SPEAKS = "speaks", "Speaks"
    SILENT = "silent", "Silent, inward"
    MOVEMENT = "movement", "Movement"
    NAUSEA = "nausea", "Nausea"
    GROUNDING = "grounding", "Grounding"
    MUSIC = "music", "Music changed"
    NARRATIVE = "narrative", "The patient's own account"


@tracked
class LogEntry(SessionEntry):
    """A line of the log during the dose; final when written."""

    session = models.ForeignKey("dosing.DosingSession", on_delete=models.PROTECT, related_name="log")
    at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=LogKind, default=LogKind.NOTE)
    text = models.TextField(blank=True)

    class Meta(SessionEntry.Meta):
        ordering = ["at", "created_at"]
        verbose_name_plural = "log entries"
        triggers = [final_but_for(), never_deleted()]
        constraints = [
            *SessionEntry.Meta.constraints,
            models.CheckConstraint(
                name="dosing_log_has_words", condition=~Q(kind__in=["note", "narrative"]) | ~Q(text="")
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
