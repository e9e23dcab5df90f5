"""A made-up patient's doses: the day in the room, and the integration after it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from integration.models import ActionStep, IntegrationNeed, IntegrationSession, MissReason
from integration.services.needs import record_miss
from integration.services.notes import hold_session, record_session, save_note, sign_note
from kapclinic.clinics.models import Room
from kapclinic.clinics.refusals import Refused
from kapclinic.desk.demo.journey import NURSE, PRESCRIBER, Journey
from kapclinic.scheduling.models import Part, ToldHow
from kapclinic.scheduling.services.appointments import mark_told
from sessions.discharge import Ending
from sessions.dose import DoseRequest, Drug, Route, Unit
from sessions.models import Administration, DosingSession
from sessions.services import (
    GivenDetails,
    check_in,
    complete_session,
    end_session,
    look_before_leaving,
    order_dose,
    plan_session,
    record_vitals,
    start_administration,
    stop_administration,
    write_log,
)

INFUSION_MINUTES = 40
# A visit to come moves on by so many hours at most, past what the calendar holds already.
_HOURS_TRIED = 6
# Minutes after the start of the infusion, and how far the pressure rises above the reading before it.
CURVE = ((15, 16), (30, 26), (45, 18), (60, 8), (90, 2))

PART_NOTES = {
    "narrative": "Told the dose in images: a door, light, a garden behind the house.",
    "meaning": "The door stays. Behind it is being allowed to ask.",
    "goals": "Asking belongs to the goal of this episode.",
    "actions": "One small thing, named below.",
    "challenging": "A moment of falling; breath and the therapist's voice held.",
    "next": "Begin with the garden; same music.",
}
STEPS = ("Ring the sister on Sunday", "Walk by the river before breakfast", "Write three lines each evening")
THEMES = (
    "asking for help",
    "grief that moves",
    "rest without guilt",
    "the open door",
    "anger that is allowed",
)


@dataclass
class Dose:
    """One dose of a journey; `start` is the planned beginning of the visit."""

    journey: Journey
    number: int
    start: datetime
    room: Room
    session: DosingSession = field(init=False)
    given: Administration = field(init=False)

    def at(self, minutes: float) -> datetime:
        """The instant so many minutes after the planned beginning."""
        return self.start + timedelta(minutes=minutes)

    @property
    def amount_mg(self) -> Decimal:
        """What the order comes to."""
        if self.journey.script.route is Route.INTRAVENOUS:
            return (self.journey.script.weight_kg / 2).quantize(Decimal("0.1"))
        return Decimal("150") if self.journey.script.route is Route.SUBLINGUAL else Decimal("50")

    def plan(self, booked_at: datetime) -> None:
        """Plan the visit; one that lies ahead is booked with room and people, at the first hour that nobody else has."""
        for _ in range(_HOURS_TRIED):
            try:
                self._plan(booked_at)
            except Refused:
                if self.start <= booked_at:
                    raise
                self.start += timedelta(hours=1)
            else:
                return
        self._plan(booked_at)

    def _plan(self, booked_at: datetime) -> None:
        journey = self.journey
        spec = journey.episode.protocol
        minutes = spec.first_dose_minutes if self.number == 1 else spec.later_dose_minutes
        self.session = plan_session(
            episode=journey.episode, planned_at=self.start, planned_until=self.at(minutes), actor=journey.nurse,
            roles=NURSE, room=self.room, now=booked_at,
            people=[(journey.therapist, Part.THERAPIST)] if spec.therapist_present else [],
            shared_people=[(journey.nurse, Part.NURSE), (journey.prescriber, Part.PRESCRIBER)],
            reason="Demo: booked for the tour",
        )  # fmt: skip

    def arrive(self) -> None:
        """Questionnaires, questions at the door, order, readings before the dose."""
        journey, script = self.journey, self.journey.script
        total = script.scores[min(self.number, len(script.scores) - 1)]
        journey.measure(self.at(1), total, phase="before-dose", dose=self.number)
        check_in(
            session=self.session, actor=journey.nurse, now=self.at(2),
            details={
                "at": self.at(2), "weight_kg": script.weight_kg, "escort_confirmed": "yes", "escort_name": "Rosa Demo",
                "escort_phone": "+1 303 555 0120", "nothing_eaten": True, "last_drink_at": self.at(-60),
                "intoxication_suspected": "no", "medicines_changed": "no",
            },
        )  # fmt: skip
        by_weight = script.route is Route.INTRAVENOUS
        request = DoseRequest(
            drug=Drug.KETAMINE,
            route=script.route,
            amount=Decimal("0.5") if by_weight else self.amount_mg,
            unit=Unit.MG_PER_KG if by_weight else Unit.MG,
            infusion_minutes=INFUSION_MINUTES if by_weight else None,
        )
        order_dose(
            session=self.session, request=request, actor=journey.prescriber, roles=PRESCRIBER, now=self.at(3),
            warnings_reason="Within the course as planned.",
        )  # fmt: skip
        self.measure_vitals(5, rise=0)

    def measure_vitals(self, minute: float, *, rise: int, sedation: int = 5) -> None:
        """One reading; the pressure before the dose differs a little from patient to patient."""
        base = 116 + (self.journey.script.weight_kg * 3 + self.number * 7) % 14
        record_vitals(
            session=self.session, actor=self.journey.nurse, now=self.at(minute),
            details={
                "taken_at": self.at(minute), "systolic": int(base) + rise, "diastolic": 74 + rise // 2,
                "heart_rate": 68 + rise // 2, "spo2": 98 if rise < 20 else 97, "sedation": sedation,
            },
        )  # fmt: skip

    def begin(self, minute: float = 10) -> None:
        """The dose starts."""
        self.given = start_administration(
            session=self.session, actor=self.journey.nurse, roles=NURSE, now=self.at(minute),
            passing={
                "handoff-unread": "Read aloud before the dose.", "session-undocumented": "Being written today.",
            },
            details=GivenDetails(
                drug=Drug.KETAMINE, route=self.journey.script.route, started_at=self.at(minute), lot="DEMO-LOT-7",
                amount_mg=None if self.journey.script.route is Route.INTRAVENOUS else self.amount_mg,
            ),
        )  # fmt: skip

    def finish(self) -> None:
        """Readings, the end of the dose, the way home."""
        journey = self.journey
        is_infusion = journey.script.route is Route.INTRAVENOUS
        stopped = not is_infusion
        for minute, rise in CURVE:
            if not stopped and minute >= INFUSION_MINUTES:
                stop_administration(
                    administration=self.given, ended_at=self.at(10 + INFUSION_MINUTES), amount_mg=self.amount_mg,
                    actor=journey.nurse, now=self.at(10 + INFUSION_MINUTES),
                )  # fmt: skip
                stopped = True
            self.measure_vitals(10 + minute, rise=rise, sedation=4 if minute == CURVE[1][0] else 5)
        write_log(
            session=self.session, at=self.at(40), actor=journey.therapist, text="Opens the eyes, smiles. Water offered.",
            now=self.at(41),
        )  # fmt: skip
        look_before_leaving(
            session=self.session, actor=journey.nurse, now=self.at(125),
            details={
                "at": self.at(125), "is_oriented": True, "walks_steadily": True, "nausea": 0, "dissociation": 0,
                "escort_name": "Rosa Demo", "escort_seen_at": self.at(124), "instructions_given": True,
                "phone_given": True,
            },
        )  # fmt: skip
        end_session(
            session=self.session, ending=Ending.DISCHARGED, ended_at=self.at(130), actor=journey.nurse, roles=NURSE,
            now=self.at(130),
        )  # fmt: skip
        self.session.refresh_from_db()
        complete_session(session=self.session, actor=journey.nurse, roles=NURSE, now=self.at(140))
        journey.work(self.at(141))

    def tell(self, at: datetime) -> None:
        """The coordinator tells the patient the times of the integration sessions."""
        for need in self.needs:
            if need.appointment is not None and need.appointment.is_live and not need.appointment.told_at:
                mark_told(
                    appointment=need.appointment,
                    how=ToldHow.PHONE,
                    reached=True,
                    actor=self.journey.coordinator,
                    now=at,
                )

    @property
    def needs(self) -> list[IntegrationNeed]:
        """The integration that this dose owes: primary, then secondary where the protocol asks for it."""
        standing = IntegrationNeed.objects.select_related("appointment").filter(
            dose=self.session, withdrawn_at__isnull=True
        )
        return sorted(standing, key=lambda need: need.opens_at)

    def integrate(self, until: datetime) -> None:
        """Hold, write and sign the integration sessions that were over an hour before `until`."""
        for need in self.needs:
            booked = need.appointment
            if not need.is_planned_here:
                self._record_outside(need, until)
            elif booked is not None and booked.is_live and booked.ends_at + timedelta(hours=1) <= until:
                note = hold_session(
                    appointment=booked, held_from=booked.starts_at, held_until=booked.ends_at,
                    actor=self.journey.therapist, now=booked.ends_at + timedelta(minutes=2),
                )  # fmt: skip
                self._write(note, booked.ends_at + timedelta(minutes=30))

    def _record_outside(self, need: IntegrationNeed, until: datetime) -> None:
        """Parallel care: the session took place by itself and is written down."""
        held = need.opens_at + timedelta(hours=6)
        if held + timedelta(hours=2) <= until:
            note = record_session(
                episode=self.journey.episode, held_from=held, held_until=held + timedelta(minutes=50),
                actor=self.journey.therapist, therapist=self.journey.therapist, now=held + timedelta(hours=1),
            )  # fmt: skip
            self._write(note, held + timedelta(hours=1, minutes=20))

    def _write(self, note: IntegrationSession, at: datetime) -> None:
        journey = self.journey
        actor = note.therapist or journey.therapist
        parts = {
            part.key: {"covered": True, "note": PART_NOTES.get(part.key, "Talked about.")}
            for part in journey.episode.protocol.integration_parts
        }
        reviews = {
            str(step.pk): ("done" if index % 2 == 0 else "not-yet", "")
            for index, step in enumerate(ActionStep.objects.open().filter(episode=journey.episode))
        }
        saved = save_note(
            session=note, version=note.version, parts=parts, modalities=["act", "mindfulness"],
            themes=THEMES[self.number % len(THEMES)], plan="Keep the morning free of plans.",
            steps=[STEPS[self.number % len(STEPS)]], reviews=reviews, actor=actor, now=at,
        )  # fmt: skip
        sign_note(session=saved, version=saved.version, actor=actor, now=at + timedelta(minutes=1))

    def explain_misses(self, now: datetime) -> None:
        """Say why windows that have closed were missed."""
        for need in self.needs:
            if need.met_at is None and need.superseded_at is None and need.closes_at < now:
                record_miss(
                    need=need, reason=MissReason.DECLINED, note="", actor=self.journey.coordinator,
                    now=min(need.closes_at + timedelta(hours=3), now),
                )  # fmt: skip
