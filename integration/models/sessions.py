"""Held integration sessions, their notes, and what the patient sets out to do."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from episodes.models import Episode, OutsideClinician
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalEntry, EntryQuerySet
from kapclinic.documents.notes import Addendum, SignedNote, never_deleted
from kapclinic.scheduling.models import Appointment, MeetingPlace
from kapclinic.scheduling.spans import Span


class Modality(models.TextChoices):
    """How the session worked (practice guide G0)."""

    CBT = "cbt", "Cognitive behavioural therapy"
    PSYCHODYNAMIC = "psychodynamic", "Psychodynamic"
    ACT = "act", "Acceptance and commitment therapy"
    TRAUMA = "trauma", "EMDR or trauma-focused"
    SOMATIC = "somatic", "Somatic"
    IFS = "ifs", "Internal family systems"
    MINDFULNESS = "mindfulness", "Mindfulness"
    SPIRITUAL = "spiritual", "Spiritual care"


@tracked
class IntegrationSession(SignedNote):
    """One held integration session: its times, and the note with the protocol's parts.

    `body["parts"]` maps a part's key to `{"covered": bool, "note": str}`. Drafts may be changed with the right `version`;
    signed ones get addenda. What the handoff may tell stands in `themes`; nothing here is a psychotherapy process note.
    """

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="integration_sessions")
    appointment = models.OneToOneField(
        Appointment, on_delete=models.PROTECT, null=True, blank=True, related_name="integration_session"
    )
    therapist = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    outside = models.ForeignKey(
        OutsideClinician, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    held_from = models.DateTimeField("began")
    held_until = models.DateTimeField("ended")
    place = models.CharField(max_length=10, choices=MeetingPlace, default=MeetingPlace.IN_PERSON)
    modalities = models.JSONField(default=list, blank=True)
    themes = models.TextField("themes to share with the prescriber", blank=True)
    plan = models.TextField("until next time", blank=True)
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    class Meta(SignedNote.Meta):
        ordering = ["-held_from"]
        indexes = [
            models.Index(fields=["episode", "-held_from"], name="integration_session_of"),
            models.Index(
                fields=["created_by", "held_from"], condition=Q(state="draft"), name="integration_unsigned"
            ),
        ]
        constraints = [
            *SignedNote.Meta.constraints,
            models.CheckConstraint(
                name="integration_session_ends_after_start", condition=Q(held_until__gt=F("held_from"))
            ),
            models.CheckConstraint(
                name="integration_session_one_clinician",
                condition=Q(therapist__isnull=False, outside__isnull=True)
                | Q(therapist__isnull=True, outside__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Integration {self.held_from:%Y-%m-%d}"

    @property
    def span(self) -> Span:
        """From its recorded start to its recorded end."""
        return Span(self.held_from, self.held_until)

    @property
    def held_by(self) -> str:
        """Who held it."""
        return str(self.therapist or self.outside)

    @property
    def modality_labels(self) -> list[str]:
        """The modalities in words."""
        return [str(Modality(value).label) for value in self.modalities]

    def content(self) -> dict[str, Any]:
        return {
            "body": self.body,
            "held_from": self.held_from,
            "held_until": self.held_until,
            "place": self.place,
            "held_by": str(self.therapist_id or self.outside_id),
            "modalities": self.modalities,
            "themes": self.themes,
            "plan": self.plan,
            "steps": [step.text for step in self._as_signed(self.action_steps)],
            "reviews": [
                [str(review.step_id), review.outcome, review.note]
                for review in self._as_signed(self.step_reviews)
            ],
        }

    def _as_signed(self, entries: Any) -> Any:
        """What stood when it was signed, in one order for ever: a step struck later was signed all the same."""
        stood = entries.order_by("created_at", "pk")
        if self.signed_at is None:
            return stood.standing()
        return stood.filter(Q(entered_in_error_at__isnull=True) | Q(entered_in_error_at__gt=self.signed_at))


@tracked
class IntegrationAddendum(Addendum):
    """Text added to a signed integration note."""

    note = models.ForeignKey(IntegrationSession, on_delete=models.PROTECT, related_name="addenda")

    class Meta(Addendum.Meta):
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"Addendum {self.created_at:%Y-%m-%d}"


class StepOutcome(models.TextChoices):
    """What became of an action step when it was looked at again."""

    DONE = "done", "Done"
    NOT_YET = "not-yet", "Not yet"
    DROPPED = "dropped", "Dropped"


class StepQuerySet(EntryQuerySet):
    """Queries over action steps."""

    def open(self) -> Self:
        """Steps that were neither done nor dropped."""
        ended = ActionStepReview.objects.standing().filter(
            step=OuterRef("pk"), outcome__in=[StepOutcome.DONE, StepOutcome.DROPPED]
        )
        return self.standing().filter(~Exists(ended))


@tracked
class ActionStep(ClinicalEntry):
    """Something small that the patient will do. It comes back at every later session until it is done or dropped."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="action_steps")
    session = models.ForeignKey(IntegrationSession, on_delete=models.PROTECT, related_name="action_steps")
    text = models.CharField(max_length=300)

    # How it stood the last time, where a query looked that up.
    last_review: ActionStepReview | None = None

    objects: ClassVar[StepQuerySet] = StepQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta(ClinicalEntry.Meta):
        ordering = ["created_at", "id"]
        triggers = [never_deleted()]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.CheckConstraint(name="integration_step_has_text", condition=~Q(text="")),
            models.UniqueConstraint(
                fields=["session", "text"],
                condition=Q(entered_in_error_at__isnull=True),
                name="integration_step_once_a_session",
            ),
        ]

    def __str__(self) -> str:
        return self.text


@tracked
class ActionStepReview(ClinicalEntry):
    """How an action step stood at a later session."""

    step = models.ForeignKey(ActionStep, on_delete=models.PROTECT, related_name="reviews")
    session = models.ForeignKey(IntegrationSession, on_delete=models.PROTECT, related_name="step_reviews")
    outcome = models.CharField(max_length=8, choices=StepOutcome)
    note = models.CharField(max_length=300, blank=True)

    class Meta(ClinicalEntry.Meta):
        ordering = ["created_at"]
        triggers = [never_deleted()]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.UniqueConstraint(
                fields=["step", "session"],
                condition=Q(entered_in_error_at__isnull=True),
                name="integration_step_reviewed_once_a_session",
            ),
        ]

    def __str__(self) -> str:
        return self.get_outcome_display()

    @property
    def episode(self) -> Episode:
        """The episode that decides who may see it."""
        return self.session.episode
