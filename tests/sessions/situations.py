"""Situations of dosing: a patient ready for a dose, an order, a checked-in patient, a dose that has ended."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from episodes.models import Episode, Patient
from episodes.stages import Stage
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic, ClinicalSetting
from sessions.discharge import Ending
from sessions.dose import DoseRequest, Drug, Route, Unit
from sessions.models import (
    Administration,
    CheckIn,
    DoseOrder,
    DosingSession,
    PreparationSession,
    SessionEnding,
    VitalsReading,
)
from sessions.services import (
    GivenDetails,
    check_in,
    end_session,
    look_before_leaving,
    order_dose,
    plan_session,
    record_vitals,
    save_preparation,
    sign_preparation,
    start_administration,
    stop_administration,
)
from tests import factories
from tests.screening.screening_situations import decide, screen

NURSE = frozenset({Role.NURSE})
THERAPIST = frozenset({Role.THERAPIST})
PRESCRIBER = frozenset({Role.PRESCRIBER})
TOLD_IN_THE_ROOM = {"handoff-unread": "Told in the room."}
CALM = {"systolic": 124, "diastolic": 78, "heart_rate": 70, "spo2": 98, "sedation": 5}


def set_for(clinic: Clinic, director: User, **values: Any) -> None:
    """The clinic's own approved values; in a name, "__" stands for the dot of the key."""
    for name, value in values.items():
        ClinicalSetting.objects.create(
            clinic=clinic,
            key=name.replace("__", "."),
            value=value,
            reason="made up",
            state="approved",
            decided_at=datetime(2026, 1, 1, tzinfo=UTC),
            decided_by=director,
        )


def passed_with(session: DosingSession, code: str) -> dict[str, str]:
    """What is kept with the session of the one reason `code` that somebody passed."""
    (passed,) = [each for each in session.passed_reasons if each["code"] == code]
    return passed


