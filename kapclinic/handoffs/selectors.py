"""Handoffs that are owed, waiting to be read, or there; for pages, Today and the chart."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from episodes.access import episodes_for, has_episode_for
from episodes.models import CareTeamMember, Episode, TeamPart
from episodes.stages import Stage
from kapclinic.accounts import policy
from kapclinic.accounts.models import Role, User
from kapclinic.accounts.policy import Actor
from kapclinic.handoffs.models import Handoff, HandoffKind
from kapclinic.notices.models import Task
from sessions.models import DosingSession
from sessions.selectors import doses_of_episode

# POLICY: a handoff before a dose is asked for from this long before it; one after a dose is due on its day.
ASK_BEFORE = timedelta(days=7)
MOST_ROWS = 100

# Kind of the task that asks for a signed handoff to be read; it ends when that was done, or need not be any more.
READ_TASK = "handoff-read"

WRITE_ACTION = {
    HandoffKind.TO_PRESCRIBER: "handoff.write-to-prescriber",
    HandoffKind.TO_THERAPIST: "handoff.write-to-therapist",
}
READER_ROLE = {HandoffKind.TO_PRESCRIBER: Role.PRESCRIBER, HandoffKind.TO_THERAPIST: Role.THERAPIST}


@dataclass(frozen=True)
class Owed:
    """A handoff that somebody has still to write. `due_at` in UTC."""

    session: DosingSession
    kind: HandoffKind
    due_at: datetime
    draft: Handoff | None
    may_write: bool

    @property
    def episode(self) -> Episode:
        """The episode of the dose."""
        return self.session.episode


def _one_person_in_both_parts() -> Q:
    """Episodes whose therapist and prescriber are the same person owe no handoff."""
    standing = CareTeamMember.objects.filter(
        episode=OuterRef("episode"),
        ends_at__isnull=True,
        entered_in_error_at__isnull=True,
        user__isnull=False,
    )
    prescriber = standing.filter(part=TeamPart.PRESCRIBER)
    return Q(Exists(prescriber.filter(user__in=_therapists())))


def _therapists() -> QuerySet[Any]:
    return CareTeamMember.objects.filter(
        episode=OuterRef("episode"),
        part=TeamPart.THERAPIST,
        ends_at__isnull=True,
        entered_in_error_at__isnull=True,
        user__isnull=False,
    ).values("user")


def _waiting_sessions(kind: HandoffKind, now: datetime) -> QuerySet[Any]:
    signed = Handoff.objects.signed().filter(session=OuterRef("pk"), kind=kind)
    found: Any = (
        DosingSession.objects.expected()
        .filter(~Exists(signed), episode__entered_in_error_at__isnull=True)
        .exclude(episode__stage=Stage.CLOSED)
        .exclude(_one_person_in_both_parts())
        .with_anchors()
        .select_related("clinic", "episode__patient", "episode__clinic")
    )
    if kind == HandoffKind.TO_PRESCRIBER:
        return found.filter(d0_at__isnull=True, planned_at__lte=now + ASK_BEFORE, planned_until__gte=now)
    return found.filter(d0_at__isnull=False, running_count=0)


def owed_handoffs(
    *,
    clinic_id: uuid.UUID,
    episodes: Q,
    kinds: Iterable[HandoffKind],
    now: datetime,
    actor: Actor | None = None,
) -> list[Owed]:
    """Handoffs that the episodes matched by `episodes` (over Episode) still owe, soonest first. Three queries a kind."""
    owed: list[Owed] = []
    for kind in kinds:
        matching = Episode.objects.filter(episodes)
        sessions = list(
            _waiting_sessions(kind, now)
            .filter(clinic_id=clinic_id, episode__in=matching.values("pk"))
            .order_by("planned_at")[:MOST_ROWS]
        )
        writable = _writable(actor, kind, sessions)
        drafts = {
            draft.session_id: draft
            for draft in Handoff.objects.standing().filter(session__in=sessions, kind=kind, state="draft")
        }
        for session in sessions:
            due_at = session.planned_at
            if kind == HandoffKind.TO_THERAPIST:
                local = session.last_end_at.astimezone(session.clinic.zone)
                due_at = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            owed.append(Owed(session, kind, due_at, drafts.get(session.pk), session.episode_id in writable))
    return sorted(owed, key=lambda row: row.due_at)


def _writable(actor: Actor | None, kind: HandoffKind, sessions: Iterable[DosingSession]) -> set[uuid.UUID]:
    """The episodes among those of `sessions` for which this person may write `kind`. At most one query."""
    action = WRITE_ACTION[kind]
    if actor is None or not policy.can(actor, action):
        return set()
    within = Episode.objects.filter(episodes_for(actor, action), pk__in={row.episode_id for row in sessions})
    return set(within.values_list("pk", flat=True))


def to_write(actor: Actor, now: datetime) -> list[Owed]:
    """What this person has to write."""
    owed: list[Owed] = []
    for kind, action in WRITE_ACTION.items():
        if policy.can(actor, action):
            owed += owed_handoffs(
                clinic_id=actor.clinic.pk,
                episodes=episodes_for(actor, action),
                kinds=[kind],
                now=now,
                actor=actor,
            )
    return sorted(owed, key=lambda row: row.due_at)


def read_task_key(handoff_id: uuid.UUID) -> str:
    """The key of the task to read that handoff."""
    return f"{READ_TASK}:{handoff_id}"


def _unread(actor: Actor, action: str, kinds: Iterable[HandoffKind]) -> QuerySet[Any]:
    """Unread handoffs on episodes where the actor may do `action`, at most MOST_ROWS, those signed first. One query by itself.

    They are found through the open tasks: among the handoffs of all years they would be a needle in a haystack.
    """
    keys = (
        Task.objects.filter(
            has_episode_for(actor, action),
            clinic=actor.clinic,
            role__in=[READER_ROLE[kind] for kind in kinds],
            kind=READ_TASK,
            done_at__isnull=True,
            withdrawn_at__isnull=True,
        )
        .order_by("created_at")
        .values_list("key", flat=True)[:MOST_ROWS]
    )
    asked = [key.removeprefix(f"{READ_TASK}:") for key in keys]
    return Handoff.objects.unread().filter(pk__in=asked)


def _unread_of(actor: Actor) -> QuerySet[Any]:
    kinds = [kind for kind, role in READER_ROLE.items() if actor.has(role)]
    return _unread(actor, "handoff.acknowledge", kinds).exclude(signed_by=actor.user)


def to_read(actor: Actor) -> list[Handoff]:
    """Signed handoffs that wait for this person to read them, oldest first. Two queries."""
    found = _unread_of(actor).select_related("episode__patient", "session", "signed_by", "clinic")
    return list(found.order_by("signed_at"))


def waiting_count(actor: Actor, now: datetime) -> int:
    """How many handoffs this person has to write or to read, each kind counted as far as a list shows. Four queries."""
    found = _unread_of(actor).count()
    for kind, action in WRITE_ACTION.items():
        if policy.can(actor, action):
            episodes = Episode.objects.filter(episodes_for(actor, action))
            waiting = _waiting_sessions(kind, now).filter(
                clinic=actor.clinic, episode__in=episodes.values("pk")
            )
            found += waiting.order_by()[:MOST_ROWS].count()
    return int(found)


def clinic_status(actor: Actor, now: datetime) -> tuple[list[Owed], list[Handoff]]:
    """For those who see the status of all: what is not written, and what is written but not read."""
    episodes = Episode.objects.filter(episodes_for(actor, "handoff.status"))
    owed = owed_handoffs(
        clinic_id=actor.clinic.pk,
        episodes=Q(pk__in=episodes.values("pk")),
        kinds=HandoffKind,
        now=now,
        actor=actor,
    )
    unread = _unread(actor, "handoff.status", HandoffKind).select_related(
        "episode__patient", "session", "signed_by", "clinic"
    )
    return owed, list(unread.order_by("signed_at"))


@dataclass(frozen=True)
class DoseRow:
    """One dosing session with both its handoffs, as the episode's page lists it."""

    session: DosingSession
    number: int
    is_given: bool
    before: Handoff | None
    after: Handoff | None
    draft_before: Handoff | None
    draft_after: Handoff | None


