"""Cards of what the person owes: tasks, and for a coordinator new referrals; for a manager work that failed."""

from datetime import datetime

from django.utils.timesince import timesince

from episodes.models import Episode
from episodes.stages import Stage
from kapclinic.accounts.models import Role
from kapclinic.accounts.policy import Actor, can
from kapclinic.desk.links import link
from kapclinic.desk.owed import tone_of, when_in_words
from kapclinic.desk.people import url_of
from kapclinic.desk.today.registry import MOST_ROWS, Card, Place, Row, card
from kapclinic.jobs.models import Job
from kapclinic.notices.reach import tasks_owed_by
from sessions.services.common import READINESS_TASK

_EVERYONE = tuple(Role)


@card(key="for-you", action="desk.today", roles=_EVERYONE, place=Place.ASIDE, order=10)
def for_you(actor: Actor, now: datetime) -> Card:
    """Open tasks, the most urgent first. Three queries: names are looked up for the tasks that are shown alone."""
    tasks = list(
        tasks_owed_by(actor)
        # Doses that are not ready have a card of their own.
        .exclude(kind=READINESS_TASK)
        .prefetch_related("episode__patient")
        .order_by("-urgency", "due_at", "created_at")[: MOST_ROWS + 1]
    )
    names_open = can(actor, "patient.list")
    rows = []
    for task in tasks[:MOST_ROWS]:
        patient = task.episode.patient.display_name if task.episode is not None and names_open else ""
        rows.append(
            Row(
                who=task.title,
                url=task.url,
                line=" · ".join(part for part in (patient, task.detail) if part),
                pill=when_in_words(task, now=now, actor=actor),
                tone=tone_of(task, now),
            )
        )
    more = len(tasks) > MOST_ROWS
    return Card(
        title="For you",
        rows=tuple(rows),
        empty="Nothing waits for you.",
        empty_hint="New tasks appear here, the most urgent first.",
        more_words=f"The first {MOST_ROWS} are shown; more come up as these are done." if more else "",
    )


@card(key="referrals", action="patient.register", roles=(Role.COORDINATOR,), place=Place.ASIDE, order=40)
def new_referrals(actor: Actor, now: datetime) -> Card:
    """Referred patients for whom nothing has begun, the longest waiting first. One query."""
    waiting = list(
        Episode.objects.visible_to(actor)
        .standing()
        .filter(stage=Stage.REFERRED)
        .select_related("patient")
        .order_by("stage_since", "id")[: MOST_ROWS + 1]
    )
    return Card(
        title="New referrals",
        rows=tuple(
            Row(
                who=episode.patient.display_name,
                url=url_of(actor, episode.patient, episode),
                line=episode.referral_source or episode.get_indication_display(),
                pill=f"waiting {timesince(episode.stage_since, now, depth=1)}",
            )
            for episode in waiting[:MOST_ROWS]
        ),
        empty="No referral waits.",
        empty_hint="Register a patient when one comes in.",
        more_url=f"{link('desk:patients')}?stage={Stage.REFERRED}" if len(waiting) > MOST_ROWS else "",
        more_words="All referrals" if len(waiting) > MOST_ROWS else "",
    )


@card(
    key="failed-jobs", action="jobs.view", roles=(Role.COORDINATOR, Role.MANAGER), place=Place.ASIDE, order=60
)
def failed_jobs(actor: Actor, now: datetime) -> Card:
    """Work that gave up and waits for a person; nothing is shown while there is none. One query."""
    failed = list(
        Job.objects.failed().filter(clinic=actor.clinic).order_by("-last_error_at")[: MOST_ROWS + 1]
    )
    return Card(
        title="Work that failed",
        rows=tuple(
            Row(
                who=job.kind.replace("_", " ").replace("-", " ").replace(".", ": ").capitalize(),
                line=f"tried {job.attempts} times · {job.last_error_class}",
                pill=f"since {timesince(job.last_error_at or job.created_at, now, depth=1)}",
                tone="red",
            )
            for job in failed[:MOST_ROWS]
        ),
        more_url=link("jobs:list") if failed else "",
        more_words="Look and retry" if failed else "",
    )