@dataclass
class Room:
    """Everybody around one dosing session, with verbs that take minutes after the planned start."""

    clinic: Clinic
    episode: Episode
    nurse: User
    therapist: User
    prescriber: User
    start: datetime
    session: DosingSession = field(init=False)

    def at(self, minutes: float) -> datetime:
        return self.start + timedelta(minutes=minutes)

    def plan(self, **changes: Any) -> DosingSession:
        """A session recorded at its start, without a booking."""
        values = {
            "episode": self.episode,
            "planned_at": self.start,
            "planned_until": self.at(180),
            "actor": self.nurse,
            "roles": NURSE,
            "now": self.start,
            **changes,
        }
        self.session = plan_session(**values)
        return self.session

    def clear(self, **answers: Any) -> None:
        """Screened three days before, and a prescriber's decision in favour."""
        earlier = self.start - timedelta(days=3)
        screen(self.episode, self.nurse, now=earlier, **answers)
        decide(self.episode, self.prescriber, now=earlier)

    def prepare(self) -> PreparationSession:
        held = self.start - timedelta(hours=48)
        note = save_preparation(
            episode=self.episode,
            actor=self.therapist,
            now=held + timedelta(hours=1),
            details={
                "held_from": held,
                "held_until": held + timedelta(minutes=50),
                "intention": "To meet what comes.",
                "safety_plan": "Sister on call; clinic's number on the fridge.",
                "instructions": ["fasting", "escort"],
                "parts": {"intention": {"covered": True, "note": ""}},
            },
        )
        return sign_preparation(note=note, actor=self.therapist, now=held + timedelta(hours=1))

    def check_in(self, minute: float = 2, **changes: Any) -> CheckIn:
        details = {
            "at": self.at(minute),
            "weight_kg": Decimal("68.0"),
            "escort_confirmed": "yes",
            "escort_name": "Rosa Demo",
            "escort_phone": "+1 303 555 0100",
            "nothing_eaten": True,
            "last_drink_at": self.at(minute - 60),
            "intoxication_suspected": "no",
            "medicines_changed": "no",
            **changes,
        }
        return check_in(session=self.session, details=details, actor=self.nurse, now=self.at(minute))

    def order(self, minute: float = 3, **changes: Any) -> DoseOrder:
        request = DoseRequest(
            **{
                "drug": Drug.KETAMINE,
                "route": Route.INTRAVENOUS,
                "amount": Decimal("0.5"),
                "unit": Unit.MG_PER_KG,
                "infusion_minutes": 40,
                **{key: changes.pop(key) for key in list(changes) if key in DoseRequest.__dataclass_fields__},
            }
        )
        values = {"actor": self.prescriber, "roles": PRESCRIBER, "now": self.at(minute), **changes}
        return order_dose(session=self.session, request=request, **values)

    def vitals(self, minute: float, **changes: Any) -> VitalsReading:
        extra = {
            key: changes.pop(key) for key in ("supersedes", "correction_reason", "now") if key in changes
        }
        return record_vitals(
            session=self.session,
            details={"taken_at": self.at(minute), **CALM, **changes},
            actor=self.nurse,
            **{"now": self.at(minute), **extra},
        )

    def given(self, minute: float, **changes: Any) -> GivenDetails:
        values = {"drug": Drug.KETAMINE, "route": Route.INTRAVENOUS, "started_at": self.at(minute), **changes}
        return GivenDetails(**values)

    def begin(self, minute: float = 10, **changes: Any) -> Administration:
        extra = {
            key: changes.pop(key) for key in ("passing", "roles", "actor", "request_key") if key in changes
        }
        # Handoffs are a matter of their own: here they were told in the room.
        passing = TOLD_IN_THE_ROOM | (extra.pop("passing", None) or {})
        return start_administration(
            session=self.session,
            details=self.given(minute, **changes),
            now=self.at(minute),
            passing=passing,
            **{"actor": self.nurse, "roles": NURSE, **extra},
        )

    def stop(self, given: Administration, minute: float = 50, **changes: Any) -> Administration:
        values = {"amount_mg": Decimal("34.0"), **changes}
        return stop_administration(
            administration=given, ended_at=self.at(minute), actor=self.nurse, now=self.at(minute), **values
        )

    def look(self, minute: float, **changes: Any) -> Any:
        details = {
            "at": self.at(minute),
            "is_oriented": True,
            "walks_steadily": True,
            "nausea": 0,
            "dissociation": 0,
            "escort_name": "Rosa Demo",
            "escort_seen_at": self.at(minute),
            "instructions_given": True,
            "phone_given": True,
            **changes,
        }
        return look_before_leaving(
            session=self.session, details=details, actor=self.nurse, now=self.at(minute)
        )

    def leave(self, minute: float, ending: Ending = Ending.DISCHARGED, **changes: Any) -> SessionEnding:
        values = {
            "ended_at": self.at(minute),
            "actor": self.nurse,
            "roles": NURSE,
            "now": self.at(minute),
            **changes,
        }
        return end_session(session=self.session, ending=ending, **values)

    def whole_dose(self) -> None:
        """From preparation to the end of the infusion at minute 50."""
        self.ready()
        self.stop(self.begin(10))

    def ready(self) -> None:
        """Cleared, prepared, planned, checked in, ordered, measured: the dose may start at minute 10."""
        self.clear()
        self.prepare()
        self.plan()
        self.check_in()
        self.order()
        self.vitals(5)

    def fresh(self) -> DosingSession:
        self.session = DosingSession.objects.get(pk=self.session.pk)
        return self.session

    def anchors(self):
        return self.fresh().anchors()


def make_room(clinic: Clinic, patient: Patient, nurse: User, therapist: User, prescriber: User) -> Room:
    """A consented patient in treatment, at 15:00 UTC on a day in March."""
    start = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
    long_ago = start - timedelta(days=60)
    episode = factories.make_episode(
        patient,
        prescriber=prescriber,
        therapist=therapist,
        nurse=nurse,
        stage=Stage.TREATMENT,
        now=long_ago,
    )
    factories.make_treatment_consent(episode, therapist, signed_on=long_ago.date())
    return Room(clinic, episode, nurse, therapist, prescriber, start)
