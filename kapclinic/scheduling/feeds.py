"""A person's appointments as iCalendar (RFC 5545), without a word about any patient (rule book 7).

Every appointment is called the same: no name, initials, kind, drug, place, phone or link. The UID, by which calendar
programs know an appointment again, is derived from its own random key and the person's, and tells nothing about either.
Times are in UTC: instants that no change of clocks can shift, and that the reader's calendar shows in its own zone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.utils.crypto import salted_hmac
from icalendar import Calendar, Event

from kapclinic.scheduling.models import AppointmentParticipant, AppointmentState, CalendarFeed

# POLICY: what has been stays for looking up, and what is planned half a year ahead is shown.
BACK = timedelta(days=30)
AHEAD = timedelta(days=180)
# How often a calendar program should ask.
REFRESH = timedelta(minutes=30)
_SALT = "kapclinic.scheduling.feeds"


def calendar_of(feed: CalendarFeed, *, now: datetime) -> bytes:
    """The iCalendar text of the feed's person at its clinic, from 30 days back to 180 days ahead of `now`; one query."""
    calendar = Calendar()
    # Neutral too: calendar programs show it.
    calendar.add("prodid", "-//Clinic calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT30M")
    for participation in _participations(feed, now=now):
        calendar.add_component(_event(feed, participation, now=now))
    return calendar.to_ical()


def _participations(feed: CalendarFeed, *, now: datetime) -> list[AppointmentParticipant]:
    """The person's part in each appointment, once: the standing one, else the last that ended."""
    rows = (
        AppointmentParticipant.objects.filter(
            clinic=feed.clinic_id, person=feed.person_id, starts_at__lt=now + AHEAD, ends_at__gt=now - BACK
        )
        .select_related("appointment")
        # What was not removed comes last.
        .order_by("removed_at")
    )
    last = {row.appointment_id: row for row in rows}
    return sorted(last.values(), key=lambda row: row.starts_at)


def _event(feed: CalendarFeed, participation: AppointmentParticipant, *, now: datetime) -> Event:
    appointment = participation.appointment
    is_off = participation.removed_at is not None or appointment.state == AppointmentState.CANCELLED
    event = Event()
    event.add("uid", _uid(feed, appointment.pk))
    event.add("dtstamp", now)
    event.add("sequence", appointment.sequence)
    event.add("summary", feed.title)
    event.add("dtstart", participation.starts_at)
    event.add("dtend", participation.ends_at)
    event.add("status", "CANCELLED" if is_off else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if is_off else "OPAQUE")
    event.add("class", "PRIVATE")
    return event


def _uid(feed: CalendarFeed, appointment: UUID) -> str:
    """The same for this person and appointment whatever becomes of either, and no key of the record."""
    digest = salted_hmac(_SALT, f"{feed.person_id}:{appointment}", algorithm="sha256").digest()
    return str(UUID(bytes=digest[:16], version=5))
