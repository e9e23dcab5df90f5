"""Working hours, time off, closed rooms, holidays and a clinician's own limits: when someone or a room can be booked."""

from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalQuerySet, ClinicalRow, Room
from kapclinic.scheduling.limits import LONGEST_BUFFER_MINUTES, MOST_SESSIONS_OF_A_DAY
from kapclinic.scheduling.spans import Span


class Weekday(models.IntegerChoices):
    """ISO weekdays."""

    MONDAY = 1, "Monday"
    TUESDAY = 2, "Tuesday"
    WEDNESDAY = 3, "Wednesday"
    THURSDAY = 4, "Thursday"
    FRIDAY = 5, "Friday"
    SATURDAY = 6, "Saturday"
    SUNDAY = 7, "Sunday"


class HoursPlace(models.TextChoices):
    """What working time can be used for."""

    EITHER = "either", "In person or telehealth"
    IN_PERSON = "in_person", "In person"
    TELEHEALTH = "telehealth", "Telehealth"


class RosterQuerySet(ClinicalQuerySet):
    """Queries over rows of a roster; nothing is deleted, so what was taken back stays."""

    def standing(self) -> Self:
        """Rows that were not taken back."""
        return self.filter(withdrawn_at__isnull=True)

    def overlapping(self, span: Span) -> Self:
        """Rows with `starts_at` and `ends_at` that share time with `span`."""
        return self.filter(starts_at__lt=span.ends_at, ends_at__gt=span.starts_at)


class RosterRow(ClinicalRow):
    """Base of what decides when someone can be booked; taken back instead of deleted."""

    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    objects: ClassVar[RosterQuerySet] = RosterQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        abstract = True


class WeeklyRow(RosterRow):
    """Base of weekly times on the clinic's wall clock, `valid_from` to `valid_until` with both days.

    `ends_at` 00:00 means the midnight that ends the day.
    """

    weekday = models.PositiveSmallIntegerField(choices=Weekday)
    starts_at = models.TimeField("from")
    ends_at = models.TimeField("until")
    valid_from = models.DateField("in force from")
    valid_until = models.DateField("until and including", null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.starts_at:%H:%M}-{self.ends_at:%H:%M}"


def weekly_constraints(name: str) -> list[models.BaseConstraint]:
    """What holds for weekly times, as constraints whose names begin with `name`."""
    return [
        models.CheckConstraint(name=f"{name}_weekday", condition=Q(weekday__gte=1, weekday__lte=7)),
        models.CheckConstraint(
            name=f"{name}_end_after_start", condition=Q(ends_at__gt=F("starts_at")) | Q(ends_at="00:00")
        ),
        models.CheckConstraint(
            name=f"{name}_validity",
            condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
        ),
    ]


@tracked
class WorkingHours(WeeklyRow):
    """Weekly hours of one person."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="working_hours"
    )
    place = models.CharField(max_length=10, choices=HoursPlace, default=HoursPlace.EITHER)

    class Meta:
        ordering = ["weekday", "starts_at"]
        indexes = [
            models.Index(
                fields=["person"], condition=Q(withdrawn_at__isnull=True), name="scheduling_hours_of_person"
            )
        ]
        constraints = weekly_constraints("scheduling_hours")


@tracked
class ExtraHours(RosterRow):
    """Working time on one occasion, on top of the weekly hours and of holidays."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="extra_hours")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    place = models.CharField(max_length=10, choices=HoursPlace, default=HoursPlace.EITHER)

    class Meta:
        ordering = ["starts_at"]
        verbose_name_plural = "extra hours"
        constraints = [
            models.CheckConstraint(
                name="scheduling_extra_end_after_start", condition=Q(ends_at__gt=F("starts_at"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.person} extra"


@tracked
class TimeOff(RosterRow):
    """Time in which a person is away. `kind` says no more than colleagues need; an absence cancels nothing."""

    class Kind(models.TextChoices):
        AWAY = "away", "Away"
        HOLIDAY = "holiday", "On holiday"
        ILL = "ill", "Ill"
        TRAINING = "training", "Training"

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="time_off")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.AWAY)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        ordering = ["starts_at"]
        verbose_name_plural = "time off"
        indexes = [
            models.Index(
                fields=["person", "starts_at"],
                condition=Q(withdrawn_at__isnull=True),
                name="scheduling_off_of_person",
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="scheduling_off_end_after_start", condition=Q(ends_at__gt=F("starts_at"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.get_kind_display().lower()}"


@tracked
class RoomClosure(RosterRow):
    """Time in which a room cannot be used. What is booked in it stays until somebody moves it."""

    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="closures")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=120)

    class Meta:
        ordering = ["starts_at"]
        indexes = [
            models.Index(
                fields=["room", "starts_at"],
                condition=Q(withdrawn_at__isnull=True),
                name="scheduling_closures_of_room",
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="scheduling_closure_end_after_start", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(name="scheduling_closure_has_a_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.room} closed"


@tracked
class ClinicHoliday(RosterRow):
    """A day of the clinic's calendar on which nobody works unless extra hours say so."""

    on = models.DateField()
    name = models.CharField(max_length=80)

    class Meta:
        ordering = ["on"]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "on"],
                condition=Q(withdrawn_at__isnull=True),
                name="scheduling_holiday_once_a_day",
            )
        ]

    def __str__(self) -> str:
        return self.name


@tracked
class PlanningLimits(ClinicalRow):
    """A clinician's own limits at one clinic, kept by sessions that the program places; None: the clinic's setting."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="planning_limits"
    )
    most_sessions_per_day = models.PositiveSmallIntegerField("most sessions a day", null=True, blank=True)
    buffer_minutes = models.PositiveSmallIntegerField("minutes between two sessions", null=True, blank=True)

    class Meta:
        verbose_name_plural = "planning limits"
        constraints = [
            models.UniqueConstraint(fields=["clinic", "person"], name="scheduling_limits_once_a_clinic"),
            models.CheckConstraint(
                name="scheduling_limits_sessions",
                condition=Q(most_sessions_per_day__isnull=True)
                | Q(most_sessions_per_day__gte=1, most_sessions_per_day__lte=MOST_SESSIONS_OF_A_DAY),
            ),
            models.CheckConstraint(
                name="scheduling_limits_buffer",
                condition=Q(buffer_minutes__isnull=True) | Q(buffer_minutes__lte=LONGEST_BUFFER_MINUTES),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} limits"
