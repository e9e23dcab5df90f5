"""Consents of the patient."""

from datetime import date
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from episodes.models.episode import Episode, OutsideClinician
from kapclinic.audit.history import tracked
from kapclinic.clinics.models import ClinicalEntry, EntryQuerySet
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.models import Attachment


class ConsentKind(models.TextChoices):
    """What the patient consented to."""

    TREATMENT = "treatment", "Treatment with ketamine (off-label use named)"
    SHARING = "sharing", "Sharing between prescriber and therapist"
    TRAUMA = "trauma", "Trauma-focused work"


# What a sharing consent can cover; the safety core is never withheld from the treating prescriber and nurse.
SHAREABLE = tuple(
    category
    for category in ConsentCategory
    if category not in (ConsentCategory.ADMINISTRATIVE, ConsentCategory.SAFETY)
)


class RecipientPart(models.TextChoices):
    """Who of the care team a sharing consent can name."""

    PRESCRIBER = "prescriber", "Prescriber"
    NURSE = "nurse", "Nurses"
    THERAPIST = "therapist", "Therapist"


class ConsentQuerySet(EntryQuerySet):
    """Queries over consents."""

    def valid_on(self, day: date) -> Self:
        """Consents signed by then, not expired before `day` and not revoked."""
        return self.filter(
            Q(signed_on__lte=day),
            Q(expires_on__isnull=True) | Q(expires_on__gte=day),
            revoked_at__isnull=True,
            entered_in_error_at__isnull=True,
        )


@tracked
class Consent(ClinicalEntry):
    """A signed consent; revoking it keeps the row."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="consents")
    kind = models.CharField(max_length=10, choices=ConsentKind)
    text_version = models.CharField("version of the text", max_length=40)
    signed_on = models.DateField()
    signed_by_name = models.CharField("signed by", max_length=150)
    signer_is_representative = models.BooleanField(default=False)
    representative_authority = models.CharField("representative's authority", max_length=150, blank=True)
    expires_on = models.DateField(null=True, blank=True)
    names_off_label = models.BooleanField("names the off-label use", default=False)
    # For sharing (45 CFR 164.508(c)(1)): what, by whom, to whom, for what.
    categories = models.JSONField(default=list, blank=True)
    discloser = models.CharField("who discloses", max_length=200, blank=True)
    recipient = models.CharField("who receives", max_length=200, blank=True)
    recipient_outside = models.ForeignKey(
        OutsideClinician, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # Who of the care team receives, as checked by the program; `recipient` is the wording on the paper.
    recipient_parts = models.JSONField(default=list, blank=True)
    purpose = models.CharField(max_length=300, blank=True)
    # The statements of 45 CFR 164.508(c)(2).
    states_right_to_revoke = models.BooleanField("states the right to revoke it, and how", default=False)
    states_conditions = models.BooleanField("states that treatment does not depend on it", default=False)
    states_redisclosure = models.BooleanField("states that a receiver may pass it on", default=False)
    attachment = models.ForeignKey(
        Attachment, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    revoked_how = models.CharField("how it was revoked", max_length=300, blank=True)
    request_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    objects: ClassVar[ConsentQuerySet] = ConsentQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        ordering = ["-signed_on", "-created_at"]
        indexes = [models.Index(fields=["episode", "kind"], name="episodes_consent_by_kind")]
        constraints = [
            *ClinicalEntry.Meta.constraints,
            models.CheckConstraint(
                name="episodes_consent_expires_after_signing",
                condition=Q(expires_on__isnull=True) | Q(expires_on__gte=F("signed_on")),
            ),
            models.CheckConstraint(
                name="episodes_consent_revoked_has_who",
                condition=Q(revoked_at__isnull=True, revoked_by__isnull=True)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
            ),
            models.CheckConstraint(
                name="episodes_treatment_consent_names_off_label",
                condition=~Q(kind="treatment") | Q(names_off_label=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, signed {self.signed_on}"

    @property
    def has_every_element(self) -> bool:
        """For sharing: no core element of an authorization is missing (45 CFR 164.508(c)(1))."""
        return bool(
            self.categories
            and self.discloser
            and self.recipient
            and (self.recipient_parts or self.recipient_outside_id)
            and self.purpose
            and self.expires_on
            and self.signed_by_name
            and (self.representative_authority or not self.signer_is_representative)
        )

    def is_valid_on(self, day: date) -> bool:
        """True from the day of signing up to and including the day of expiry, unless revoked or struck."""
        return (
            self.signed_on <= day
            and (self.expires_on is None or day <= self.expires_on)
            and self.revoked_at is None
            and not self.is_struck
        )
