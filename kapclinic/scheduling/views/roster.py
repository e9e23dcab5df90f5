"""Hours of clinicians: working hours, extra hours, time off and own limits; rooms that are closed; the clinic's holidays."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import model_to_dict
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from kapclinic.accounts import policy
from kapclinic.accounts.models import User
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.models import Room
from kapclinic.clinics.refusals import Refused
from kapclinic.scheduling import public_holidays, services
from kapclinic.scheduling.forms import (
    ClosureForm,
    ExtraHoursForm,
    HolidayForm,
    HolidaysForm,
    HoursForm,
    LimitsForm,
    TimeOffForm,
    staff_of,
)
from kapclinic.scheduling.models import (
    Appointment,
    AppointmentQuerySet,
    ClinicHoliday,
    ExtraHours,
    PlanningLimits,
    RoomClosure,
    TimeOff,
    WorkingHours,
)
from kapclinic.scheduling.relations import Roster
from kapclinic.scheduling.rosters import house_limits

_ROWS = {"hours": WorkingHours, "extra": ExtraHours, "off": TimeOff, "closure": RoomClosure}
_REPAIR = "Under Plans a repair comes up, before and after, for a person to apply."


def roster_for(actor: Actor, person: Any) -> Roster:
    """The roster of one clinician of the clinic; Http404 when there is none."""
    user = staff_of(actor.clinic).filter(pk=person).first()
    if user is None:
        raise Http404
    return Roster(clinic_id=actor.clinic.pk, person=user)


def row_for(actor: Actor, what: str, pk: Any) -> Any:
    """A row of a roster that was not taken back; Http404 when there is none."""
    model = _ROWS.get(what)
    row = None if model is None else model.objects.standing().filter(clinic=actor.clinic, pk=pk).first()
    if row is None:
        raise Http404
    return row


@page("calendar.view", methods=("GET", "HEAD"))
def index(request: ActorRequest) -> HttpResponse:
    """Everyone's weekly hours at a glance."""
    actor, today = request.actor, timezone.localdate()
    people = list(staff_of(actor.clinic))
    rows = WorkingHours.objects.standing().filter(clinic=actor.clinic, person__in=people)
    now = timezone.now()
    away = TimeOff.objects.standing().filter(person__in=people, ends_at__gte=now).order_by("starts_at")
    by_person = [
        {
            "person": person,
            "hours": [
                row
                for row in rows
                if row.person_id == person.pk and (row.valid_until is None or row.valid_until >= today)
            ],
            "away": next((each for each in away if each.person_id == person.pk), None),
            "may_edit": policy.can(actor, "hours.edit", Roster(actor.clinic.pk, person)),
        }
        for person in people
    ]
    return render(
        request,
        "scheduling/rosters.html",
        {
            "rows": by_person,
            "rooms": _rooms(actor),
            "holidays": ClinicHoliday.objects.standing().filter(clinic=actor.clinic, on__gte=today),
            "holiday_form": HolidayForm(),
            **_public_holidays(request, today),
            "may_edit_clinic": policy.can(actor, "hours.edit", actor.clinic),
        },
    )


def _rooms(actor: Actor) -> list[dict[str, Any]]:
    """The clinic's rooms with what closes them next."""
    closures = (
        RoomClosure.objects.standing()
        .filter(clinic=actor.clinic, ends_at__gte=timezone.now())
        .order_by("starts_at")
    )
    return [
        {"room": room, "closure": next((each for each in closures if each.room_id == room.pk), None)}
        for room in Room.objects.filter(clinic=actor.clinic, is_active=True)
    ]


def _public_holidays(request: ActorRequest, today: date) -> dict[str, Any]:
    """Public holidays of the coming year that the clinic has not added, for the state asked for, else the clinic's own."""
    clinic = request.actor.clinic
    asked = request.GET.get("state")
    state = public_holidays.state_in(clinic.address) if asked is None else asked
    form = HolidaysForm({"state": state})
    if not form.is_valid():
        raise Http404
    kept = set(ClinicHoliday.objects.standing().filter(clinic=clinic).values_list("on", flat=True))
    found = public_holidays.suggested(state, today)
    return {
        "state": state,
        "state_form": form,
        "suggested": [holiday for holiday in found if holiday.on not in kept],
    }


