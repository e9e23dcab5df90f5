"""How many inductions can start in a week, as a page that can be bookmarked."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from integration.forms import CapacityForm
from integration.services.planning import InductionCapacity, induction_capacity
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.clinics.refusals import Refused


@page("integration.repair", methods=("GET", "HEAD"))
def show(request: ActorRequest) -> HttpResponse:
    """Ask; with a question in the address, its answer."""
    now = timezone.now()
    today = timezone.localdate(now)
    next_monday = today + timedelta(days=7 - today.weekday())
    form = CapacityForm(
        request.GET or None, clinic=request.actor.clinic, today=today, initial={"week": next_monday}
    )
    answer: InductionCapacity | None = None
    if form.is_bound and form.is_valid():
        try:
            answer = induction_capacity(
                clinic=request.actor.clinic,
                version=form.cleaned_data["version"],
                monday=form.cleaned_data["week"],
                most=form.cleaned_data["most"],
                now=now,
            )
        except Refused as refused:
            refused.add_to(form)
    return render(
        request,
        "integration/capacity.html",
        {
            "form": form,
            "answer": answer,
            "monday": form.cleaned_data.get("week") if form.is_bound else None,
            "version": form.cleaned_data.get("version") if form.is_bound else None,
        },
        status=422 if form.errors else 200,
    )
