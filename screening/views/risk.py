"""Recording a suicide-risk assessment."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from episodes.access import episode_for
from episodes.models import Episode
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.clinics.refusals import Refused
from kapclinic.clinics.services import setting
from screening.finding_selectors import open_risk
from screening.forms.findings import RiskForm
from screening.models import RiskAssessment, RiskState
from screening.response_settings import CRISIS_CONTACT
from screening.services.risk import latest_recorded, record_risk_assessment


@page("risk.assess", fetch=episode_for)
def assess(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Record the assessment that is owed, or one unasked; the last one is prefilled for confirmation."""
    before = latest_recorded(episode)
    initial = (
        {
            "outcome": before.outcome,
            "method": before.method,
            "protective_plan": before.protective_plan,
            "disposition": before.disposition,
        }
        if before
        else None
    )
    form = RiskForm(request.POST or None, before=before, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            record_risk_assessment(
                episode=episode,
                outcome=data["outcome"],
                method=data["method"],
                protective_plan=data["protective_plan"],
                disposition=data["disposition"],
                unchanged_since=before if data.get("unchanged") else None,
                actor=request.actor.user,
                request_key=data["request_key"],
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, "Recorded. The task is done.")
            return redirect("screening:overview", public_id=episode.public_id)
    return render(
        request,
        "screening/risk.html",
        {
            "episode": episode,
            "form": form,
            "before": before,
            "owed": open_risk(episode),
            "earlier": RiskAssessment.objects.filter(episode=episode, state=RiskState.RECORDED)
            .select_related("assessed_by", "entered_in_error_by")
            .order_by("-assessed_at")[:20],
            "crisis_contact": setting(episode.clinic, CRISIS_CONTACT),
            "section": "risk",
        },
        status=422 if form.errors else 200,
    )
