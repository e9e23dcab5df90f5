"""Patients."""

from datetime import date
from typing import ClassVar, Self
from zoneinfo import ZoneInfo

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Concat, Lower

from episodes.identifiers import new_patient_id
from kapclinic.accounts.policy import Actor
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalQuerySet, ClinicalRow, validate_time_zone


class SexAtBirth(models.TextChoices):
    """Sex recorded at birth; some findings depend on it."""

    FEMALE = "female", "Female"
    MALE = "male", "Male"
    OTHER = "other", "Other"
    UNKNOWN = "unknown", "Not recorded"


class PatientQuerySet(ClinicalQuerySet):
    """Queries over patients."""

    def visible_to(self, actor: Actor) -> Self:
        """Patients whose name and contact the actor may see (the access table's `patient.view`)."""
        from episodes.access import patient_scope

        return self.filter(patient_scope(actor))

    def matching(self, text: str) -> Self:
        """Patients whose names or identifier resemble `text`, best first; misspellings are found too (pg_trgm)."""
        from django.contrib.postgres.search import TrigramWordSimilarity

        wanted = text.strip().lower()
        if not wanted:
            return self.none()
        return (
            self.annotate(likeness=TrigramWordSimilarity(wanted, "search_text"))
            .filter(Q(search_text__contains=wanted) | Q(search_text__trigram_word_similar=wanted))
            .order_by("-likeness", "family_name", "given_name")
        )


@tracked
class Patient(ClinicalRow):
    """A person in care."""

    public_id = models.CharField(max_length=12, unique=True, default=new_patient_id, editable=False)
    external_id = models.CharField("identifier elsewhere", max_length=60, blank=True)
    given_name = models.CharField("legal given name", max_length=100)
    family_name = models.CharField("legal family name", max_length=100)
    preferred_name = models.CharField(max_length=100, blank=True)
    pronouns = models.CharField(max_length=40, blank=True)
    date_of_birth = models.DateField()
    sex_at_birth = models.CharField(max_length=8, choices=SexAtBirth, default=SexAtBirth.UNKNOWN)
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    address = models.TextField(blank=True)
    state = models.CharField("state", max_length=2, blank=True)
    postal_code = models.CharField("ZIP code", max_length=12, blank=True)
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=64, blank=True)
    emergency_name = models.CharField("emergency contact", max_length=150, blank=True)
    emergency_phone = models.CharField("emergency contact's phone", max_length=40, blank=True)
    emergency_relation = models.CharField("emergency contact's relation", max_length=60, blank=True)
    support_name = models.CharField("support person", max_length=150, blank=True)
    support_phone = models.CharField("support person's phone", max_length=40, blank=True)
    support_relation = models.CharField("support person's relation", max_length=60, blank=True)
    is_demo = models.BooleanField(default=False, editable=False)
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)
    search_text = models.GeneratedField(
        expression=Lower(
            Concat(
                "given_name", Value(" "), "family_name", Value(" "), "preferred_name", Value(" "), "public_id", Value(" "),
                "external_id",
            )
        ),
        output_field=models.TextField(),
        db_persist=True,
    )  # fmt: skip

    objects: ClassVar[PatientQuerySet] = PatientQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        ordering = ["family_name", "given_name"]
        indexes = [
            GinIndex(OpClass("search_text", name="gin_trgm_ops"), name="episodes_patient_search"),
            models.Index(
                fields=["clinic", "family_name", "given_name", "id"], name="episodes_patient_by_name"
            ),
            models.Index(fields=["clinic", "date_of_birth"], name="episodes_patient_birth"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "external_id"],
                condition=~Q(external_id=""),
                name="episodes_external_id_once",
            ),
            models.CheckConstraint(
                name="episodes_birth_is_plausible", condition=Q(date_of_birth__gte=date(1900, 1, 1))
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """Family name first, with the preferred name where there is one: "Demo, Mei"."""
        return f"{self.family_name}, {self.preferred_name or self.given_name}"

    @property
    def zone(self) -> ZoneInfo:
        """The patient's time zone (the clinic's where none is recorded)."""
        return ZoneInfo(self.time_zone) if self.time_zone else self.clinic.zone

    def age_on(self, day: date) -> int:
        """Completed years on `day`; someone born on 29 February has the birthday on 1 March in common years."""
        had_birthday = (day.month, day.day) >= (self.date_of_birth.month, self.date_of_birth.day)
        return day.year - self.date_of_birth.year - (0 if had_birthday else 1)

    def clean(self) -> None:
        if self.time_zone:
            validate_time_zone(self.time_zone)