def rows_of(episode: Episode) -> list[DoseRow]:
    """Every expected dosing session of an episode with its handoffs, newest first."""
    given = {dose.session.pk: dose.number for dose in doses_of_episode(episode)}
    sessions = list(
        DosingSession.objects.expected()
        .filter(episode=episode)
        .select_related("clinic")
        .order_by("planned_at")
    )
    handoffs = list(
        Handoff.objects.standing().filter(episode=episode).select_related("signed_by", "acknowledgement__person", "author")
        .order_by("edition")
    )  # fmt: skip
    newest: dict[tuple[uuid.UUID, str, str], Handoff] = {}
    for handoff in handoffs:
        newest[(handoff.session_id, handoff.kind, handoff.state)] = handoff
    rows: list[DoseRow] = []
    number = 0
    for session in sessions:
        number = given.get(session.pk, number + 1)
        rows.append(
            DoseRow(
                session=session,
                number=number,
                is_given=session.pk in given,
                before=newest.get((session.pk, HandoffKind.TO_PRESCRIBER, "signed")),
                after=newest.get((session.pk, HandoffKind.TO_THERAPIST, "signed")),
                draft_before=newest.get((session.pk, HandoffKind.TO_PRESCRIBER, "draft")),
                draft_after=newest.get((session.pk, HandoffKind.TO_THERAPIST, "draft")),
            )
        )
    return rows[::-1]


def editions_of(handoff: Handoff) -> list[Handoff]:
    """Every signed edition about the same dose, newest first."""
    found = Handoff.objects.filter(session_id=handoff.session_id, kind=handoff.kind, state="signed")
    return list(found.select_related("signed_by", "acknowledgement__person", "document").order_by("-edition"))


def receiver_of(episode: Episode, kind: str, at: datetime) -> User | None:
    """The team member who is to read it; None when an outside clinician holds that part."""
    part = TeamPart.PRESCRIBER if kind == HandoffKind.TO_PRESCRIBER else TeamPart.THERAPIST
    member = CareTeamMember.objects.in_force(at).filter(episode=episode, part=part, user__isnull=False)
    found = member.select_related("user").first()
    return None if found is None else found.user


def receiver_name(episode: Episode, kind: str, at: datetime) -> str:
    """The name of who is to read it, with or without an account; empty when the part is not filled."""
    part = TeamPart.PRESCRIBER if kind == HandoffKind.TO_PRESCRIBER else TeamPart.THERAPIST
    member = (
        CareTeamMember.objects.in_force(at)
        .filter(episode=episode, part=part)
        .select_related("user", "outside")
        .first()
    )
    return "" if member is None else str(member.user or member.outside)


def may_acknowledge(actor: Actor, handoff: Handoff) -> bool:
    """Whether this person is its receiver and has not read this edition yet."""
    return (
        handoff.is_signed
        and not handoff.is_struck
        and not handoff.is_read
        and handoff.signed_by_id != actor.user.pk
        and actor.has(READER_ROLE[HandoffKind(handoff.kind)])
        and not Handoff.objects.signed().filter(supersedes=handoff).exists()
        and policy.can(actor, "handoff.acknowledge", handoff)
    )
