"""How fast one person may read: far above what hands can do, so that only a program that reads everything meets it.

Counted from the record itself (kapclinic/audit/access.py): what the gate let the person in to, whatever process answered. A
page that asks by itself each minute is not counted twice, and writing is never held back: what was done is recorded
(rule book 0.7).
"""

import math
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min, Q

from kapclinic.audit.models import AccessEvent, Outcome

# What an action that shows something ends in; a search sends its words in a POST.
_SHOWING = (".list", ".view", ".read", ".read-released", ".export", ".review", ".check", ".today", ".status")
_SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Span:
    """At most `most` readings within `length`."""

    length: timedelta
    most: int

    def seconds_left(self, *, count: int, first_at: datetime | None, now: datetime) -> int:
        """Whole seconds until the oldest of `count` readings falls out of the span; 0 while there is room. Instants aware."""
        if count < self.most or first_at is None:
            return 0
        return max(1, math.ceil((first_at + self.length - now).total_seconds()))


class TooFast(Exception):
    """This person has read more than hands can; `seconds` is when to come again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def is_reading(method: str | None, action: str) -> bool:
    """Whether a request shows something, and is not a form that writes."""
    return method in _SAFE or action.endswith(_SHOWING)


def seconds_to_wait(user_id: uuid.UUID, *, now: datetime) -> int:
    """Seconds until the person may read on, 0 for at once; `now` is aware. One query over an index."""
    minute = Span(timedelta(minutes=1), settings.READS_A_MINUTE)
    hour = Span(timedelta(hours=1), settings.READS_AN_HOUR)
    # What was let in at the gate has a relation; sign-ins and feeds, which strangers can press, have none.
    lately = AccessEvent.objects.filter(
        user_id=user_id, at__gt=now - hour.length, at__lte=now, outcome=Outcome.ALLOWED
    ).exclude(relation="")
    in_minute = Q(at__gt=now - minute.length)
    found = lately.aggregate(
        hour=Count("pk"),
        hour_from=Min("at"),
        minute=Count("pk", filter=in_minute),
        minute_from=Min("at", filter=in_minute),
    )
    return max(
        hour.seconds_left(count=found["hour"], first_at=found["hour_from"], now=now),
        minute.seconds_left(count=found["minute"], first_at=found["minute_from"], now=now),
    )
