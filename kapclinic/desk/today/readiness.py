"""The card of doses that are not ready: what would hold them and can be mended before the day."""

from datetime import datetime

from episodes.access import has_episode_for
from kapclinic.accounts.models import Role
from kapclinic.accounts.policy import Actor, can
from kapclinic.desk.links import link
from kapclinic.desk.today.registry import MOST_ROWS, Card, Place, Row, card
from kapclinic.notices.models import Task, Urgency
from sessions.services.common import READINESS_TASK


@card(
    key="not-ready",
    action="dose.plan",
    roles=(Role.COORDINATOR, Role.NURSE, Role.THERAPIST, Role.PRESCRIBER),
    place=Place.MAIN,
    order=15,
)
def not_ready(actor: Actor, now: datetime) -> Card:
    """The next doses with open questions, the soonest first; a coordinator sees that, not which. One query."""
    is_clinical = can(actor, "dose.view")
    tasks = list(
        Task.objects.filter(
            has_episode_for(actor, "dose.view" if is_clinical else "dose.plan"),
            clinic=actor.clinic,
            kind=READINESS_TASK,
            done_at__isnull=True,
            withdrawn_at__isnull=True,
            due_at__gt=now,
        )
        .select_related("episode__patient")
        .order_by("due_at", "id")[:MOST_ROWS]
    )
    return Card(
        title="Not ready yet",
        rows=tuple(_row(task, is_clinical, actor) for task in tasks),
        summary="looked at each hour" if tasks else "",
    )


def _row(task: Task, is_clinical: bool, actor: Actor) -> Row:
    episode = task.episode
    assert episode is not None, "the query asks for tasks of episodes"
    assert task.due_at is not None, "the query asks for tasks with a time"
    local = task.due_at.astimezone(actor.zone)
    return Row(
        who=episode.patient.display_name,
        url=link("desk:chart" if is_clinical else "episodes:episode-detail", public_id=episode.public_id),
        line=task.detail if is_clinical else task.title,
        pill=f"dose {local:%a} {local.day} {local:%b} {local:%H:%M}",
        tone="amber" if task.urgency >= Urgency.TODAY else "neutral",
        button="Open" if is_clinical else "",
        button_url=task.url,
    )
