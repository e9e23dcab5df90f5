"""Which episodes owe which handoffs, and when each is due."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse

from episodes.access import episodes_for
from episodes.models import CareTeamMember, Consent, ConsentKind, Episode, TeamPart
from episodes.stages import Stage
from kapclinic.accounts import policy
from kapclinic.accounts.models import Membership
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.services import setting
from kapclinic.handoffs import due
from kapclinic.handoffs.clinical_settings import WATCH_DAYS, due_rule
from kapclinic.handoffs.due import DueRule, WorkingDays
from kapclinic.handoffs.models import OF_A_DOSE, Handoff, HandoffKind
from kapclinic.scheduling.models import ClinicHoliday, WorkingHours
from kapclinic.scheduling.rosters import weekly
from sessions.models import Administration, DosingSession, Incident

# POLICY: a handoff before a dose is asked for from this long before it; one after a dose is due on its day.
ASK_BEFORE = timedelta(days=7)
MOST_ROWS = 100
# How far around a dose holidays are looked up: working days are counted back over them.
_HOLIDAYS_AROUND = timedelta(days=40)

WRITE_ACTION = {
    HandoffKind.COORDINATION: "handoff.write-coordination",
    HandoffKind.TO_PRESCRIBER: "handoff.write-to-prescriber",
    HandoffKind.TO_THERAPIST: "handoff.write-to-therapist",
    HandoffKind.EMERGENCY: "handoff.write-emergency",
}


def write_address(kind: str, episode: Episode, session_id: uuid.UUID | None) -> str:
    """Where a handoff of `kind` is written."""
    return reverse(f"handoffs:write-{kind}", args=[session_id if kind in OF_A_DOSE else episode.public_id])


@dataclass(frozen=True)
class Owed:
    """A handoff that somebody has still to write. `due_at` in UTC.

    `session` is the dose that it is about, or the one that makes it due: the first dose, the dose with the emergency.
    """

    session: DosingSession
    kind: HandoffKind
    due_at: datetime
    draft: Handoff | None
    may_write: bool

    @property
    def episode(self) -> Episode:
        """The episode of the dose."""
        return self.session.episode

    @property
    def write_url(self) -> str:
        """Where it is written."""
        return write_address(self.kind, self.episode, self.session.pk)

    @property
    def words(self) -> str:
        """What it is, with the clinic's day of the dose that it is about."""
        if self.kind not in OF_A_DOSE:
            return str(self.kind.label)
        day = self.session.planned_at.astimezone(self.session.clinic.zone)
        return f"{self.kind.label} of {day:%a} {day.day} {day:%b}"

    @property
    def key(self) -> tuple[Any, str]:
        """What tells it from other owed handoffs."""
        return (self.session.pk, self.kind)


@dataclass(frozen=True)
class Calendar:
    """What the due times of a clinic rest on."""

    rule: DueRule
    days: WorkingDays

    def rule_of(self, episode: Episode) -> DueRule:
        """The clinic's rule with what the episode's protocol version states."""
        return self.rule.with_protocol(episode.protocol_version.data.get("handoffs") or {})


def calendar_of(clinic: Clinic, now: datetime) -> Calendar:
    """The clinic's working days around `now` and its rule. Three queries."""
    rule, ends_minute = due_rule(clinic)
    around = (now - _HOLIDAYS_AROUND, now + _HOLIDAYS_AROUND)
    holidays = ClinicHoliday.objects.standing().filter(
        clinic=clinic, on__range=[at.astimezone(clinic.zone).date() for at in around]
    )
    # Hours outlive their person's last role; whoever left works no more.
    here = Membership.objects.current().filter(clinic=clinic).values("user")
    hours = WorkingHours.objects.standing().filter(clinic=clinic, person__in=here)
    return Calendar(
        rule=rule,
        days=WorkingDays(
            zone=clinic.time_zone,
            weekly=tuple(weekly(row, clinic.time_zone, place=row.place) for row in hours),
            holidays=frozenset(holidays.values_list("on", flat=True)),
            fallback_ends_minute=ends_minute,
        ),
    )


def _lead(episode: OuterRef, part: TeamPart) -> QuerySet[Any]:
    return CareTeamMember.objects.filter(
        episode=episode, part=part, ends_at__isnull=True, entered_in_error_at__isnull=True, user__isnull=False
    )


def without_a_loop(clinic: Clinic, now: datetime) -> Q:
    """Episodes that owe no handoff: one person holds both parts, or neither protocol nor consent lets content be shared."""
    same_person = _lead(OuterRef("episode"), TeamPart.THERAPIST).filter(user=OuterRef("user"))
    one_person = _lead(OuterRef("pk"), TeamPart.PRESCRIBER).filter(Exists(same_person))
    sharing = Consent.objects.valid_on(now.astimezone(clinic.zone).date()).filter(
        episode=OuterRef("pk"), kind=ConsentKind.SHARING
    )
    return Q(Exists(one_person)) | Q(protocol_version__data__shares_content=False) & ~Q(Exists(sharing))


def owes_a_loop(episode: Episode, now: datetime) -> bool:
    """Whether the two disciplines of an episode owe each other handoffs. One query."""
    return not Episode.objects.filter(without_a_loop(episode.clinic, now), pk=episode.pk).exists()


