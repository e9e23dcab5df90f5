"""What is known about a patient's health: facts that are superseded by newer ones and never edited."""

import calendar
import datetime as dt
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from episodes.models import Episode
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalEntry, EntryQuerySet
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.models import Attachment
from screening import questions, segments
from screening.contraindications import facts


class FactQuerySet(EntryQuerySet):
    """Queries over facts."""

    def current(self) -> Self:
        """Facts that stand: not struck and not superseded."""
        return self.standing().filter(superseded_at__isnull=True)

    def of_episode(self, episode: Episode) -> Self:
        """Facts of one episode."""
        return self.filter(episode=episode)


class Fact(ClinicalEntry):
    """Base of every fact of screening.

    A newer fact names the one that it supersedes, with the reason for the change; the older one keeps
    standing in the record with the instant from which it no longer counts. `evidence` is the paper that
    a correction rests on.
    """

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="%(class)s_facts")
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="superseded_by", editable=False
    )
    superseded_at = models.DateTimeField(null=True, blank=True, editable=False)
    change_reason = models.CharField("why it changes", max_length=500, blank=True)
    evidence = models.ForeignKey(
        Attachment, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True)
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    objects: ClassVar[FactQuerySet] = FactQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta(ClinicalEntry.Meta):
        abstract = True

    @property
    def consent_category(self) -> ConsentCategory:
        """What a sharing consent calls it."""
        return ConsentCategory.SAFETY

    @property
    def is_current(self) -> bool:
        """True while it counts."""
        return self.superseded_at is None and not self.is_struck


class Answer(models.TextChoices):
    """Answer to a history question."""

    YES = "yes", "Yes"
    NO = "no", "No"
    UNKNOWN = "unknown", "Unknown"


@tracked
class HistoryAnswer(Fact):
    """The answer to one history question of `screening.questions`."""

    question = models.CharField(max_length=40)
    answer = models.CharField(max_length=8, choices=Answer)

    class Meta:
        ordering = ["created_at"]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.UniqueConstraint(
                fields=["episode", "question"],
                condition=Q(superseded_at__isnull=True, entered_in_error_at__isnull=True),
                name="screening_one_answer_per_question",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.question_text}: {self.get_answer_display()}"

    @property
    def consent_category(self) -> ConsentCategory:
        """What a sharing consent calls it, by the question."""
        return segments.category_of_question(self.question)

    @property
    def question_text(self) -> str:
        """The question in words."""
        question = questions.QUESTION_BY_KEY.get(self.question)
        return question.text if question else self.question


class DatePrecision(models.TextChoices):
    """How exactly a day in the past is known."""

    DAY = "day", "To the day"
    MONTH = "month", "To the month"
    YEAR = "year", "To the year"


class ConditionStatus(models.TextChoices):
    """How a condition stands now."""

    ACTIVE = "active", "Active, not said whether stable"
    UNSTABLE = "unstable", "Severe, unstable or uncontrolled"
    STABLE = "stable", "Stable, treated or controlled"
    RESOLVED = "resolved", "Resolved or in the past"


class LiverGrade(models.TextChoices):
    """Child-Pugh class."""

    A = "A", "Child-Pugh A"
    B = "B", "Child-Pugh B"
    C = "C", "Child-Pugh C"
    MARKED = "marked", "Markedly raised liver tests"


