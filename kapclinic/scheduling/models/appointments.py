"""Appointments, from the first hold to what became of them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalQuerySet, ClinicalRow, Room
from kapclinic.documents.notes import never_deleted
from kapclinic.scheduling.models.participants import AppointmentParticipant
from kapclinic.scheduling.spans import Span


class MeetingPlace(models.TextChoices):
    """How people meet."""

    IN_PERSON = "in_person", "In person"
    TELEHEALTH = "telehealth", "Telehealth"


class AppointmentKind(models.TextChoices):
    """What an appointment is for."""

    SCREENING = "screening", "Screening"
    PREPARATION = "preparation", "Preparation"
    DOSING = "dosing", "Dosing"
    INTEGRATION = "integration", "Integration"
    SECONDARY_INTEGRATION = "secondary-integration", "Secondary integration"
    TEAM_MEETING = "team-meeting", "Team meeting"


INTEGRATION_KINDS = frozenset({AppointmentKind.INTEGRATION, AppointmentKind.SECONDARY_INTEGRATION})


class AppointmentState(models.TextChoices):
    """Held: only the clinic knows of it. Told: the patient knows this time, so it moves only by a person."""

    HELD = "held", "Held"
    TOLD = "told", "Told"
    ARRIVED = "arrived", "Arrived"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"
    NO_SHOW = "no-show", "No-show"


LIVE_STATES = (AppointmentState.HELD, AppointmentState.TOLD, AppointmentState.ARRIVED)


class ToldHow(models.TextChoices):
    """By what way the patient was told."""

    IN_PERSON = "in_person", "In person"
    PHONE = "phone", "Telephone"
    VOICEMAIL = "voicemail", "Voice message"
    PORTAL = "portal", "Secure message"
    LETTER = "letter", "Letter"


class AppointmentQuerySet(ClinicalQuerySet):
    """Queries over appointments."""

    def live(self) -> Self:
        """Appointments that still take people's time."""
        return self.filter(state__in=LIVE_STATES)

    def of_episode(self, episode: Any) -> Self:
        return self.filter(episode=episode)

    def between(self, starts_at: datetime, ends_at: datetime) -> Self:
        """Appointments that share time with the half-open stretch [starts_at, ends_at)."""
        return self.filter(starts_at__lt=ends_at, ends_at__gt=starts_at)

    def for_person(self, person: Any) -> Self:
        return self.filter(participants__person=person, participants__removed_at__isnull=True).distinct()

    def for_room(self, room: Room) -> Self:
        return self.filter(participants__room=room, participants__removed_at__isnull=True).distinct()

    def with_participants(self) -> Self:
        """Loads what `people`, `room` and `patient` read, in a bounded number of queries."""
        return self.select_related("episode", "episode__patient", "clinic").prefetch_related(
            models.Prefetch(
                "participants",
                queryset=AppointmentParticipant.objects.filter(removed_at__isnull=True)
                .select_related("person", "room", "patient")
                .order_by("part", "created_at"),
            )
        )


