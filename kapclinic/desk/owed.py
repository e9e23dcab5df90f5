"""How urgent a task is, in words and colour."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from kapclinic.accounts.policy import Actor
from kapclinic.notices.models import Task, Urgency

# A routine task without urgency turns amber when it falls due within this time.
SOON = timedelta(hours=24)


def overdue_tasks(now: datetime) -> QuerySet[Task]:
    """Open tasks whose time has passed."""
    return Task.objects.filter(done_at__isnull=True, withdrawn_at__isnull=True, due_at__lt=now)


def tone_of(task: Task, now: datetime) -> str:
    """Colour word of a task's pill: red when it is urgent or overdue, amber when it is for today, else neutral."""
    if task.urgency >= Urgency.NOW or (task.due_at is not None and task.due_at < now):
        return "red"
    if task.urgency >= Urgency.TODAY or (task.due_at is not None and task.due_at <= now + SOON):
        return "amber"
    return "neutral"


def when_in_words(task: Task, *, now: datetime, actor: Actor) -> str:
    """When a task is wanted, in the clinic's time: "now", "overdue since Sat 21 Nov", "by 17:00", "by Wed 25 Nov"."""
    if task.due_at is None:
        return {Urgency.NOW: "now", Urgency.TODAY: "today"}.get(Urgency(task.urgency), "when you can")
    due, here = task.due_at.astimezone(actor.zone), now.astimezone(actor.zone)
    if due < here:
        return (
            f"overdue since {due:%H:%M}"
            if due.date() == here.date()
            else f"overdue since {due:%a} {due.day} {due:%b}"
        )
    if task.urgency >= Urgency.NOW:
        return f"now, by {due:%H:%M}" if due.date() == here.date() else "now"
    if due.date() == here.date():
        return f"by {due:%H:%M}"
    if due.date() == here.date() + timedelta(days=1):
        return f"tomorrow {due:%H:%M}"
    return f"by {due:%a} {due.day} {due:%b}"
