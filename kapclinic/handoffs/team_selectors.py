"""Messages on episodes, and the list of the team conference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from episodes.access import episodes_for
from episodes.models import CareTeamMember, Episode, TeamPart
from episodes.readers import eyes_of_each
from episodes.stages import Stage
from kapclinic.accounts import policy
from kapclinic.accounts.policy import Actor
from kapclinic.handoffs.claims import divergences_by_episode
from kapclinic.handoffs.divergence import Divergence
from kapclinic.handoffs.models import Handoff, HandoffKind, Message, MessageTopic, TeamDecision
from kapclinic.handoffs.services.messaging import messages_url
from kapclinic.notices.models import Notice
from sessions.models import DosingSession

ACTIVE = (Stage.SCREENING, Stage.PREPARATION, Stage.TREATMENT, Stage.MAINTENANCE)
_PARTS = (TeamPart.THERAPIST, TeamPart.PRESCRIBER)


def messages_for(actor: Actor, episode: Episode) -> QuerySet[Message]:
    """The messages of an episode that this person may read, newest first."""
    found = Message.objects.filter(episode=episode).select_related("created_by")
    if policy.can(actor, "message.clinical", episode):
        return found
    return found.filter(topic=MessageTopic.SCHEDULE)


def _unread(actor: Actor, episode: Episode) -> QuerySet[Notice]:
    return Notice.objects.filter(
        receiver=actor.user,
        clinic=actor.clinic,
        read_at__isnull=True,
        key__startswith="message:",
        url=messages_url(episode),
    )


def unread_messages(actor: Actor, episode: Episode) -> int:
    """How many messages of an episode this person has not read. One query."""
    return _unread(actor, episode).count()


def unread_keys(actor: Actor, episode: Episode) -> frozenset[str]:
    """The keys of those messages, as text. One query."""
    keys = _unread(actor, episode).values_list("key", flat=True)
    return frozenset(key.partition(":")[2] for key in keys)


@dataclass
class ConferenceRow:
    """One active patient as the conference goes through them. What is clinical is empty for who sees the status only."""

    episode: Episode
    team: dict[str, str] = field(default_factory=dict)
    # The newest handoff in force of each kind.
    handoffs: dict[str, Handoff] = field(default_factory=dict)
    divergences: list[Divergence] = field(default_factory=list)
    doses: int = 0
    next_dose_at: datetime | None = None
    decisions: list[TeamDecision] = field(default_factory=list)
    may_read: bool = False

    @property
    def therapist(self) -> str:
        """The therapist's name."""
        return self.team.get(TeamPart.THERAPIST, "")

    @property
    def prescriber(self) -> str:
        """The prescriber's name."""
        return self.team.get(TeamPart.PRESCRIBER, "")

    @property
    def from_therapist(self) -> Handoff | None:
        """The therapist's last handoff before a dose."""
        return self.handoffs.get(HandoffKind.TO_PRESCRIBER)

    @property
    def from_prescriber(self) -> Handoff | None:
        """The prescriber's last handoff after a dose."""
        return self.handoffs.get(HandoffKind.TO_THERAPIST)

    @property
    def coordination(self) -> Handoff | None:
        """What both agreed on at the beginning."""
        return self.handoffs.get(HandoffKind.COORDINATION)


def active_episodes(actor: Actor) -> QuerySet[Episode]:
    """Every active patient's episode within this person's rights, by name: the team's own; of all for who sees their status."""
    return (
        Episode.objects.standing()
        .filter(episodes_for(actor, "handoff.status"), clinic=actor.clinic, stage__in=ACTIVE)
        .select_related("patient", "clinic", "protocol_version__protocol")
        .order_by("patient__family_name", "patient__given_name", "pk")
    )


def conference_rows(actor: Actor, episodes: Iterable[Episode], now: datetime) -> list[ConferenceRow]:
    """A row for each episode, with a fixed number of queries."""
    listed = list(episodes)
    keys = [episode.pk for episode in listed]
    readable = set(
        Episode.objects.filter(episodes_for(actor, "handoff.read"), pk__in=keys).values_list("pk", flat=True)
        if policy.can(actor, "handoff.read")
        else ()
    )
    rows = {episode.pk: ConferenceRow(episode, may_read=episode.pk in readable) for episode in listed}
    members = CareTeamMember.objects.in_force(now).filter(episode__in=keys, part__in=_PARTS)
    for member in members.select_related("user", "outside"):
        rows[member.episode_id].team.setdefault(member.part, str(member.user or member.outside))
    in_force = Handoff.objects.in_force().filter(episode__in=keys).order_by("signed_at")
    for handoff in in_force.select_related("signed_by", "acknowledgement"):
        rows[handoff.episode_id].handoffs[handoff.kind] = handoff
    sessions: Any = DosingSession.objects.expected().filter(episode__in=keys).with_anchors()
    for session in sessions.order_by("planned_at"):
        row = rows[session.episode_id]
        if session.d0_at is not None:
            row.doses += 1
        elif session.planned_at >= now and row.next_dose_at is None:
            row.next_dose_at = session.planned_at
    read = [rows[key].episode for key in keys if key in readable]
    eyes = eyes_of_each(actor, read, now=now)
    for key, found in divergences_by_episode(actor.clinic, read, now).items():
        rows[key].divergences = [each for each in found if eyes[key].sees(each.category)]
    for key, decisions in _decisions(readable).items():
        rows[key].decisions = decisions
    return [rows[key] for key in keys]


# The newest are shown; all of them stand on the episode's page.
_DECISIONS_SHOWN = 3


def _decisions(keys: Iterable[Any]) -> dict[Any, list[TeamDecision]]:
    found: dict[Any, list[TeamDecision]] = defaultdict(list)
    decisions = TeamDecision.objects.standing().filter(episode__in=list(keys))
    for decision in decisions.select_related("created_by"):
        if len(found[decision.episode_id]) < _DECISIONS_SHOWN:
            found[decision.episode_id].append(decision)
    return found
