"""The chart: what happened and what is next? Gathers one episode's stages in a fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime

from episodes.models import Episode, EpisodeEvent
from episodes.readers import eyes_of, readable_events
from episodes.sharing import Discipline
from kapclinic.accounts.policy import Actor, can
from kapclinic.desk.doses import DoseRow, doses_of, latest_vitals
from kapclinic.desk.links import link
from kapclinic.desk.owed import tone_of, when_in_words
from kapclinic.desk.scores import scores_of
from kapclinic.desk.windows import ChartWindow, windows_of_episode
from kapclinic.documents import kinds
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.charts import Chart
from kapclinic.documents.reading import withheld_files
from kapclinic.documents.selectors import attachments_of, documents_of
from kapclinic.documents.views import url_name
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
class Paper:
    """One document or attachment."""

    title: str
    url: str
    at: datetime
    by: str


@dataclass(frozen=True)
class ChartPage:
    """Everything the chart page draws."""

    windows: list[ChartWindow]
    scores: Chart | None
    score_words: list[str]
    doses: list[DoseRow]
    vitals: Chart | None
    vitals_words: str
    documents: list[Paper]
    timeline: list[EpisodeEvent]
    has_older: bool
    since_last: list[EpisodeEvent]
    since_words: str
    owed: list[Owed]
    # Labels of what the sharing consent withholds from this reader, by the part of the page.
    withheld_scores: list[str]
    withheld_doses: list[str]
    withheld_events: list[str]


def build_chart(episode: Episode, actor: Actor, *, now: datetime) -> ChartPage:
    """Gather the chart of `episode` as of `now`. The right to read it was checked by the page."""
    timeline = list(
        EpisodeEvent.objects.filter(episode=episode)
        .select_related("created_by")
        .order_by("-at", "-created_at")[: TIMELINE_LENGTH + 1]
    )
    eyes = eyes_of(actor, episode, now=now)
    readable_events(timeline, eyes, actor)
    # Questionnaires, doses and readings are the medical side's record; a therapist sees them here by consent.
    withheld = {
        category: [] if eyes.sees(category, Discipline.MEDICAL) else [str(category.label)]
        for category in (ConsentCategory.SCORES, ConsentCategory.DOSE, ConsentCategory.ADVERSE_EVENTS)
    }
    doses = doses_of(episode)
    scores, score_words = scores_of(episode, doses, actor)
    vitals, vitals_words = latest_vitals(episode, actor)
    if withheld[ConsentCategory.SCORES]:
        scores, score_words = None, []
    if withheld[ConsentCategory.DOSE]:
        doses, vitals, vitals_words = [], None, ""
    since, words = _since_last(timeline, actor)
    return ChartPage(
        windows=windows_of_episode(episode, actor, now=now),
        scores=scores,
        score_words=score_words,
        doses=doses,
        vitals=vitals,
        vitals_words=vitals_words,
        documents=_papers(episode, actor, now),
        timeline=timeline[:TIMELINE_LENGTH],
        has_older=len(timeline) > TIMELINE_LENGTH,
        since_last=since,
        since_words=words,
        owed=_owed(episode, actor, now=now),
        withheld_scores=withheld[ConsentCategory.SCORES],
        withheld_doses=withheld[ConsentCategory.DOSE],
        withheld_events=withheld[ConsentCategory.ADVERSE_EVENTS],
    )


def _since_last(timeline: list[EpisodeEvent], actor: Actor) -> tuple[list[EpisodeEvent], str]:
    """Events that others wrote after the actor's own latest one; without an own one, the latest few."""
    mine = next((event for event in timeline if event.created_by_id == actor.user.pk), None)
    if mine is None:
        return timeline[:_SINCE_AT_MOST], "the latest"
    newer = [
        event
        for event in timeline
        if event.created_at > mine.created_at and event.created_by_id != actor.user.pk
    ]
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


def _papers(episode: Episode, actor: Actor, now: datetime) -> list[Paper]:
    """The newest standing documents that the actor may read, and files put in that no consent withholds. Three queries."""
    documents = documents_of(clinic=episode.clinic, subject_id=episode.pk).filter(
        entered_in_error_at__isnull=True
    )[:_SINCE_AT_MOST]
    papers = [
        Paper(
            document.title,
            link(url_name(document, "detail"), pk=document.pk),
            document.issued_at,
            str(document.issued_by),
        )
        for document in documents
        if can(actor, kinds.kind_of(document.kind).action, episode)
    ]
    files = list(attachments_of(clinic=episode.clinic, subject_id=episode.pk).standing()[:_SINCE_AT_MOST])
    withheld = withheld_files(actor, files, now=now)
    for attachment in files:
        if attachment.pk in withheld:
            continue
        papers.append(
            Paper(
                attachment.title,
                link("documents:attachment", pk=attachment.pk),
                attachment.created_at,
                str(attachment.created_by or "the program"),
            )
        )
    return sorted(papers, key=lambda paper: paper.at, reverse=True)[:_SINCE_AT_MOST]
