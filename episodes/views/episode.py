"""Opening, following and closing an episode."""

from typing import Any

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import get_text_list

from episodes import services, stages
from episodes.access import episode_for, patient_for, row_for
from episodes.forms import CloseEpisodeForm, GoalForm, MoveStageForm, OpenEpisodeForm
from episodes.guards import GuardContext
from episodes.models import CareTeamMember, Consent, Episode, EpisodeEvent, Goal, Patient
from episodes.places import place_in_treatment
from episodes.readers import eyes_of, readable_events
from episodes.sharing import Discipline
from episodes.stages import Stage
from episodes.views.passing import passing_of, standing_reasons
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import can
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.categories import ConsentCategory

THEMES = ConsentCategory.THEMES
_EVENTS_SHOWN = 12


@page("episode.open", fetch=patient_for)
def open_for_patient(request: ActorRequest, patient: Patient) -> HttpResponse:
    """Opens an episode for a patient who has none."""
    form = OpenEpisodeForm(request.POST or None, clinic=request.actor.clinic)
    if request.method == "POST" and form.is_valid():
        try:
            episode = services.open_episode(patient=patient, actor=request.actor.user, **form.cleaned_data)
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, f"Episode {episode.public_id} is open. Choose the care team next.")
            return redirect("episodes:team", public_id=episode.public_id)
    return render(
        request,
        "episodes/episode_open.html",
        {"form": form, "patient": patient},
        status=422 if form.errors else 200,
    )