@tracked
class Appointment(ClinicalRow):
    """One meeting, from the first hold to what became of it: one row, whose earlier times are in its history.

    `window_opens_at` and `window_closes_at` are the window it was booked for. The whole of it lies inside, or a person
    wrote why not, or it was flagged when the window moved away under it.
    """

    kind = models.CharField(max_length=24, choices=AppointmentKind)
    state = models.CharField(max_length=10, choices=AppointmentState, default=AppointmentState.HELD)
    episode = models.ForeignKey(
        "episodes.Episode", on_delete=models.PROTECT, null=True, blank=True, related_name="appointments"
    )
    title = models.CharField(max_length=120, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    place = models.CharField(max_length=10, choices=MeetingPlace, default=MeetingPlace.IN_PERSON)
    window_opens_at = models.DateTimeField(null=True, blank=True)
    window_closes_at = models.DateTimeField(null=True, blank=True)
    outside_reason = models.TextField(blank=True)
    flagged_at = models.DateTimeField(null=True, blank=True)
    flag_reason = models.CharField(max_length=300, blank=True)
    # Counts every change of time, place, people or state: optimistic locking now, SEQUENCE in calendar feeds.
    sequence = models.PositiveIntegerField(default=0)
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)
    told_at = models.DateTimeField(null=True, blank=True)
    told_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    told_how = models.CharField(max_length=10, choices=ToldHow, blank=True)
    arrived_at = models.DateTimeField(null=True, blank=True)
    held_from = models.DateTimeField("started", null=True, blank=True)
    held_until = models.DateTimeField("ended", null=True, blank=True)
    ended_state_at = models.DateTimeField(null=True, blank=True)
    ended_state_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    cancel_reason = models.TextField(blank=True)

    objects: ClassVar[AppointmentQuerySet] = AppointmentQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        ordering = ["starts_at"]
        indexes = [
            models.Index(fields=["clinic", "starts_at"], name="scheduling_by_clinic_and_day"),
            models.Index(fields=["episode", "starts_at"], name="scheduling_by_episode"),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.Trigger(
                name="spans_follow",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.starts_at IS DISTINCT FROM NEW.starts_at OR OLD.ends_at IS DISTINCT FROM NEW.ends_at "
                    "OR OLD.state IS DISTINCT FROM NEW.state"
                ),
                func="""
                    UPDATE scheduling_appointmentparticipant
                       SET starts_at = NEW.starts_at,
                           ends_at = NEW.ends_at,
                           is_live = NEW.state IN ('held', 'told', 'arrived')
                     WHERE appointment_id = NEW.id AND removed_at IS NULL;
                    RETURN NEW;
                """,
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="scheduling_end_after_start", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="scheduling_window_whole",
                condition=Q(window_opens_at__isnull=True, window_closes_at__isnull=True)
                | Q(window_closes_at__gt=F("window_opens_at")),
            ),
            models.CheckConstraint(
                name="scheduling_inside_or_explained",
                condition=Q(window_opens_at__isnull=True)
                | Q(starts_at__gte=F("window_opens_at"), ends_at__lte=F("window_closes_at"))
                | ~Q(outside_reason="")
                | Q(flagged_at__isnull=False),
            ),
            models.CheckConstraint(
                name="scheduling_flag_has_a_reason",
                condition=Q(flagged_at__isnull=True, flag_reason="")
                | Q(Q(flagged_at__isnull=False), ~Q(flag_reason="")),
            ),
            models.CheckConstraint(
                name="scheduling_told_has_who_when_how",
                condition=~Q(state="told")
                | Q(Q(told_at__isnull=False, told_by__isnull=False), ~Q(told_how="")),
            ),
            models.CheckConstraint(
                name="scheduling_completed_has_times",
                condition=Q(state="completed", held_from__isnull=False, held_until__gt=F("held_from"))
                | Q(~Q(state="completed"), held_from__isnull=True, held_until__isnull=True),
            ),
            models.CheckConstraint(
                name="scheduling_ended_has_a_time",
                condition=Q(state__in=["completed", "cancelled", "no-show"], ended_state_at__isnull=False)
                | Q(state__in=["held", "told", "arrived"], ended_state_at__isnull=True),
            ),
            models.CheckConstraint(
                name="scheduling_cancelled_has_a_reason",
                condition=~Q(state="cancelled") | ~Q(cancel_reason=""),
            ),
            models.CheckConstraint(
                name="scheduling_team_meeting_alone_has_no_episode",
                condition=Q(episode__isnull=False) | Q(kind="team-meeting"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.get_state_display()})"

    @property
    def span(self) -> Span:
        """When it is planned, in UTC."""
        return Span(self.starts_at, self.ends_at)

    @property
    def window(self) -> Span | None:
        """The window it was booked for."""
        if self.window_opens_at is None or self.window_closes_at is None:
            return None
        return Span(self.window_opens_at, self.window_closes_at)

    @property
    def is_live(self) -> bool:
        """True while it takes people's time."""
        return self.state in LIVE_STATES

    @property
    def is_told(self) -> bool:
        """True when the patient knows this time."""
        return self.state in (AppointmentState.TOLD, AppointmentState.ARRIVED) or (
            self.state == AppointmentState.COMPLETED
        )

    @property
    def is_cancellation_told(self) -> bool:
        """True when the patient knows that it is cancelled."""
        return (
            self.state == AppointmentState.CANCELLED
            and self.told_at is not None
            and self.ended_state_at is not None
            and self.told_at > self.ended_state_at
        )

    @property
    def is_inside(self) -> bool:
        """True when it has no window or lies wholly inside it, both ends included."""
        return self.window is None or self.window.covers(self.span)

    @property
    def minutes(self) -> int:
        """Planned length in minutes."""
        return self.span.minutes

    def _current(self) -> list[AppointmentParticipant]:
        return [each for each in self.participants.all() if each.removed_at is None]

    @property
    def people(self) -> list[Any]:
        """Staff who take part."""
        return [each.person for each in self._current() if each.person_id is not None]

    @property
    def lead(self) -> Any | None:
        """The person who takes the session: the first exclusive one."""
        return next((each.person for each in self._current() if each.person_id and each.is_exclusive), None)

    @property
    def taken_people(self) -> list[tuple[Any, str]]:
        """Staff who are in nothing else meanwhile, each with their part."""
        return self._staff(is_exclusive=True)

    @property
    def shared_people(self) -> list[tuple[Any, str]]:
        """Staff who may be in other sessions too, each with their part."""
        return self._staff(is_exclusive=False)

    def _staff(self, *, is_exclusive: bool) -> list[tuple[Any, str]]:
        return [
            (each.person, each.part)
            for each in self._current()
            if each.person_id is not None and each.is_exclusive == is_exclusive
        ]

    @property
    def room(self) -> Room | None:
        """The room it is in."""
        return next((each.room for each in self._current() if each.room_id is not None), None)


def new_request_key() -> uuid.UUID:
    """A key that makes pressing a button twice one booking."""
    return uuid.uuid4()
