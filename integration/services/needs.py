"""Needs follow the dose: made at its start, fixed at its end, met by a held session, superseded by the next dose."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from episodes.models import Episode
from episodes.protocols import ProtocolSpec
from episodes.services import record_event
from episodes.services.locking import lock_episode
from episodes.stages import Stage
from integration import windows
from integration.models import IntegrationNeed, IntegrationSession, MissReason, NeedPart
from integration.profiles import profile_of
from integration.recovery import next_dose_at
from integration.services import tasks
from integration.services.watching import ask_to_watch
from integration.windows import NeedState, WindowProfile
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.jobs.services import enqueue
from kapclinic.scheduling.models import INTEGRATION_KINDS, Appointment, AppointmentState
from kapclinic.scheduling.services import cancel_appointment, flag_appointment
from sessions.followups import AnchorsChange
from sessions.models import DosingSession

PLAN_JOB = "plan_integration"
REPLAN_JOB = "replan_integration"
CLOSE_JOB = "close_integration_window"


def follow_anchors(change: AnchorsChange) -> None:
    """Bring the needs of a dose into line with its D0 and T0; runs in the transaction that changed them."""
    episode = lock_episode(change.session.episode)
    if change.d0 is None:
        withdraw(change.session, NeedPart.values, now=change.now)
    else:
        _anchor(episode, change)
    refresh_supersession(episode, now=change.now)


def _anchor(episode: Episode, change: AnchorsChange) -> None:
    spec, profile = episode.protocol, profile_of(episode.protocol)
    number = dose_number(change.session, change.d0)
    owes = spec.owes_integration(
        _number_in_course(episode, change.session, change.d0),
        in_maintenance=episode.stage == Stage.MAINTENANCE,
    )
    parts = [NeedPart.PRIMARY]
    if profile.owes_secondary and change.t0 is not None:
        parts.append(NeedPart.SECONDARY)
    for part in parts:
        need = (
            IntegrationNeed.objects.select_for_update(of=("self",))
            .select_related("appointment", "clinic")
            .filter(dose=change.session, part=part)
            .first()
        )
        if need is None and not owes:
            continue
        if need is None:
            need = IntegrationNeed(
                clinic=episode.clinic, dose=change.session, part=part, created_at=change.now
            )
        need.episode = episode
        _set_window(need, change, profile, spec, number)
        need.save()
        reassess(need, now=change.now)
        ask_for_planning(need, now=change.now)
    # A dose whose end is open again owes nothing definite: what was secondary waits for the new end.
    if change.t0 is None:
        definite = IntegrationNeed.objects.standing().filter(dose=change.session, part=NeedPart.SECONDARY)
        if definite.exists():
            withdraw(change.session, [NeedPart.SECONDARY], now=change.now)


def _set_window(
    need: IntegrationNeed, change: AnchorsChange, profile: WindowProfile, spec: ProtocolSpec, number: int
) -> None:
    assert change.d0 is not None
    had_end = need.t0 is not None
    need.is_ahead = False
    need.d0, need.t0 = change.d0, change.t0
    need.planned_t0 = change.t0 or max(change.planned_t0 or change.d0, change.d0)
    need.dose_number = number
    set_window(need, profile, spec)
    if had_end and change.corrected:
        need.t0_corrected_at = change.now
    # What the old window said does not hold for the new one.
    need.unplaced_reasons, need.unplaced_at = [], None
    need.miss_reason, need.miss_note, need.miss_recorded_at, need.miss_recorded_by = "", "", None, None


def set_window(need: IntegrationNeed, profile: WindowProfile, spec: ProtocolSpec) -> None:
    """Window, preferred part and length of a need, from its anchor and its protocol."""
    anchor = need.anchor
    if need.part == NeedPart.PRIMARY:
        window, preferred = windows.primary_window(anchor, profile), windows.preferred_part(anchor, profile)
        plan_from = windows.planning_window(anchor, profile).starts_at
    else:
        window = preferred = windows.secondary_window(anchor, profile)
        plan_from = window.starts_at
    need.opens_at, need.closes_at = window.starts_at, window.ends_at
    need.preferred_from, need.preferred_until = preferred.starts_at, preferred.ends_at
    need.plan_from = plan_from
    need.duration_minutes = spec.integration_minutes
    need.is_planned_here = spec.plans_integration
    need.withdrawn_at = None


def dose_number(session: DosingSession, d0: datetime | None) -> int:
    """Which dose of the episode it is, counted from 1 by the start of the first administration."""
    earlier = DosingSession.objects.standing().filter(episode=session.episode_id).exclude(pk=session.pk)
    return 1 + earlier.with_anchors().filter(d0_at__isnull=False, d0_at__lt=d0).count()


def _number_in_course(episode: Episode, session: DosingSession, d0: datetime | None) -> int:
    """The number in the running course: maintenance counts from its own first dose."""
    earlier = DosingSession.objects.standing().filter(episode=episode).exclude(pk=session.pk).with_anchors()
    earlier = earlier.filter(d0_at__isnull=False, d0_at__lt=d0)
    if episode.stage == Stage.MAINTENANCE:
        earlier = earlier.filter(d0_at__gte=episode.stage_since)
    return 1 + earlier.count()


def ask_for_planning(need: IntegrationNeed, *, now: datetime) -> None:
    """Write the jobs that place the session, watch the window, and look at it when it has closed."""
    if need.t0 is None or need.met_at is not None or need.withdrawn_at is not None:
        return
    enqueue(
        kind=PLAN_JOB,
        key=f"{PLAN_JOB}:{need.pk}",
        payload={"need": str(need.pk)},
        clinic=need.clinic,
        deadline_at=need.closes_at,
        now=now,
    )
    enqueue(
        kind=CLOSE_JOB,
        key=f"{CLOSE_JOB}:{need.pk}:{need.closes_at.timestamp():.0f}",
        payload={"need": str(need.pk)},
        clinic=need.clinic,
        due_at=need.closes_at + timedelta(seconds=1),
        now=now,
    )
    ask_to_watch(need, now=now)


def withdraw(
    session: DosingSession,
    parts: Iterable[str],
    *,
    why: str = "The dose was entered in error.",
    now: datetime,
) -> None:
    """There is no dose, or no end of it, after all: nothing is owed, and what was booked for it is given back."""
    needs = (
        IntegrationNeed.objects.filter(withdrawn_at__isnull=True)
        .select_for_update(of=("self",))
        .select_related("appointment", "clinic", "episode")
        .filter(dose=session, part__in=list(parts))
    )
    for need in needs:
        need.withdrawn_at = now
        need.met_at, need.met_by = None, None
        need.save()
        tasks.close(need, *tasks.OF_A_NEED, outcome="No dose after all", now=now)
        release_booking(need, why, now=now)


def release_booking(need: IntegrationNeed, why: str, *, now: datetime) -> None:
    """Take the booking off a need. What only the clinic knew of is cancelled; what the patient knows is flagged."""
    booking = need.live_appointment
    need.appointment = None
    need.save(update_fields=["appointment"])
    if booking is None:
        return
    others = IntegrationNeed.objects.owing().filter(appointment=booking).exclude(pk=need.pk)
    if others.exists():
        return
    if booking.state == AppointmentState.HELD and booking.created_by_id is None:
        cancel_appointment(appointment=booking, reason=why, actor=None, now=now)
    else:
        flag_appointment(appointment=booking, reason=why, now=now)
        tasks.ask_about_booking(need, why, now=now)


def refresh_supersession(episode: Episode, *, now: datetime) -> None:
    """A secondary obligation is superseded while a later dose starts before its window; undone when that dose falls away."""
    doses = {
        pk: d0
        for pk, d0 in DosingSession.objects.standing()
        .filter(episode=episode)
        .with_anchors()
        .values_list("pk", "d0_at")
        if d0 is not None
    }
    profile = profile_of(episode.protocol)
    needs = (
        IntegrationNeed.objects.standing()
        .select_for_update(of=("self",))
        .select_related("appointment", "clinic")
        .filter(episode=episode, part=NeedPart.SECONDARY, t0__isnull=False, met_at__isnull=True)
    )
    for need in needs:
        next_dose = min(
            (
                (d0, pk)
                for pk, d0 in doses.items()
                if pk != need.dose_id
                and need.t0 is not None
                and windows.supersedes_secondary(need.t0, d0, profile)
            ),
            default=None,
        )
        if next_dose is not None and need.superseded_at is None:
            need.superseded_at, need.superseded_by_id = now, next_dose[1]
            need.save(update_fields=["superseded_at", "superseded_by"])
            tasks.close(need, *tasks.OF_A_NEED, outcome="The next dose supersedes it", now=now)
            release_booking(need, "The next dose takes its place.", now=now)
        elif next_dose is None and need.superseded_at is not None:
            need.superseded_at, need.superseded_by = None, None
            need.save(update_fields=["superseded_at", "superseded_by"])
            ask_for_planning(need, now=now)


def reassess(need: IntegrationNeed, *, now: datetime) -> None:
    """Judge a need again by every held session of its episode, by recorded start and end."""
    held = IntegrationSession.objects.standing().filter(episode=need.episode).order_by("held_from")
    fitting = next(
        (
            session
            for session in held
            if need.t0 is not None and windows.satisfies(session.held_from, session.held_until, need.window)
        ),
        None,
    )
    if fitting is None:
        if need.met_at is not None:
            need.met_at, need.met_by = None, None
            need.save(update_fields=["met_at", "met_by"])
        return
    if need.met_by_id == fitting.pk and need.met_at == fitting.held_until:
        return
    need.met_at, need.met_by = fitting.held_until, fitting
    need.unplaced_reasons, need.unplaced_at = [], None
    need.miss_reason, need.miss_note, need.miss_recorded_at, need.miss_recorded_by = "", "", None, None
    need.save()
    tasks.close(need, *tasks.OF_A_NEED, actor=fitting.therapist, outcome="Held", now=now)
    record_event(
        episode=need.episode,
        kind="integration.window-met",
        summary=f"{need}: held inside the window",
        actor=fitting.therapist,
        at=fitting.held_until,
        now=now,
        subject=need,
    )


def reassess_episode(episode: Episode, *, now: datetime) -> None:
    """Judge every need of an episode again; those that lost their session want one again."""
    needs = (
        IntegrationNeed.objects.standing()
        .select_for_update(of=("self",))
        .select_related("appointment", "clinic", "episode")
        .filter(episode=episode, superseded_at__isnull=True)
    )
    for need in needs:
        was_met = need.met_at is not None
        reassess(need, now=now)
        if was_met and need.met_at is None:
            reopen(need, "The session that met it was entered in error.", now=now)


def link_booking(appointment: Appointment, *, now: datetime) -> None:
    """Tie a booking to every need whose window holds all of it; one session may serve several doses.

    A booking that fits no window serves the need that closes soonest: it was made on purpose, with a written reason.
    """
    if appointment.episode is None or appointment.kind not in INTEGRATION_KINDS:
        return
    needs = list(
        IntegrationNeed.objects.unmet()
        .select_for_update(of=("self",))
        .select_related("appointment", "clinic", "episode")
        .filter(episode=appointment.episode, t0__isnull=False, closes_at__gte=now)
        .order_by("closes_at")
    )
    dose_at = next_dose_at(appointment.episode, after=now)
    fitting = [
        need for need in needs if need.window.covers(appointment.span) and not need.is_overtaken_by(dose_at)
    ]
    if not fitting:
        mine = [need for need in needs if need.appointment_id == appointment.pk]
        by_hand = needs if appointment.created_by_id is not None else []
        fitting = mine or [need for need in by_hand if need.live_appointment is None][:1]
    for need in needs:
        if need in fitting:
            other = need.live_appointment
            if other is not None and other.pk != appointment.pk:
                continue
            need.appointment = appointment
            need.unplaced_reasons, need.unplaced_at = [], None
            need.save(update_fields=["appointment", "unplaced_reasons", "unplaced_at"])
            tasks.close(need, *tasks.UNTIL_BOOKED, outcome="Booked", now=now)
            ask_to_watch(need, now=now)
        elif need.appointment_id == appointment.pk:
            need.appointment = None
            need.save(update_fields=["appointment"])
            reopen(need, "The booking moved out of its window.", now=now)


def unlink_booking(appointment: Appointment, why: str, *, now: datetime) -> None:
    """The booking does not serve its needs any more: those that are not met are open again."""
    needs = (
        IntegrationNeed.objects.owing()
        .select_for_update(of=("self",))
        .select_related("clinic", "episode")
        .filter(appointment=appointment)
    )
    for need in needs:
        need.appointment = None
        need.save(update_fields=["appointment"])
        reopen(need, why, now=now)


def reopen(need: IntegrationNeed, why: str, *, now: datetime) -> None:
    """A need wants a time again: visible at once, owned by a coordinator."""
    state = need.state_at(now)
    if state is NeedState.MISSED:
        tasks.ask_for_reason(need, now=now)
    if state is not NeedState.OPEN:
        return
    ask_to_watch(need, now=now)
    if not need.is_planned_here:
        return
    need.unplaced_reasons, need.unplaced_at = [why], now
    need.save(update_fields=["unplaced_reasons", "unplaced_at"])
    tasks.ask_for_a_time(need, now=now)


def note_closed_window(*, need: IntegrationNeed, now: datetime) -> None:
    """The window has closed: where no session lay inside, somebody says why."""
    with transaction.atomic():
        lock_episode(need.episode)
        need = IntegrationNeed.objects.select_for_update(of=("self",)).select_related("appointment", "clinic", "episode").get(
            pk=need.pk
        )  # fmt: skip
        if need.state_at(now) is not NeedState.MISSED:
            return
        tasks.close(need, *tasks.UNTIL_BOOKED, outcome="The window has closed", now=now)
        if not need.miss_reason:
            tasks.ask_for_reason(need, now=now)


def record_miss(
    *, need: IntegrationNeed, reason: str, note: str, actor: User, now: datetime | None = None
) -> IntegrationNeed:
    """Record why a window was missed. Refused while it is open, met or superseded; a later answer replaces the earlier."""
    now = now or timezone.now()
    if reason not in MissReason.values:
        raise Refused(Reason("no-reason", "Choose why the window was missed.", field="reason"))
    with transaction.atomic():
        episode = lock_episode(need.episode)
        need = (
            IntegrationNeed.objects.select_for_update(of=("self",))
            .select_related("appointment", "clinic")
            .get(pk=need.pk)
        )
        if need.state_at(now) is not NeedState.MISSED:
            raise Refused(Reason("not-missed", "This window was not missed."))
        if (need.miss_reason, need.miss_note) == (reason, note.strip()):
            return need
        need.miss_reason, need.miss_note = reason, note.strip()
        need.miss_recorded_at, need.miss_recorded_by = now, actor
        need.save()
        tasks.close(need, tasks.MISSED, actor=actor, outcome=str(MissReason(reason).label), now=now)
        record_event(
            episode=episode,
            kind="integration.window-missed",
            summary=f"{need}: window missed ({MissReason(reason).label.lower()})",
            actor=actor,
            now=now,
            data={"reason": reason},
            subject=need,
        )
        return need
