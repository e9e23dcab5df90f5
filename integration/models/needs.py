"""What a dose owes: the need for integration, with its window."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from episodes.models import Episode
from integration import windows
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalQuerySet, ClinicalRow
from kapclinic.documents.notes import never_deleted
from kapclinic.scheduling.models import LIVE_STATES, Appointment
from kapclinic.scheduling.spans import Span
from sessions.models import DosingSession


class NeedPart(models.TextChoices):
    """Which obligation of a dose it is."""

    PRIMARY = windows.Part.PRIMARY.value, "Integration"
    SECONDARY = windows.Part.SECONDARY.value, "Secondary integration"


class MissReason(models.TextChoices):
    """Why a window closed without a session inside."""

    DECLINED = windows.MissReason.DECLINED.value, "The patient declined or did not come"
    NO_SLOT = windows.MissReason.NO_SLOT.value, "No time could be found"
    CLINICIAN_ABSENT = windows.MissReason.CLINICIAN_ABSENT.value, "The clinician was absent"
    TOLD_LATE = windows.MissReason.TOLD_LATE.value, "The patient was told too late"
    CLINICAL = windows.MissReason.CLINICAL.value, "Clinical judgement"


class NeedQuerySet(ClinicalQuerySet):
    """Queries over needs."""

    def standing(self) -> Self:
        """Needs of doses that were really given."""
        return self.filter(withdrawn_at__isnull=True, is_ahead=False)

    def ahead(self) -> Self:
        """What planned doses will owe."""
        return self.filter(withdrawn_at__isnull=True, is_ahead=True)

    def owing(self) -> Self:
        """Unmet needs of given and of planned doses."""
        return self.filter(withdrawn_at__isnull=True, met_at__isnull=True, superseded_at__isnull=True)

    def plannable(self, now: datetime) -> Self:
        """Needs for which the program holds a time: of given doses with a T0, and of planned ones."""
        has_window = Q(is_ahead=True) | Q(t0__isnull=False)
        return self.owing().filter(has_window, is_planned_here=True, closes_at__gte=now)

    def unmet(self) -> Self:
        """Needs that still want a session or a word: neither met nor superseded."""
        return self.standing().filter(met_at__isnull=True, superseded_at__isnull=True)

    def awaiting_integration(self, now: datetime) -> Self:
        """Unmet needs with a T0 whose window has not closed, soonest first."""
        return self.unmet().filter(t0__isnull=False, closes_at__gte=now).order_by("closes_at")

    def closed_unmet(self, now: datetime) -> Self:
        """Needs whose window closed without a session inside."""
        return self.unmet().filter(t0__isnull=False, closes_at__lt=now).order_by("-closes_at")

    def without_booking(self) -> Self:
        """Needs that no live appointment serves."""
        return self.exclude(appointment__state__in=LIVE_STATES)


@tracked
class IntegrationNeed(ClinicalRow):
    """What one dose owes: a session in a window. Its state is derived (`state_at`), never stored.

    While `t0` is empty the window is provisional, counted from `planned_t0`: the dose runs or, with `is_ahead`, is planned.
    """

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="integration_needs")
    dose = models.ForeignKey(DosingSession, on_delete=models.PROTECT, related_name="integration_needs")
    part = models.CharField(max_length=10, choices=NeedPart, default=NeedPart.PRIMARY)
    dose_number = models.PositiveIntegerField()
    # The dose is planned and has not begun: `d0` and `planned_t0` are when it should.
    is_ahead = models.BooleanField(default=False)
    d0 = models.DateTimeField("first administration began")
    t0 = models.DateTimeField("last administration ended", null=True, blank=True)
    planned_t0 = models.DateTimeField()
    # A T0 that was definite moved: bookings are flagged then, never moved by the program.
    t0_corrected_at = models.DateTimeField(null=True, blank=True)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    preferred_from = models.DateTimeField()
    preferred_until = models.DateTimeField()
    plan_from = models.DateTimeField()
    duration_minutes = models.PositiveIntegerField()
    # False where an outside therapist sees the patient: the session is recorded, nothing is booked by itself.
    is_planned_here = models.BooleanField(default=True)
    appointment = models.ForeignKey(
        Appointment, on_delete=models.PROTECT, null=True, blank=True, related_name="integration_needs"
    )
    unplaced_reasons = models.JSONField(default=list, blank=True)
    unplaced_at = models.DateTimeField(null=True, blank=True)
    met_at = models.DateTimeField(null=True, blank=True)
    met_by = models.ForeignKey(
        "integration.IntegrationSession",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="meets",
    )
    miss_reason = models.CharField(max_length=20, choices=MissReason, blank=True)
    miss_note = models.CharField(max_length=500, blank=True)
    miss_recorded_at = models.DateTimeField(null=True, blank=True)
    miss_recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    superseded_at = models.DateTimeField(null=True, blank=True)
    superseded_by = models.ForeignKey(
        DosingSession, on_delete=models.PROTECT, null=True, blank=True, related_name="supersedes_needs"
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[NeedQuerySet] = NeedQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        ordering = ["-d0", "part"]
        triggers = [never_deleted()]
        indexes = [
            models.Index(
                fields=["clinic", "closes_at"],
                condition=Q(met_at__isnull=True, superseded_at__isnull=True, withdrawn_at__isnull=True),
                name="integration_need_waiting",
            ),
            models.Index(fields=["clinic", "closes_at", "part"], name="integration_need_by_close"),
            models.Index(fields=["episode", "-d0"], name="integration_need_of_episode"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["dose", "part"], name="integration_one_need_per_dose_and_part"),
            models.CheckConstraint(
                name="integration_closes_after_opening", condition=Q(closes_at__gt=F("opens_at"))
            ),
            models.CheckConstraint(
                name="integration_t0_after_d0", condition=Q(t0__isnull=True) | Q(t0__gte=F("d0"))
            ),
            models.CheckConstraint(
                name="integration_ahead_has_no_t0", condition=Q(is_ahead=False) | Q(t0__isnull=True)
            ),
            models.CheckConstraint(
                name="integration_met_has_a_session",
                condition=Q(met_at__isnull=True, met_by__isnull=True)
                | Q(met_at__isnull=False, met_by__isnull=False),
            ),
            models.CheckConstraint(
                name="integration_miss_is_whole",
                condition=Q(miss_reason="", miss_recorded_at__isnull=True, miss_recorded_by__isnull=True)
                | Q(~Q(miss_reason=""), Q(miss_recorded_at__isnull=False, miss_recorded_by__isnull=False)),
            ),
            models.CheckConstraint(
                name="integration_superseded_by_a_dose",
                condition=Q(superseded_at__isnull=True, superseded_by__isnull=True)
                | Q(superseded_at__isnull=False, superseded_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_part_display()} after dose {self.dose_number}"

    @property
    def window(self) -> Span:
        """The window in force; provisional while the dose runs. Both ends are included."""
        return Span(self.opens_at, self.closes_at)

    @property
    def is_provisional(self) -> bool:
        """True while T0 is not recorded."""
        return self.t0 is None

    @property
    def anchor(self) -> datetime:
        """The instant from which its hours are counted."""
        return self.planned_t0 if self.t0 is None else self.t0

    @property
    def live_appointment(self) -> Appointment | None:
        """The booking that serves it, while it is live."""
        return self.appointment if self.appointment is not None and self.appointment.is_live else None

    def is_overtaken_by(self, dose_at: datetime | None) -> bool:
        """Whether a secondary session gives way to a dose planned for `dose_at`, before its window opens."""
        return self.part == NeedPart.SECONDARY and dose_at is not None and self.d0 < dose_at < self.opens_at

    def facts(self) -> windows.NeedFacts:
        """What the pure rules need to know of it."""
        return windows.NeedFacts(
            window=None if self.t0 is None else self.window,
            has_booking=self.live_appointment is not None,
            met_at=self.met_at,
            superseded_at=self.superseded_at,
            withdrawn_at=self.withdrawn_at,
            part=windows.Part(self.part),
            miss_reason=windows.MissReason(self.miss_reason) if self.miss_reason else None,
        )

    def state_at(self, now: datetime) -> windows.NeedState:
        """Where it stands at `now`."""
        return windows.state_of(self.facts(), now)
