"""Small numbers for the rail: one bounded query each."""

from dataclasses import dataclass
from datetime import datetime

from kapclinic.accounts.policy import Actor
from kapclinic.handoffs.selectors import waiting_count
from kapclinic.notices.models import Notice, Urgency
from kapclinic.notices.reach import tasks_owed_by


@dataclass(frozen=True)
class Count:
    """How many wait, what they are, and whether one of them cannot wait."""

    number: int = 0
    label: str = ""
    is_hot: bool = False


NOTHING = Count()

# Counting stops here: the rail says "99+" anyway.
_ENOUGH = 100


def waiting_tasks(actor: Actor, now: datetime) -> Count:
    """Open tasks that are this person's to do."""
    urgencies = list(tasks_owed_by(actor).values_list("urgency", flat=True).order_by("-urgency")[:_ENOUGH])
    return Count(len(urgencies), "waiting", bool(urgencies) and urgencies[0] >= Urgency.NOW)


def waiting_handoffs(actor: Actor, now: datetime) -> Count:
    """Handoffs that this person has to write or to acknowledge."""
    return Count(min(waiting_count(actor, now), _ENOUGH), "waiting")


def unread_notices(actor: Actor, now: datetime) -> Count:
    """Lines of the inbox that were not read."""
    unread = Notice.objects.filter(receiver=actor.user, clinic=actor.clinic, read_at__isnull=True)
    return Count(len(unread.values_list("pk", flat=True)[:_ENOUGH]), "unread")
