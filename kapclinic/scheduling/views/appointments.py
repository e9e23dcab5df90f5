"""One appointment: booking, moving, telling, arriving, ending."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes.access import episode_for
from episodes.models import CareTeamMember, Episode, TeamPart
from kapclinic.accounts import policy
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.scheduling import hooks, services
from kapclinic.scheduling.forms import BookingForm, HeldForm, MeetingForm, ReasonForm, TellForm
from kapclinic.scheduling.models import Appointment, AppointmentKind, AppointmentState, MeetingPlace, Part
from kapclinic.scheduling.views.slots import slot_in
from kapclinic.scheduling.views.undoing import offered_undo, say_done, to_appointment

# Doses are booked where they are planned: with their order, room and people.
BOOKABLE = [
    AppointmentKind.INTEGRATION,
    AppointmentKind.SECONDARY_INTEGRATION,
    AppointmentKind.PREPARATION,
    AppointmentKind.SCREENING,
]
_PART_OF = {
    TeamPart.THERAPIST: Part.THERAPIST,
    TeamPart.COVER_THERAPIST: Part.THERAPIST,
    TeamPart.PRESCRIBER: Part.PRESCRIBER,
    TeamPart.COVER_PRESCRIBER: Part.PRESCRIBER,
    TeamPart.NURSE: Part.NURSE,
}


def appointment_for(actor: Actor, pk: Any) -> Appointment:
    """The clinic's appointment with its participants; Http404 when there is none."""
    try:
        return Appointment.objects.filter(clinic=actor.clinic).with_participants().get(pk=pk)
    except Appointment.DoesNotExist as error:
        raise Http404 from error


def _default_person(episode: Episode, kind: str) -> Any:
    part = TeamPart.PRESCRIBER if kind == AppointmentKind.SCREENING else TeamPart.THERAPIST
    member = CareTeamMember.objects.in_force(timezone.now()).filter(episode=episode, part=part).first()
    return None if member is None else member.user_id


def _part_of(episode: Episode | None, person: Any) -> str:
    if episode is None:
        return Part.ATTENDEE
    member = CareTeamMember.objects.in_force(timezone.now()).filter(episode=episode, user=person).first()
    return Part.THERAPIST if member is None else _PART_OF.get(TeamPart(member.part), Part.ATTENDEE)


def _show_refusal(form: Any, refused: Refused) -> list[Reason]:
    """Reasons at their fields; the page lists them too, with what yields to a written reason."""
    refused.add_to(form)
    return list(refused.reasons)


