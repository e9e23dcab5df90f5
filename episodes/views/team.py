"""The care team of an episode."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes import services
from episodes.access import episode_for, row_for
from episodes.forms import OutsideClinicianForm, TeamMemberForm
from episodes.models import CareTeamMember, Episode
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import can
from kapclinic.clinics.refusals import Refused


@page("episode.edit-team", fetch=episode_for)
def show(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Who cares for the patient; adding a person."""
    form = TeamMemberForm(request.POST or None, clinic=request.actor.clinic)
    if request.method == "POST" and form.is_valid():
        try:
            member = services.add_team_member(episode=episode, actor=request.actor.user, **form.cleaned_data)
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, f"{member.user or member.outside} is on the team.")
            if not can(request.actor, "episode.view", episode):
                return redirect("desk:today")
            return redirect("episodes:team", public_id=episode.public_id)
    return _team_page(request, episode, form, OutsideClinicianForm())


def _team_page(
    request: ActorRequest, episode: Episode, form: TeamMemberForm, outside_form: OutsideClinicianForm
) -> HttpResponse:
    now = timezone.now()
    rows = list(
        CareTeamMember.objects.filter(episode=episode).select_related(
            "user", "outside", "entered_in_error_by"
        )
    )
    current = [
        row
        for row in rows
        if not row.is_struck and row.starts_at <= now and (row.ends_at is None or row.ends_at > now)
    ]
    return render(
        request,
        "episodes/team.html",
        {
            "episode": episode,
            "form": form,
            "outside_form": outside_form,
            "current": current,
            "earlier": [row for row in rows if row not in current],
        },
        status=422 if form.errors or outside_form.errors else 200,
    )


@page("episode.edit-team", fetch=episode_for, methods=("POST",))
def outside_add(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Adds a clinician without an account, to choose above."""
    form = OutsideClinicianForm(request.POST)
    if form.is_valid():
        outside = services.add_outside_clinician(
            clinic=request.actor.clinic, details=form.cleaned_data, actor=request.actor.user
        )
        messages.success(request, f"{outside} can be chosen now.")
        return redirect("episodes:team", public_id=episode.public_id)
    return _team_page(request, episode, TeamMemberForm(clinic=request.actor.clinic), form)


@page("episode.edit-team", fetch=row_for(CareTeamMember, "episode", "user", "outside"), methods=("POST",))
def end(request: ActorRequest, member: CareTeamMember) -> HttpResponse:
    """Takes a person off the team from now on."""
    services.end_team_member(member=member, actor=request.actor.user)
    messages.success(request, f"{member.user or member.outside} is no longer on the team.")
    if not can(request.actor, "episode.view", member.episode):
        return redirect("desk:today")
    return redirect("episodes:team", public_id=member.episode.public_id)
