"""What the team writes to each other on an episode, and the list of its conference."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes.access import episode_for
from episodes.models import Episode
from kapclinic.accounts import policy
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.clinics.refusals import Refused
from kapclinic.handoffs import team_selectors
from kapclinic.handoffs.forms import DecisionForm, MessageForm
from kapclinic.handoffs.services.messaging import (
    meeting_at,
    messages_url,
    post_message,
    record_decision,
)
from kapclinic.notices.services import mark_read

_MESSAGES_SHOWN = 50
# A caseload fits on one page, and so on one print.
_PATIENTS_A_PAGE = 100


@page("message.list", fetch=episode_for)
def message_list(request: ActorRequest, episode: Episode) -> HttpResponse:
    """The messages of an episode, and writing one."""
    writes_clinical = policy.can(request.actor, "message.clinical", episode)
    form = MessageForm(request.POST or None, is_clinical=writes_clinical)
    if request.method == "POST" and form.is_valid():
        try:
            post_message(
                episode=episode,
                actor=request.actor.user,
                roles=request.actor.roles,
                now=timezone.now(),
                **form.cleaned_data,
            )
        except Refused as refusal:
            refusal.add_to(form)
        else:
            _mark_read(request, episode)
            messages.success(request, "Sent.")
            return redirect(messages_url(episode))
    pages = Paginator(team_selectors.messages_for(request.actor, episode), _MESSAGES_SHOWN)
    shown = pages.get_page(request.GET.get("page"))
    unread = team_selectors.unread_keys(request.actor, episode)
    context = {
        "episode": episode,
        "form": form,
        "page": shown,
        "rows": [(message, str(message.pk) in unread) for message in shown.object_list],
        "unread": len(unread),
        "writes_clinical": writes_clinical,
    }
    return render(request, "handoffs/messages.html", context, status=422 if form.errors else 200)


def _mark_read(request: ActorRequest, episode: Episode) -> None:
    mark_read(receiver=request.actor.user, clinic=request.actor.clinic, url=messages_url(episode))


@page("message.list", fetch=episode_for, methods=("POST",))
def messages_read(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Everything on the page was read."""
    _mark_read(request, episode)
    return redirect(messages_url(episode))


@page("conference.view", methods=("GET", "HEAD"))
def conference(request: ActorRequest) -> HttpResponse:
    """Every active patient within the person's rights, both disciplines, what was decided."""
    return _conference(request)


def _conference(request: ActorRequest, *, bound: tuple[Any, DecisionForm] | None = None) -> HttpResponse:
    now = timezone.now()
    pages = Paginator(team_selectors.active_episodes(request.actor), _PATIENTS_A_PAGE)
    shown = pages.get_page(request.GET.get("page"))
    rows = team_selectors.conference_rows(request.actor, shown.object_list, now)
    context = {
        "rows": [
            (
                row,
                bound[1]
                if bound and bound[0] == row.episode.pk
                else DecisionForm(prefix=row.episode.public_id),
            )
            for row in rows
        ],
        "page": shown,
        "now": now,
        "meeting": meeting_at(request.actor.clinic, now),
        "may_decide": policy.can(request.actor, "conference.decide"),
    }
    return render(request, "handoffs/conference.html", context, status=422 if bound else 200)


@page("conference.decide", fetch=episode_for, methods=("POST",))
def decide(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Write down what was decided about one patient."""
    form = DecisionForm(request.POST, prefix=episode.public_id)
    if form.is_valid():
        try:
            record_decision(
                episode=episode, actor=request.actor.user, now=timezone.now(), **form.cleaned_data
            )
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, f"Recorded for {episode.patient.display_name}.")
            return redirect("handoffs:conference")
    return _conference(request, bound=(episode.pk, form))
