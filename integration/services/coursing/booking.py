"""A proposed course becomes bookings, all of them or none; and is taken back as long as nothing has happened since.

Booking is not ordering: each dose waits for its own order. Doses and preparations are booked by the person, through the same
services and guards as by hand; what is held for integration is the program's, as it is when a dose is booked by hand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from episodes.services import record_event
from episodes.services.locking import lock_episode
from integration.coursing import Talk
from integration.models import CourseProposal, CourseState, IntegrationNeed, NeedPart
from integration.profiles import profile_of
from integration.services.ahead import expect_secondary
from integration.services.coursing.asking import CourseAsk, Situation, situation_of
from integration.services.coursing.proposing import Content, line_key, locked_as_seen, work_out
from integration.services.coursing.words import TALK_WORDS
from integration.services.planning.applying import book_for, one_planner_at_a_time
from integration.windows import preparation_window
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.scheduling.models import Appointment, AppointmentKind, AppointmentState, MeetingPlace, Part
from kapclinic.scheduling.services import book_appointment, cancel_appointment, lock_resources
from kapclinic.scheduling.wording import moment_words
from sessions.models import DosingSession, SessionState
from sessions.services import plan_session

_TAKEN_BACK = "The whole course was taken back."
# Refusals about the proposal itself: working it out again would not help.
_ABOUT_THE_PROPOSAL = frozenset({"decided", "changed", "nothing-to-book"})


@dataclass(frozen=True)
class Booked:
    """The course that was booked; `changed`: in words, sessions for which another time was found at the last moment."""

    proposal: CourseProposal
    changed: tuple[str, ...] = ()


def book_course(
    *,
    proposal: CourseProposal,
    version: int,
    actor: User,
    roles: frozenset[Role],
    without: Collection[str] = (),
    now: datetime | None = None,
) -> Booked:
    """Book everything that the proposal shows, less the sessions `without` (`line_key`), in one transaction.

    Pressing twice changes nothing. Where a time was just taken the course is worked out once more around the same doses and
    booked; where a dose would have to move it is kept as a new version for the person to look at. Raises Refused with reasons.
    """
    now = now or timezone.now()
    try:
        return Booked(_book(proposal, version, without, actor=actor, roles=roles, now=now))
    except Refused as refused:
        if any(reason.code in _ABOUT_THE_PROPOSAL for reason in refused.reasons):
            raise
        again = _worked_out_again(proposal, version, now=now)
        if again is None:
            raise
        fresh, changed, is_as_good = again
        if not is_as_good:
            raise Refused(
                [
                    Reason(
                        "taken",
                        "Nothing was booked: not all of these times are free any more. The course was worked out again; look"
                        " at it once more.",
                    ),
                    *refused.reasons,
                ]
            ) from refused
    booked = _book(fresh, fresh.version, without, actor=actor, roles=roles, now=now)
    return Booked(booked, changed)


def _book(
    proposal: CourseProposal,
    version: int,
    without: Collection[str],
    *,
    actor: User,
    roles: frozenset[Role],
    now: datetime,
) -> CourseProposal:
    with transaction.atomic():
        one_planner_at_a_time(proposal.clinic)
        lock_episode(proposal.episode)
        current = CourseProposal.objects.select_for_update().get(pk=proposal.pk)
        if current.state == CourseState.BOOKED and current.version == version:
            return current
        proposal = locked_as_seen(proposal, version)
        doses = sorted(
            (dose for dose in proposal.doses if dose["starts_at"]), key=lambda dose: str(dose["starts_at"])
        )
        if not doses:
            raise Refused(Reason("nothing-to-book", "No dose of this course has a time."))
        found = situation_of(proposal.episode, CourseAsk.from_data(proposal.asked), now=now)
        _lock_all(proposal, found)
        for dose in doses:
            session = _book_dose(proposal, dose, found, actor=actor, roles=roles, now=now)
            for line in proposal.sessions:
                if line["dose"] == dose["number"] and line_key(line) not in without:
                    _book_session(proposal, line, session, found, actor=actor, roles=roles, now=now)
        proposal.state, proposal.decided_at, proposal.decided_by = CourseState.BOOKED, now, actor
        proposal.save()
        record_event(
            episode=proposal.episode,
            kind="course.booked",
            summary=f"A course of {len(doses)} doses was booked in one go",
            actor=actor,
            now=now,
            subject=proposal,
        )
    return proposal


def _lock_all(proposal: CourseProposal, found: Situation) -> None:
    rooms = [each["room"] for each in (*proposal.doses, *proposal.sessions) if each["room"]]
    people = [line["person"] for line in proposal.sessions]
    at_doses = [str(person.pk) for person, _ in (*found.own_at_doses(), *found.shared_at_doses())]
    lock_resources([*rooms, *people, *at_doses, proposal.episode.patient_id])


def _book_dose(
    proposal: CourseProposal,
    dose: dict[str, Any],
    found: Situation,
    *,
    actor: User,
    roles: frozenset[Role],
    now: datetime,
) -> DosingSession:
    starts_at = datetime.fromisoformat(dose["starts_at"])
    try:
        if starts_at <= now:
            # A dose in the past would be recorded without an appointment.
            raise Refused(Reason("in-the-past", "That time has passed."))
        session = plan_session(
            episode=proposal.episode,
            planned_at=starts_at,
            planned_until=datetime.fromisoformat(dose["ends_at"]),
            room=found.dosing_rooms.get(dose["room"]),
            people=found.own_at_doses(),
            shared_people=found.shared_at_doses(),
            actor=actor,
            roles=roles,
            now=now,
        )
    except Refused as refused:
        raise _named(refused, f"Dose {dose['number']}", starts_at, proposal) from refused
    assert session.appointment is not None, "a dose ahead has its appointment"
    _note_booked(dose, session.appointment)
    return session


def _book_session(
    proposal: CourseProposal,
    line: dict[str, Any],
    session: DosingSession,
    found: Situation,
    *,
    actor: User,
    roles: frozenset[Role],
    now: datetime,
) -> None:
    starts_at = datetime.fromisoformat(line["starts_at"])
    times: dict[str, Any] = {
        "starts_at": starts_at,
        "ends_at": datetime.fromisoformat(line["ends_at"]),
        "people": [(found.people[line["person"]], Part.THERAPIST)],
        "room": None if line["room"] is None else found.rooms[line["room"]],
        "place": MeetingPlace(line["place"]),
        "now": now,
    }
    talk = Talk(line["talk"])
    try:
        if talk is Talk.PREPARATION:
            window = preparation_window(session.planned_at, profile_of(proposal.episode.protocol))
            made = book_appointment(
                clinic=proposal.clinic,
                kind=AppointmentKind.PREPARATION,
                episode=proposal.episode,
                window=window,
                actor=actor,
                roles=roles,
                **times,
            )
        else:
            need = _need_of(session, talk, now=now)
            made = book_for(need, window=need.window, actor=None, **times)
    except Refused as refused:
        what = f"{TALK_WORDS[talk]} of dose {line['dose']}"
        raise _named(refused, what, starts_at, proposal) from refused
    _note_booked(line, made)


def _need_of(session: DosingSession, talk: Talk, *, now: datetime) -> IntegrationNeed:
    """What the planned dose owes; the calendar made the primary need when the dose was booked."""
    need = IntegrationNeed.objects.select_related("clinic", "dose", "episode").get(
        dose=session, part=NeedPart.PRIMARY
    )
    need.episode = session.episode
    return need if talk is Talk.INTEGRATION else expect_secondary(need, now=now)


def _note_booked(line: dict[str, Any], appointment: Appointment) -> None:
    line["appointment"], line["sequence"] = str(appointment.pk), appointment.sequence


def _named(refused: Refused, what: str, starts_at: datetime, proposal: CourseProposal) -> Refused:
    """The same reasons, each saying which line of the course it is about."""
    when = moment_words(starts_at, proposal.clinic.time_zone)
    return Refused(Reason(each.code, f"{what}, {when}: {each.text}") for each in refused.reasons)


def _worked_out_again(
    proposal: CourseProposal, version: int, *, now: datetime
) -> tuple[CourseProposal, tuple[str, ...], bool] | None:
    """The course around the same doses as the calendar is now, kept as a new version; None when nothing would change.

    With it what changed, in words, and whether every dose and session still has a time.
    """
    pins = {
        dose["number"]: datetime.fromisoformat(dose["starts_at"])
        for dose in proposal.doses
        if dose["starts_at"]
    }
    off = {dose["number"] for dose in proposal.doses if not dose["is_on"]}
    ask = CourseAsk.from_data(proposal.asked)
    now_is = work_out(proposal.episode, ask, pins=pins, without=off, now=now)
    is_as_good = _has_as_much(proposal, now_is)
    if not is_as_good:
        now_is = work_out(proposal.episode, ask, without=off, now=now)
    changed = tuple(_changed_words(proposal, now_is))
    if is_as_good and not changed and _rooms(proposal.doses) == _rooms(now_is.doses):
        return None
    with transaction.atomic():
        fresh = locked_as_seen(proposal, version)
        now_is.write_to(fresh, now=now)
        fresh.version += 1
        fresh.save()
    return fresh, changed, is_as_good


def _has_as_much(proposal: CourseProposal, content: Content) -> bool:
    def timed(doses: list[dict[str, Any]]) -> set[tuple[int, str]]:
        return {(dose["number"], dose["starts_at"]) for dose in doses if dose["starts_at"]}

    return timed(proposal.doses) == timed(content.doses) and len(content.missing) <= len(proposal.missing)


def _rooms(doses: list[dict[str, Any]]) -> list[Any]:
    return [dose["room"] for dose in doses]


def _changed_words(proposal: CourseProposal, content: Content) -> Iterator[str]:
    """Sessions that have another time or another person now."""
    zone = proposal.clinic.time_zone
    before = {line_key(line): line for line in proposal.sessions}
    for line in content.sessions:
        old = before.get(line_key(line))
        kept = ("starts_at", "person", "room", "place")
        if old is None or any(old[name] != line[name] for name in kept):
            what = TALK_WORDS[Talk(line["talk"])]
            when = moment_words(datetime.fromisoformat(line["starts_at"]), zone)
            yield f"{what} of dose {line['dose']}: now {when}"


def undo_course(*, proposal: CourseProposal, actor: User, now: datetime | None = None) -> CourseProposal:
    """Cancel everything that the course booked, all or nothing, as long as nothing has happened to any of it.

    Twice changes nothing. Raises Refused with every reason: a time that the patient knows, a booking that was moved, cancelled
    or has begun, a dose that was ordered.
    """
    now = now or timezone.now()
    with transaction.atomic():
        one_planner_at_a_time(proposal.clinic)
        episode = lock_episode(proposal.episode)
        proposal = CourseProposal.objects.select_for_update().select_related("clinic").get(pk=proposal.pk)
        if proposal.state == CourseState.UNDONE:
            return proposal
        if proposal.state != CourseState.BOOKED:
            raise Refused(Reason("not-booked", "Only a course that was booked can be taken back."))
        booked = _bookings(proposal)
        reasons = list(_why_not_back(proposal, booked, now=now))
        if reasons:
            raise Refused(reasons)
        # A dose gives back what is held for it.
        for line in (*proposal.doses, *proposal.sessions):
            own = booked.get(UUID(line["appointment"])) if "appointment" in line else None
            if own is not None and own.kind in (AppointmentKind.DOSING, AppointmentKind.PREPARATION):
                cancel_appointment(appointment=own, reason=_TAKEN_BACK, actor=actor, now=now)
        proposal.state, proposal.undone_at, proposal.undone_by = CourseState.UNDONE, now, actor
        proposal.save()
        record_event(
            episode=episode,
            kind="course.taken-back",
            summary="The course that was booked in one go was taken back",
            actor=actor,
            now=now,
            subject=proposal,
        )
    return proposal


def _bookings(proposal: CourseProposal) -> dict[UUID, Appointment]:
    keys = [line["appointment"] for line in (*proposal.doses, *proposal.sessions) if "appointment" in line]
    return Appointment.objects.in_bulk([UUID(key) for key in keys])


def _why_not_back(
    proposal: CourseProposal, booked: Mapping[UUID, Appointment], *, now: datetime
) -> Iterator[Reason]:
    zone = proposal.clinic.time_zone
    begun = DosingSession.objects.filter(appointment__in=booked).exclude(state=SessionState.PLANNED)
    ordered = DosingSession.objects.filter(appointment__in=booked, doseorders__isnull=False)
    touched = {*begun.values_list("appointment_id", flat=True)}
    orders = {*ordered.values_list("appointment_id", flat=True)}
    for line in (*proposal.doses, *proposal.sessions):
        own = booked.get(UUID(line["appointment"])) if "appointment" in line else None
        if own is None:
            continue
        what = f"{own.get_kind_display()}, {moment_words(own.starts_at, zone)}"
        # The program may move what it holds itself; that is nothing that happened.
        is_hold = own.created_by_id is None
        if own.is_told:
            yield Reason("told", f"{what}: the patient knows this time. Cancel it by hand and tell them.")
        elif own.pk in orders:
            yield Reason("ordered", f"{what}: the dose is ordered.")
        elif own.state != AppointmentState.HELD or own.pk in touched:
            if not (is_hold and own.state == AppointmentState.CANCELLED):
                yield Reason("ended", f"{what}: it is {own.get_state_display().lower()} by now.")
        elif own.starts_at <= now:
            yield Reason("begun", f"{what}: it should have begun already.")
        elif own.sequence != line["sequence"] and not is_hold:
            yield Reason("moved", f"{what}: it was changed since the course was booked.")
