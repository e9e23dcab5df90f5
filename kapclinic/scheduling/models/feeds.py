"""Calendar feeds: what a person's own calendar program reads."""

from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from kapclinic.accounts.models import Membership
from kapclinic.audit.history import tracked_without
from kapclinic.clinics.models import ClinicalQuerySet, ClinicalRow

NEUTRAL_TITLE = "Clinic appointment"


class CalendarFeedQuerySet(ClinicalQuerySet):
    """Queries over calendar feeds."""

    def standing(self) -> Self:
        """Feeds that were not revoked."""
        return self.filter(revoked_at__isnull=True)

    def readable(self) -> Self:
        """Feeds that still answer: not revoked, of people who work at the feed's clinic now."""
        works_there = Membership.objects.current().filter(user=OuterRef("person"), clinic=OuterRef("clinic"))
        return self.standing().filter(Exists(works_there))


# Fetches are counted on the row alone: a history row for each would be thousands a day.
@tracked_without("token_digest", "last_fetched_at", "fetch_count")
class CalendarFeed(ClinicalRow):
    """The secret address of one person's appointments at one clinic; only a digest of the secret is kept."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="calendar_feeds"
    )
    token_digest = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=60, default=NEUTRAL_TITLE)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_fetched_at = models.DateTimeField(null=True, blank=True)
    fetch_count = models.PositiveIntegerField(default=0)

    objects: ClassVar[CalendarFeedQuerySet] = CalendarFeedQuerySet.as_manager()  # type: ignore[assignment]  # typed manager

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "person"],
                condition=Q(revoked_at__isnull=True),
                name="scheduling_one_feed_per_person",
            ),
            models.CheckConstraint(name="scheduling_feed_has_a_title", condition=~Q(title="")),
        ]

    def __str__(self) -> str:
        return f"{self.person} calendar feed"
