"""Handoffs that are owed, waiting to be read, or there. Every page reads one through `read_handoff`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from episodes.access import episodes_for, has_episode_for, team_parts
from episodes.models import CareTeamMember, Episode, TeamPart
from kapclinic.accounts import policy
from kapclinic.accounts.models import Membership, Role, User
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.models import Clinic
from kapclinic.handoffs.changes import FieldChange, field_changes
from kapclinic.handoffs.claims import divergences_of
from kapclinic.handoffs.divergence import Divergence
from kapclinic.handoffs.fields import PRESCRIBER, THERAPIST
from kapclinic.handoffs.models import OF_A_DOSE, Handoff, HandoffKind
from kapclinic.handoffs.owing import (
    MOST_ROWS,
    WRITE_ACTION,
    Calendar,
    Owed,
    calendar_of,
    owed_handoffs,
    waiting_sessions,
)
from kapclinic.handoffs.prefill import Source, from_stored
from kapclinic.notices.models import Task
from sessions.models import DosingSession
from sessions.selectors import doses_of_episode

# Kind of the task that asks for a signed handoff to be read; it ends when that was done, or need not be any more.
READ_TASK = "handoff-read"
# The same where the receiver has no account: somebody sends it and notes who heard it.
SEND_TASK = "handoff-send"

# Kinds of the tasks about what is late: the author's reminder, the coordinators' and the managers' alarm.
WRITE_TASK, LATE, LATE_FOR_MANAGER = "handoff-write", "handoff-late", "handoff-late-manager"
WATCH_TASKS = (WRITE_TASK, LATE, LATE_FOR_MANAGER)

ROLE_OF_PART: Mapping[str, Role] = {"therapist": Role.THERAPIST, "prescriber": Role.PRESCRIBER}
_READERS = (Role.THERAPIST, Role.PRESCRIBER)


def clinic_calendar(actor: Actor, now: datetime) -> Calendar:
    """What due times rest on, looked up once per request."""
    return actor.once("handoff calendar", lambda: calendar_of(actor.clinic, now))


def to_write(actor: Actor, now: datetime) -> list[Owed]:
    """What this person has to write."""
    owed: list[Owed] = []
    for kind, action in WRITE_ACTION.items():
        if policy.can(actor, action):
            owed += owed_handoffs(
                clinic=actor.clinic,
                episodes=episodes_for(actor, action),
                kinds=[kind],
                now=now,
                calendar=clinic_calendar(actor, now),
                actor=actor,
            )
    return sorted(owed, key=lambda row: row.due_at)


def read_task_key(handoff_id: uuid.UUID) -> str:
    """The key of the task to read that handoff."""
    return f"{READ_TASK}:{handoff_id}"


def written_about(kind: str, episode_id: uuid.UUID, session_id: uuid.UUID | None) -> str:
    """What names a handoff that is still to be written, in the keys of its tasks."""
    return f"{session_id if kind in OF_A_DOSE else episode_id}:{kind}"


def write_task_key(about: object) -> str:
    """The key of the reminder to write: `about` names the handoff before it is signed (`written_about`)."""
    return f"{WRITE_TASK}:{about}"


def send_task_key(handoff_id: uuid.UUID) -> str:
    """The key of the task to get that handoff to somebody outside."""
    return f"{SEND_TASK}:{handoff_id}"


def _unread(actor: Actor, action: str, roles: Iterable[Role], task_kinds: Iterable[str]) -> QuerySet[Any]:
    """Unread handoffs on episodes where the actor may do `action`, at most MOST_ROWS, those signed first. One query by itself.

    They are found through the open tasks: among the handoffs of all years they would be a needle in a haystack.
    """
    keys = (
        Task.objects.filter(
            has_episode_for(actor, action),
            clinic=actor.clinic,
            role__in=list(roles),
            kind__in=list(task_kinds),
            done_at__isnull=True,
            withdrawn_at__isnull=True,
        )
        .order_by("created_at")
        .values_list("key", flat=True)[:MOST_ROWS]
    )
    asked = [key.partition(":")[2] for key in keys]
    return Handoff.objects.unread().filter(pk__in=asked)


def _unread_of(actor: Actor) -> QuerySet[Any]:
    roles = [role for role in _READERS if actor.has(role)]
    return _unread(actor, "handoff.acknowledge", roles, [READ_TASK]).exclude(signed_by=actor.user)


def to_read(actor: Actor) -> list[Handoff]:
    """Signed handoffs that wait for this person to read them, oldest first. Two queries."""
    found = _unread_of(actor).select_related("episode__patient", "session", "signed_by", "clinic")
    return list(found.order_by("signed_at"))


def waiting_count(actor: Actor, now: datetime) -> int:
    """How many handoffs this person has to write or to read, each kind counted as far as a list shows."""
    found = _unread_of(actor).count()
    for kind, action in WRITE_ACTION.items():
        if policy.can(actor, action):
            episodes = Episode.objects.filter(episodes_for(actor, action))
            waiting = waiting_sessions(kind, actor.clinic, now).filter(episode__in=episodes.values("pk"))
            found += waiting.order_by()[:MOST_ROWS].count()
    return int(found)


def clinic_status(actor: Actor, now: datetime) -> tuple[list[Owed], list[Handoff]]:
    """For those who see the status of all: what is not written, and what is written but not read."""
    episodes = Episode.objects.filter(episodes_for(actor, "handoff.status"))
    owed = owed_handoffs(
        clinic=actor.clinic,
        episodes=Q(pk__in=episodes.values("pk")),
        kinds=HandoffKind,
        now=now,
        calendar=clinic_calendar(actor, now),
        actor=actor,
    )
    unread = _unread(actor, "handoff.status", Role, [READ_TASK, SEND_TASK]).select_related(
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
        Handoff.objects.standing()
        .filter(episode=episode, session__isnull=False)
        .select_related("signed_by", "acknowledgement__person", "author")
        .order_by("edition")
    )
    newest: dict[tuple[uuid.UUID | None, str, str], Handoff] = {}
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


@dataclass(frozen=True)
class EpisodeHandoffs:
    """The handoffs about the episode itself: the first coordination, and emergencies, each with the newest edition."""

    coordination: Handoff | None
    coordination_draft: Handoff | None
    emergencies: list[Handoff]
    emergency_draft: Handoff | None


def handoffs_of_episode(episode: Episode) -> EpisodeHandoffs:
    """What was written about the episode as a whole, emergencies newest first. Two queries."""
    related = ("signed_by", "acknowledgement__person", "author")
    of_episode = Handoff.objects.filter(episode=episode, session__isnull=True).select_related(*related)
    signed = list(of_episode.in_force().order_by("-signed_at"))
    drafts = {draft.kind: draft for draft in of_episode.standing().filter(state="draft")}
    return EpisodeHandoffs(
        coordination=next((each for each in signed if each.kind == HandoffKind.COORDINATION), None),
        coordination_draft=drafts.get(HandoffKind.COORDINATION),
        emergencies=[each for each in signed if each.kind == HandoffKind.EMERGENCY],
        emergency_draft=drafts.get(HandoffKind.EMERGENCY),
    )


def editions_of(handoff: Handoff) -> list[Handoff]:
    """Every signed edition of the same handoff, newest first."""
    found = Handoff.objects.filter(
        episode_id=handoff.episode_id, session_id=handoff.session_id, kind=handoff.kind, state="signed"
    )
    editions = list(
        found.select_related("signed_by", "acknowledgement__person", "document").order_by("-edition")
    )
    if handoff.kind != HandoffKind.EMERGENCY:
        return editions
    # An episode may have several emergencies: those of one chain of amendments belong together.
    chain, grown = {handoff.pk}, True
    while grown:
        more = {each.pk for each in editions if each.supersedes_id in chain}
        more |= {
            each.supersedes_id for each in editions if each.pk in chain and each.supersedes_id is not None
        }
        grown = not more <= chain
        chain |= more
    return [each for each in editions if each.pk in chain]


@dataclass(frozen=True)
class HandoffContent:
    """What one reader may read of one signed handoff, as of now.

    `sections` are those of its snapshot (`documents.snapshots.shown_sections`), each with `links`: where in the record it was
    found. `changes` is what this edition changed in the one before, `divergences` where the two disciplines differ.
    """

    handoff: Handoff
    heading: str
    sections: list[dict[str, Any]]
    changes: list[FieldChange]
    divergences: list[Divergence]


def read_handoff(
    handoff: Handoff, *, sections: Iterable[dict[str, Any]], withheld: Iterable[str], now: datetime
) -> HandoffContent | None:
    """The one way in which a page gets at the words of a signed handoff; None for a draft.

    `sections` are those of its document as this reader may see them, `withheld` the consent categories that the reader does
    not see: nothing of them stands among the links, the changes or the divergences.
    """
    if handoff.document is None:
        return None
    hidden = frozenset(withheld)
    links: dict[str, tuple[Source, ...]] = from_stored(handoff.sources)
    changes: list[FieldChange] = []
    if handoff.supersedes is not None:
        changes = field_changes(handoff.kind, handoff.supersedes.body, handoff.body)
    return HandoffContent(
        handoff=handoff,
        heading=handoff.document.snapshot["heading"],
        sections=[
            {**section, "links": () if section["is_withheld"] else links.get(section["key"], ())}
            for section in sections
        ],
        changes=[change for change in changes if change.category not in hidden],
        divergences=[each for each in divergences_of(handoff.episode, now) if each.category not in hidden],
    )


# Who acts for each discipline on a team.
_SIDE: Mapping[str, frozenset[str]] = {
    PRESCRIBER: frozenset({TeamPart.PRESCRIBER, TeamPart.COVER_PRESCRIBER}),
    THERAPIST: frozenset({TeamPart.THERAPIST, TeamPart.COVER_THERAPIST}),
}
# The team's leads of the two disciplines.
_TEAM_PARTS: Mapping[str, str] = {TeamPart.PRESCRIBER: PRESCRIBER, TeamPart.THERAPIST: THERAPIST}


def _lead(episode: Episode, part: str, at: datetime) -> CareTeamMember | None:
    team_part = TeamPart.PRESCRIBER if part == PRESCRIBER else TeamPart.THERAPIST
    found = CareTeamMember.objects.in_force(at).filter(episode=episode, part=team_part)
    return found.select_related("user", "outside").first()


@dataclass(frozen=True)
class Leads:
    """Who holds the two parts of some episodes: team rows by episode and part, and the parts that people may still fill."""

    members: Mapping[tuple[uuid.UUID, str], CareTeamMember]
    qualified: frozenset[tuple[uuid.UUID, str]]

    def person(self, episode: Episode, part: str) -> User | None:
        """Whom to ask; None when nobody holds the part, an outside clinician does, or the role was taken from who did."""
        member = self.members.get((episode.pk, part))
        if member is None or member.user is None or (member.user.pk, part) not in self.qualified:
            return None
        return member.user

    def is_outside(self, episode: Episode, part: str) -> bool:
        """Whether a clinician without an account holds the part."""
        member = self.members.get((episode.pk, part))
        return member is not None and member.outside is not None


def leads_of(clinic: Clinic, episodes: Iterable[Episode], at: datetime) -> Leads:
    """Who holds the two parts of these episodes of a clinic at `at`. Two queries."""
    rows = (
        CareTeamMember.objects.in_force(at)
        .filter(episode__in=[episode.pk for episode in episodes], part__in=_TEAM_PARTS)
        .select_related("user")
    )
    members: dict[tuple[uuid.UUID, str], CareTeamMember] = {}
    for row in rows:
        members.setdefault((row.episode_id, _TEAM_PARTS[row.part]), row)
    part_of_role = {role: part for part, role in ROLE_OF_PART.items()}
    held = Membership.objects.current().filter(
        clinic=clinic, role__in=part_of_role, user__in={row.user_id for row in members.values()}
    )
    qualified = frozenset((user, part_of_role[Role(role)]) for user, role in held.values_list("user", "role"))
    return Leads(members, qualified)


def is_outside(episode: Episode, part: str, at: datetime) -> bool:
    """Whether a clinician without an account holds that part."""
    member = _lead(episode, part, at)
    return member is not None and member.outside is not None


def receiver_name(episode: Episode, part: str, at: datetime) -> str:
    """The name of who holds that part, with or without an account; empty when it is not filled."""
    member = _lead(episode, part, at)
    return "" if member is None else str(member.user or member.outside)


def part_of(episode: Episode, person: User, at: datetime) -> str:
    """For which discipline this person writes: as on the team; whoever is not there as a therapist prescribes."""
    parts = set(
        CareTeamMember.objects.in_force(at)
        .filter(episode=episode, user=person)
        .values_list("part", flat=True)
    )
    if parts & {TeamPart.PRESCRIBER, TeamPart.COVER_PRESCRIBER}:
        return "prescriber"
    return "therapist" if parts & {TeamPart.THERAPIST, TeamPart.COVER_THERAPIST} else "prescriber"


def may_acknowledge(actor: Actor, handoff: Handoff) -> bool:
    """Whether this person is its receiver and has not read this edition yet."""
    return (
        not handoff.is_read
        and is_receiver(actor, handoff)
        and not Handoff.objects.signed().filter(supersedes=handoff).exists()
    )


def is_receiver(actor: Actor, handoff: Handoff) -> bool:
    """Whether this person is one for whom a signed handoff is meant."""
    return (
        handoff.is_signed
        and not handoff.is_struck
        and handoff.signed_by_id != actor.user.pk
        and actor.has(ROLE_OF_PART[handoff.reader_part])
        and policy.can(actor, "handoff.acknowledge", handoff)
        and not _is_on_the_writers_side(actor, handoff)
    )


def _is_on_the_writers_side(actor: Actor, handoff: Handoff) -> bool:
    """Whether somebody who holds both roles is on this team for the discipline that wrote it, and not for the reader's."""
    parts = team_parts(actor.user, handoff.episode)
    return bool(parts & _SIDE[handoff.written_by_part]) and not parts & _SIDE[handoff.reader_part]
