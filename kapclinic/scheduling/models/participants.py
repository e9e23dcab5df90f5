"""Who and what takes part in an appointment: nobody and nothing exclusive twice at once."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import Deferrable, Func, Q

from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalRow, Room
from kapclinic.documents.notes import never_deleted


class Part(models.TextChoices):
    """As what someone or something takes part."""

    PATIENT = "patient", "Patient"
    THERAPIST = "therapist", "Therapist"
    PRESCRIBER = "prescriber", "Prescriber"
    NURSE = "nurse", "Nurse"
    ATTENDEE = "attendee", "Attendee"
    ROOM = "room", "Room"


class _Span(Func):
    """The half-open range of a participant's time."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


def _never_twice(what: str) -> ExclusionConstraint:
    return ExclusionConstraint(
        name=f"scheduling_{what}_not_twice",
        expressions=[
            (_Span("starts_at", "ends_at", RangeBoundary()), RangeOperators.OVERLAPS),
            (what, RangeOperators.EQUAL),
        ],
        condition=Q(is_live=True, is_exclusive=True, removed_at__isnull=True, **{f"{what}__isnull": False}),
        # Deferred while a plan is applied, so that two sessions can swap.
        deferrable=Deferrable.IMMEDIATE,
    )


@tracked
class AppointmentParticipant(ClinicalRow):
    """One person, room or patient of an appointment. Span and liveness are the appointment's own: triggers keep them equal."""

    appointment = models.ForeignKey(
        "scheduling.Appointment", on_delete=models.PROTECT, related_name="participants"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="participations",
    )
    room = models.ForeignKey(
        Room, on_delete=models.PROTECT, null=True, blank=True, related_name="participations"
    )
    patient = models.ForeignKey(
        "episodes.Patient", on_delete=models.PROTECT, null=True, blank=True, related_name="participations"
    )
    part = models.CharField(max_length=10, choices=Part)
    is_exclusive = models.BooleanField(default=True)
    # In how many at once the person may be, as the clinic's setting stood at booking; none for who is in it alone.
    most_at_once = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    starts_at = models.DateTimeField(editable=False)
    ends_at = models.DateTimeField(editable=False)
    is_live = models.BooleanField(default=True, editable=False)
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["created_at"]
        indexes = [
            models.Index(
                fields=["person", "starts_at"],
                condition=Q(removed_at__isnull=True),
                name="scheduling_of_person",
            ),
            models.Index(
                fields=["room", "starts_at"], condition=Q(removed_at__isnull=True), name="scheduling_of_room"
            ),
            models.Index(
                fields=["patient", "starts_at"],
                condition=Q(removed_at__isnull=True),
                name="scheduling_of_patient",
            ),
        ]
        triggers = [
            never_deleted(),
            pgtrigger.Trigger(
                name="span_is_the_appointments",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                declare=[("own", "scheduling_appointment")],
                func="""
                    IF NEW.removed_at IS NOT NULL THEN
                        NEW.is_live := false;
                        RETURN NEW;
                    END IF;
                    SELECT * INTO STRICT own FROM scheduling_appointment WHERE id = NEW.appointment_id;
                    NEW.starts_at := own.starts_at;
                    NEW.ends_at := own.ends_at;
                    NEW.is_live := own.state IN ('held', 'told', 'arrived');
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="shared_not_too_often",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.is_live AND NOT NEW.is_exclusive AND NEW.removed_at IS NULL AND NEW.most_at_once IS NOT NULL"
                ),
                declare=[("busiest", "integer")],
                # The services' own lock of this person: two bookings at once count one after the other.
                func="""
                    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.person_id::text, 0));
                    SELECT max((
                        SELECT count(*) FROM scheduling_appointmentparticipant there
                         WHERE there.person_id = NEW.person_id AND there.part = NEW.part
                           AND there.is_live AND NOT there.is_exclusive AND there.removed_at IS NULL
                           AND there.starts_at <= moments.at AND there.ends_at > moments.at
                    )) INTO busiest
                    FROM (
                        SELECT NEW.starts_at AS at
                        UNION
                        SELECT beginning.starts_at FROM scheduling_appointmentparticipant beginning
                         WHERE beginning.person_id = NEW.person_id AND beginning.part = NEW.part
                           AND beginning.is_live AND NOT beginning.is_exclusive AND beginning.removed_at IS NULL
                           AND beginning.starts_at > NEW.starts_at AND beginning.starts_at < NEW.ends_at
                    ) moments;
                    IF busiest > NEW.most_at_once THEN
                        RAISE EXCEPTION 'scheduling_shared_not_too_often' USING ERRCODE = 'exclusion_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="scheduling_participant_is_one_thing",
                condition=Q(person__isnull=False, room__isnull=True, patient__isnull=True)
                | Q(person__isnull=True, room__isnull=False, patient__isnull=True, part="room")
                | Q(person__isnull=True, room__isnull=True, patient__isnull=False, part="patient"),
            ),
            models.CheckConstraint(
                name="scheduling_only_the_shared_have_a_most",
                condition=Q(most_at_once__isnull=True)
                | Q(is_exclusive=False, person__isnull=False, most_at_once__gte=1),
            ),
            models.UniqueConstraint(
                fields=["appointment", "person"],
                condition=Q(removed_at__isnull=True, person__isnull=False),
                name="scheduling_person_once_in_it",
            ),
            models.UniqueConstraint(
                fields=["appointment"],
                condition=Q(removed_at__isnull=True, room__isnull=False),
                name="scheduling_one_room_in_it",
            ),
            models.UniqueConstraint(
                fields=["appointment"],
                condition=Q(removed_at__isnull=True, patient__isnull=False),
                name="scheduling_one_patient_in_it",
            ),
            _never_twice("person"),
            _never_twice("room"),
            _never_twice("patient"),
        ]

    def __str__(self) -> str:
        return self.get_part_display()

    @property
    def name(self) -> str:
        """What it is called on a page."""
        return str(self.person or self.room or self.patient)
