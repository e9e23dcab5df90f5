"""Integration windows as the desk draws them: from the needs of the record to window bars."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from episodes.access import episodes_for
from episodes.models import Episode
from integration.models import IntegrationNeed, NeedPart
from kapclinic.accounts.policy import Actor, can
from kapclinic.desk.links import link
from kapclinic.desk.window_bar import Booking, WindowBar, WindowInput, build_window_bar
from kapclinic.scheduling.models import (
    LIVE_STATES,
    Appointment,
    AppointmentParticipant,
    AppointmentState,
    Part,
)

_TOLD_STATES = (AppointmentState.TOLD, AppointmentState.ARRIVED)


def bar_of(
    need: IntegrationNeed, who: str, *, secondary: IntegrationNeed | None, actor: Actor, now: datetime
) -> WindowBar:
    """The window bar of one need; `who` holds its booking."""
    return build_window_bar(
        WindowInput(
            t0=need.t0 or need.planned_t0,
            opens_at=need.opens_at,
            closes_at=need.closes_at,
            preferred_until=need.preferred_until,
            later_from=secondary.opens_at if secondary is not None else None,
            later_until=secondary.closes_at if secondary is not None else None,
            booking=_booking(need, who),
            unplaced_reason=" ".join(need.unplaced_reasons),
            provisional=need.t0 is None,
        ),
        now=now,
        zone=actor.zone,
    )


def _booking(need: IntegrationNeed, who: str) -> Booking | None:
    if need.met_by is not None:
        return Booking(need.met_by.held_from, need.met_by.held_until, who, told=True, held=True)
    appointment: Appointment | None = need.appointment
    if appointment is None:
        return None
    if appointment.state == AppointmentState.COMPLETED and appointment.held_from and appointment.held_until:
        return Booking(appointment.held_from, appointment.held_until, who, told=True, held=True)
    if appointment.state not in LIVE_STATES:
        return None
    return Booking(appointment.starts_at, appointment.ends_at, who, told=appointment.state in _TOLD_STATES)


def therapists_of(needs: Iterable[IntegrationNeed]) -> dict[object, str]:
    """Who holds the booking of each need, by appointment. One query."""
    rows = (
        AppointmentParticipant.objects.filter(
            appointment__in=[need.appointment_id for need in needs if need.appointment_id is not None],
            part=Part.THERAPIST,
            person__isnull=False,
            removed_at__isnull=True,
        )
        .select_related("person")
        .order_by("appointment_id")
    )
    return {row.appointment_id: str(row.person) for row in rows}


@dataclass(frozen=True)
class ChartWindow:
    """One dose's window on the chart."""

    number: int
    bar: WindowBar
    # The page on which it is planned; empty for those who do not plan.
    url: str


def windows_of_episode(episode: Episode, actor: Actor, *, now: datetime) -> list[ChartWindow]:
    """The window of the latest dose, and any earlier one that is still open or waits for a word. Two queries."""
    needs = list(
        IntegrationNeed.objects.standing()
        .filter(episode=episode, superseded_at__isnull=True)
        .select_related("appointment", "met_by")
        .order_by("-d0")[:_LOOKED_AT]
    )
    primary = [need for need in needs if need.part == NeedPart.PRIMARY]
    secondary = {need.dose_id: need for need in needs if need.part == NeedPart.SECONDARY}
    shown = [
        need
        for place, need in enumerate(primary)
        if place == 0 or (need.met_at is None and not need.miss_reason)
    ][:_SHOWN]
    who = therapists_of(shown)
    may_plan = can(actor, "integration.plan", episode)
    return [
        ChartWindow(
            need.dose_number,
            bar_of(
                need,
                who.get(need.appointment_id, ""),
                secondary=secondary.get(need.dose_id),
                actor=actor,
                now=now,
            ),
            link("integration:need-detail", pk=need.pk) if may_plan else "",
        )
        for need in shown
    ]


_LOOKED_AT = 12
_SHOWN = 3


def open_windows(actor: Actor) -> QuerySet[IntegrationNeed]:
    """Unmet primary needs on episodes whose integration the actor plans or reads, soonest to close first."""
    within_reach = Episode.objects.filter(
        episodes_for(actor, "integration.plan") | episodes_for(actor, "integration.read")
    )
    return (
        IntegrationNeed.objects.unmet()
        .filter(clinic=actor.clinic, part=NeedPart.PRIMARY, episode__in=within_reach)
        .select_related("episode__patient", "appointment", "met_by")
        .order_by("closes_at", "id")
    )
