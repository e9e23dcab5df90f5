"""A plan becomes bookings: all of it or nothing, and never over what changed since it was made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from episodes.services.locking import lock_episode
from integration.kinds import KIND_OF_PART
from integration.models import IntegrationNeed, NeedPart
from integration.services import tasks
from integration.services.planning.gathering import Gathered, is_free_to_plan
from integration.windows import Fit, fit_of
from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.scheduling import planner
from kapclinic.scheduling.models import Appointment, MeetingPlace, Part
from kapclinic.scheduling.services import (
    book_appointment,
    cancel_appointment,
    lock_resources,
    move_appointment,
    moving_together,
    rewindow_appointment,
)
from kapclinic.scheduling.services.telling import follow_with_telling, hold_back_telling
from kapclinic.scheduling.wording import moment_words


@dataclass(frozen=True)
class Applied:
    """How many needs got a time, another one, kept theirs, and have none."""

    booked: int = 0
    moved: int = 0
    kept: int = 0
    unplaced: int = 0


def apply_plan(
    clinic: Clinic,
    found: Gathered,
    plan: planner.Plan,
    *,
    reasons: Mapping[str, tuple[str, ...]],
    actor: User | None,
    now: datetime,
) -> Applied:
    """Book, move and give up as `plan` says, in one transaction. `reasons`: why each unplaced need has no time.

    Raises Refused (`clash`) when a need, a booking or somebody's time changed since the plan was made; nothing is changed then.
    """
    with moving_together():
        one_planner_at_a_time(clinic)
        needs = _as_planned(found, now=now)
        lock_resources([*found.people, *found.rooms, *(need.episode.patient_id for need in needs.values())])
        changing = [
            booking.pk
            for key, booking in found.bookings.items()
            if not stays(booking, plan.placement_of.get(key))
        ]
        counts = dict.fromkeys(("booked", "moved", "kept", "unplaced"), 0)
        # What falls out makes room first.
        for key in plan.unplaced:
            _leave_unplaced(needs[key], found.bookings.get(key), reasons.get(key, ()), actor=actor, now=now)
            counts["unplaced"] += 1
        for placement in plan.placements:
            need, booking = needs[placement.session], found.bookings.get(placement.session)
            counts[_place(need, booking, placement, found, changing, actor=actor, now=now)] += 1
        return Applied(**counts)


def one_planner_at_a_time(clinic: Clinic) -> None:
    """Plans of a clinic are booked one after another; until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"planner:{clinic.pk}"])


def lock_needs(keys: Iterable[str]) -> dict[str, IntegrationNeed]:
    """The needs of `keys`, freshly read and locked after their episodes, both in sorted order; by key."""
    wanted = list(keys)
    episodes = {
        need.episode_id: need.episode
        for need in IntegrationNeed.objects.filter(pk__in=wanted).select_related("episode")
    }
    fresh_episodes = {key: lock_episode(episodes[key]) for key in sorted(episodes)}
    rows = (
        IntegrationNeed.objects.select_for_update(of=("self",))
        .select_related("appointment", "clinic", "dose")
        .filter(pk__in=wanted)
        .order_by("pk")
    )
    fresh = {str(row.pk): row for row in rows}
    for need in fresh.values():
        need.episode = fresh_episodes[need.episode_id]
    return fresh


def _as_planned(found: Gathered, *, now: datetime) -> dict[str, IntegrationNeed]:
    """Every need of the problem, locked; raises Refused (`clash`) when one is not as it was when the plan was made."""
    fresh = lock_needs(found.needs)
    for key, seen in found.needs.items():
        need = fresh[key]
        before, after = found.bookings.get(key), need.live_appointment
        same = (before is None) == (after is None) and (
            before is None or after is None or (before.pk, before.sequence) == (after.pk, after.sequence)
        )
        if not same or _shape(seen) != _shape(need) or not is_free_to_plan(need, now=now):
            raise Refused(Reason("clash", "Something has changed since the plan was made."))
    return fresh


