"""The week of one clinician or room, and a day of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from episodes.access import episodes_for
from episodes.models import Episode
from kapclinic.accounts import policy
from kapclinic.accounts.models import User
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.audit.access import note_rows
from kapclinic.clinics.models import Room
from kapclinic.clinics.plausible import is_plausible
from kapclinic.scheduling import hooks
from kapclinic.scheduling.forms import staff_of
from kapclinic.scheduling.grid import Block, Column, Hours, block_of, day_span, hours_shown, in_lanes
from kapclinic.scheduling.hours import availability
from kapclinic.scheduling.models import Appointment, AppointmentState
from kapclinic.scheduling.rosters import room_rosters, rosters_of
from kapclinic.scheduling.spans import Span, subtract


@dataclass(frozen=True)
class Shown:
    """An appointment on the calendar; `is_open` when the reader may know whose it is."""

    appointment: Appointment
    is_open: bool

    @property
    def title(self) -> str:
        """Whose it is, or that the time is taken."""
        if not self.is_open:
            return "Booked"
        if self.appointment.episode is None:
            return self.appointment.title or self.appointment.get_kind_display()
        return str(self.appointment.episode.patient)

    @property
    def classes(self) -> str:
        """How it looks: its state, and whether it is flagged."""
        flagged = " is-flagged" if self.appointment.flagged_at is not None else ""
        return f"is-{self.appointment.state}{flagged}"


def visible_episodes(actor: Actor) -> Q:
    """Appointments whose patient the actor may know, as a filter over Appointment."""
    allowed = Episode.objects.filter(episodes_for(actor, "appointment.view")).values("pk")
    own = Q(participants__person=actor.user, participants__removed_at__isnull=True)
    return Q(episode__in=allowed) | own | Q(episode__isnull=True)


def _appointments(actor: Actor, span: Span) -> list[Appointment]:
    return list(
        Appointment.objects.filter(clinic=actor.clinic)
        .between(span.starts_at, span.ends_at)
        .exclude(state=AppointmentState.CANCELLED)
        .with_participants()
        .order_by("starts_at")
    )


def _shown(actor: Actor, rows: list[Appointment]) -> list[Shown]:
    visible = set(
        Appointment.objects.filter(visible_episodes(actor), pk__in=[row.pk for row in rows]).values_list(
            "pk", flat=True
        )
    )
    return [Shown(row, row.pk in visible) for row in rows]


def _blocks(spans: Iterable[tuple[Span, Any]], *, day: date, actor: Actor, hours: Hours) -> tuple[Block, ...]:
    found = [block_of(span, item, day=day, zone=actor.zone, hours=hours) for span, item in spans]
    return tuple(block for block in found if block is not None)


def _takes_part(shown: Shown, subject: Any) -> bool:
    people = [person.pk for person in shown.appointment.people]
    room = shown.appointment.room
    return subject.pk in people or (room is not None and room.pk == subject.pk)


def _parse_day(text: str, today: date) -> date:
    """The day asked for; today for what is no day, or none that anybody means."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if is_plausible(day) else today


def _choose(text: str, subjects: list[Any], fallback: Any) -> Any | None:
    return next((each for each in subjects if str(each.pk) == text), fallback)


def _day_words(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


@page("calendar.view", methods=("GET", "HEAD"))
def calendar(request: ActorRequest) -> HttpResponse:
    """Week of one person or room (`who`), or a day of everyone (`view=day`); windows that wait stand behind."""
    actor, now, today = request.actor, timezone.now(), timezone.localdate()
    people, rooms = (
        list(staff_of(actor.clinic)),
        list(Room.objects.filter(clinic=actor.clinic, is_active=True)),
    )
    day = _parse_day(request.GET.get("day", ""), today)
    is_day = request.GET.get("view") == "day"
    by_room = request.GET.get("by") == "room"
    own = next((person for person in people if person.pk == actor.user.pk), None)
    subject: User | Room | None = (
        None
        if is_day
        else _choose(request.GET.get("who", ""), [*people, *rooms], own or (people or [None])[0])
    )
    monday = day - timedelta(days=day.weekday())
    days = [day] if is_day else [monday + timedelta(days=offset) for offset in range(7)]
    span = Span(day_span(days[0], actor.zone).starts_at, day_span(days[-1], actor.zone).ends_at)
    shown = _shown(actor, _appointments(actor, span))
    note_rows(request, len(shown))
    person = subject if isinstance(subject, User) else None
    behind = hooks.backdrops(actor=actor, span=span, person=person, now=now) if not by_room else []
    subjects: Sequence[User | Room] = [] if subject is None else [subject]
    if is_day:
        subjects = rooms if by_room else people
    mine = [each for each in shown if any(_takes_part(each, who) for who in subjects)]
    hours = hours_shown((each.appointment.span for each in mine), actor.zone)
    rosters = rosters_of(actor.clinic, [who for who in subjects if isinstance(who, User)], span)
    rosters |= room_rosters([who for who in subjects if isinstance(who, Room)], span)
    columns = []
    for who in subjects:
        for each_day in days:
            whole = day_span(each_day, actor.zone)
            worked = availability(rosters[who.pk], whole).worked if who.pk in rosters else (whole,)
            closed = [(part, None) for part in subtract((whole,), worked)]
            items = [(each.appointment.span, each) for each in mine if _takes_part(each, who)]
            # The week's own were asked for by person.
            windows = [(each.span, each) for each in behind if not is_day or who.pk in each.team]
            columns.append(
                Column(
                    title=str(who) if is_day else _day_words(each_day),
                    day=each_day,
                    is_today=each_day == today,
                    key=str(who.pk),
                    is_room=isinstance(who, Room),
                    words=f"{_day_words(each_day)}, {who}",
                    closed=_blocks(closed, day=each_day, actor=actor, hours=hours),
                    windows=_blocks(windows, day=each_day, actor=actor, hours=hours),
                    items=in_lanes(_blocks(items, day=each_day, actor=actor, hours=hours)),
                    note="" if worked else "not working" if isinstance(who, User) else "closed",
                )
            )
    if is_day:
        # Who works or has something comes first: nobody looks for them at the far end of a wide page.
        columns.sort(key=lambda column: bool(column.note) and not column.items)
    step = timedelta(days=1 if is_day else 7)
    return render(
        request,
        "scheduling/calendar.html",
        {
            "columns": columns,
            "hours": hours,
            "people": people,
            "rooms": rooms,
            "subject": subject,
            "is_day": is_day,
            "by_room": by_room,
            "day": day,
            "first": days[0],
            "last": days[-1],
            "before": day - step,
            "after": day + step,
            "today": today,
            "now": now,
            "windows": [each for each in behind if each.is_open],
            "may_book": policy.can(actor, "appointment.book"),
        },
    )