@page("episode.view", fetch=episode_for)
def detail(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Where the episode stands: the next step and what is in its way, team, consents, goals, log."""
    return _detail_page(request, episode)


def _detail_page(
    request: ActorRequest,
    episode: Episode,
    *,
    goal_form: GoalForm | None = None,
    refusal: Refused | None = None,
) -> HttpResponse:
    actor, now = request.actor, timezone.now()
    steps = _next_steps(request, episode) if can(actor, "episode.advance", episode) else []
    place = place_in_treatment(episode, now) if episode.stage == Stage.TREATMENT else None
    may_see_clinical = can(actor, "chart.view", episode)
    events = EpisodeEvent.objects.filter(episode=episode).select_related("created_by")[: _EVENTS_SHOWN + 1]
    eyes = eyes_of(actor, episode, now=now)
    context = {
        "episode": episode,
        "protocol": episode.protocol,
        "place": place,
        "may_go_on": place is not None and bool(place.url) and can(actor, place.action, episode),
        "steps": steps,
        "taken_by_others": _taken_by_others(request, episode),
        "refusal": refusal,
        "team": _team(episode, now),
        "consents": Consent.objects.filter(episode=episode).standing(),
        "today": timezone.localdate(),
        "events": readable_events(list(events)[:_EVENTS_SHOWN], eyes, actor),
        "has_more_events": len(events) > _EVENTS_SHOWN,
        "may_see_clinical": may_see_clinical,
        "withheld": [] if eyes.sees(THEMES, Discipline.THERAPY) else [THEMES.label],
        "may_edit_team": can(actor, "episode.edit-team", episode),
        "may_close": episode.is_open and can(actor, "episode.close", episode),
        "may_sum_up": can(actor, "episode.close", episode),
        "may_set_goals": can(actor, "episode.goals", episode),
        "may_record_consent": can(actor, "consent.record", episode),
    }
    if may_see_clinical:
        context["goals"] = _goals(episode)
        context["goal_form"] = goal_form or GoalForm()
    failed = refusal is not None or (goal_form is not None and goal_form.errors)
    return render(request, "episodes/episode_detail.html", context, status=422 if failed else 200)


def _team(episode: Episode, now: Any) -> list[CareTeamMember]:
    return list(
        CareTeamMember.objects.in_force(now).filter(episode=episode).select_related("user", "outside")
    )


def _goals(episode: Episode) -> list[Goal]:
    earlier = Prefetch("supersedes", queryset=Goal.objects.all())
    return list(
        Goal.objects.filter(episode=episode, superseded_by__isnull=True)
        .prefetch_related(earlier)
        .order_by("created_at")
    )


def _next_steps(request: ActorRequest, episode: Episode) -> list[dict[str, Any]]:
    """The stages that can follow for this person, each with what stands in the way."""
    steps = []
    for target in stages.next_stages(episode.stage):
        edge = stages.edge(episode.stage, target)
        if target == Stage.CLOSED or edge is None or not edge.roles & request.actor.roles:
            continue
        guard = GuardContext(
            action=edge.action, episode=episode, now=timezone.now(), actor_roles=request.actor.roles
        )
        standing = standing_reasons(guard)
        steps.append(
            {
                "target": Stage(target),
                "is_back": target == Stage.SCREENING and episode.stage != Stage.REFERRED,
                "reasons": standing,
                "is_hard": any(entry["field"] is None for entry in standing),
            }
        )
    return steps


def _taken_by_others(request: ActorRequest, episode: Episode) -> list[dict[str, str]]:
    """The stages ahead that only other roles can move this episode to, each with who may, in words."""
    taken = []
    for target in stages.next_stages(episode.stage):
        edge = stages.edge(episode.stage, target)
        is_ahead = stages.JOURNEY.index(Stage(target)) > stages.JOURNEY.index(Stage(episode.stage))
        if edge is None or not is_ahead or target == Stage.CLOSED or edge.roles & request.actor.roles:
            continue
        roles = sorted(str(role.label).lower() for role in edge.roles)
        taken.append({"target": Stage(target).label.lower(), "roles": get_text_list(roles, "or")})
    return taken


@page("episode.advance", fetch=episode_for, methods=("POST",))
def move(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Takes one step of the journey."""
    form = MoveStageForm(request.POST)
    if not form.is_valid():
        return redirect("episodes:episode-detail", public_id=episode.public_id)
    try:
        moved = services.move_stage(
            episode=episode,
            target=form.cleaned_data["target"],
            actor=request.actor.user,
            roles=request.actor.roles,
            passing=passing_of(request.POST),
        )
    except Refused as refusal:
        return _detail_page(request, episode, refusal=refusal)
    messages.success(request, f"The episode is now in {moved.get_stage_display().lower()}.")
    return redirect("episodes:episode-detail", public_id=episode.public_id)


@page("episode.close", fetch=episode_for)
def close(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Closes the episode with a reason and a summary of insights and next steps."""
    form = CloseEpisodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.close_episode(
                episode=episode,
                actor=request.actor.user,
                roles=request.actor.roles,
                passing=passing_of(request.POST),
                **form.cleaned_data,
            )
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, "The episode is closed.")
            return redirect("episodes:episode-detail", public_id=episode.public_id)
    return render(
        request,
        "episodes/episode_close.html",
        {"form": form, "episode": episode, "goals": _goals(episode)},
        status=422 if form.errors else 200,
    )


@page("episode.goals", fetch=episode_for, methods=("POST",))
def goal_add(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Adds a goal."""
    form = GoalForm(request.POST)
    if form.is_valid():
        try:
            services.set_goal(episode=episode, actor=request.actor.user, **form.cleaned_data)
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, "Goal added.")
            return redirect("episodes:episode-detail", public_id=episode.public_id)
    return _detail_page(request, episode, goal_form=form)


@page("episode.goals", fetch=row_for(Goal, "episode__patient", "episode__protocol_version__protocol"))
def goal_reword(request: ActorRequest, goal: Goal) -> HttpResponse:
    """Puts a new wording in a goal's place; the old one stays in the record."""
    form = GoalForm(request.POST or None, initial={"text": goal.text, "is_functional": goal.is_functional})
    if request.method == "POST" and form.is_valid():
        try:
            services.set_goal(
                episode=goal.episode, actor=request.actor.user, replaces=goal, **form.cleaned_data
            )
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, "Goal reworded.")
            return redirect("episodes:episode-detail", public_id=goal.episode.public_id)
    return render(
        request,
        "episodes/goal_form.html",
        {"form": form, "goal": goal, "episode": goal.episode},
        status=422 if form.errors else 200,
    )
