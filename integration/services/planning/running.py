"""Placing by the program: everything that has no fixed time together, so that as many windows as possible are kept."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from episodes.services.locking import lock_episode
from integration.clinical_settings import TOLERANCE
from integration.models import IntegrationNeed, NeedPart
from integration.recovery import next_dose_at
from integration.services import tasks
from integration.services.needs import link_booking
from integration.services.placing import booking_that_fits
from integration.services.planning.applying import Applied, apply_plan
from integration.services.planning.explaining import why_unplaced
from integration.services.planning.gathering import gather, may_move, waiting_needs
from integration.services.planning.losing import ask_for_repair
from integration.windows import Fit, NeedState, fit_of
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Refused
from kapclinic.clinics.services import setting
from kapclinic.scheduling.clinical_settings import PLANNER_SECONDS
from kapclinic.scheduling.models import Appointment, AppointmentKind
from kapclinic.scheduling.planner import make_plan
from kapclinic.scheduling.services import rewindow_appointment
from kapclinic.scheduling.services.telling import follow_with_telling
from kapclinic.scheduling.wording import length_words, moment_words

# Someone else may take a time between looking and booking; then it is looked for again.
_TRIES = 3


def plan_need(*, need: IntegrationNeed, now: datetime) -> None:
    """The program's part for one need: leave what fits, flag what a person decides, and plan the rest together.

    Idempotent. Raises Refused when every plan was overtaken by other bookings meanwhile (the job tries again).
    """
    if _settle(need, now=now):
        plan_waiting(clinic=need.clinic, now=now)


def _settle(need: IntegrationNeed, *, now: datetime) -> bool:
    """What can be said of the need alone; True when it still wants a plan."""
    with transaction.atomic():
        episode = lock_episode(need.episode)
        need = (
            IntegrationNeed.objects.select_for_update(of=("self",))
            .select_related("appointment", "clinic", "dose")
            .get(pk=need.pk)
        )
        need.episode = episode
        if need.withdrawn_at is not None:
            return False
        if need.is_ahead:
            return need.is_planned_here and not _settle_ahead(need, now=now)
        if need.state_at(now) not in (NeedState.OPEN, NeedState.PLACED):
            return False
        booking = need.live_appointment
        if booking is not None:
            is_settled = _settle_booking(need, booking, now=now)
            _look_around(need, is_outside=is_settled and not need.window.covers(booking.span), now=now)
            return not is_settled
        _look_around(need, is_outside=False, now=now)
        shared = booking_that_fits(need)
        if shared is not None:
            link_booking(shared, now=now)
            return False
        return need.is_planned_here and not _is_overtaken(need, now=now)


def _look_around(need: IntegrationNeed, *, is_outside: bool, now: datetime) -> None:
    """Ask for a repair where a booking stays outside its window, or a dose was given before what was to prepare for it."""
    to_come = Appointment.objects.filter(
        episode=need.episode, kind=AppointmentKind.PREPARATION, starts_at__gt=now
    )
    is_early = need.part == NeedPart.PRIMARY and need.d0 < need.dose.planned_at and to_come.live().exists()
    if is_outside or is_early:
        ask_for_repair(need, was=need.dose.planned_at if is_early else None, now=now)


def _settle_ahead(need: IntegrationNeed, *, now: datetime) -> bool:
    """A planned dose moved under a session that the program may not move: keep it or flag it. False: the plan may move it."""
    booking = need.live_appointment
    if booking is None or may_move(need, booking):
        return False
    if need.window.covers(booking.span):
        rewindow_appointment(appointment=booking, window=need.window, now=now)
        tasks.close(need, tasks.FLAGGED, outcome="It fits", now=now)
    else:
        flag_booking(need, booking, "The dose moved, and the window with it.", now=now)
    return True


def _is_overtaken(need: IntegrationNeed, *, now: datetime) -> bool:
    """A secondary session gives way to the next dose; it says so, and asks nobody."""
    dose_at = next_dose_at(need.episode, after=need.d0)
    if dose_at is None or not need.is_overtaken_by(dose_at):
        return False
    words = f"A dose is planned {moment_words(dose_at, need.clinic.time_zone)}: it takes its place."
    need.unplaced_reasons, need.unplaced_at = [words], now
    need.save(update_fields=["unplaced_reasons", "unplaced_at"])
    return True


def _settle_booking(need: IntegrationNeed, booking: Appointment, *, now: datetime) -> bool:
    """T0 came or moved under a booking: keep it or flag it. False: the plan may move it."""
    tolerance = setting(need.clinic, TOLERANCE)
    fit = fit_of(booking.starts_at, booking.ends_at, need.window, tolerance_minutes=tolerance)
    if fit is Fit.INSIDE:
        rewindow_appointment(appointment=booking, window=need.window, now=now)
        tasks.close(need, tasks.FLAGGED, outcome="It fits", now=now)
        follow_with_telling(booking, was_told=False, now=now)
        return True
    if fit is Fit.EARLY_TOLERATED:
        early = length_words(-(-int((need.opens_at - booking.starts_at).total_seconds()) // 60))
        flag_booking(
            need,
            booking,
            f"The dose ended late: it starts {early} before its window and will not count.",
            now=now,
        )
        return True
    if need.is_planned_here and may_move(need, booking):
        return False
    window = " to ".join(moment_words(at, need.clinic.time_zone) for at in (need.opens_at, need.closes_at))
    flag_booking(need, booking, f"The end of the dose moved: the window is now {window}.", now=now)
    return True


def flag_booking(need: IntegrationNeed, booking: Appointment, why: str, *, now: datetime) -> None:
    """Leave a booking where it is, and have a coordinator look at it."""
    rewindow_appointment(appointment=booking, window=need.window, flag=why, now=now)
    tasks.ask_about_booking(need, why, now=now)


def plan_waiting(*, clinic: Clinic, now: datetime) -> Applied:
    """Plan every need of the clinic that has no fixed time, exactly, and book the plan.

    What only the clinic knows may move for it; what a patient was told, a person booked or a corrected T0 flagged stays. Raises
    Refused when plans were overtaken by other bookings several times.
    """
    for attempt in range(1, _TRIES + 1):
        found = gather(clinic, waiting_needs(clinic, now=now), now=now)
        plan = make_plan(found.problem, time_limit_seconds=setting(clinic, PLANNER_SECONDS))
        try:
            reasons = why_unplaced(found, plan, now=now)
            return apply_plan(clinic, found, plan, reasons=reasons, actor=None, now=now)
        except Refused as refused:
            if attempt == _TRIES or not _is_only_clash(refused):
                raise
    raise AssertionError("the last try returns or raises")


def _is_only_clash(refused: Refused) -> bool:
    return all(reason.code.startswith("clash") for reason in refused.reasons)
