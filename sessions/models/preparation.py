"""Preparation sessions: the protocol's six parts, intention, safety plan, instructions, escort."""

from typing import Any

from django.db import models
from django.db.models import F, Q

from episodes.models import Episode
from kapclinic.audit.history import tracked
from kapclinic.documents.notes import Addendum, SignedNote
from kapclinic.scheduling.models import Appointment, MeetingPlace
from sessions.models.base import day_in_words, person_field


@tracked
class PreparationSession(SignedNote):
    """One preparation session. `body["parts"]` maps a part's key to whether it was covered, and a note.

    Drafts may be changed with the right `version`; signed ones get addenda.
    """

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="preparations")
    appointment = models.OneToOneField(
        Appointment, on_delete=models.PROTECT, null=True, blank=True, related_name="preparation"
    )
    therapist = person_field()
    held_from = models.DateTimeField("began")
    held_until = models.DateTimeField("ended")
    place = models.CharField(max_length=10, choices=MeetingPlace, default=MeetingPlace.IN_PERSON)
    intention = models.TextField(blank=True)
    safety_plan = models.TextField(blank=True)
    instructions = models.JSONField(default=list, blank=True)
    escort_name = models.CharField(max_length=150, blank=True)
    escort_phone = models.CharField(max_length=40, blank=True)
    escort_relation = models.CharField(max_length=60, blank=True)
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    class Meta(SignedNote.Meta):
        ordering = ["-held_from"]
        indexes = [
            models.Index(fields=["episode", "-held_from"], name="dosing_prep_of_episode"),
            models.Index(
                fields=["created_by", "held_from"], condition=Q(state="draft"), name="dosing_prep_unsigned"
            ),
        ]
        constraints = [
            *SignedNote.Meta.constraints,
            models.CheckConstraint(
                name="dosing_prep_ends_after_start", condition=Q(held_until__gt=F("held_from"))
            ),
        ]

    def __str__(self) -> str:
        return f"Preparation {day_in_words(self.held_from)}"

    def content(self) -> dict[str, Any]:
        return {
            "body": self.body,
            "held_from": self.held_from,
            "held_until": self.held_until,
            "place": self.place,
            "therapist": str(self.therapist_id),
            "intention": self.intention,
            "safety_plan": self.safety_plan,
            "instructions": self.instructions,
            "escort": [self.escort_name, self.escort_phone, self.escort_relation],
        }


@tracked
class PreparationAddendum(Addendum):
    """Text added to a signed preparation."""

    note = models.ForeignKey(PreparationSession, on_delete=models.PROTECT, related_name="addenda")

    class Meta(Addendum.Meta):
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"Addendum {day_in_words(self.created_at)}"
