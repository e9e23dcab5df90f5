"""Facts that were measured, tested or looked up: pregnancy, vital signs, results, checks, REMS."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalEntry
from kapclinic.documents.categories import ConsentCategory
from screening.models.clinical import Answer, Fact


class PregnancyStatus(models.TextChoices):
    """What is recorded about pregnancy."""

    NOT_PREGNANT = "not-pregnant", "Not pregnant"
    COULD_BE = "could-be", "Could be pregnant"
    PREGNANT = "pregnant", "Pregnant"
    CANNOT_BE = "cannot-be", "Cannot become pregnant (say why)"
    UNKNOWN = "unknown", "Unknown"


@tracked
class PregnancyRecord(Fact):
    """Pregnancy and breastfeeding as asked."""

    status = models.CharField(max_length=12, choices=PregnancyStatus)
    breastfeeding = models.CharField(max_length=8, choices=Answer)
    contraception = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.UniqueConstraint(
                fields=["episode"],
                condition=Q(superseded_at__isnull=True, entered_in_error_at__isnull=True),
                name="screening_one_pregnancy_record",
            ),
        ]

    def __str__(self) -> str:
        return self.get_status_display()


class TestResult(models.TextChoices):
    """Result of a pregnancy test."""

    __test__ = False  # the name would make pytest collect it

    NEGATIVE = "negative", "Negative"
    POSITIVE = "positive", "Positive"
    UNCLEAR = "unclear", "Unclear"


@tracked
class PregnancyTest(Fact):
    """One pregnancy test; the latest one counts."""

    result = models.CharField(max_length=8, choices=TestResult)
    tested_on = models.DateField()
    method = models.CharField(max_length=100, blank=True)

    class Meta(ClinicalEntry.Meta):
        ordering = ["-tested_on", "-created_at"]

    def __str__(self) -> str:
        return f"Pregnancy test {self.get_result_display().lower()}"


@tracked
class ScreeningVitals(Fact):
    """One set of vital signs at screening. Implausible values are kept; impossible ones are refused.

    Units: mmHg, beats and breaths a minute, per cent, kg, cm.
    """

    taken_at = models.DateTimeField()
    systolic = models.PositiveSmallIntegerField(null=True, blank=True)
    diastolic = models.PositiveSmallIntegerField(null=True, blank=True)
    heart_rate = models.PositiveSmallIntegerField(null=True, blank=True)
    respiratory_rate = models.PositiveSmallIntegerField(null=True, blank=True)
    spo2 = models.PositiveSmallIntegerField("SpO2", null=True, blank=True)
    on_room_air = models.BooleanField(null=True, blank=True)
    weight_kg = models.DecimalField(max_digits=5, decimal_places=1, null=True, blank=True)
    height_cm = models.DecimalField(max_digits=5, decimal_places=1, null=True, blank=True)

    class Meta:
        ordering = ["-taken_at"]
        verbose_name_plural = "screening vitals"
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.CheckConstraint(
                name="screening_systolic_above_diastolic",
                condition=Q(systolic__isnull=True)
                | Q(diastolic__isnull=True)
                | Q(systolic__gt=F("diastolic")),
            ),
            models.CheckConstraint(
                name="screening_spo2_is_a_percentage", condition=Q(spo2__isnull=True) | Q(spo2__lte=100)
            ),
            models.CheckConstraint(
                name="screening_weight_and_height_above_zero",
                condition=(Q(weight_kg__isnull=True) | Q(weight_kg__gt=0))
                & (Q(height_cm__isnull=True) | Q(height_cm__gt=0)),
            ),
        ]

    def __str__(self) -> str:
        if self.systolic is None:
            return "Vital signs"
        return f"Blood pressure {self.systolic}/{self.diastolic} mmHg"


class StudyKind(models.TextChoices):
    """Kind of a result."""

    LABORATORY = "laboratory", "Laboratory"
    ECG = "ecg", "ECG"
    IMAGING = "imaging", "Imaging"
    LETTER = "letter", "Letter from another clinician"
    TOXICOLOGY = "toxicology", "Toxicology"
    OTHER = "other", "Other"


@tracked
class StudyResult(Fact):
    """A laboratory, ECG or other result with its day; the paper is `evidence`."""

    kind = models.CharField(max_length=12, choices=StudyKind)
    title = models.CharField(max_length=200)
    performed_on = models.DateField()
    summary = models.CharField("what it says", max_length=500, blank=True)

    class Meta(ClinicalEntry.Meta):
        ordering = ["-performed_on", "-created_at"]

    def __str__(self) -> str:
        return self.title

    @property
    def consent_category(self) -> ConsentCategory:
        """What a sharing consent calls it: toxicology tells of substance use."""
        is_toxicology = self.kind == StudyKind.TOXICOLOGY
        return ConsentCategory.SUBSTANCE_USE if is_toxicology else ConsentCategory.SAFETY


class MonitoringOutcome(models.TextChoices):
    """What the prescription-monitoring programme showed."""

    NOTHING = "nothing", "Nothing that matters here"
    SOMETHING = "something", "Something to talk about"
    UNAVAILABLE = "unavailable", "Could not be reached"


@tracked
class MonitoringCheck(Fact):
    """A look into the state's prescription-monitoring programme: when, by whom, what it showed."""

    checked_on = models.DateField()
    checked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=2, blank=True)
    outcome = models.CharField(max_length=12, choices=MonitoringOutcome)

    class Meta(ClinicalEntry.Meta):
        ordering = ["-checked_on", "-created_at"]

    def __str__(self) -> str:
        return "Prescription-monitoring check"


@tracked
class RemsEnrolment(Fact):
    """The patient's enrolment in the SPRAVATO REMS. The clinic's own certification stands with the clinic."""

    enrolment_number = models.CharField(max_length=60)
    enrolled_on = models.DateField()
    ended_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["-enrolled_on"]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.UniqueConstraint(
                fields=["episode"],
                condition=Q(superseded_at__isnull=True, entered_in_error_at__isnull=True),
                name="screening_one_rems_enrolment",
            ),
            models.CheckConstraint(
                name="screening_rems_ends_after_enrolment",
                condition=Q(ended_on__isnull=True) | Q(ended_on__gte=F("enrolled_on")),
            ),
        ]

    def __str__(self) -> str:
        return f"REMS enrolment {self.enrolment_number}"
