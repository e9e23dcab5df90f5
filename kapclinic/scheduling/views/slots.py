"""From an empty hour in the calendar to a booking: whom it is for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from episodes.access import episodes_for
from episodes.models import Episode, Patient
from episodes.stages import Stage
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.scheduling import hooks
from kapclinic.scheduling.forms import PatientSearchForm
from kapclinic.scheduling.models import AppointmentKind
from kapclinic.scheduling.spans import Span

# What a page of names shows; whoever is not on it is searched for.
_SHOWN = 20
# How much of the time around an hour a waiting window must cover to be offered first.
_AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Slot:
    """A day and time on the clinic's clock that was chosen in the calendar, and whose it is; what is not given is None."""

    day: date | None
    starts: time | None
    person: str
    room: str

    @property
    def initial(self) -> dict[str, Any]:
        """What a booking form begins with."""
        found = {"day": self.day, "starts": self.starts, "person": self.person, "room": self.room}
        return {name: value for name, value in found.items() if value}

    def starts_at(self, actor: Actor) -> datetime | None:
        """The instant, where day and time are given."""
        if self.day is None or self.starts is None:
            return None
        return datetime.combine(self.day, self.starts, tzinfo=actor.zone)

    def address(self, episode: Episode, kind: str = "") -> str:
        """Where `episode` is booked at this time."""
        query = {
            "kind": kind,
            "day": "" if self.day is None else self.day.isoformat(),
            "starts": "" if self.starts is None else f"{self.starts:%H:%M}",
            "person": self.person,
            "room": self.room,
        }
        address = reverse("scheduling:appointment-book", args=[episode.public_id])
        return f"{address}?{urlencode({name: value for name, value in query.items() if value})}"


def slot_in(query: QueryDict) -> Slot:
    """The time that an address names; what cannot be read counts as not given."""
    return Slot(
        day=_read(date.fromisoformat, query.get("day", "")),
        starts=_read(time.fromisoformat, query.get("starts", "")),
        person=query.get("person", "")[:36],
        room=query.get("room", "")[:36],
    )


def _read(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except ValueError:
        return None


@page("appointment.book", fetch=None)
def whom(request: ActorRequest) -> HttpResponse:
    """Whom the chosen time is for: first those whose window waits then. A search is sent, never put in the address."""
    actor, slot = request.actor, slot_in(request.GET)
    form = PatientSearchForm(request.POST or None)
    mine = (
        Episode.objects.standing()
        .filter(episodes_for(actor, "appointment.book"))
        .exclude(stage=Stage.CLOSED)
        .select_related("patient")
    )
    if form.is_valid():
        patients = list(Patient.objects.visible_to(actor).matching(form.cleaned_data["q"])[:_SHOWN])
        found = list(mine.filter(patient__in=[each.pk for each in patients]))
    else:
        found = list(mine.order_by("patient__family_name", "patient__given_name", "pk")[:_SHOWN])
    starts_at = slot.starts_at(actor)
    return render(
        request,
        "scheduling/slot.html",
        {
            "form": form,
            "starts_at": starts_at,
            "waiting": _waiting(actor, slot, starts_at),
            "found": [(episode, slot.address(episode)) for episode in found],
            "is_search": form.is_bound,
            "is_more": not form.is_bound and len(found) == _SHOWN,
        },
        status=422 if form.errors else 200,
    )


def _waiting(actor: Actor, slot: Slot, starts_at: datetime | None) -> list[tuple[hooks.Backdrop, str]]:
    """Windows without a session that hold the chosen hour, each with the address that books it."""
    if starts_at is None:
        return []
    hour = Span(starts_at, starts_at + _AN_HOUR)
    behind: Iterable[hooks.Backdrop] = hooks.backdrops(
        actor=actor, span=hour, person=None, now=timezone.now()
    )
    return [
        (each, slot.address(each.episode, AppointmentKind.INTEGRATION))
        for each in behind
        if each.is_open and each.episode is not None and each.span.covers(hour)
    ]