@page("hours.edit", fetch=roster_for)
def person(request: ActorRequest, roster: Roster) -> HttpResponse:
    """Hours, absences and own limits of one clinician; small forms on one page."""
    actor = request.actor
    which = request.POST.get("which", "")
    house = house_limits(actor.clinic)
    own = PlanningLimits.objects.filter(clinic=actor.clinic, person=roster.person).first()
    forms = {
        "hours": HoursForm(request.POST if which == "hours" else None),
        "off": TimeOffForm(request.POST if which == "off" else None, prefix="off"),
        "extra": ExtraHoursForm(request.POST if which == "extra" else None, prefix="extra"),
        "limits": LimitsForm(
            request.POST if which == "limits" else None,
            house=house,
            initial={} if own is None else model_to_dict(own, ["most_sessions_per_day", "buffer_minutes"]),
        ),
    }
    form = forms.get(which)
    if request.method == "POST" and form is not None and form.is_valid():
        try:
            _add(actor, roster.person, which, form.cleaned_data)
        except Refused as refused:
            refused.add_to(form)
        else:
            booked = Appointment.objects.for_person(roster.person)
            _say_recorded(request, booked if which == "off" else None, form.cleaned_data)
            return redirect("scheduling:roster", person=roster.person.pk)
    return _roster_page(
        request, roster.person, forms, status=422 if form is not None and form.errors else 200
    )


def _add(actor: Actor, person: User, which: str, data: dict[str, Any]) -> None:
    common: dict[str, Any] = {"clinic": actor.clinic, "person": person, "actor": actor.user}
    if which == "hours":
        for weekday in data["weekdays"]:
            services.add_working_hours(
                **common,
                weekday=weekday,
                starts_at=data["starts_at"],
                ends_at=data["ends_at"],
                place=data["place"],
                valid_from=data["valid_from"],
                valid_until=data["valid_until"],
            )
    elif which == "off":
        services.add_time_off(
            **common, starts_at=data["starts_at"], ends_at=data["ends_at"], kind=data["kind"]
        )
    elif which == "limits":
        services.set_planning_limits(**common, **data)
    else:
        services.add_extra_hours(
            **common, starts_at=data["starts_at"], ends_at=data["ends_at"], place=data["place"]
        )


def _say_recorded(request: ActorRequest, booked: AppointmentQuerySet | None, data: dict[str, Any]) -> None:
    """Say that it is recorded and, where time is lost, how many of the `booked` lie in it."""
    count = 0
    if booked is not None:
        count = _lying_in(booked, request.actor, data["starts_at"], data["ends_at"]).count()
    if count:
        stay = "1 booked in that time stays" if count == 1 else f"{count} booked in that time stay"
        messages.warning(request, f"Recorded. {stay} until moved. {_REPAIR}")
    else:
        messages.success(request, "Recorded.")


def _lying_in(
    booked: AppointmentQuerySet, actor: Actor, starts_at: datetime, ends_at: datetime
) -> AppointmentQuerySet:
    return booked.filter(clinic=actor.clinic).live().between(starts_at, ends_at)


def _roster_page(request: ActorRequest, person: User, forms: dict[str, Any], *, status: int) -> HttpResponse:
    now, today = timezone.now(), timezone.localdate()
    clinic = request.actor.clinic
    affected: list[Appointment] = []
    away = list(TimeOff.objects.standing().filter(person=person, ends_at__gte=now).order_by("starts_at"))
    booked = Appointment.objects.for_person(person).with_participants()
    for each in away:
        affected += _lying_in(booked, request.actor, each.starts_at, each.ends_at)
    return render(
        request,
        "scheduling/roster.html",
        {
            "person": person,
            "forms": forms,
            "hours": [
                row
                for row in WorkingHours.objects.standing().filter(clinic=clinic, person=person)
                if row.valid_until is None or row.valid_until >= today
            ],
            "away": away,
            "extra": ExtraHours.objects.standing().filter(clinic=clinic, person=person, ends_at__gte=now),
            "affected": affected,
            "may_repair": policy.can(request.actor, "integration.repair"),
        },
        status=status,
    )


