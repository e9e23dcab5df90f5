"""E-mail that something waits: one digest per person, without any health data, never twice for the same things.

A look at each clinic every few minutes writes digests down, and a job sends each of them. A digest is marked as being sent
before it is handed to the mail server: when the worker dies in between, nobody knows whether it went out, and it is not sent
again.
"""

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse

from kapclinic.accounts.models import Membership, Role, User
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.services import settings_for
from kapclinic.jobs.services import enqueue
from kapclinic.notices.clinical_settings import EMAIL_GAP, NOW_BREAKS_QUIET, QUIET_BEGINS, QUIET_ENDS
from kapclinic.notices.models import DigestItem, DigestState, EmailChoice, EmailDigest, Notice, Urgency
from kapclinic.notices.quiet import QuietHours
from kapclinic.notices.reach import tasks_owed_by

SEND_DIGEST = "send_email_digest"
# What is done or read within this time needs no e-mail.
_SETTLES_WITHIN = timedelta(minutes=5)
_SUBJECT = "KAP Clinic: something waits for you"
_WORKER_LOST = "WorkerLost"


@dataclass(frozen=True)
class _House:
    """What a clinic set about e-mail."""

    quiet_begins: int
    quiet_ends: int
    now_breaks_quiet: bool
    gap: timedelta

    @classmethod
    def of(cls, clinic: Clinic) -> "_House":
        values = settings_for(clinic, QUIET_BEGINS, QUIET_ENDS, NOW_BREAKS_QUIET, EMAIL_GAP)
        return cls(
            quiet_begins=values[QUIET_BEGINS],
            quiet_ends=values[QUIET_ENDS],
            now_breaks_quiet=values[NOW_BREAKS_QUIET],
            gap=timedelta(minutes=values[EMAIL_GAP]),
        )

    def quiet(self, zone: ZoneInfo) -> QuietHours:
        return QuietHours(self.quiet_begins, self.quiet_ends, zone)


def receiver_zone(clinic: Clinic, choice: EmailChoice | None) -> ZoneInfo:
    """The zone that a person chose, else the clinic's."""
    return ZoneInfo(choice.time_zone) if choice is not None and choice.time_zone else clinic.zone


def queue_digests(*, clinic: Clinic, now: datetime) -> int:
    """Write down an e-mail for each person of `clinic` for whom something new waits; returns how many.

    Left for a later look: people in their quiet hours, and those who had an e-mail within the clinic's gap unless something
    must be done now.
    """
    house = _House.of(clinic)
    actors = _actors(clinic)
    choices = EmailChoice.objects.in_bulk([actor.user.pk for actor in actors])
    too_soon = set(
        EmailDigest.objects.filter(clinic=clinic, created_at__gt=now - house.gap)
        .exclude(state=DigestState.DROPPED)
        .values_list("receiver_id", flat=True)
    )
    queued = 0
    for actor in actors:
        choice = choices.get(actor.user.pk)
        if choice is not None and not choice.is_on:
            continue
        is_quiet = house.quiet(receiver_zone(clinic, choice)).holds(now)
        if is_quiet and not house.now_breaks_quiet:
            continue
        tasks, notices = _new_things(actor, now)
        urgent = Urgency.NOW in {*tasks.values(), *notices.values()}
        waits = is_quiet or actor.user.pk in too_soon
        if (tasks or notices) and (urgent or not waits):
            queued += _queue(actor, tasks, notices, now)
    return queued


def _actors(clinic: Clinic) -> list[Actor]:
    """Everybody who works at the clinic now, with their roles."""
    roles: dict[User, set[Role]] = defaultdict(set)
    for membership in Membership.objects.current().filter(clinic=clinic).select_related("user"):
        roles[membership.user].add(Role(membership.role))
    return [Actor(user=user, clinic=clinic, roles=frozenset(held)) for user, held in roles.items()]


def _new_things(actor: Actor, now: datetime) -> tuple[dict[uuid.UUID, int], dict[uuid.UUID, int]]:
    """Open tasks and unread notices that no e-mail to this person has told of, with their urgency."""
    mailed = DigestItem.objects.filter(receiver=actor.user)
    settled = now - _SETTLES_WITHIN
    tasks = tasks_owed_by(actor).filter(created_at__lte=settled)
    tasks = tasks.exclude(Exists(mailed.filter(task=OuterRef("pk"))))
    notices = _unread(actor).filter(created_at__lte=settled)
    notices = notices.exclude(Exists(mailed.filter(notice=OuterRef("pk"))))
    return dict(tasks.values_list("pk", "urgency")), dict(notices.values_list("pk", "urgency"))


