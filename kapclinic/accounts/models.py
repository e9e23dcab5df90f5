"""People who sign in, their roles per clinic, and what qualifies them."""

import uuid
from datetime import date, datetime
from typing import ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from kapclinic.accounts.screen_lock import LONGEST_SIGN_IN
from kapclinic.audit.history import tracked, tracked_without
from kapclinic.clinics.models import Clinic, ClinicalEntry, ClinicalQuerySet, ClinicalRow


class Role(models.TextChoices):
    """Roles of a clinic. They are not ordered; a person may hold several."""

    COORDINATOR = "coordinator", "Coordinator"
    NURSE = "nurse", "Nurse"
    THERAPIST = "therapist", "Therapist"
    PRESCRIBER = "prescriber", "Prescriber"
    MANAGER = "manager", "Manager"


CLINICAL_ROLES = frozenset({Role.NURSE, Role.THERAPIST, Role.PRESCRIBER})


class UserManager(BaseUserManager["User"]):
    """Makes people; e-mail addresses are kept in lower case, as the sign-in looks them up."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """A new person; without a password they cannot sign in until they accept an invitation."""
        if not email:
            raise ValueError("a person needs an e-mail address")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


@tracked_without("password", "last_login")
class User(AbstractBaseUser):
    """A person who signs in with an e-mail address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField("e-mail address", max_length=254, unique=True)
    name = models.CharField(max_length=150)
    credentials_suffix = models.CharField("letters after the name", max_length=40, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    is_active = models.BooleanField(default=True)
    is_dim = models.BooleanField("dim-room mode", default=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("email"), name="accounts_user_email_once")]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        """Name with the letters behind it: "J. Ruiz, LCSW"."""
        return f"{self.name}, {self.credentials_suffix}" if self.credentials_suffix else self.name

    def get_full_name(self) -> str:
        return self.full_name

    def get_short_name(self) -> str:
        return self.name


class MembershipQuerySet(ClinicalQuerySet):
    """Queries over memberships."""

    def current(self) -> Self:
        """Memberships that were not ended, of people who may sign in."""
        return self.filter(ended_at__isnull=True, user__is_active=True)


@tracked
class Membership(ClinicalRow):
    """One role of one person at one clinic; ending it keeps the row."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role)
    is_medical_director = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    objects: ClassVar[MembershipQuerySet] = MembershipQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        ordering = ["role"]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "user", "role"],
                condition=Q(ended_at__isnull=True),
                name="accounts_role_once_per_person",
            ),
            models.CheckConstraint(
                name="accounts_director_is_prescriber",
                condition=Q(is_medical_director=False) | Q(role="prescriber"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


@tracked_without("token_digest")
class Invitation(ClinicalRow):
    """A link by which one person joins a clinic; only a digest of its secret is kept."""

    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=150)
    roles = models.JSONField(default=list)
    token_digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)
    # When the last e-mail with the link went out; empty while it still waits to be sent.
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                F("clinic"),
                Lower("email"),
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="accounts_one_open_invitation_per_address",
            ),
            models.CheckConstraint(
                name="accounts_invitation_accepted_has_who",
                condition=Q(accepted_at__isnull=True, accepted_by__isnull=True)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False, revoked_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def role_labels(self) -> list[str]:
        """The roles that the person would get, in words."""
        return [str(Role(role).label) for role in self.roles]

    def is_open(self, now: datetime) -> bool:
        """True when the link still works at `now`."""
        return self.accepted_at is None and self.revoked_at is None and now < self.expires_at


class LicenceKind(models.TextChoices):
    """Licences under which people work here (practice guides G0, G3, G4)."""

    LCSW = "LCSW", "LCSW · licensed clinical social worker"
    LPC = "LPC", "LPC · licensed professional counselor"
    LMFT = "LMFT", "LMFT · licensed marriage and family therapist"
    CMHC = "CMHC", "CMHC · clinical mental health counselor"
    PSYD = "PsyD", "PsyD · psychologist"
    PHD = "PhD", "PhD · psychologist"
    MD = "MD", "MD · physician"
    DO = "DO", "DO · osteopathic physician"
    NP = "NP", "NP · nurse practitioner"
    PA = "PA", "PA · physician assistant"
    RN = "RN", "RN · registered nurse"


@tracked
class Licence(ClinicalRow):
    """A professional licence."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="licences")
    kind = models.CharField(max_length=20, choices=LicenceKind)
    number = models.CharField(max_length=60)
    state = models.CharField("issuing state", max_length=2)
    expires_on = models.DateField()
    is_withdrawn = models.BooleanField(default=False)

    class Meta:
        ordering = ["-expires_on"]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "user", "kind", "number", "state"], name="accounts_licence_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number} ({self.state})"

    def is_valid_on(self, day: date) -> bool:
        """True up to and including the day of expiry, unless withdrawn."""
        return not self.is_withdrawn and day <= self.expires_on


