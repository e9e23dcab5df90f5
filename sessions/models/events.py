"""What went hard or wrong: challenging experiences, adverse events, incidents."""

from django.db import models
from django.db.models import F, Q

from kapclinic.audit.history import tracked
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.notes import never_deleted
from sessions.models.base import CorrectableEntry, SessionEntry, final_but_for, person_field


class ChallengeKind(models.TextChoices):
    """The three classes of practice guide G0."""

    TRAUMA = "trauma", "Trauma emergence"
    EXISTENTIAL = "existential", "Existential distress"
    NEGATIVE = "negative", "Negative experience"


class Continuation(models.TextChoices):
    """What a challenging experience means for the next dose."""

    CONTINUE = "continue", "Go on as planned"
    MODIFY = "modify", "Go on with a changed protocol"
    PAUSE = "pause", "Pause doses"
    STOP = "stop", "No further doses"


@tracked
class ChallengingExperience(SessionEntry):
    """A challenging experience, what was seen and done, and (once) what it means for the next dose."""

    kind = models.CharField(max_length=12, choices=ChallengeKind)
    began_at = models.DateTimeField()
    eased_at = models.DateTimeField(null=True, blank=True)
    signs = models.JSONField(default=list, blank=True)
    steps_taken = models.JSONField(default=list, blank=True)
    description = models.TextField(blank=True)
    follow_up = models.JSONField(default=list, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True, editable=False)
    answered_by = person_field(null=True, blank=True, editable=False)
    continuation = models.CharField(max_length=8, choices=Continuation, blank=True, editable=False)
    answer = models.TextField(blank=True, editable=False)

    class Meta(SessionEntry.Meta):
        ordering = ["began_at"]
        triggers = [
            final_but_for("answered_at", "answered_by_id", "continuation", "answer"),
            never_deleted(),
        ]
        constraints = [
            *SessionEntry.Meta.constraints,
            models.CheckConstraint(
                name="dosing_challenge_eases_after",
                condition=Q(eased_at__isnull=True) | Q(eased_at__gte=F("began_at")),
            ),
            models.CheckConstraint(
                name="dosing_challenge_answer_is_whole",
                condition=Q(answered_at__isnull=True, answered_by__isnull=True, continuation="", answer="")
                | Q(
                    Q(answered_at__isnull=False, answered_by__isnull=False),
                    ~Q(continuation=""),
                    ~Q(answer=""),
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


class Grade(models.IntegerChoices):
    """CTCAE v5. Seriousness is another question."""

    MILD = 1, "1 – mild"
    MODERATE = 2, "2 – moderate, limits instrumental daily activities"
    SEVERE = 3, "3 – severe, hospitalisation or limits self-care"
    LIFE_THREATENING = 4, "4 – life-threatening"
    DEATH = 5, "5 – death"


class SeriousCriterion(models.TextChoices):
    """Why an event is serious (21 CFR 312.32)."""

    DEATH = "death", "Death"
    LIFE_THREATENING = "life-threatening", "Life-threatening"
    HOSPITALISATION = "hospitalisation", "Hospitalisation, or a longer one"
    DISABILITY = "disability", "Persistent or significant disability"
    CONGENITAL = "congenital", "Congenital anomaly"
    IMPORTANT = "important", "Other important medical event"


class Outcome(models.TextChoices):
    """How an adverse event stands."""

    ONGOING = "ongoing", "Ongoing"
    RESOLVED = "resolved", "Resolved"
    SEQUELAE = "sequelae", "Resolved with sequelae"
    FATAL = "fatal", "Fatal"
    UNKNOWN = "unknown", "Not known"


@tracked
class AdverseEvent(CorrectableEntry):
    """An adverse event; grade and seriousness are judged apart. Effects that are expected and pass are vitals, not this."""

    consent_category = ConsentCategory.ADVERSE_EVENTS

    term = models.CharField("what", max_length=120)
    description = models.TextField(blank=True)
    began_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    grade = models.PositiveSmallIntegerField(choices=Grade)
    is_serious = models.BooleanField("serious")
    serious_criteria = models.JSONField(default=list, blank=True)
    action_taken = models.CharField(max_length=500, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.ONGOING)
    reported_by = person_field()
    reviewed_at = models.DateTimeField(null=True, blank=True, editable=False)
    reviewed_by = person_field(null=True, blank=True, editable=False)
    review = models.TextField(blank=True, editable=False)

    class Meta(CorrectableEntry.Meta):
        ordering = ["began_at"]
        triggers = [
            final_but_for("superseded_at", "reviewed_at", "reviewed_by_id", "review"),
            never_deleted(),
        ]
        constraints = [
            *CorrectableEntry.Meta.constraints,
            models.CheckConstraint(name="dosing_event_grade", condition=Q(grade__gte=1, grade__lte=5)),
            models.CheckConstraint(
                name="dosing_event_death_is_serious", condition=~Q(grade=5) | Q(is_serious=True)
            ),
            models.CheckConstraint(
                name="dosing_event_serious_has_why",
                condition=Q(Q(is_serious=True), ~Q(serious_criteria=[]))
                | Q(is_serious=False, serious_criteria=[]),
            ),
            models.CheckConstraint(
                name="dosing_event_resolves_after",
                condition=Q(resolved_at__isnull=True) | Q(resolved_at__gte=F("began_at")),
            ),
            models.CheckConstraint(
                name="dosing_event_review_is_whole",
                condition=Q(reviewed_at__isnull=True, reviewed_by__isnull=True, review="")
                | Q(Q(reviewed_at__isnull=False, reviewed_by__isnull=False), ~Q(review="")),
            ),
        ]

    def __str__(self) -> str:
        return self.term


class IncidentKind(models.TextChoices):
    """Why an incident was opened."""

    DEVIATION = "deviation", "Deviation from order or rules"
    AGAINST_ADVICE = "against-advice", "Patient left against advice"
    EMERGENCY = "emergency", "Emergency in the session"


@tracked
class Incident(SessionEntry):
    """Something that a prescriber has to look at and answer once. `findings` are codes with their sentences."""

    consent_category = ConsentCategory.ADVERSE_EVENTS

    kind = models.CharField(max_length=14, choices=IncidentKind)
    at = models.DateTimeField()
    findings = models.JSONField(default=list)
    # The row that it is about: "administration:<key>".
    subject = models.CharField(max_length=80)
    answered_at = models.DateTimeField(null=True, blank=True, editable=False)
    answered_by = person_field(null=True, blank=True, editable=False)
    answer = models.TextField(blank=True, editable=False)

    class Meta(SessionEntry.Meta):
        ordering = ["at"]
        triggers = [final_but_for("answered_at", "answered_by_id", "answer"), never_deleted()]
        constraints = [
            *SessionEntry.Meta.constraints,
            models.UniqueConstraint(fields=["kind", "subject"], name="dosing_incident_once"),
            models.CheckConstraint(
                name="dosing_incident_answer_is_whole",
                condition=Q(answered_at__isnull=True, answered_by__isnull=True, answer="")
                | Q(Q(answered_at__isnull=False, answered_by__isnull=False), ~Q(answer="")),
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
