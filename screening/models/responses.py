"""Answered questionnaires, and that a clinician looked at an old answer."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from episodes.models import Episode, Patient
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalEntry, ClinicalRow, EntryQuerySet
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.notes import never_deleted, row_is_final
from screening.instruments import Band, Instrument, SafetyStatus, Score, instrument, instruments, score
from screening.segments import category_of_instrument


class ResponseStatus(models.TextChoices):
    """Whether every scored item has an answer."""

    COMPLETE = "complete", "Complete"
    INCOMPLETE = "incomplete", "Incomplete"


class ResponsePhase(models.TextChoices):
    """The step of the episode that the questionnaire belongs to, said by a person, never guessed from dates."""

    SCREENING = "screening", "Screening"
    PREPARATION = "preparation", "Preparation"
    BEFORE_DOSE = "before-dose", "Before a dose"
    INTEGRATION = "integration", "Integration"
    AFTER_COURSE = "after-course", "After the course"
    MAINTENANCE = "maintenance", "Maintenance"
    OTHER = "other", "Between steps"
    HISTORY = "history", "History, before this clinic or this episode"


class ResponseMode(models.TextChoices):
    """How the answers came into the program."""

    PATIENT = "patient", "By the patient, on this device"
    STAFF = "staff", "Read out, or copied from paper"
    IMPORTED = "imported", "Imported from a file"


class SafetyRoute(models.TextChoices):
    """Where an endorsed or blank safety item was sent when the response was stored."""

    NONE = "", "Nowhere"
    ASSESSMENT = "assessment", "Suicide-risk assessment"
    REVIEW = "review", "Review list"


class ResponseQuerySet(EntryQuerySet):
    """Queries over answered questionnaires."""

    def current(self) -> Self:
        """Neither struck nor corrected by a standing later version."""
        corrections = self.model._base_manager.filter(
            supersedes=OuterRef("pk"), entered_in_error_at__isnull=True
        )
        return self.standing().filter(~Exists(corrections))

    def complete(self) -> Self:
        """With a total."""
        return self.filter(total__isnull=False)

    def awaiting_review(self) -> Self:
        """Old or imported answers to the safety item that a clinician has not looked at yet."""
        return self.current().filter(safety_route=SafetyRoute.REVIEW, safety_review__isnull=True)


def _total_in_range() -> Q:
    found = Q(total__isnull=True)
    for each in instruments():
        found |= Q(instrument_id=each.id, total__gte=each.minimum, total__lte=each.maximum)
    return found


@tracked
class Response(ClinicalEntry):
    """One questionnaire as it was answered. It never changes: a correction is a new row that supersedes it.

    `answers` maps item numbers to points, with null for a blank; wording and scoring are those of the instrument's version.
    """

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="responses")
    episode = models.ForeignKey(
        Episode, on_delete=models.PROTECT, null=True, blank=True, related_name="responses"
    )
    instrument_id = models.CharField("questionnaire", max_length=20)
    instrument_version = models.CharField(max_length=10)
    answers = models.JSONField()
    functional = models.PositiveSmallIntegerField("difficulty", null=True, blank=True)
    total = models.PositiveSmallIntegerField(null=True, blank=True)
    band = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=10, choices=ResponseStatus)
    safety = models.CharField(max_length=12, blank=True, choices=[(each, each.name) for each in SafetyStatus])
    safety_route = models.CharField(max_length=10, blank=True, choices=SafetyRoute, default=SafetyRoute.NONE)
    completed_at = models.DateTimeField()
    # The file knew the day alone; `completed_at` is then noon in the clinic's zone.
    is_day_only = models.BooleanField(default=False)
    phase = models.CharField(max_length=12, choices=ResponsePhase)
    dose_number = models.PositiveSmallIntegerField("dose", null=True, blank=True)
    mode = models.CharField(max_length=8, choices=ResponseMode)
    supersedes = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="corrections"
    )
    supersede_reason = models.CharField("reason of the correction", max_length=300, blank=True)
    import_batch = models.ForeignKey(
        "screening.ImportBatch", on_delete=models.PROTECT, null=True, blank=True, related_name="responses"
    )
    external_id = models.CharField("identifier in the file", max_length=128, blank=True)
    # What makes an imported questionnaire the same one: patient, instrument, date and answers.
    content_key = models.CharField(max_length=64, blank=True, editable=False)
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    objects: ClassVar[ResponseQuerySet] = ResponseQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        verbose_name = "questionnaire"
        ordering = ["-completed_at", "-created_at"]
        indexes = [
            models.Index(
                fields=["patient", "instrument_id", "-completed_at"], name="screening_response_series"
            ),
            models.Index(fields=["episode", "-completed_at"], name="screening_response_episode"),
            models.Index(
                fields=["clinic", "-completed_at"],
                condition=Q(safety_route="review"),
                name="screening_response_review",
            ),
        ]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.CheckConstraint(
                name="screening_total_only_when_complete",
                condition=Q(status="complete", total__isnull=False) | Q(status="incomplete", total__isnull=True, band=""),
            ),
            models.CheckConstraint(name="screening_total_in_range", condition=_total_in_range()),
            models.CheckConstraint(
                name="screening_safety_item_is_phq9",
                condition=Q(~Q(safety=""), instrument_id="phq-9") | Q(~Q(instrument_id="phq-9"), safety=""),
            ),
            models.CheckConstraint(
                name="screening_route_only_when_asked",
                condition=Q(safety_route="") | Q(safety__in=["one", "two-or-more", "missing"]),
            ),
            models.CheckConstraint(
                name="screening_zero_opens_nothing",
                condition=~Q(safety__in=["one", "two-or-more", "missing"]) | ~Q(safety_route=""),
            ),
            models.CheckConstraint(
                name="screening_dose_number_before_dose",
                condition=Q(dose_number__isnull=True) | Q(phase__in=["before-dose", "integration"], dose_number__gte=1),
            ),
            models.CheckConstraint(
                name="screening_import_has_its_batch",
                condition=Q(~Q(mode="imported"), content_key="")
                | Q(Q(mode="imported", import_batch__isnull=False), ~Q(content_key="")),
            ),
            models.CheckConstraint(
                name="screening_correction_has_a_reason",
                condition=Q(supersedes__isnull=True, supersede_reason="")
                | Q(Q(supersedes__isnull=False), ~Q(supersede_reason=""), ~Q(supersedes=F("id"))),
            ),
            models.UniqueConstraint(
                fields=["supersedes"],
                condition=Q(entered_in_error_at__isnull=True),
                name="screening_one_correction_in_force",
            ),
            models.UniqueConstraint(
                fields=["clinic", "content_key"],
                condition=~Q(content_key=""),
                name="screening_imported_once",
            ),
        ]  # fmt: skip
        triggers = [row_is_final(), never_deleted()]

    def __str__(self) -> str:
        return self.instrument.short_title

    @property
    def instrument(self) -> Instrument:
        """The questionnaire in the version that was answered."""
        return instrument(self.instrument_id, self.instrument_version)

    @property
    def consent_category(self) -> ConsentCategory:
        """What a sharing consent calls it, by the questionnaire."""
        return category_of_instrument(self.instrument)

    @property
    def values(self) -> tuple[int | None, ...]:
        """The answers in the items' order, `None` for a blank."""
        return tuple(self.answers.get(str(item.number)) for item in self.instrument.items)

    @property
    def band_label(self) -> str:
        """The band in words, or nothing."""
        band: Band | None = self.instrument.band_by_code(self.band)
        return band.label if band else ""

    @property
    def is_complete(self) -> bool:
        """True when there is a total."""
        return self.status == ResponseStatus.COMPLETE

    @property
    def safety_status(self) -> SafetyStatus | None:
        """What the safety item says; `None` where the questionnaire has none."""
        return SafetyStatus(self.safety) if self.safety else None

    @property
    def safety_value(self) -> int | None:
        """The answer to the safety item in points; `None` for a blank or where there is no such item."""
        number = self.instrument.safety_item
        return None if number is None else self.answers.get(str(number))

    @property
    def phase_label(self) -> str:
        """The step in words, with the dose where one is named: "Before dose 3"."""
        if self.dose_number is None:
            return str(self.get_phase_display())
        words = {
            ResponsePhase.BEFORE_DOSE: "Before dose",
            ResponsePhase.INTEGRATION: "Integration after dose",
        }
        return f"{words[ResponsePhase(self.phase)]} {self.dose_number}"

    def score(self, *, cut_point: int | None = None) -> Score:
        """Everything that the answers add up to (cut-offs, clusters), computed anew by the version's rules."""
        return score(
            self.instrument,
            self.values,
            functional=self.functional,
            sex=self.patient.sex_at_birth,
            cut_point=cut_point,
        )


@tracked
class SafetyReview(ClinicalRow):
    """A clinician looked at an old or imported answer to the safety item."""

    response = models.OneToOneField(Response, on_delete=models.PROTECT, related_name="safety_review")
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        triggers = [row_is_final(), never_deleted()]

    def __str__(self) -> str:
        return f"Review of {self.response}"