@tracked
class Condition(Fact):
    """An entry of the problem list."""

    kind = models.CharField(
        max_length=30, choices=[(kind.key, kind.label) for kind in questions.CONDITION_KINDS]
    )
    name = models.CharField("in words", max_length=200, blank=True)
    status = models.CharField(max_length=10, choices=ConditionStatus)
    event_on = models.DateField("day of the (last) event", null=True, blank=True)
    event_precision = models.CharField(max_length=5, choices=DatePrecision, default=DatePrecision.DAY)
    liver_grade = models.CharField(max_length=6, choices=LiverGrade, blank=True)

    class Meta(ClinicalEntry.Meta):
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"{self.title}: {facts.STATUS_WORDS[facts.ConditionStatus(self.status)]}"

    @property
    def consent_category(self) -> ConsentCategory:
        """What a sharing consent calls it, by the kind of condition."""
        return segments.category_of_condition(self.kind)

    @property
    def title(self) -> str:
        """The condition in words, or its kind."""
        return self.name or self.get_kind_display()

    @property
    def latest_event_on(self) -> dt.date | None:
        """The latest day on which the event can have happened, given how exactly the day is known."""
        if self.event_on is None or self.event_precision == DatePrecision.DAY:
            return self.event_on
        if self.event_precision == DatePrecision.YEAR:
            return self.event_on.replace(month=12, day=31)
        return self.event_on.replace(day=calendar.monthrange(self.event_on.year, self.event_on.month)[1])

    @property
    def event_words(self) -> str:
        """The month or year of the event, where the day is not known."""
        if self.event_on is None or self.event_precision == DatePrecision.DAY:
            return ""
        return (
            f"{self.event_on:%Y}" if self.event_precision == DatePrecision.YEAR else f"{self.event_on:%b %Y}"
        )


class Classification(models.TextChoices):
    """How the classes of a medication came about."""

    RECOGNISED = "recognised", "Recognised by its name"
    UNCLASSIFIED = "unclassified", "Unclassified"
    CLASSIFIED = "classified", "Classified by a prescriber"
    IRRELEVANT = "irrelevant", "Looked at by a prescriber: no rule concerns it"


@tracked
class Medication(Fact):
    """One medication that the patient takes or took.

    `classes` are those by which the rules read it. While it is unclassified every rule about
    medications stays open: a prescriber classifies it or says that no rule concerns it.
    """

    name = models.CharField(max_length=200)
    dose = models.CharField(max_length=100, blank=True)
    frequency = models.CharField(max_length=100, blank=True)
    is_nasal = models.BooleanField("taken through the nose", default=False)
    reason_taken = models.CharField("what for", max_length=200, blank=True)
    started_on = models.DateField(null=True, blank=True)
    stopped_on = models.DateField(null=True, blank=True)
    last_taken_at = models.DateTimeField(null=True, blank=True)
    ingredients = models.JSONField(default=list, blank=True)
    classes = models.JSONField(default=list, blank=True)
    unrecognised = models.JSONField(default=list, blank=True)
    classification = models.CharField(max_length=12, choices=Classification)
    list_version = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.CheckConstraint(name="screening_medication_has_name", condition=~Q(name="")),
            models.CheckConstraint(
                name="screening_medication_stops_after_start",
                condition=Q(stopped_on__isnull=True)
                | Q(started_on__isnull=True)
                | Q(stopped_on__gte=F("started_on")),
            ),
        ]

    def __str__(self) -> str:
        return " ".join(part for part in (self.name, self.dose, self.frequency) if part)

    @property
    def consent_category(self) -> ConsentCategory:
        """What a sharing consent calls it, by what is in it."""
        return segments.category_of_medication(self.ingredients)

    @property
    def is_settled(self) -> bool:
        """True when its classes are known or a prescriber looked at it."""
        return self.classification != Classification.UNCLASSIFIED

    def is_active_on(self, day: dt.date) -> bool:
        """True until the day on which it was stopped (the day itself still counts)."""
        return self.stopped_on is None or day <= self.stopped_on


@tracked
class MedicationReview(Fact):
    """The statement that the medication list was gone through: complete as it is, or nothing taken."""

    takes_none = models.BooleanField(default=False)
    reviewed_on = models.DateField()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.UniqueConstraint(
                fields=["episode"],
                condition=Q(superseded_at__isnull=True, entered_in_error_at__isnull=True),
                name="screening_one_medication_review",
            ),
        ]

    def __str__(self) -> str:
        return "Takes no medication" if self.takes_none else "Medication list is complete"

    @property
    def consent_category(self) -> ConsentCategory:
        """What a sharing consent calls it."""
        return ConsentCategory.MEDICATION
