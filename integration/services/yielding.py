"""Sessions that only the clinic knows of give way to the patient's dose, and come back when their cancellation is undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from episodes.models import Episode
from integration.models import IntegrationNeed
from integration.services.needs import link_booking
from integration.services.placing import Situation, situation_of
from integration.windows import impaired_span
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.scheduling.hooks import MakingWay
from kapclinic.scheduling.models import (
    INTEGRATION_KINDS,
    Appointment,
    AppointmentState,
    MeetingPlace,
    Part,
)
from kapclinic.scheduling.placing import Placement
from kapclinic.scheduling.services import move_appointment
from kapclinic.scheduling.services.telling import hold_back_telling
from kapclinic.scheduling.spans import Span
from kapclinic.scheduling.wording import span_words


def holds_in_the_way(*, episode: Episode, span: Span, now: datetime) -> MakingWay | None:
    """The episode's own sessions that are merely held while a dose would be given in `span`, and how they move.

    Those in the hours of recovery after it move too, where there is another time; nothing hinders the dose there. What the
    patient was told stays where it is, and so does a session that is for no window: during the dose they are a clash.
    """
    impaired = impaired_span(span.starts_at, span.ends_at)
    serving = IntegrationNeed.objects.plannable(now).filter(episode=episode)
    bookings = tuple(
        Appointment.objects.filter(
            episode=episode,
            kind__in=INTEGRATION_KINDS,
            state=AppointmentState.HELD,
            pk__in=serving.values("appointment"),
        )
        .between(impaired.starts_at, impaired.ends_at)
        .order_by("starts_at")
    )
    if not bookings:
        return None
    found = [_situation(_served(booking, now=now), booking, now=now) for booking in bookings]
    keys = {key for each in found for key in (*each.people, *each.room_of)}

    def move() -> None:
        for booking in bookings:
            _give_way(booking, must=booking.span.overlaps(span), now=now)

    return MakingWay(bookings=bookings, keys=tuple(sorted(keys)), move=move)


def _served(booking: Appointment, *, now: datetime) -> list[IntegrationNeed]:
    return list(
        IntegrationNeed.objects.plannable(now)
        .select_for_update(of=("self",))
        .select_related("appointment", "clinic", "dose", "episode__patient", "episode__clinic")
        .filter(appointment=booking)
        .order_by("closes_at", "pk")
    )


def _situation(needs: Sequence[IntegrationNeed], booking: Appointment, *, now: datetime) -> Situation:
    """What placing the session rests on; one that serves several doses stays inside every window."""
    found = situation_of(needs[0], now=now, leave_out=(booking.pk,))
    opens, closes = max(need.plan_from for need in needs), min(need.closes_at for need in needs)
    # Windows that have nothing in common any more leave no time at all.
    window = Span(opens, max(opens, closes))
    return replace(found, request=replace(found.request, window=window))


def _give_way(booking: Appointment, *, must: bool, now: datetime) -> None:
    """Another time for `booking`, now that the dose stands; Refused with the reasons when it `must` and there is none."""
    booking = Appointment.objects.with_participants().get(pk=booking.pk)
    needs = _served(booking, now=now)
    if not needs:
        # The dose itself was moved, and what it will owe is another thing now.
        return
    found = _situation(needs, booking, now=now)
    placement = found.place()
    choice = placement.choice
    if choice is None and not must:
        return
    if choice is None:
        raise _no_other_time(needs, booking, placement)
    moved = move_appointment(
        appointment=booking,
        starts_at=choice.starts_at,
        ends_at=choice.ends_at,
        people=[(found.people[choice.candidate_key], Part.THERAPIST)],
        room=None if choice.room_key is None else found.room_of[choice.room_key],
        place=MeetingPlace(choice.place.value),
        window=needs[0].window,
        actor=None,
        now=now,
    )
    if needs[0].is_ahead:
        hold_back_telling(moved, now=now)


def _no_other_time(needs: Sequence[IntegrationNeed], booking: Appointment, placement: Placement) -> Refused:
    when = span_words(booking.span, booking.clinic.time_zone)
    words = f"{needs[0]} is held {when}, and no other time is left for it: " + " ".join(placement.reasons)
    return Refused(Reason("hold-in-the-way", words, field="starts_at"))


def relink_booking(appointment: Appointment, *, now: datetime) -> None:
    """Its cancellation was undone: tie it to its windows again; Refused when another session serves them by now."""
    link_booking(appointment, now=now)
    mine = IntegrationNeed.objects.owing().filter(episode=appointment.episode)
    if mine.filter(appointment=appointment).exists():
        return
    around: dict[str, Any] = {"opens_at__lte": appointment.starts_at, "closes_at__gte": appointment.ends_at}
    ahead = mine.filter(is_ahead=True, **around).select_for_update(of=("self",)).select_related("appointment")
    for need in ahead.order_by("closes_at"):
        if need.live_appointment is None:
            need.appointment, need.unplaced_reasons, need.unplaced_at = appointment, [], None
            need.save(update_fields=["appointment", "unplaced_reasons", "unplaced_at"])
            hold_back_telling(appointment, now=now)
            return
    if mine.filter(**around, appointment__isnull=False).exists():
        raise Refused(Reason("served", "What it was for has another session by now."))
