"""The chart: what happened and what is next? Gathers one episode's stages in a fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime

from episodes.models import Episode, EpisodeEvent
from kapclinic.accounts.policy import Actor
from kapclinic.desk.owed import tone_of, when_in_words
from kapclinic.notices.models import Task

TIMELINE_LENGTH = 40
"""Events that the page shows; older ones stand on the episode's own page."""

_SINCE_AT_MOST = 8


@dataclass(frozen=True)
class Owed:
    """One open task on the episode."""

    title: str
    detail: str
    url: str
    who: str
    when: str
    tone: str


@dataclass(frozen=True)
class ChartPage:
    """Everything the chart page draws."""

    timeline: list[EpisodeEvent]
    since_last: list[EpisodeEvent]
    since_words: str
    owed: list[Owed]


def build_chart(episode: Episode, actor: Actor, *, now: datetime) -> ChartPage:
    """Gather the chart of `episode` as of `now`. The right to read it was checked by the page."""
    timeline = list(
        EpisodeEvent.objects.filter(episode=episode).select_related("created_by").order_by("-at", "-created_at")[:TIMELINE_LENGTH]
    )
    since, words = _since_last(timeline, actor)
    return ChartPage(
        timeline=timeline,
        since_last=since,
        since_words=words,
        owed=_owed(episode, actor, now=now),
    )


def _since_last(timeline: list[EpisodeEvent], actor: Actor) -> tuple[list[EpisodeEvent], str]:
    """Events that others wrote after the actor's own latest one; without an own one, the latest few."""
    mine = next((event for event in timeline if event.created_by_id == actor.user.pk), None)
    if mine is None:
        return timeline[:_SINCE_AT_MOST], "the latest"
    newer = [event for event in timeline if event.created_at > mine.created_at and event.created_by_id != actor.user.pk]
    local = mine.at.astimezone(actor.zone)
    return newer[:_SINCE_AT_MOST], f"since your entry of {local:%a} {local.day} {local:%b}"


def _owed(episode: Episode, actor: Actor, *, now: datetime) -> list[Owed]:
    """What is open on the episode, whoever owes it, the most urgent first."""
    tasks = (
        Task.objects.filter(episode=episode, done_at__isnull=True, withdrawn_at__isnull=True)
        .select_related("person")
        .order_by("-urgency", "due_at", "created_at")[:_SINCE_AT_MOST]
    )
    return [
        Owed(
            title=task.title,
            detail=task.detail,
            url=task.url if task.person_id == actor.user.pk or task.role in actor.roles else "",
            who=str(task.person) if task.person is not None else task.get_role_display(),
            when=when_in_words(task, now=now, actor=actor),
            tone=tone_of(task, now),
        )
        for task in tasks
    ]