def waiting_sessions(kind: HandoffKind, clinic: Clinic, now: datetime) -> Any:
    """The dosing sessions for which a handoff of `kind` has still to be written, with their anchors."""
    # Asked row by row: few sessions wait, and a clinic has many episodes.
    exempt = Episode.objects.filter(without_a_loop(clinic, now), pk=OuterRef("episode"))
    found: Any = (
        DosingSession.objects.expected()
        .filter(clinic=clinic, episode__entered_in_error_at__isnull=True)
        .exclude(episode__stage=Stage.CLOSED)
        .exclude(Exists(exempt))
        .with_anchors()
        .select_related("clinic", "episode__patient", "episode__clinic", "episode__protocol_version")
    )
    signed = Handoff.objects.signed().filter(kind=kind)
    coming = Q(d0_at__isnull=True, planned_at__lte=now + ASK_BEFORE, planned_until__gte=now)
    if kind == HandoffKind.TO_PRESCRIBER:
        return found.filter(coming, ~Exists(signed.filter(session=OuterRef("pk"))))
    if kind == HandoffKind.TO_THERAPIST:
        return found.filter(
            ~Exists(signed.filter(session=OuterRef("pk"))), d0_at__isnull=False, running_count=0
        )
    if kind == HandoffKind.COORDINATION:
        # Before the first dose: the earliest of its sessions stands for the episode.
        of_episode = DosingSession.objects.expected().filter(episode=OuterRef("episode"))
        first = of_episode.filter(planned_until__gte=now).order_by("planned_at", "pk").values("pk")[:1]
        given = Administration.objects.current().filter(session__episode=OuterRef("episode"))
        return found.filter(
            coming, ~Exists(signed.filter(episode=OuterRef("episode"))), ~Exists(given), pk=Subquery(first)
        )
    since = now - timedelta(days=setting(clinic, WATCH_DAYS))
    incidents = Incident.objects.filter(
        session=OuterRef("pk"), kind="emergency", at__gte=since, entered_in_error_at__isnull=True
    )
    latest = incidents.order_by("-at").values("at")[:1]
    return found.annotate(emergency_at=Subquery(latest)).filter(
        ~Exists(signed.filter(episode=OuterRef("episode"), signed_at__gte=OuterRef("emergency_at"))),
        emergency_at__isnull=False,
    )


def due_to_write(session: Any, kind: HandoffKind, calendar: Calendar) -> datetime:
    """When a handoff about a session of `waiting_sessions` is due to be written."""
    rule = calendar.rule_of(session.episode)
    if kind == HandoffKind.TO_THERAPIST:
        return due.after_dose(session.last_end_at, rule, calendar.days)
    if kind == HandoffKind.EMERGENCY:
        return due.after_emergency(session.emergency_at, rule)
    return due.before_dose(session.planned_at, rule, calendar.days)


def owed_handoffs(
    *,
    clinic: Clinic,
    episodes: Q,
    kinds: Iterable[HandoffKind],
    now: datetime,
    calendar: Calendar | None = None,
    actor: Actor | None = None,
    since: datetime | None = None,
    most: int = MOST_ROWS,
) -> list[Owed]:
    """Handoffs that the episodes matched by `episodes` (over Episode) still owe, soonest first. Three queries a kind.

    With `since`, of doses that were planned to end after it.
    """
    calendar = calendar or calendar_of(clinic, now)
    owed: list[Owed] = []
    for kind in kinds:
        matching = Episode.objects.filter(episodes, clinic=clinic)
        waiting = waiting_sessions(kind, clinic, now).filter(episode__in=matching.values("pk"))
        if since is not None:
            waiting = waiting.filter(planned_until__gte=since)
        sessions = list(waiting.order_by("planned_at")[:most])
        writable = _writable(actor, kind, sessions)
        drafts = _drafts(kind, sessions)
        for session in sessions:
            draft = drafts.get(session.pk if kind in OF_A_DOSE else session.episode_id)
            due_at = due_to_write(session, kind, calendar)
            owed.append(Owed(session, kind, due_at, draft, session.episode_id in writable))
    return sorted(owed, key=lambda row: row.due_at)


def _drafts(kind: HandoffKind, sessions: list[DosingSession]) -> dict[Any, Handoff]:
    """Drafts of `kind` by session, or by episode where the kind is about the episode. One query."""
    drafts = Handoff.objects.standing().filter(kind=kind, state="draft")
    if kind in OF_A_DOSE:
        return {draft.session_id: draft for draft in drafts.filter(session__in=sessions)}
    found = drafts.filter(episode__in=[session.episode_id for session in sessions])
    return {draft.episode_id: draft for draft in found}


def _writable(actor: Actor | None, kind: HandoffKind, sessions: Iterable[DosingSession]) -> set[uuid.UUID]:
    """The episodes among those of `sessions` for which this person may write `kind`. At most one query."""
    action = WRITE_ACTION[kind]
    if actor is None or not policy.can(actor, action):
        return set()
    within = Episode.objects.filter(episodes_for(actor, action), pk__in={row.episode_id for row in sessions})
    return set(within.values_list("pk", flat=True))
