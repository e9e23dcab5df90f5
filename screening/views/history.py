"""The history questions: every one by body system."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes.access import episode_for
from episodes.models import Episode
from episodes.readers import eyes_of
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import can
from kapclinic.clinics.refusals import Refused
from screening.forms.facts import HistoryForm
from screening.models import HistoryAnswer
from screening.reading import withheld_of
from screening.services import facts as services
from screening.views.facts import after_entry


@page("screening.enter", fetch=episode_for)
def history(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Every history question by body system, with "none of these" for a whole system."""
    sees = can(request.actor, "screening.view", episode)
    eyes = eyes_of(request.actor, episode, now=timezone.now())
    known: dict[str, str] = {}
    kept_back: set[str] = set()
    if sees:
        rows = list(HistoryAnswer.objects.current().of_episode(episode))
        known = {row.question: row.answer for row in eyes.readable(rows)}
        kept_back = {row.question for row in rows} - set(known)
    form = HistoryForm(request.POST or None, request.FILES or None, known=known, kept_back=kept_back)
    if request.method == "POST" and form.is_valid():
        try:
            changed = services.answer_history(
                episode=episode, answers=form.answers(), actor=request.actor.user, evidence=form.evidence()
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, f"Saved: {changed} answer{'' if changed == 1 else 's'} changed.")
            if sees:
                return redirect("screening:overview", public_id=episode.public_id)
            return after_entry(request, episode, "screening:history")
    systems = list(form.systems())
    return render(
        request,
        "screening/history.html",
        {
            "episode": episode,
            "form": form,
            "systems": systems,
            "open_count": sum(entry["open"] for entry in systems),
            "total": sum(len(entry["questions"]) for entry in systems),
            "needs_evidence": bool(form.errors),
            "section": "history",
            "withheld": withheld_of(HistoryAnswer, eyes) if sees else [],
            "part2_notice": eyes.part2_notice if sees else "",
        },
        status=422 if form.errors else 200,
    )
