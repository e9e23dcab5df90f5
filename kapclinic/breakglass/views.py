"""Pages of emergency access: opening one, one's own, the managers' review."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.breakglass.clinical_settings import MINUTES
from kapclinic.breakglass.forms import BreakGlassForm, ReviewForm
from kapclinic.breakglass.models import EmergencyAccess
from kapclinic.breakglass.services import break_glass, end_access, review_access
from kapclinic.clinics.refusals import Refused
from kapclinic.clinics.services import setting

_SHOWN = 200


def _access_for(actor: Actor, pk: uuid.UUID) -> EmergencyAccess:
    access = (
        EmergencyAccess.objects.select_related("clinic", "user", "patient", "reviewed_by", "ended_by")
        .filter(clinic=actor.clinic, pk=pk)
        .first()
    )
    if access is None:
        raise Http404
    return access


@page("glass.break", confirm=("GET", "HEAD", "POST"))
def open_access(request: ActorRequest) -> HttpResponse:
    """Name one patient and the reason; leads to the record."""
    actor, now = request.actor, timezone.now()
    form = BreakGlassForm(request.POST or None, clinic=actor.clinic)
    if request.method == "POST" and form.is_valid():
        patient = form.cleaned_data["patient"]
        try:
            break_glass(patient=patient, reason=form.cleaned_data["reason"], actor=actor)
        except Refused as refusal:
            refusal.add_to(form)
        else:
            return redirect("episodes:patient-detail", public_id=patient.public_id)
    mine = EmergencyAccess.objects.filter(user=actor.user, clinic=actor.clinic).select_related("patient")
    return render(
        request,
        "breakglass/open.html",
        {
            "form": form,
            "minutes": setting(actor.clinic, MINUTES),
            "current": mine.open_at(now).first(),
        },
        status=422 if form.errors else 200,
    )


@page("glass.mine", fetch=_access_for, methods=("GET", "HEAD"))
def mine(request: ActorRequest, access: EmergencyAccess) -> HttpResponse:
    """One's own access afterwards: what was read, and the verdict."""
    return render(request, "breakglass/mine.html", {"access": access, "readings": access.readings.all()})


@page("glass.end", fetch=_access_for, methods=("POST",))
def end(request: ActorRequest, access: EmergencyAccess) -> HttpResponse:
    """End it now."""
    if end_access(access=access, actor=request.actor.user):
        messages.success(request, "The emergency access is ended.")
    if access.user_id == request.actor.user.pk:
        return redirect("breakglass:mine", pk=access.pk)
    return redirect("breakglass:review", pk=access.pk)


@page("glass.review", methods=("GET", "HEAD"))
def index(request: ActorRequest) -> HttpResponse:
    """Every emergency access of the clinic, those without a verdict first."""
    accesses = EmergencyAccess.objects.of_clinic(request.actor.clinic).select_related("user", "patient")
    return render(
        request,
        "breakglass/index.html",
        {
            "waiting": accesses.unreviewed(),
            "reviewed": accesses.filter(reviewed_at__isnull=False).select_related("reviewed_by")[:_SHOWN],
            "now": timezone.now(),
        },
    )


@page("glass.review", fetch=_access_for)
def review(request: ActorRequest, access: EmergencyAccess) -> HttpResponse:
    """Who read what and why, and a manager's verdict."""
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            review_access(access=access, actor=request.actor.user, **form.cleaned_data)
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, "The review is closed.")
            return redirect("breakglass:index")
    return render(
        request,
        "breakglass/review.html",
        {
            "access": access,
            "readings": access.readings.all(),
            "form": form,
            "is_open": access.is_open_at(timezone.now()),
        },
        status=422 if form.errors else 200,
    )