class TrainingKind(models.TextChoices):
    """Kinds of training hours (practice guide G0)."""

    DIDACTIC = "didactic", "Didactic"
    OBSERVATION = "observation", "Observation"
    SUPERVISED = "supervised", "Supervised practice"
    EXPERIENTIAL = "experiential", "Experiential (optional)"


@tracked
class TrainingHours(ClinicalEntry):
    """Hours of one kind of training; a mistaken entry is struck."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="training")
    kind = models.CharField(max_length=12, choices=TrainingKind)
    hours = models.DecimalField(max_digits=6, decimal_places=1)
    provider = models.CharField(max_length=200, blank=True)
    completed_on = models.DateField()

    class Meta:
        ordering = ["-completed_on"]
        verbose_name_plural = "training hours"
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.CheckConstraint(
                name="accounts_training_hours_positive", condition=Q(hours__gt=0, hours__lte=5000)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.hours} h"


class CompetencyKind(models.TextChoices):
    """Competencies that some work demands (practice guide G0)."""

    ALTERED_STATES = "altered-states", "Altered states"
    TRAUMA = "trauma", "Trauma-focused work or EMDR"
    SOMATIC = "somatic", "Somatic work"
    CRISIS = "crisis", "Crisis intervention"
    SPIRITUAL = "spiritual", "Spiritual care"


@tracked
class Competency(ClinicalRow):
    """One competency of one person, with what it rests on."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="competencies")
    kind = models.CharField(max_length=16, choices=CompetencyKind)
    basis = models.CharField("certificate, supervision or experience", max_length=200)
    since = models.DateField()
    ended_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["kind"]
        verbose_name_plural = "competencies"
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "user", "kind"],
                condition=Q(ended_on__isnull=True),
                name="accounts_competency_once",
            ),
            models.CheckConstraint(
                name="accounts_competency_ends_after_it_begins",
                condition=Q(ended_on__isnull=True) | Q(ended_on__gte=F("since")),
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


def current_members(clinic: Clinic, role: Role | str) -> models.QuerySet[User]:
    """People who hold `role` at `clinic` now, by name."""
    return User.objects.filter(
        is_active=True, memberships__clinic=clinic, memberships__role=role, memberships__ended_at__isnull=True
    ).distinct()


class SignInQuerySet(models.QuerySet["SignIn"]):
    """Queries over sign-ins."""

    def open_at(self, now: datetime) -> Self:
        """Sign-ins that still let somebody in at `now`."""
        return self.filter(ended_at__isnull=True, began_at__gt=now - LONGEST_SIGN_IN)


class SignIn(models.Model):
    """One sign-in of one person on one device: when it began, when a hand was last on it, whether its screen is locked.

    Kept in a row of its own, not in the session's data: requests that run side by side write a session over one another, and
    a lock that one of them undoes is none. Rows stay as the record of who was signed in when.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="sign_ins")
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    locked_at = models.DateTimeField(null=True, blank=True)
    wrong_unlocks = models.PositiveSmallIntegerField(default=0)
    # When a code, recovery code or passkey was given or set up in it; empty for a password alone.
    second_step_at = models.DateTimeField(null=True, blank=True)
    # From where: browser and system in words, and the address that the request came from.
    device = models.CharField(max_length=60, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[SignInQuerySet] = SignInQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        ordering = ["-began_at"]
        indexes = [models.Index(fields=["user", "-began_at"], name="accounts_sign_in_of_person")]

    def __str__(self) -> str:
        return f"{self.user}, {self.began_at:%Y-%m-%d %H:%M}"


class CachedValue(models.Model):
    """The table of Django's database cache, where the limits on sign-in attempts survive a restart (settings.CACHES)."""

    rows_may_be_deleted = True

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "accounts_cache"

    def __str__(self) -> str:
        return self.cache_key
