"""Licences, training and competencies of one person, as a manager keeps them."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from kapclinic.accounts import services
from kapclinic.accounts.models import Competency, Licence, TrainingHours
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.staff import StaffMember, staff_member_for
from kapclinic.administration.fetch import own_row
from kapclinic.administration.forms import (
    CompetencyForm,
    LicenceForm,
    RenewLicenceForm,
    StrikeForm,
    TrainingForm,
)
from kapclinic.clinics.refusals import Refused


def _add(
    request: ActorRequest,
    member: StaffMember,
    form_class: type[forms.Form],
    verb: Callable[..., Any],
    words: dict[str, str],
) -> HttpResponse:
    form = form_class(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            verb(user=member.user, clinic=member.clinic, actor=request.actor.user, **form.cleaned_data)
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, words["done"])
            return redirect("administration:person", pk=member.pk)
    return render(
        request,
        "administration/credential_form.html",
        {"member": member, "form": form, **words},
        status=422 if form.errors else 200,
    )


@page("staff.manage", fetch=staff_member_for)
def add_licence(request: ActorRequest, member: StaffMember) -> HttpResponse:
    """Put a licence on file."""
    words = {"heading": "Add a licence", "button": "Add the licence", "done": "The licence is on file."}
    return _add(request, member, LicenceForm, services.add_licence, words)


@page("staff.manage", fetch=staff_member_for)
def add_training(request: ActorRequest, member: StaffMember) -> HttpResponse:
    """Write down hours of training."""
    words = {"heading": "Add training hours", "button": "Add the hours", "done": "The hours are on file."}
    return _add(request, member, TrainingForm, services.record_training, words)


@page("staff.manage", fetch=staff_member_for)
def add_competency(request: ActorRequest, member: StaffMember) -> HttpResponse:
    """Write down a competency."""
    words = {
        "heading": "Add a competency",
        "button": "Add the competency",
        "done": "The competency is on file.",
    }
    return _add(request, member, CompetencyForm, services.record_competency, words)


@page("staff.manage", fetch=own_row(Licence, "user"))
def change_licence(request: ActorRequest, licence: Licence) -> HttpResponse:
    """Renew a licence, or note that it was withdrawn."""
    if request.method == "POST" and request.POST.get("action") == "withdraw":
        services.withdraw_licence(licence=licence)
        messages.success(request, f"{licence} counts no longer.")
        return redirect("administration:person", pk=licence.user_id)
    form = RenewLicenceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.renew_licence(licence=licence, expires_on=form.cleaned_data["expires_on"])
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, f"{licence} is renewed.")
            return redirect("administration:person", pk=licence.user_id)
    return render(
        request,
        "administration/licence.html",
        {"licence": licence, "form": form},
        status=422 if form.errors else 200,
    )


@page("staff.manage", fetch=own_row(TrainingHours, "user"))
def strike_training(request: ActorRequest, training: TrainingHours) -> HttpResponse:
    """Mark hours as entered in error."""
    form = StrikeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.strike_training(
                training=training, reason=form.cleaned_data["reason"], actor=request.actor.user
            )
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, "The entry is struck; it stays visible.")
            return redirect("administration:person", pk=training.user_id)
    return render(
        request,
        "administration/training_strike.html",
        {"training": training, "form": form},
        status=422 if form.errors else 200,
    )


@page("staff.manage", fetch=own_row(Competency, "user"), methods=("POST",))
def end_competency(request: ActorRequest, competency: Competency) -> HttpResponse:
    """End a competency today."""
    services.end_competency(competency=competency)
    messages.success(request, f"{competency} has ended.")
    return redirect("administration:person", pk=competency.user_id)
