"""Opening, doing and withdrawing tasks; writing notices."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.notices.kinds import is_ended_by_work
from kapclinic.notices.models import EmailChoice, Notice, Task, Urgency


def open_task(
    *,
    clinic: Clinic,
    key: str,
    kind: str,
    title: str,
    role: Role | str,
    episode: Any = None,
    person: User | None = None,
    detail: str = "",
    urgency: Urgency = Urgency.ROUTINE,
    due_at: datetime | None = None,
    url: str = "",
    actor: User | None = None,
    now: datetime | None = None,
) -> Task:
    """Give someone a task. The same key again re-opens or refreshes that task instead of making a second one."""
    now = now or timezone.now()
    fields = {
        "kind": kind, "title": title, "role": role, "episode": episode, "person": person, "detail": detail,
        "urgency": urgency, "due_at": due_at, "url": url, "done_at": None, "done_by": None, "outcome": "", "withdrawn_at": None,
    }  # fmt: skip
    with transaction.atomic():
        task, _ = Task.objects.update_or_create(
            key=key,
            defaults=fields,
            create_defaults={**fields, "clinic": clinic, "created_at": now, "created_by": actor},
        )
    return task


def complete_task(*, task: Task, actor: User, outcome: str = "", now: datetime | None = None) -> bool:
    """A person did it; returns False when it was no longer open (pressing twice changes nothing)."""
    now = now or timezone.now()
    changed = Task.objects.filter(pk=task.pk, done_at__isnull=True, withdrawn_at__isnull=True).update(
        done_at=now, done_by=actor, outcome=outcome
    )
    return bool(changed)


def complete_by_hand(*, task: Task, actor: User, outcome: str = "", now: datetime | None = None) -> bool:
    """A person ticks a task off in the inbox; raises Refused for a kind that only its recorded work ends."""
    if is_ended_by_work(task.kind):
        raise Refused(
            Reason(
                "ended-by-work", "This task ends when the work itself is recorded: open it and do it there."
            )
        )
    return complete_task(task=task, actor=actor, outcome=outcome.strip(), now=now)


def mark_read(
    *,
    receiver: User,
    clinic: Clinic,
    notice: Notice | None = None,
    url: str = "",
    now: datetime | None = None,
) -> int:
    """Mark one notice, those that lead to `url`, or all of the receiver's at `clinic`, as read; returns how many."""
    unread = Notice.objects.filter(receiver=receiver, clinic=clinic, read_at__isnull=True)
    if notice is not None:
        unread = unread.filter(pk=notice.pk)
    if url:
        unread = unread.filter(url=url)
    return unread.update(read_at=now or timezone.now())


def close_task(
    *, key: str, actor: User | None = None, outcome: str = "", now: datetime | None = None
) -> None:
    """What the task asked for has happened: done by `actor`, or withdrawn when its cause fell away (no actor)."""
    close_tasks(keys=[key], actor=actor, outcome=outcome, now=now)


def close_tasks(
    *, keys: Iterable[str], actor: User | None = None, outcome: str = "", now: datetime | None = None
) -> None:
    """The same for several tasks, with one query."""
    now = now or timezone.now()
    open_ones = Task.objects.filter(key__in=list(keys), done_at__isnull=True, withdrawn_at__isnull=True)
    if actor is None:
        open_ones.update(withdrawn_at=now, outcome=outcome)
    else:
        open_ones.update(done_at=now, done_by=actor, outcome=outcome)


def notify(
    *,
    clinic: Clinic,
    receivers: list[User],
    key: str,
    title: str,
    url: str = "",
    urgency: Urgency = Urgency.ROUTINE,
    now: datetime | None = None,
) -> None:
    """Put a line in each receiver's inbox, once per key."""
    now = now or timezone.now()
    Notice.objects.bulk_create(
        [
            Notice(
                clinic=clinic,
                receiver=receiver,
                key=key,
                title=title,
                url=url,
                urgency=urgency,
                created_at=now,
            )
            for receiver in receivers
        ],
        ignore_conflicts=True,
    )


def choose_email(*, user: User, is_on: bool, time_zone: str) -> EmailChoice:
    """Keep what a person chose: whether e-mail comes, and the IANA zone of their quiet hours ("" for the clinic's)."""
    choice, _ = EmailChoice.objects.update_or_create(
        user=user, defaults={"is_on": is_on, "time_zone": time_zone}
    )
    return choice
