"""Undo: offered after a booking, a move and a cancellation, and on the page of the appointment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from episodes.access import row_for
from kapclinic.accounts import policy
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.clinics.refusals import Refused
from kapclinic.scheduling import services
from kapclinic.scheduling.models import Appointment, AppointmentState, HandChange

change_for = row_for(HandChange, "appointment__episode__patient", "appointment__clinic")


def say_done(request: HttpRequest, words: str, appointment: Appointment) -> None:
    """Tell on the next page what was done to `appointment`, with a button that undoes it."""
    offered = services.undoable_change(Appointment.objects.get(pk=appointment.pk), now=timezone.now())
    address = "" if offered is None else reverse("scheduling:change-undo", args=[offered.change.pk])
    messages.success(request, words, extra_tags=address)


def to_appointment(request: ActorRequest, appointment: Appointment) -> HttpResponse:
    """The page of `appointment`, or the calendar for whoever handed it over and may not see it any more."""
    # Who takes part may just have changed, and what was looked up for this request is older.
    actor = replace(request.actor, _memo={})
    if policy.can(actor, "appointment.view", Appointment.objects.get(pk=appointment.pk)):
        return redirect("scheduling:appointment-detail", pk=appointment.pk)
    return redirect("scheduling:calendar")


def offered_undo(request: ActorRequest, appointment: Appointment) -> services.Undoable | None:
    """What may be undone on the page of `appointment`, by this person."""
    offered = services.undoable_change(appointment, now=timezone.now())
    if offered is None or not policy.can(request.actor, "appointment.undo", offered.change):
        return None
    return offered


@page("appointment.undo", fetch=change_for, methods=("POST",))
def undo(request: ActorRequest, change: HandChange) -> HttpResponse:
    """Undo it; what does not work any more changes nothing and is told."""
    try:
        back = services.undo_change(change=change, actor=request.actor.user, roles=request.actor.roles)
    except Refused as refused:
        for reason in refused.reasons:
            messages.error(request, reason.text)
    else:
        messages.success(request, f"Undone. {_what_now(back)}".strip())
    return to_appointment(request, change.appointment)


def _what_now(appointment: Any) -> str:
    if appointment.state == AppointmentState.CANCELLED and appointment.told_at is not None:
        return "Tell the patient that it is cancelled."
    if appointment.state == AppointmentState.HELD and appointment.episode_id is not None:
        return "Tell the patient the time."
    return ""