@page("appointment.book", fetch=episode_for)
def book(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Book a session of this patient."""
    actor, now = request.actor, timezone.now()
    kind = request.GET.get("kind", AppointmentKind.INTEGRATION)
    kind = kind if kind in BOOKABLE else AppointmentKind.INTEGRATION
    initial = {
        "kind": kind,
        "person": _default_person(episode, kind),
        "minutes": episode.protocol.preparation_minutes
        if kind == AppointmentKind.PREPARATION
        else episode.protocol.integration_minutes,
        "place": MeetingPlace.IN_PERSON,
        **slot_in(request.GET).initial,
    }
    form = BookingForm(request.POST or None, initial=initial, clinic=actor.clinic, kinds=BOOKABLE)
    reasons: list[Reason] = []
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = services.book_appointment(
                clinic=actor.clinic,
                kind=data["kind"],
                episode=episode,
                starts_at=data["starts_at"],
                ends_at=data["ends_at"],
                people=[(data["person"], _part_of(episode, data["person"]))],
                room=data["room"] if data["place"] == MeetingPlace.IN_PERSON else None,
                place=data["place"],
                reason=data["reason"],
                roles=actor.roles,
                request_key=data["request_key"],
                actor=actor.user,
                now=now,
            )
        except Refused as refused:
            reasons = _show_refusal(form, refused)
        else:
            say_done(request, "Booked. Tell the patient the time.", made)
            return to_appointment(request, made)
    return render(
        request,
        "scheduling/booking.html",
        {
            "episode": episode,
            "form": form,
            "reasons": reasons,
            "windows": _windows_of(episode, now),
            "title": "Book a session",
            "action": "Book",
        },
        status=422 if form.errors else 200,
    )


def _windows_of(episode: Episode, now: Any) -> list[str]:
    """What each kind of session is waited for by, in words."""
    found = [hooks.find_window(kind, episode, now, now, now) for kind in BOOKABLE]
    return [window.words for window in found if window is not None]


@page("appointment.book", fetch=None)
def book_meeting(request: ActorRequest) -> HttpResponse:
    """Book a team meeting."""
    actor = request.actor
    form = MeetingForm(request.POST or None, clinic=actor.clinic, initial={"place": MeetingPlace.IN_PERSON})
    reasons: list[Reason] = []
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = services.book_appointment(
                clinic=actor.clinic,
                kind=AppointmentKind.TEAM_MEETING,
                title=data["title"],
                starts_at=data["starts_at"],
                ends_at=data["ends_at"],
                people=[(person, Part.ATTENDEE) for person in data["people"]],
                room=data["room"] if data["place"] == MeetingPlace.IN_PERSON else None,
                place=data["place"],
                reason=data["reason"],
                roles=actor.roles,
                request_key=data["request_key"],
                actor=actor.user,
            )
        except Refused as refused:
            reasons = _show_refusal(form, refused)
        else:
            say_done(request, "The meeting is booked.", made)
            return to_appointment(request, made)
    return render(
        request,
        "scheduling/meeting.html",
        {"form": form, "reasons": reasons},
        status=422 if form.errors else 200,
    )


@page("appointment.view", fetch=appointment_for, methods=("GET", "HEAD"))
def show(request: ActorRequest, appointment: Appointment) -> HttpResponse:
    """What is booked, who takes part, what can be done."""
    return _page(request, appointment)


def _is_to_be_told(appointment: Appointment, *, now: datetime) -> bool:
    """The patient does not know the time yet, or that what they know of is cancelled."""
    if appointment.is_live:
        return not appointment.is_told
    knew_it = appointment.state == AppointmentState.CANCELLED and appointment.told_at is not None
    return knew_it and not appointment.is_cancellation_told and appointment.starts_at > now


def _page(
    request: ActorRequest, appointment: Appointment, cancel_form: ReasonForm | None = None
) -> HttpResponse:
    now = timezone.now()
    return render(
        request,
        "scheduling/appointment.html",
        {
            "appointment": appointment,
            "episode": appointment.episode,
            "base": "base.html" if appointment.episode is None else "episodes/_episode_base.html",
            "may_change": policy.can(request.actor, "appointment.change", appointment)
            and appointment.is_live,
            "may_tell": appointment.episode is not None
            and policy.can(request.actor, "patient.tell", appointment.episode)
            and _is_to_be_told(appointment, now=now),
            "has_begun": appointment.starts_at <= now,
            "page_to_complete": hooks.page_to_complete(appointment),
            "cancel_form": cancel_form or ReasonForm(),
            "participants": appointment.participants.all(),
            "offered": offered_undo(request, appointment),
        },
        status=422 if cancel_form is not None else 200,
    )


@page("appointment.change", fetch=appointment_for)
def move(request: ActorRequest, appointment: Appointment) -> HttpResponse:
    """Another time, person, place or room."""
    actor = request.actor
    local = timezone.localtime(appointment.starts_at)
    lead = appointment.lead
    initial = {
        "kind": appointment.kind,
        "person": None if lead is None else lead.pk,
        "day": local.date(),
        "starts": local.time(),
        "minutes": appointment.minutes,
        "place": appointment.place,
        "room": None if appointment.room is None else appointment.room.pk,
        "sequence": appointment.sequence,
    }
    form = BookingForm(request.POST or None, initial=initial, clinic=actor.clinic, kinds=[appointment.kind])
    reasons: list[Reason] = []
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        others = [
            (each.person, each.part)
            for each in appointment.participants.all()
            if each.is_exclusive and each.person_id != getattr(lead, "pk", None) and each.person is not None
        ]
        part = _part_of(appointment.episode, data["person"])
        try:
            moved = services.move_appointment(
                appointment=appointment,
                starts_at=data["starts_at"],
                ends_at=data["ends_at"],
                people=[(data["person"], part), *[each for each in others if each[0] != data["person"]]],
                room=data["room"] if data["place"] == MeetingPlace.IN_PERSON else None,
                place=data["place"],
                reason=data["reason"],
                roles=actor.roles,
                expected_sequence=data["sequence"],
                actor=actor.user,
            )
        except Refused as refused:
            reasons = _show_refusal(form, refused)
            _go_on_from(request, form, appointment, refused)
        else:
            must_tell = appointment.is_told and not moved.is_told
            say_done(request, "Moved. Tell the patient the new time." if must_tell else "Moved.", moved)
            return to_appointment(request, moved)
    return render(
        request,
        "scheduling/booking.html",
        {
            "episode": appointment.episode,
            "appointment": appointment,
            "base": "base.html" if appointment.episode is None else "episodes/_episode_base.html",
            "form": form,
            "reasons": reasons,
            "windows": []
            if appointment.episode is None
            else _windows_of(appointment.episode, timezone.now()),
            "title": "Move it",
            "action": "Move",
        },
        status=422 if form.errors else 200,
    )


def _go_on_from(request: ActorRequest, form: BookingForm, appointment: Appointment, refused: Refused) -> None:
    """Whoever was told that it changed meanwhile has seen it: what they typed can be sent again."""
    if any(reason.code == "changed" for reason in refused.reasons):
        typed = request.POST.copy()
        typed["sequence"] = str(Appointment.objects.only("sequence").get(pk=appointment.pk).sequence)
        form.data = typed


@page("appointment.change", fetch=appointment_for, methods=("POST",))
def cancel(request: ActorRequest, appointment: Appointment) -> HttpResponse:
    """Cancel with a reason."""
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, appointment, form)
    try:
        services.cancel_appointment(
            appointment=appointment, reason=form.cleaned_data["reason"], actor=request.actor.user
        )
    except Refused as refused:
        refused.add_to(form)
        return _page(request, appointment, form)
    tell = " Tell the patient." if appointment.is_told else ""
    say_done(request, f"Cancelled. What it was for is open again.{tell}", appointment)
    return to_appointment(request, appointment)


def _step(request: ActorRequest, appointment: Appointment, verb: Any, done: str) -> HttpResponse:
    try:
        verb(appointment=appointment, actor=request.actor.user)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, done)
    return redirect("scheduling:appointment-detail", pk=appointment.pk)


@page("appointment.change", fetch=appointment_for, methods=("POST",))
def arrive(request: ActorRequest, appointment: Appointment) -> HttpResponse:
    """The patient is here."""
    return _step(request, appointment, services.mark_arrived, "The patient is here.")


@page("appointment.change", fetch=appointment_for, methods=("POST",))
def no_show(request: ActorRequest, appointment: Appointment) -> HttpResponse:
    """The patient did not come."""
    return _step(request, appointment, services.mark_no_show, "Recorded. What it was for is open again.")


@page("appointment.change", fetch=appointment_for)
def complete(request: ActorRequest, appointment: Appointment) -> HttpResponse:
    """Record the real start and end, where this kind has no page of its own for it."""
    own_page = hooks.page_to_complete(appointment)
    if own_page is not None:
        return redirect(own_page)
    starts, ends = timezone.localtime(appointment.starts_at), timezone.localtime(appointment.ends_at)
    initial = {"day": starts.date(), "began": starts.time(), "ended": ends.time()}
    form = HeldForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.complete_appointment(
                appointment=appointment,
                held_from=form.cleaned_data["held_from"],
                held_until=form.cleaned_data["held_until"],
                actor=request.actor.user,
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, "Recorded as held.")
            return redirect("scheduling:appointment-detail", pk=appointment.pk)
    return render(
        request,
        "scheduling/complete.html",
        {
            "appointment": appointment,
            "episode": appointment.episode,
            "base": "base.html" if appointment.episode is None else "episodes/_episode_base.html",
            "form": form,
        },
        status=422 if form.errors else 200,
    )


@page("patient.tell", fetch=appointment_for)
def tell(request: ActorRequest, appointment: Appointment) -> HttpResponse:
    """Tell the patient: how, reached or not."""
    if appointment.episode is None:
        raise Http404
    form = TellForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reached = form.cleaned_data["reached"] == "yes"
        try:
            services.mark_told(
                appointment=appointment,
                how=form.cleaned_data["how"],
                reached=reached,
                actor=request.actor.user,
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            done = (
                "Recorded: the patient knows." if reached else "Recorded: not reached. The task stays open."
            )
            messages.success(request, done)
            return redirect("scheduling:appointment-detail", pk=appointment.pk)
    return render(
        request,
        "scheduling/tell.html",
        {"appointment": appointment, "episode": appointment.episode, "form": form},
        status=422 if form.errors else 200,
    )
