"""The clinic itself: name and address, rooms."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.administration import services
from kapclinic.administration.fetch import own_row
from kapclinic.administration.forms import ClinicForm, RoomForm
from kapclinic.clinics.models import Clinic, Room
from kapclinic.clinics.refusals import Refused


@page("clinic.manage")
def details(request: ActorRequest) -> HttpResponse:
    """Name, address, phones, time zone, REMS."""
    # A row of its own: the frame around the page must not show what was mistyped.
    clinic = Clinic.objects.get(pk=request.actor.clinic.pk)
    form = ClinicForm(request.POST or None, instance=clinic)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "The clinic's details are saved.")
        return redirect("administration:details")
    return render(request, "administration/details.html", {"form": form}, status=422 if form.errors else 200)


@page("rooms.manage")
def rooms(request: ActorRequest) -> HttpResponse:
    """Every room; adding one."""
    form = RoomForm(request.POST or None, initial={"is_active": True})
    del form.fields["is_active"]
    if request.method == "POST" and form.is_valid():
        try:
            room = services.create_room(
                clinic=request.actor.clinic,
                name=form.cleaned_data["name"],
                kind=form.cleaned_data["kind"],
                actor=request.actor.user,
            )
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, f"{room} is added.")
            return redirect("administration:rooms")
    return render(
        request,
        "administration/rooms.html",
        {
            "rooms": Room.objects.filter(clinic=request.actor.clinic).order_by("-is_active", "name"),
            "form": form,
        },
        status=422 if form.errors else 200,
    )


@page("rooms.manage", fetch=own_row(Room))
def room(request: ActorRequest, room: Room) -> HttpResponse:
    """Change a room."""
    name = room.name
    form = RoomForm(request.POST or None, instance=room)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_room(room=room, **form.cleaned_data)
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, f"{room} is saved.")
            return redirect("administration:rooms")
    return render(
        request, "administration/room.html", {"name": name, "form": form}, status=422 if form.errors else 200
    )
