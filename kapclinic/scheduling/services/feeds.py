"""Calendar feeds: a secret address that a person makes, and takes back, for their own calendar program."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from kapclinic.accounts.models import User
from kapclinic.accounts.services import digest_of, new_secret
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.scheduling.models import NEUTRAL_TITLE, CalendarFeed


def make_feed(
    *, person: User, clinic: Clinic, title: str = "", now: datetime | None = None
) -> tuple[CalendarFeed, str]:
    """A new feed of the person's appointments at the clinic, and its secret (256 random bits), which is kept nowhere.

    An earlier feed ends. `title` is what every appointment is called in it. Raises Refused for one that is too long.
    """
    now = now or timezone.now()
    called = " ".join(title.split()) or NEUTRAL_TITLE
    longest = CalendarFeed._meta.get_field("title").max_length or 0
    if len(called) > longest:
        raise Refused(Reason("too-long", f"At most {longest} characters.", field="title"))
    secret = new_secret()
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        revoke_feed(person=person, clinic=clinic, now=now)
        feed = CalendarFeed.objects.create(
            clinic=clinic,
            person=person,
            token_digest=digest_of(secret),
            title=called,
            created_at=now,
            created_by=person,
        )
    return feed, secret


def revoke_feed(*, person: User, clinic: Clinic, now: datetime | None = None) -> None:
    """The person's address answers nothing any more. Twice changes nothing."""
    standing = CalendarFeed.objects.standing().filter(person=person, clinic=clinic)
    standing.update(revoked_at=now or timezone.now())


def open_feed(*, secret: str, now: datetime | None = None) -> CalendarFeed | None:
    """The feed behind a secret, with this fetch noted; None for one that is unknown or revoked, or whose person has left."""
    feed = (
        CalendarFeed.objects.readable()
        .select_related("person", "clinic")
        .filter(token_digest=digest_of(secret))
        .first()
    )
    if feed is not None:
        CalendarFeed.objects.filter(pk=feed.pk).update(
            last_fetched_at=now or timezone.now(), fetch_count=F("fetch_count") + 1
        )
    return feed