def _shape(need: IntegrationNeed) -> tuple[object, ...]:
    return (need.plan_from, need.opens_at, need.closes_at, need.duration_minutes, need.is_ahead)


def stays(booking: Appointment, placement: planner.Placement | None) -> bool:
    """Whether the plan leaves the booking's time, place and clinician as they are, and its room where it has one."""
    return (
        placement is not None
        and (booking.starts_at, booking.ends_at) == (placement.starts_at, placement.ends_at)
        and booking.place == placement.place.value
        and booking.lead is not None
        and str(booking.lead.pk) == placement.clinician
        and (booking.room is None or str(booking.room.pk) == placement.room)
    )


def _place(
    need: IntegrationNeed,
    booking: Appointment | None,
    placement: planner.Placement,
    found: Gathered,
    changing: Iterable[object],
    *,
    actor: User | None,
    now: datetime,
) -> str:
    """Do one placement; gives back what it came to."""
    if booking is not None and stays(booking, placement):
        rewindow_appointment(appointment=booking, window=need.window, now=now)
        tasks.close(need, tasks.UNPLACED, tasks.FLAGGED, outcome="It fits", now=now)
        if not need.is_ahead:
            follow_with_telling(booking, was_told=False, now=now)
        return "kept"
    times: dict[str, Any] = {
        "starts_at": placement.starts_at,
        "ends_at": placement.ends_at,
        "people": [(found.people[placement.clinician], Part.THERAPIST)],
        "room": None if placement.room is None else found.rooms[placement.room],
        "place": MeetingPlace(placement.place.value),
        "window": need.window,
        "beside": [key for key in changing if booking is None or key != booking.pk],
        "actor": actor,
        "now": now,
    }
    if booking is not None:
        moved = move_appointment(appointment=booking, **times)
        if need.is_ahead:
            hold_back_telling(moved, now=now)
        return "moved"
    # A session that was just booked for another dose may serve this one too.
    need.refresh_from_db(fields=["appointment"])
    if need.live_appointment is not None:
        return "kept"
    book_for(need, **times)
    return "booked"


def book_for(need: IntegrationNeed, *, actor: User | None, now: datetime, **times: Any) -> Appointment:
    """Book the session of a need; of one that is held for a planned dose nobody tells the patient before the dose.

    Such a hold is the program's, whoever asked for it: it follows the dose.
    """
    made = book_appointment(
        clinic=need.clinic,
        kind=KIND_OF_PART[NeedPart(need.part)],
        episode=need.episode,
        actor=None if need.is_ahead else actor,
        now=now,
        **times,
    )
    if need.is_ahead:
        need.appointment, need.unplaced_reasons, need.unplaced_at = made, [], None
        need.save(update_fields=["appointment", "unplaced_reasons", "unplaced_at"])
        tasks.close(need, tasks.UNPLACED, outcome="Held", now=now)
        hold_back_telling(made, now=now)
    return made


def _leave_unplaced(
    need: IntegrationNeed,
    booking: Appointment | None,
    reasons: tuple[str, ...],
    *,
    actor: User | None,
    now: datetime,
) -> None:
    """No time for this one: a hold inside its window makes room for others; one outside stays, flagged, for a person."""
    if booking is not None:
        fit = fit_of(booking.starts_at, booking.ends_at, need.window, tolerance_minutes=0)
        if fit is not Fit.INSIDE and not need.is_ahead:
            window = " to ".join(
                moment_words(at, need.clinic.time_zone) for at in (need.opens_at, need.closes_at)
            )
            why = f"The end of the dose moved: the window is now {window}."
            rewindow_appointment(appointment=booking, window=need.window, flag=why, now=now)
            tasks.ask_about_booking(need, why, now=now)
            return
        need.appointment = None
        need.save(update_fields=["appointment"])
        cancel_appointment(appointment=booking, reason="Other sessions need this time.", actor=actor, now=now)
    need.unplaced_reasons, need.unplaced_at = list(reasons), now
    need.save(update_fields=["unplaced_reasons", "unplaced_at"])
    if not need.is_ahead:
        tasks.ask_for_a_time(need, now=now)