def _unread(actor: Actor) -> QuerySet[Notice]:
    return Notice.objects.filter(receiver=actor.user, clinic=actor.clinic, read_at__isnull=True)


def _queue(actor: Actor, tasks: dict[uuid.UUID, int], notices: dict[uuid.UUID, int], now: datetime) -> bool:
    """Write one digest, its items and the job that sends it; False when another worker was quicker."""
    whose = {"clinic": actor.clinic, "receiver": actor.user, "created_at": now}
    try:
        with transaction.atomic():
            digest = EmailDigest.objects.create(**whose)
            items = [DigestItem(digest=digest, task_id=key, **whose) for key in tasks]
            items += [DigestItem(digest=digest, notice_id=key, **whose) for key in notices]
            DigestItem.objects.bulk_create(items)
            enqueue(
                kind=SEND_DIGEST,
                key=f"{SEND_DIGEST}:{digest.pk}",
                payload={"digest": str(digest.pk)},
                clinic=actor.clinic,
                now=now,
            )
    except IntegrityError:
        return False
    return True


def send_digest(*, digest_id: uuid.UUID, now: datetime) -> datetime | None:
    """Send one digest through Django's e-mail back end, once. Gives back when to try again where quiet hours began meanwhile.

    Dropped when everything in it was done or read, or the person turned e-mail off or left. Raises what the mail server raised,
    so that its job tries again; the digest keeps the error's class.
    """
    with transaction.atomic():
        digest = (
            EmailDigest.objects.select_for_update(of=("self",))
            .select_related("receiver", "clinic")
            .get(pk=digest_id)
        )
        if digest.state in (DigestState.SENT, DigestState.DROPPED) or digest.error_class == _WORKER_LOST:
            return None
        if digest.state == DigestState.SENDING:
            digest.state, digest.error_class = DigestState.FAILED, _WORKER_LOST
            digest.save(update_fields=["state", "error_class"])
            return None
        choice = EmailChoice.objects.filter(user=digest.receiver).first()
        zone = receiver_zone(digest.clinic, choice)
        count, is_urgent = (0, False) if choice is not None and not choice.is_on else _still_waiting(digest)
        if count == 0:
            digest.state = DigestState.DROPPED
            digest.save(update_fields=["state"])
            return None
        house = _House.of(digest.clinic)
        if house.quiet(zone).holds(now) and not (is_urgent and house.now_breaks_quiet):
            return house.quiet(zone).over_at(now)
        digest.state, digest.attempts = DigestState.SENDING, digest.attempts + 1
        digest.save(update_fields=["state", "attempts"])
    mine = EmailDigest.objects.filter(pk=digest.pk, state=DigestState.SENDING)
    try:
        _send(digest.receiver.email, count, zone, now)
    except Exception as error:
        mine.update(state=DigestState.FAILED, error_class=type(error).__name__)
        raise
    mine.update(state=DigestState.SENT, error_class="", sent_at=now)
    return None


def _still_waiting(digest: EmailDigest) -> tuple[int, bool]:
    """How many of the digest's things still wait for its receiver, and whether one must be done now."""
    actor = next((each for each in _actors(digest.clinic) if each.user == digest.receiver), None)
    if actor is None:
        return 0, False
    tasks = tasks_owed_by(actor).filter(pk__in=digest.items.values("task"))
    notices = _unread(actor).filter(pk__in=digest.items.values("notice"))
    waiting = {**dict(tasks.values_list("pk", "urgency")), **dict(notices.values_list("pk", "urgency"))}
    return len(waiting), Urgency.NOW in waiting.values()


def _send(address: str, count: int, zone: ZoneInfo, now: datetime) -> None:
    """The e-mail: how many things wait and where, nothing of whom or what."""
    site = settings.SITE_URL.rstrip("/")
    context = {
        "count": count,
        "inbox": site + reverse("notices:inbox"),
        "account": site + reverse("accounts:self"),
        "sent_at": now.astimezone(zone),
        "zone": zone.key,
    }
    send_mail(
        subject=_SUBJECT,
        message=render_to_string("notices/email/digest.txt", context),
        from_email=None,
        recipient_list=[address],
    )
