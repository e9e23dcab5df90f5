"""The watch over handoffs that are not written or not read at their due time: who hears of it, and when.

One look at a clinic every few minutes brings its tasks in line with what is owed: it opens what has become due and withdraws
what is not owed any more. It rests on the record alone, so a dose that moves or falls away needs no word to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from episodes.models import Episode
from episodes.services.locking import lock_episode
from integration.models import IntegrationNeed, NeedPart
from kapclinic.accounts.models import Role, User, current_members
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.services import setting
from kapclinic.handoffs import due
from kapclinic.handoffs.clinical_settings import WATCH_DAYS, step_times
from kapclinic.handoffs.escalation import Step, steps_taken
from kapclinic.handoffs.models import Handoff, HandoffKind
from kapclinic.handoffs.owing import Calendar, Owed, calendar_of, owed_handoffs, waiting_sessions
from kapclinic.handoffs.selectors import (
    LATE,
    LATE_FOR_MANAGER,
    READ_TASK,
    ROLE_OF_PART,
    SEND_TASK,
    WATCH_TASKS,
    WRITE_TASK,
    Leads,
    leads_of,
    read_task_key,
    send_task_key,
    written_about,
)
from kapclinic.handoffs.services.asking import ask_whoever_reads_now
from kapclinic.notices.kinds import ended_by_work
from kapclinic.notices.models import Task, Urgency
from kapclinic.notices.services import close_tasks, notify, open_task
from kapclinic.scheduling.spans import Span
from kapclinic.scheduling.staffing import staffed_by_role
from sessions.models import DosingSession

ended_by_work(*WATCH_TASKS)

_HEARD_BY = {Step.COORDINATOR: Role.COORDINATOR, Step.MANAGER: Role.MANAGER}
# More handoffs than a clinic writes in the weeks that are watched.
_MOST = 5000
# Staffed time is looked up this far around now; what is due later waits for a later look.
_AROUND = timedelta(days=14)


@dataclass(frozen=True)
class Waiting:
    """One handoff that is owed: to be written by a discipline, or signed and to be read by one. Instants in UTC."""

    key: str
    what: str
    kind: str
    episode: Episode
    due_at: datetime
    too_late: datetime | None
    url: str
    # Empty where either discipline may do it.
    part: str = ""
    # What was signed and is to be read.
    handoff: Handoff | None = None
    # What is to be written, and what was signed before this does not answer it.
    owed: Owed | None = None


def watch_handoffs(*, clinic: Clinic, now: datetime) -> int:
    """Bring the tasks of a clinic in line with the handoffs that are late at `now`; returns how many are late. Idempotent."""
    ask_whoever_reads_now(clinic, now)
    waiting = [each for each in waiting_handoffs(clinic, now) if each.due_at <= now]
    waiting.sort(key=lambda each: each.due_at)
    wanted: set[str] = set()
    if waiting:
        leads = leads_of(clinic, [each.episode for each in waiting], now)
        has_coordinator = current_members(clinic, Role.COORDINATOR).exists()
        limits = Span(now - _AROUND, now + _AROUND)
        heard = staffed_by_role(clinic, set(_HEARD_BY.values()), limits)
        staffed = {step: heard[role] for step, role in _HEARD_BY.items()}
        times = step_times(clinic)
        for each in waiting:
            for taken in steps_taken(each.due_at, each.too_late, staffed, times, now):
                # Where nobody coordinates, the managers hear in their place: a task of nobody alarms nobody.
                step = Step.MANAGER if taken is Step.COORDINATOR and not has_coordinator else taken
                _take(step, each, leads, wanted, now=now)
    _withdraw_others(clinic, wanted, now=now)
    return len(waiting)


def waiting_handoffs(clinic: Clinic, now: datetime) -> list[Waiting]:
    """What is owed at a clinic within the days that are watched, written and read."""
    calendar = calendar_of(clinic, now)
    since = now - timedelta(days=setting(clinic, WATCH_DAYS))
    owed = owed_handoffs(
        clinic=clinic, episodes=Q(), kinds=HandoffKind, now=now, calendar=calendar, since=since, most=_MOST
    )
    unread = list(
        Handoff.objects.unread()
        .filter(clinic=clinic, signed_at__gte=since, episode__entered_in_error_at__isnull=True)
        .filter(pk__in=_asked_for(clinic))
        .exclude(episode__stage="closed")
        .select_related("clinic", "session", "episode__clinic", "episode__protocol_version", "signed_by")
    )
    sessions = {row.session.pk for row in owed} | {row.session_id for row in unread if row.session_id}
    needs = {
        need.dose_id: need
        for need in IntegrationNeed.objects.filter(
            dose__in=sessions, part=NeedPart.PRIMARY, withdrawn_at__isnull=True
        ).select_related("appointment")
    }
    found = [_to_write(row, needs.get(row.session.pk), calendar) for row in owed]
    found += _to_read(unread, needs, calendar)
    return found


def _asked_for(clinic: Clinic) -> list[str]:
    """Handoffs that somebody is asked to read or to send: the others owe no reading."""
    keys = Task.objects.filter(
        clinic=clinic, kind__in=[READ_TASK, SEND_TASK], done_at__isnull=True, withdrawn_at__isnull=True
    ).values_list("key", flat=True)
    return [key.partition(":")[2] for key in keys]


def _to_write(row: Owed, need: IntegrationNeed | None, calendar: Calendar) -> Waiting:
    too_late: datetime | None = row.session.planned_at
    if row.kind == HandoffKind.TO_THERAPIST:
        too_late = _read_after_dose(row.session, need, calendar)
    elif row.kind == HandoffKind.EMERGENCY:
        too_late = None
    return Waiting(
        key=written_about(row.kind, row.episode.pk, row.session.pk),
        what="written",
        kind=row.kind,
        episode=row.episode,
        due_at=row.due_at,
        too_late=too_late,
        url=row.write_url,
        part=Handoff(kind=row.kind).written_by_part,
        owed=row,
    )


def _to_read(
    unread: Iterable[Handoff], needs: dict[Any, IntegrationNeed], calendar: Calendar
) -> Iterator[Waiting]:
    for handoff in unread:
        at = read_due(handoff, needs.get(handoff.session_id), calendar)
        if at is None:
            continue
        yield Waiting(
            key=str(handoff.pk),
            what="read",
            kind=handoff.kind,
            episode=handoff.episode,
            due_at=at,
            too_late=None,
            url=reverse("handoffs:detail", args=[handoff.pk]),
            part=handoff.reader_part,
            handoff=handoff,
        )


def _read_after_dose(session: Any, need: IntegrationNeed | None, calendar: Calendar) -> datetime:
    booking = None if need is None else need.live_appointment
    t0 = session.anchors().t0 or session.planned_until
    return due.read_after_dose(
        booked_from=None if booking is None else booking.starts_at,
        window_opens=None if need is None else need.opens_at,
        written_by=due.after_dose(t0, calendar.rule_of(session.episode), calendar.days),
    )


def read_due(handoff: Handoff, need: IntegrationNeed | None, calendar: Calendar) -> datetime | None:
    """When a signed handoff is due to be read, as the doses and bookings stand now; None while nothing fixes it.

    Never before its signature: what is signed late is due at once.
    """
    assert handoff.signed_at is not None, "only signed handoffs are read"
    if handoff.kind == HandoffKind.EMERGENCY:
        return due.after_emergency(handoff.signed_at, calendar.rule)
    if handoff.session is None:
        coming = DosingSession.objects.expected().filter(
            episode=handoff.episode_id, planned_at__gte=handoff.signed_at
        )
        first = coming.order_by("planned_at").first()
        if first is None:
            return None
        by = due.before_dose(first.planned_at, calendar.rule_of(handoff.episode), calendar.days)
        return max(by, handoff.signed_at)
    if handoff.kind == HandoffKind.TO_PRESCRIBER:
        return max(handoff.session.planned_at, handoff.signed_at)
    return max(_read_after_dose(handoff.session, need, calendar), handoff.signed_at)


def _take(step: Step, each: Waiting, leads: Leads, wanted: set[str], *, now: datetime) -> None:
    """Take one step for one handoff, unless it was taken already."""
    if step is Step.REMINDER and each.what == "read":
        _remind_reader(each, now=now)
        return
    # One line for its author, one a patient for coordinators, one for everything for managers.
    key = {
        Step.REMINDER: f"{WRITE_TASK}:{each.key}",
        Step.COORDINATOR: f"{LATE}:{each.episode.pk}",
        Step.MANAGER: f"{LATE_FOR_MANAGER}:{each.episode.clinic_id}",
    }[step]
    if key in wanted:
        # One line for all that is late of a patient, or of a clinic: it tells of what is due first.
        return
    wanted.add(key)
    role, person = _author(each, leads)
    title, detail = f"A handoff was not {each.what} in time", HandoffKind(each.kind).label
    standing = Task.objects.filter(key=key, done_at__isnull=True, withdrawn_at__isnull=True)
    if step is Step.REMINDER:
        # A reminder to somebody who left the team goes to who took over.
        standing = standing.filter(person=person)
    elif step is Step.COORDINATOR:
        standing = standing.filter(title=title, detail=detail)
    if standing.exists():
        return
    with transaction.atomic():
        episode = lock_episode(each.episode)
        if _is_done(each, now):
            return
        if step is Step.REMINDER:
            _remind_author(each, episode, key, role, person, now=now)
        elif step is Step.COORDINATOR:
            open_task(
                clinic=each.episode.clinic,
                key=key,
                kind=LATE,
                title=title,
                detail=detail,
                role=Role.COORDINATOR,
                episode=episode,
                urgency=Urgency.TODAY,
                due_at=each.too_late or each.due_at,
                url=reverse("handoffs:of-episode", args=[episode.public_id]),
                now=now,
            )
        else:
            # Managers know no patient: which it is stands on the page it leads to, as far as they may see.
            open_task(
                clinic=each.episode.clinic,
                key=key,
                kind=LATE_FOR_MANAGER,
                title="Handoffs were not written or read in time",
                role=Role.MANAGER,
                urgency=Urgency.TODAY,
                due_at=each.too_late or each.due_at,
                url=reverse("handoffs:list"),
                now=now,
            )


def _is_done(each: Waiting, now: datetime) -> bool:
    """Whether it was written or read since this look began, or is owed no more; the episode is locked."""
    if each.handoff is not None:
        return not Handoff.objects.unread().filter(pk=each.handoff.pk).exists()
    assert each.owed is not None, "what is not to be read is to be written"
    still = waiting_sessions(HandoffKind(each.kind), each.episode.clinic, now)
    return not still.filter(pk=each.owed.session.pk).exists()


def _author(each: Waiting, leads: Leads) -> tuple[Role, User | None]:
    """Who is to write it: the discipline's person, and for what either may write the therapist."""
    part = each.part or "therapist"
    return ROLE_OF_PART[part], leads.person(each.episode, part)


