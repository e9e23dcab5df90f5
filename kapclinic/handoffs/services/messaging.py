"""Messages on an episode between its team members, and what the team conference decides."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from episodes.models import CareTeamMember, Episode
from episodes.services import record_event
from episodes.services.locking import lock_episode
from kapclinic.accounts.models import Membership, Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.handoffs.models import Message, MessageTopic, TeamDecision
from kapclinic.notices.services import notify
from kapclinic.scheduling.models import Appointment, AppointmentKind, AppointmentState

# Short: what needs more room is a handoff or a note.
MOST_CHARACTERS = 1_000
# A decision written down some hours after the meeting still belongs to it.
_AFTER_A_MEETING = timedelta(hours=12)


def messages_url(episode: Episode) -> str:
    """The page of an episode's messages; unread messages are notices that lead there."""
    return reverse("handoffs:messages", args=[episode.public_id])


def post_message(
    *,
    episode: Episode,
    topic: str,
    text: str,
    actor: User,
    roles: frozenset[Role],
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Message:
    """Put a message on the record and tell the team; sent twice it is one.

    The team is who is on it now; of a message about the schedule the coordinators hear too.

    Raises:
        Refused: no text, too long, or about care by somebody who is only a coordinator.
    """
    now = now or timezone.now()
    text = text.replace("\r\n", "\n").strip()
    reasons: list[Reason] = []
    if not text:
        reasons.append(Reason("no-text", "Write the message.", "text"))
    if len(text) > MOST_CHARACTERS:
        reasons.append(
            Reason("too-long", f"At most {MOST_CHARACTERS} characters: write a handoff for more.", "text")
        )
    if topic != MessageTopic.SCHEDULE and not roles - {Role.COORDINATOR, Role.MANAGER}:
        reasons.append(Reason("schedule-only", "A coordinator writes about the schedule only.", "topic"))
    if reasons:
        raise Refused(reasons)
    if request_key is not None:
        known = Message.objects.filter(request_key=request_key).first()
        if known is not None:
            return known
    try:
        with transaction.atomic():
            message = Message.objects.create(
                clinic=episode.clinic,
                episode=episode,
                topic=topic,
                text=text,
                request_key=request_key,
                created_at=now,
                created_by=actor,
            )
            notify(
                clinic=episode.clinic,
                receivers=[person for person in _team(episode, topic, now) if person.pk != actor.pk],
                key=f"message:{message.pk}",
                title=f"A message from {actor}: {message.get_topic_display().lower()}",
                url=messages_url(episode),
                now=now,
            )
    except IntegrityError:
        return Message.objects.get(request_key=request_key)
    return message


def _team(episode: Episode, topic: str, now: datetime) -> list[User]:
    """Who is on the team now, each once; of the schedule the coordinators too."""
    rows = CareTeamMember.objects.in_force(now).filter(episode=episode, user__is_active=True)
    people = {row.user.pk: row.user for row in rows.select_related("user") if row.user is not None}
    if topic == MessageTopic.SCHEDULE:
        coordinators = Membership.objects.current().filter(clinic=episode.clinic, role=Role.COORDINATOR)
        people |= {each.user.pk: each.user for each in coordinators.select_related("user")}
    return list(people.values())


def meeting_at(clinic: Clinic, now: datetime) -> Appointment | None:
    """The team meeting that is on, or was on a few hours ago."""
    meetings = Appointment.objects.filter(
        clinic=clinic,
        kind=AppointmentKind.TEAM_MEETING,
        starts_at__lte=now,
        ends_at__gte=now - _AFTER_A_MEETING,
    )
    return meetings.exclude(state=AppointmentState.CANCELLED).order_by("-starts_at").first()


def record_decision(
    *,
    episode: Episode,
    text: str,
    actor: User,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> TeamDecision:
    """Write down what the team decided about a patient, with the meeting that is on. Sent twice it is one.

    Raises:
        Refused: no text.
    """
    now = now or timezone.now()
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise Refused(Reason("no-text", "Write what was decided.", "text"))
    with transaction.atomic():
        locked = lock_episode(episode)
        if request_key is not None:
            known = TeamDecision.objects.filter(request_key=request_key).first()
            if known is not None:
                return known
        decision = TeamDecision.objects.create(
            clinic=locked.clinic,
            episode=locked,
            meeting=meeting_at(locked.clinic, now),
            decided_at=now,
            text=text,
            request_key=request_key,
            created_at=now,
            created_by=actor,
        )
        record_event(
            episode=locked, kind="team.decided", summary="Decision of the team", actor=actor, at=now, now=now,
            subject=decision,
        )  # fmt: skip
    return decision