@page("hours.edit", fetch=row_for, methods=("POST",))
def withdraw(request: ActorRequest, row: Any) -> HttpResponse:
    """Take a row back; weekly hours that already held end with yesterday. A room's row leads back to the room."""
    today = timezone.localdate()
    if isinstance(row, WorkingHours) and row.valid_from < today:
        services.end_working_hours(row=row, last_day=today - timedelta(days=1), actor=request.actor.user)
    else:
        services.withdraw_roster_row(row=row, actor=request.actor.user)
    messages.success(request, "Taken back.")
    if isinstance(row, RoomClosure):
        return redirect("scheduling:room-hours", room=row.room_id)
    return redirect("scheduling:roster", person=row.person_id)


def room_for(actor: Actor, room: Any) -> Room:
    """A room of the clinic; Http404 when there is none."""
    found = Room.objects.filter(clinic=actor.clinic, pk=room).first()
    if found is None:
        raise Http404
    return found


@page("hours.edit", fetch=room_for)
def room(request: ActorRequest, room: Room) -> HttpResponse:
    """When a room is closed, and what is booked in it then."""
    actor, now = request.actor, timezone.now()
    form = ClosureForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            services.close_room(
                room=room,
                starts_at=data["starts_at"],
                ends_at=data["ends_at"],
                reason=data["reason"],
                actor=actor.user,
                now=now,
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            _say_recorded(request, Appointment.objects.for_room(room), data)
            return redirect("scheduling:room-hours", room=room.pk)
    closures = list(RoomClosure.objects.standing().filter(room=room, ends_at__gte=now))
    booked = Appointment.objects.for_room(room).with_participants()
    return render(
        request,
        "scheduling/room.html",
        {
            "room": room,
            "form": form,
            "closures": closures,
            "affected": [
                each for row in closures for each in _lying_in(booked, actor, row.starts_at, row.ends_at)
            ],
            "may_repair": policy.can(actor, "integration.repair"),
        },
        status=422 if form.errors else 200,
    )


@page("hours.edit", methods=("POST",))
def add_holiday(request: ActorRequest) -> HttpResponse:
    """A day on which the clinic is closed; whoever keeps all hours may enter it."""
    _all_hours_or_403(request)
    form = HolidayForm(request.POST)
    if form.is_valid():
        try:
            services.add_holiday(clinic=request.actor.clinic, actor=request.actor.user, **form.cleaned_data)
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, "The clinic is closed that day.")
    else:
        messages.error(request, "Give the day and its name.")
    return redirect(reverse("scheduling:rosters", query=_chosen_state(request)))


def _chosen_state(request: ActorRequest) -> dict[str, str] | None:
    """The state whose suggestions were on the page, so that the next one is a click away."""
    state = request.POST.get("state")
    return None if state is None else {"state": state}


def holiday_for(actor: Actor, pk: Any) -> ClinicHoliday:
    """A holiday of the clinic; Http404 when there is none."""
    row = ClinicHoliday.objects.standing().filter(clinic=actor.clinic, pk=pk).first()
    if row is None:
        raise Http404
    return row


@page("hours.edit", fetch=holiday_for, methods=("POST",))
def withdraw_holiday(request: ActorRequest, row: ClinicHoliday) -> HttpResponse:
    """The clinic is open that day after all."""
    services.withdraw_roster_row(row=row, actor=request.actor.user)
    messages.success(request, "The clinic is open that day.")
    return redirect("scheduling:rosters")


def _all_hours_or_403(request: ActorRequest) -> None:
    if not policy.can(request.actor, "hours.edit", request.actor.clinic):
        raise PermissionDenied