def _remind_author(
    each: Waiting, episode: Episode, key: str, role: Role, person: User | None, *, now: datetime
) -> None:
    open_task(
        clinic=episode.clinic,
        key=key,
        kind=WRITE_TASK,
        title="Write the handoff that is due",
        detail=HandoffKind(each.kind).label,
        role=role,
        person=person,
        episode=episode,
        urgency=Urgency.TODAY,
        due_at=each.due_at,
        url=each.url,
        now=now,
    )


def _remind_reader(each: Waiting, *, now: datetime) -> None:
    """The task to read is open already: it is due now, and whoever was asked gets a line in the inbox."""
    assert each.handoff is not None, "what is to be read was signed"
    task = (
        Task.objects.filter(
            key__in=[read_task_key(each.handoff.pk), send_task_key(each.handoff.pk)],
            done_at__isnull=True,
            withdrawn_at__isnull=True,
        )
        .select_related("person")
        .first()
    )
    if task is None:
        return
    if task.due_at != each.due_at or task.urgency < Urgency.TODAY:
        Task.objects.filter(pk=task.pk, done_at__isnull=True, withdrawn_at__isnull=True).update(
            due_at=each.due_at, urgency=max(task.urgency, Urgency.TODAY)
        )
    if task.person is None:
        return
    notify(
        clinic=each.episode.clinic,
        receivers=[task.person],
        key=f"handoff-unread:{each.handoff.pk}",
        title="A handoff is due to be read",
        url=each.url,
        urgency=Urgency.TODAY,
        now=now,
    )


def _withdraw_others(clinic: Clinic, wanted: set[str], *, now: datetime) -> None:
    """Withdraw the tasks of handoffs that are late no more."""
    standing = Task.objects.filter(
        clinic=clinic,
        kind__in=WATCH_TASKS,
        done_at__isnull=True,
        withdrawn_at__isnull=True,
    ).values_list("key", flat=True)
    gone = [key for key in standing if key not in wanted]
    if gone:
        close_tasks(keys=gone, outcome="not owed any more", now=now)
