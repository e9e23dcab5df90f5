"""Episodes of care, their team, events and goals."""

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from episodes.identifiers import new_episode_id
from episodes.models.patient import Patient
from episodes.models.protocol import ProtocolVersion
from episodes.protocols import ProtocolSpec
from episodes.stages import CloseReason, Stage
from kapclinic.accounts.models import User
from kapclinic.accounts.policy import Actor
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalEntry, ClinicalRow, EntryQuerySet
from kapclinic.documents.notes import never_deleted, row_is_final


class Indication(models.TextChoices):
    """Why ketamine-assisted psychotherapy is considered (practice guides G0-G2)."""

    TRD = "trd", "Treatment-resistant depression"
    DEPRESSION = "depression", "Depression"
    PTSD = "ptsd", "PTSD or trauma"
    ANXIETY = "anxiety", "Anxiety"
    PAIN = "pain", "Chronic pain"
    OCD = "ocd", "Obsessive-compulsive disorder"
    EXISTENTIAL = "existential", "Existential or spiritual enquiry"
    OTHER = "other", "Other"


class EpisodeQuerySet(EntryQuerySet):
    """Queries over episodes."""

    def visible_to(self, actor: Actor) -> Self:
        """Episodes that the actor has in scope (the access table's `episode.view`)."""
        from episodes.access import episode_scope

        return self.filter(episode_scope(actor))

    def open(self) -> Self:
        """Episodes that were not closed."""
        return self.exclude(stage=Stage.CLOSED)


@tracked
class Episode(ClinicalEntry):
    """One course of care of one patient, under one version of a protocol."""

    public_id = models.CharField(max_length=12, unique=True, default=new_episode_id, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="episodes")
    protocol_version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="episodes")
    indication = models.CharField(max_length=12, choices=Indication)
    indication_detail = models.CharField(max_length=300, blank=True)
    referral_source = models.CharField(max_length=200, blank=True)
    stage = models.CharField(max_length=12, choices=Stage, default=Stage.REFERRED)
    stage_since = models.DateTimeField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    close_reason = models.CharField(max_length=12, choices=CloseReason, blank=True)
    closing_insights = models.TextField("insights that stay", blank=True)
    closing_next_steps = models.TextField("practical next steps", blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects: ClassVar[EpisodeQuerySet] = EpisodeQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        ordering = ["-opened_at"]
        indexes = [
            models.Index(fields=["clinic", "stage", "-stage_since", "id"], name="episodes_episode_by_stage"),
            models.Index(fields=["clinic", "-opened_at", "id"], name="episodes_episode_by_opening"),
        ]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(~Q(stage="closed"), entered_in_error_at__isnull=True),
                name="episodes_one_open_per_patient",
                violation_error_message="This patient already has an open episode.",
            ),
            models.CheckConstraint(
                name="episodes_closed_has_when_why_who",
                condition=Q(Q(stage="closed", closed_at__isnull=False, closed_by__isnull=False), ~Q(close_reason=""))
                | Q(~Q(stage="closed"), closed_at__isnull=True, closed_by__isnull=True, close_reason=""),
            ),
            models.CheckConstraint(
                name="episodes_closes_after_opening",
                condition=Q(closed_at__isnull=True) | Q(closed_at__gte=F("opened_at")),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_open(self) -> bool:
        """True until it is closed or struck."""
        return self.stage != Stage.CLOSED and not self.is_struck

    @property
    def protocol(self) -> ProtocolSpec:
        """The typed protocol of the version that the episode keeps."""
        return self.protocol_version.spec


@tracked
class EpisodeEvent(ClinicalRow):
    """The log of an episode: what happened, when, by whom. Written in the transaction that caused it; never changed."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=50)
    # When it happened, which may be earlier than when it was written down.
    at = models.DateTimeField()
    summary = models.CharField(max_length=300)
    # Ids, codes and numbers; free clinical text stays in its own record.
    data = models.JSONField(default=dict, blank=True)
    # Record that the event tells of: "dosing.dosingsession" and its key.
    subject_type = models.CharField(max_length=60, blank=True)
    subject_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ["-at", "-created_at"]
        indexes = [models.Index(fields=["episode", "-at"], name="episodes_event_timeline")]
        triggers = [row_is_final(), never_deleted()]

    def __str__(self) -> str:
        return self.summary


class TeamPart(models.TextChoices):
    """Part of a person in a care team."""

    PRESCRIBER = "prescriber", "Prescriber"
    THERAPIST = "therapist", "Therapist"
    NURSE = "nurse", "Nurse"
    COVER_THERAPIST = "cover-therapist", "Cover therapist"
    COVER_PRESCRIBER = "cover-prescriber", "Cover prescriber"
    TECHNICIAN = "technician", "Technician"
    CHAPLAIN = "chaplain", "Chaplain"
    PEER = "peer", "Peer support"


@tracked
class OutsideClinician(ClinicalRow):
    """A clinician without an account here, who gets handoffs on paper."""

    name = models.CharField(max_length=150)
    practice = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    fax = models.CharField(max_length=40, blank=True)
    acknowledges_by = models.CharField(
        "how they acknowledge",
        max_length=12,
        choices=[("phone", "By phone"), ("fax", "By fax"), ("letter", "By letter")],
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TeamQuerySet(EntryQuerySet):
    """Queries over care team rows."""

    def not_ended(self, now: datetime) -> Self:
        """Rows that hold at `now` or will hold later."""
        return self.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now), entered_in_error_at__isnull=True)

    def in_force(self, now: datetime) -> Self:
        """Rows that hold at `now`."""
        return self.not_ended(now).filter(starts_at__lte=now)


@tracked
class CareTeamMember(ClinicalEntry):
    """One person's part in the care team, with its span.

    A row with `covering` gives a cover the team's rights from the day before a booking to seven days after it.
    """

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="team")
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="care_teams")
    outside = models.ForeignKey(
        OutsideClinician, on_delete=models.PROTECT, null=True, blank=True, related_name="care_teams"
    )
    part = models.CharField(max_length=16, choices=TeamPart)
    covering = models.BooleanField(default=False)
    # Order in which covers are asked.
    rank = models.PositiveSmallIntegerField(default=0)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[TeamQuerySet] = TeamQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        ordering = ["part", "rank", "starts_at"]
        indexes = [models.Index(fields=["user", "episode"], name="episodes_team_by_person")]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.CheckConstraint(
                name="episodes_team_is_one_person",
                condition=Q(user__isnull=False, outside__isnull=True)
                | Q(user__isnull=True, outside__isnull=False),
            ),
            models.CheckConstraint(
                name="episodes_team_ends_after_start",
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
            ),
            models.UniqueConstraint(
                fields=["episode", "user", "part"],
                condition=Q(ends_at__isnull=True, entered_in_error_at__isnull=True),
                name="episodes_team_part_once",
            ),
            models.UniqueConstraint(
                fields=["episode", "part"],
                condition=Q(
                    part__in=["prescriber", "therapist"],
                    ends_at__isnull=True,
                    entered_in_error_at__isnull=True,
                ),
                name="episodes_one_lead_per_part",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.outside} ({self.get_part_display()})"


@tracked
class Goal(ClinicalEntry):
    """A goal of the episode, in the patient's words."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="goals")
    text = models.CharField(max_length=500)
    is_functional = models.BooleanField("about daily function", default=False)
    superseded_by = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="supersedes"
    )

    class Meta(ClinicalEntry.Meta):
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.text
