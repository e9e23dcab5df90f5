"""The inbox: what a person owes, and what they were told."""

import uuid

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.refusals import Refused
from kapclinic.notices import services
from kapclinic.notices.forms import EmailForm
from kapclinic.notices.kinds import is_ended_by_work
from kapclinic.notices.models import EmailChoice, Notice, Task, Urgency
from kapclinic.notices.reach import tasks_owed_by

_TASKS_SHOWN = 100
_DONE_SHOWN = 10
_NOTICES_SHOWN = 50
_OUTCOME_LENGTH = 400


def _task_for(actor: Actor, pk: uuid.UUID) -> Task:
    task = tasks_owed_by(actor).filter(pk=pk).first()
    if task is None:
        raise Http404
    return task


def _notice_for(actor: Actor, pk: uuid.UUID) -> Notice:
    notice = Notice.objects.filter(pk=pk, receiver=actor.user, clinic=actor.clinic).first()
    if notice is None:
        raise Http404
    return notice


@page("inbox.read", methods=("GET", "HEAD"))
def inbox(request: ActorRequest) -> HttpResponse:
    """Open tasks by urgency and time, notices, and what was done lately; a fixed number of queries."""
    actor, now = request.actor, timezone.now()
    tasks = list(tasks_owed_by(actor).select_related("episode__patient", "person")[: _TASKS_SHOWN + 1])
    mine = Notice.objects.filter(receiver=actor.user, clinic=actor.clinic)
    return render(
        request,
        "notices/inbox.html",
        {
            "now": now,
            "now_urgency": Urgency.NOW,
            "today_urgency": Urgency.TODAY,
            "tasks": [(task, not is_ended_by_work(task.kind)) for task in tasks[:_TASKS_SHOWN]],
            "has_more": len(tasks) > _TASKS_SHOWN,
            "notices": mine[:_NOTICES_SHOWN],
            "counts": mine.aggregate(unread=Count("pk", filter=Q(read_at__isnull=True)), all=Count("pk")),
            "done": Task.objects.filter(clinic=actor.clinic, done_by=actor.user).order_by("-done_at")[
                :_DONE_SHOWN
            ],
        },
    )


@page("inbox.read", fetch=_task_for, methods=("POST",))
def complete(request: ActorRequest, task: Task) -> HttpResponse:
    """Tick a task off, with what came of it."""
    try:
        services.complete_by_hand(
            task=task, actor=request.actor.user, outcome=request.POST.get("outcome", "")[:_OUTCOME_LENGTH]
        )
    except Refused as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason.text)
    else:
        messages.success(request, f"Done: {task.title}")
    return redirect("notices:inbox")


@page("inbox.read", fetch=_notice_for, methods=("POST",))
def open_notice(request: ActorRequest, notice: Notice) -> HttpResponse:
    """Mark a notice as read and go where it points."""
    services.mark_read(receiver=request.actor.user, clinic=request.actor.clinic, notice=notice)
    if notice.url and url_has_allowed_host_and_scheme(notice.url, allowed_hosts=None):
        return redirect(notice.url)
    return redirect("notices:inbox")


@page("inbox.read", methods=("POST",))
def read_all(request: ActorRequest) -> HttpResponse:
    """Mark every notice as read."""
    services.mark_read(receiver=request.actor.user, clinic=request.actor.clinic)
    return redirect("notices:inbox")


@page("account.self")
def email(request: ActorRequest) -> HttpResponse:
    """Turn e-mail on or off, and choose on whose clock its quiet hours run."""
    user = request.actor.user
    choice = EmailChoice.objects.filter(user=user).first() or EmailChoice(user=user)
    form = EmailForm(request.POST or None, instance=choice)
    if request.method == "POST" and form.is_valid():
        services.choose_email(
            user=user, is_on=form.cleaned_data["is_on"], time_zone=form.cleaned_data["time_zone"]
        )
        messages.success(
            request, "E-mail is on." if form.cleaned_data["is_on"] else "You get no e-mail from now on."
        )
        return redirect("accounts:self")
    return render(request, "notices/email.html", {"form": form}, status=422 if form.errors else 200)
