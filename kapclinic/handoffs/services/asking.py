"""Asking the receiver of a signed handoff to read it, or its author to send it to somebody outside."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.urls import reverse

from episodes.models import Episode
from episodes.services.locking import lock_episode
from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.handoffs import due
from kapclinic.handoffs.clinical_settings import due_rule
from kapclinic.handoffs.models import Handoff, HandoffKind
from kapclinic.handoffs.selectors import (
    READ_TASK,
    ROLE_OF_PART,
    SEND_TASK,
    leads_of,
    read_task_key,
    send_task_key,
)
from kapclinic.handoffs.services.issuing import short_words
from kapclinic.jobs.services import enqueue
from kapclinic.notices.kinds import ended_by_work
from kapclinic.notices.models import Task, Urgency
from kapclinic.notices.services import close_tasks, open_task

ended_by_work(READ_TASK, SEND_TASK)


def ask_to_read(handoff: Handoff, episode: Episode, *, now: datetime) -> None:
    """Ask the receiver; where the receiver has no account, ask the author to send it and to note who heard it."""
    author = handoff.signed_by
    leads = leads_of(handoff.clinic, [episode], now)
    receiver = leads.person(episode, handoff.reader_part)
    if author is None or receiver == author:
        return
    outside = leads.is_outside(episode, handoff.reader_part)
    what = f"{short_words(handoff)[0].lower()}{short_words(handoff)[1:]}"
    open_task(
        clinic=handoff.clinic,
        key=send_task_key(handoff.pk) if outside else read_task_key(handoff.pk),
        kind=SEND_TASK if outside else READ_TASK,
        title=f"Send the {what}, and note who heard it" if outside else f"Read the {what}",
        role=ROLE_OF_PART[handoff.written_by_part if outside else handoff.reader_part],
        person=author if outside else receiver,
        episode=episode,
        urgency=Urgency.NOW if handoff.kind == HandoffKind.EMERGENCY else Urgency.ROUTINE,
        url=reverse("handoffs:detail", args=[handoff.pk]),
        due_at=_read_by(handoff, now),
        actor=author,
        now=now,
    )


def ask_whoever_reads_now(clinic: Clinic, now: datetime) -> None:
    """Hand what waits to be read over to who holds the reader's part by now: people leave and take over.

    Four queries while nobody did.
    """
    tasks = {
        task.key.partition(":")[2]: task
        for task in Task.objects.filter(
            clinic=clinic, kind__in=[READ_TASK, SEND_TASK], done_at__isnull=True, withdrawn_at__isnull=True
        )
    }
    if not tasks:
        return
    unread = list(
        Handoff.objects.unread()
        .filter(pk__in=tasks)
        .select_related("episode__clinic", "signed_by", "session")
    )
    leads = leads_of(clinic, [handoff.episode for handoff in unread], now)
    for handoff in unread:
        task = tasks[str(handoff.pk)]
        outside = leads.is_outside(handoff.episode, handoff.reader_part)
        if outside == (task.kind == SEND_TASK) and (
            outside or task.person_id == _key(leads.person(handoff.episode, handoff.reader_part))
        ):
            continue
        with transaction.atomic():
            episode = lock_episode(handoff.episode)
            if not Handoff.objects.unread().filter(pk=handoff.pk).exists():
                continue
            close_tasks(keys=[task.key], outcome="asked of somebody else now", now=now)
            ask_to_read(handoff, episode, now=now)


def _key(person: User | None) -> uuid.UUID | int | None:
    return None if person is None else person.pk


def _read_by(handoff: Handoff, now: datetime) -> datetime | None:
    """When it is to be read, as far as that stands at the signature; the watch follows what moves later."""
    if handoff.kind == HandoffKind.TO_PRESCRIBER and handoff.session is not None:
        return handoff.session.planned_at
    if handoff.kind == HandoffKind.EMERGENCY:
        return due.after_emergency(now, due_rule(handoff.clinic)[0])
    return None


def stop_asking(handoff: Handoff, *, actor: User | None = None, outcome: str, now: datetime) -> None:
    """Nobody is asked to read or to send it any more: `actor` did it, or it fell away."""
    close_tasks(
        keys=[read_task_key(handoff.pk), send_task_key(handoff.pk)], actor=actor, outcome=outcome, now=now
    )
    look_again(handoff.clinic, now=now)


LOOK_JOB = "look_at_handoffs"


def look_again(clinic: Clinic, *, now: datetime) -> None:
    """Have the clinic's late handoffs looked at soon: what is late no more stands in nobody's list. One job, however often."""
    enqueue(
        kind=LOOK_JOB,
        key=f"{LOOK_JOB}:{clinic.pk}",
        payload={"clinic": str(clinic.pk)},
        clinic=clinic,
        now=now,
    )
