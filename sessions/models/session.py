"""Dosing sessions, their check-in, and who is on duty on a day of doses."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypedDict

from django.db import models
from django.db.models import F, Max, Min, OuterRef, Q, Subquery

from episodes.models import Episode
from kapclinic.accounts.models import Role
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalEntry, EntryQuerySet, Room
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.notes import never_deleted
from kapclinic.scheduling.models import Appointment
from sessions.anchor import AdministrationTimes, Anchors, anchors
from sessions.models.base import CorrectableEntry, day_in_words, final_but_for, moment_in_words, person_field

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    AnchoredSession: TypeAlias = WithAnnotations["DosingSession", "AnchorTimes"]


class Place(models.TextChoices):
    """Where a dose is taken."""

    CLINIC = "clinic", "In the clinic"
    HOME = "home", "At home with telehealth support"
    RETREAT = "retreat", "Retreat"


class Approach(models.TextChoices):
    """How the therapist works during the dose (practice guide G0)."""

    SUPPORTIVE = "supportive", "Supportive, non-directive"
    ACTIVE = "active", "Active, directive"


class SessionState(models.TextChoices):
    """Life of a dosing session. What the dose itself does (running, ended) follows from the administrations."""

    PLANNED = "planned", "Planned"
    CHECKED_IN = "checked-in", "Checked in"
    UNDER_WAY = "under-way", "Under way"
    ENDED = "ended", "Patient has left"
    COMPLETED = "completed", "Record completed"
    CANCELLED = "cancelled", "Cancelled"
    NO_SHOW = "no-show", "Did not come"


OPEN_STATES = (SessionState.PLANNED, SessionState.CHECKED_IN, SessionState.UNDER_WAY, SessionState.ENDED)


class AnchorTimes(TypedDict):
    """What `with_anchors` adds to a session: aware instants and counts of its current administrations."""

    d0_at: datetime | None
    last_end_at: datetime | None
    given_count: int
    running_count: int


class DosingSessionQuerySet(EntryQuerySet):
    """Queries over dosing sessions."""

    def with_anchors(self) -> "models.QuerySet[AnchoredSession, AnchoredSession]":
        """Adds `d0_at`, `last_end_at`, `given_count` and `running_count` of the current administrations."""
        from sessions.models.giving import Administration

        given = Administration.objects.current().filter(session=OuterRef("pk")).order_by().values("session")
        found: Any = self.annotate(
            d0_at=Subquery(given.annotate(value=Min("started_at")).values("value")),
            last_end_at=Subquery(given.annotate(value=Max("ended_at")).values("value")),
            given_count=models.functions.Coalesce(
                Subquery(given.annotate(value=models.Count("pk")).values("value")), 0
            ),
            running_count=models.functions.Coalesce(
                Subquery(
                    given.filter(ended_at__isnull=True).annotate(value=models.Count("pk")).values("value")
                ),
                0,
            ),
        )
        return found

    def expected(self) -> Self:
        """Sessions that were neither called off nor struck."""
        return self.standing().exclude(state__in=[SessionState.CANCELLED, SessionState.NO_SHOW])

    def planned_between(self, start: datetime, end: datetime) -> Self:
        """Sessions planned to begin in [start, end)."""
        return self.filter(planned_at__gte=start, planned_at__lt=end)


@tracked
class DosingSession(ClinicalEntry):
    """One visit in which a dose is given, or was meant to be."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="dosing_sessions")
    appointment = models.OneToOneField(
        Appointment, on_delete=models.PROTECT, null=True, blank=True, related_name="dosing_session"
    )
    planned_at = models.DateTimeField("planned to begin")
    planned_until = models.DateTimeField("planned to end")
    place = models.CharField(max_length=8, choices=Place, default=Place.CLINIC)
    place_note = models.CharField("address, and who is there", max_length=300, blank=True)
    room = models.ForeignKey(Room, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=10, choices=SessionState, default=SessionState.PLANNED)
    approach = models.CharField(max_length=10, choices=Approach, blank=True)
    environment = models.JSONField(default=list, blank=True)
    environment_note = models.CharField(max_length=300, blank=True)
    playlist = models.CharField(max_length=200, blank=True)
    homework = models.CharField("journal prompt or activity until integration", max_length=500, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True, editable=False)
    completed_by = person_field(null=True, blank=True, editable=False)
    called_off_reason = models.CharField(max_length=300, blank=True)
    passed_reasons = models.JSONField(default=list, blank=True, editable=False)
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    objects: ClassVar[DosingSessionQuerySet] = DosingSessionQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta(ClinicalEntry.Meta):
        ordering = ["-planned_at"]
        indexes = [
            models.Index(fields=["episode", "planned_at"], name="dosing_session_of_episode"),
            models.Index(fields=["clinic", "planned_at"], name="dosing_session_by_day"),
            models.Index(
                fields=["clinic", "state"],
                condition=Q(state__in=["checked-in", "under-way", "ended"]),
                name="dosing_session_live",
            ),
        ]
        triggers = [never_deleted()]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.CheckConstraint(
                name="dosing_session_ends_after_start", condition=Q(planned_until__gt=F("planned_at"))
            ),
            models.CheckConstraint(
                name="dosing_session_completed_has_who",
                condition=Q(state="completed", completed_at__isnull=False, completed_by__isnull=False)
                | Q(~Q(state="completed"), completed_at__isnull=True, completed_by__isnull=True),
            ),
            models.CheckConstraint(
                name="dosing_session_called_off_has_why",
                condition=~Q(state="cancelled") | ~Q(called_off_reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"Dosing session {day_in_words(self.planned_at)}"

    @property
    def is_open(self) -> bool:
        """True while something may still happen or be charted in it."""
        return self.state in OPEN_STATES and not self.is_struck

    @property
    def is_called_off(self) -> bool:
        """True when the visit did not take place."""
        return self.state in (SessionState.CANCELLED, SessionState.NO_SHOW)

    def anchors(self) -> Anchors:
        """D0 and T0 from the current administrations (one query)."""
        current = self.administrations.current()
        return anchors(AdministrationTimes(entry.started_at, entry.ended_at) for entry in current)


class YesNo(models.TextChoices):
    """An answer at check-in; empty means not asked."""

    YES = "yes", "Yes"
    NO = "no", "No"


@tracked
class CheckIn(CorrectableEntry):
    """What was asked at the door. A change is a new row; the latest holds."""

    consent_category = ConsentCategory.SAFETY

    at = models.DateTimeField()
    weight_kg = models.DecimalField("weight", max_digits=5, decimal_places=1, null=True, blank=True)
    escort_confirmed = models.CharField(max_length=3, choices=YesNo, blank=True)
    escort_name = models.CharField(max_length=150, blank=True)
    escort_phone = models.CharField(max_length=40, blank=True)
    nothing_eaten = models.BooleanField("nothing eaten today", default=False)
    last_food_at = models.DateTimeField("last ate", null=True, blank=True)
    nothing_drunk = models.BooleanField("nothing drunk today", default=False)
    last_drink_at = models.DateTimeField("last drank", null=True, blank=True)
    nasal_medicine_at = models.DateTimeField("nasal spray used", null=True, blank=True)
    intoxication_suspected = models.CharField(max_length=3, choices=YesNo, blank=True)
    medicines_changed = models.CharField(max_length=3, choices=YesNo, blank=True)
    pregnancy_possible = models.CharField(max_length=3, choices=YesNo, blank=True)
    new_complaints = models.CharField(max_length=500, blank=True)
    intention = models.CharField("intention for today", max_length=500, blank=True)
    checked_by = person_field()

    class Meta(CorrectableEntry.Meta):
        ordering = ["-at", "-created_at"]
        triggers = [final_but_for("superseded_at"), never_deleted()]
        constraints = [
            *CorrectableEntry.Meta.constraints,
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(superseded_at__isnull=True, entered_in_error_at__isnull=True),
                name="dosing_one_check_in",
            ),
            models.CheckConstraint(
                name="dosing_check_in_weight", condition=Q(weight_kg__isnull=True) | Q(weight_kg__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"Check-in {moment_in_words(self.at)}"


DUTY_ROLES = [(role.value, role.label) for role in (Role.NURSE, Role.PRESCRIBER)]


@tracked
class DutyShift(ClinicalEntry):
    """A nurse or prescriber on duty for the doses of one day (the clinic's calendar day)."""

    person = person_field()
    role = models.CharField(
        max_length=12,
        choices=DUTY_ROLES,
    )
    on = models.DateField("day")

    class Meta(ClinicalEntry.Meta):
        ordering = ["on", "role"]
        indexes = [models.Index(fields=["person", "on"], name="dosing_duty_of_person")]
        triggers = [final_but_for(), never_deleted()]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.UniqueConstraint(
                fields=["clinic", "person", "on", "role"],
                condition=Q(entered_in_error_at__isnull=True),
                name="dosing_duty_once_a_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} on {self.on}"
