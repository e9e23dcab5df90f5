"""Proposing a course: worked out, kept as it is shown, worked out again around what a person changed."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any

from django.db import transaction
from django.utils import timezone

from episodes.models import Episode
from episodes.services.locking import lock_episode
from integration.clinical_settings import COURSE_SECONDS
from integration.coursing import Asked, Course, Talk, other_starts, plan_course
from integration.models import CourseProposal, CourseState
from integration.services.coursing.asking import CourseAsk, Situation, situation_of
from integration.services.coursing.words import why_no_dose, why_no_session
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.clinics.services import setting

# Other beginnings that are offered for each dose.
MOST_OTHERS = 4
# A page waits for them; each dose has its share.
_OTHERS_SECONDS = 3.0


@dataclass(frozen=True)
class Content:
    """What a proposal shows."""

    doses: list[dict[str, Any]]
    sessions: list[dict[str, Any]]
    missing: list[dict[str, Any]]
    is_proven: bool

    def write_to(self, proposal: CourseProposal, *, now: datetime) -> None:
        """Put it on the row, not saved."""
        proposal.doses, proposal.sessions, proposal.missing = self.doses, self.sessions, self.missing
        proposal.is_proven, proposal.looked_at = self.is_proven, now


def propose_course(
    *,
    episode: Episode,
    ask: CourseAsk,
    actor: User,
    request_key: uuid.UUID,
    now: datetime | None = None,
) -> CourseProposal:
    """Work a course out and keep it for a decision; nothing is booked. The same `request_key` again gives the same proposal.

    Raises Refused when the stage, the days or the hours allow no course.
    """
    now = now or timezone.now()
    known = CourseProposal.objects.filter(key=request_key, episode=episode).first()
    if known is not None:
        return known
    content = work_out(episode, ask, now=now)
    with transaction.atomic():
        episode = lock_episode(episode)
        known = CourseProposal.objects.filter(key=request_key, episode=episode).first()
        if known is not None:
            return known
        proposal = CourseProposal(
            clinic=episode.clinic,
            episode=episode,
            key=request_key,
            asked=ask.as_data(),
            created_at=now,
            created_by=actor,
        )
        content.write_to(proposal, now=now)
        proposal.save(force_insert=True)
    return proposal


def adjust_course(
    *,
    proposal: CourseProposal,
    version: int,
    starts: Mapping[int, datetime],
    without: Collection[int],
    unticked: Collection[str] = (),
    now: datetime | None = None,
) -> CourseProposal:
    """Work it out again with the beginnings that a person chose and without the doses that they took out.

    `starts` by the dose's number. Sessions in `unticked` (`line_key`) stay without their tick. Raises Refused when it was
    decided, or another person changed it since (`version`).
    """
    now = now or timezone.now()
    content = work_out(
        proposal.episode, CourseAsk.from_data(proposal.asked), pins=starts, without=without, now=now
    )
    with transaction.atomic():
        fresh = locked_as_seen(proposal, version)
        content.write_to(fresh, now=now)
        for line in fresh.sessions:
            line["is_on"] = line_key(line) not in unticked
        fresh.version += 1
        fresh.save()
    return fresh


def line_key(session: Mapping[str, Any]) -> str:
    """What a session of a proposal is called in a form."""
    return f"{session['talk']}:{session['dose']}"


def drop_course(*, proposal: CourseProposal, actor: User, now: datetime | None = None) -> CourseProposal:
    """A person decides to book nothing of it; twice changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        lock_episode(proposal.episode)
        fresh = CourseProposal.objects.select_for_update().get(pk=proposal.pk)
        if fresh.is_open:
            fresh.state, fresh.decided_at, fresh.decided_by = CourseState.DROPPED, now, actor
            fresh.save()
    return fresh


def locked_as_seen(proposal: CourseProposal, version: int) -> CourseProposal:
    """The open proposal, locked after its episode; raises Refused when it is not what the person saw."""
    episode = lock_episode(proposal.episode)
    fresh = CourseProposal.objects.select_for_update().select_related("clinic").get(pk=proposal.pk)
    fresh.episode = episode
    if not fresh.is_open:
        raise Refused(Reason("decided", f"This course is decided: {fresh.get_state_display().lower()}."))
    if fresh.version != version:
        raise Refused(
            Reason(
                "changed",
                "This course was worked out again since this page was opened. Here is what it is now.",
            )
        )
    return fresh


def work_out(
    episode: Episode,
    ask: CourseAsk,
    *,
    pins: Mapping[int, datetime] | None = None,
    without: Collection[int] = (),
    now: datetime,
) -> Content:
    """The best course for what was asked, beside everything that is booked now, as plain values."""
    every = situation_of(episode, ask, now=now)
    found = every.narrowed(pins=pins or {}, without=without)
    course = plan_course(found.problem, time_limit_seconds=setting(episode.clinic, COURSE_SECONDS))
    doses = []
    for slot in every.problem.slots:
        placed = course.doses.get(slot.number)
        is_on = slot.number not in without
        others: tuple[datetime, ...] = ()
        if placed is not None:
            share = _OTHERS_SECONDS / len(every.problem.slots)
            others = other_starts(
                every.problem, course, slot.number, most=MOST_OTHERS, deadline=perf_counter() + share
            )
        doses.append(
            {
                "number": slot.number,
                "is_on": is_on,
                "wanted": slot.wanted.isoformat(),
                "minutes": slot.minutes,
                "starts_at": None if placed is None else placed.starts_at.isoformat(),
                "ends_at": None if placed is None else placed.ends_at.isoformat(),
                "room": None if placed is None else placed.room,
                "others": [start.isoformat() for start in others],
                "reasons": []
                if placed is not None or not is_on
                else why_no_dose(episode.clinic, found, course, found.problem.slot_of[slot.number]),
            }
        )
    return Content(doses, _sessions(course), _missing(episode, found, course), course.is_proven)


def _sessions(course: Course) -> list[dict[str, Any]]:
    return [
        {
            "dose": asked.number,
            "talk": asked.talk.value,
            "is_on": True,
            "starts_at": placed.starts_at.isoformat(),
            "ends_at": placed.ends_at.isoformat(),
            "person": placed.clinician,
            "room": placed.room,
            "place": placed.place.value,
            "prepares": course.prepares.get(asked.number) if asked.talk is Talk.INTEGRATION else None,
        }
        for asked, placed in sorted(course.sessions.items(), key=lambda item: (item[1].starts_at, item[0]))
    ]


def _missing(episode: Episode, found: Situation, course: Course) -> list[dict[str, Any]]:
    starts = course.starts
    return [
        {"dose": asked.number, "talk": asked.talk.value, "reasons": _why(episode, found, course, asked)}
        for asked in sorted(course.missing)
        if asked.number in starts
    ]


def _why(episode: Episode, found: Situation, course: Course, asked: Asked) -> list[str]:
    reasons = why_no_session(episode.clinic, found, course, asked, course.starts[asked.number])
    return reasons or ["Another session of this course takes the only time that would do."]
