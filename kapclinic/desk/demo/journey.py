"""One made-up patient's way, step by step, through the services of every stage and with a clock of its own."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from episodes import services as spine
from episodes.models import ConsentKind, Episode, Patient, Protocol, ProtocolVersion, TeamPart
from episodes.stages import Stage
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.jobs import services as jobs
from kapclinic.jobs.models import JobQueue
from screening.finding_selectors import open_risk, standing_findings
from screening.models.findings import SeverityChoice
from screening.questions import QUESTIONS
from screening.services import facts
from screening.services.decisions import decide_eligibility
from screening.services.findings import AnswerInput
from screening.services.responses import record_response
from screening.services.risk import record_risk_assessment
from sessions.dose import Route
from sessions.models import PreparationSession
from sessions.services import save_preparation, sign_preparation

NURSE, PRESCRIBER, THERAPIST = (frozenset({role}) for role in (Role.NURSE, Role.PRESCRIBER, Role.THERAPIST))
COORDINATOR = frozenset({Role.COORDINATOR})
_DECISION_DAYS = 28


@dataclass(frozen=True)
class Script:
    """What is particular about one patient's way. `scores` are PHQ-9 totals: the baseline, then before each dose."""

    indication: str = "trd"
    protocol: str = "preparation-integration"
    route: Route = Route.INTRAVENOUS
    weight_kg: Decimal = Decimal("70.0")
    scores: tuple[int, ...] = (19, 17, 14, 11, 9, 7, 6)
    conditions: tuple[tuple[str, str, str], ...] = ()
    medications: tuple[tuple[str, str], ...] = (("Sertraline", "100 mg"),)
    goal: str = "To get up in the morning without dread"


def answers_for(total: int, item_nine: int = 0) -> list[int]:
    """Nine PHQ-9 answers that add up to `total` with this item 9, spread evenly."""
    rest = total - item_nine
    base, more = divmod(rest, 8)
    return [base + (1 if index < more else 0) for index in range(8)] + [item_nine]


def anxiety_for(total: int) -> list[int]:
    """Seven GAD-7 answers a little milder than the PHQ-9 `total`."""
    wanted = round(total * 0.72)
    base, more = divmod(min(wanted, 21), 7)
    return [base + (1 if index < more else 0) for index in range(7)]


@dataclass
class Journey:
    """A patient, the team, and verbs that take the instant at which they happen."""

    clinic: Clinic
    people: dict[str, User]
    script: Script
    prescriber: User
    therapist: User
    nurse: User
    cover: User
    patient: Patient = field(init=False)
    episode: Episode = field(init=False)
    decided_until: date | None = None

    @property
    def coordinator(self) -> User:
        """Who registers and books."""
        return self.people["coordinator"]

    def work(self, at: datetime) -> None:
        """Do what the program does by itself until `at`; PDFs are left to the workers."""
        while (job := jobs.take(now=at, queue=JobQueue.DEFAULT)) is not None:
            jobs.work(job, now=at)

    def refer(self, at: datetime, details: dict[str, Any]) -> None:
        """Registration, episode and care team."""
        self.patient = spine.register_patient(
            clinic=self.clinic, actor=self.coordinator, details=details, duplicates_seen=True, now=at
        )
        Patient.objects.filter(pk=self.patient.pk).update(is_demo=True)
        version = self.protocol_version()
        self.episode = spine.open_episode(
            patient=self.patient, actor=self.coordinator, protocol_version=version, indication=self.script.indication,
            referral_source="A made-up practice", now=at,
        )  # fmt: skip

    def protocol_version(self) -> ProtocolVersion:
        """The newest version of the script's protocol."""
        return Protocol.objects.get(clinic=self.clinic, slug=self.script.protocol).latest

    def assign_team(self, at: datetime) -> None:
        """Prescriber, therapist, nurse, cover."""
        parts = [
            (TeamPart.PRESCRIBER, self.prescriber),
            (TeamPart.THERAPIST, self.therapist),
            (TeamPart.NURSE, self.nurse),
        ]
        for part, user in parts:
            spine.add_team_member(episode=self.episode, part=part, actor=self.coordinator, user=user, now=at)
        if self.cover != self.therapist:
            spine.add_team_member(
                episode=self.episode,
                part=TeamPart.COVER_THERAPIST,
                actor=self.coordinator,
                user=self.cover,
                now=at,
            )

    def move(self, stage: Stage, at: datetime) -> None:
        """One step of the journey by the coordinator, or by the prescriber where it is theirs."""
        actor, roles = (
            (self.prescriber, PRESCRIBER) if stage == Stage.MAINTENANCE else (self.coordinator, COORDINATOR)
        )
        if stage == Stage.TREATMENT:
            actor, roles = self.prescriber, PRESCRIBER
        self.episode = spine.move_stage(episode=self.episode, target=stage, actor=actor, roles=roles, now=at)

    def measure(
        self, at: datetime, total: int, *, item_nine: int = 0, phase: str, dose: int | None = None
    ) -> None:
        """PHQ-9 and GAD-7, read out by the nurse."""
        for instrument, answers in (("phq-9", answers_for(total, item_nine)), ("gad-7", anxiety_for(total))):
            record_response(
                patient=self.patient, episode=self.episode, instrument_id=instrument, answers=answers,
                functional=1 if total else None, completed_at=at, phase=phase, dose_number=dose, actor=self.nurse, now=at,
            )  # fmt: skip

    def screen(self, at: datetime, *, history: bool = True, item_nine: int = 0) -> None:
        """Everything that screening asks, except the decision."""
        self.measure(at, self.script.scores[0], item_nine=item_nine, phase="screening")
        record_response(
            patient=self.patient, episode=self.episode, instrument_id="audit-c", answers=[1, 0, 0], completed_at=at,
            phase="screening", actor=self.nurse, now=at,
        )  # fmt: skip
        if not history:
            return
        asked = {question.key: "no" for question in QUESTIONS}
        for kind, _name, _status in self.script.conditions:
            asked |= {question.key: "yes" for question in QUESTIONS if kind in question.kinds}
        facts.answer_history(episode=self.episode, answers=asked, actor=self.nurse, now=at)
        for kind, name, status in self.script.conditions:
            facts.record_condition(
                episode=self.episode,
                actor=self.nurse,
                now=at,
                values={"kind": kind, "name": name, "status": status},
            )
        for name, dose in self.script.medications:
            facts.record_medication(
                episode=self.episode,
                actor=self.nurse,
                now=at,
                values={"name": name, "dose": dose, "frequency": "daily"},
            )
        facts.review_medications(
            episode=self.episode,
            takes_none=not self.script.medications,
            reviewed_on=self.day(at),
            actor=self.nurse,
            now=at,
        )
        facts.record_vitals(
            episode=self.episode, actor=self.nurse, now=at,
            values={"taken_at": at - timedelta(minutes=20), "systolic": 126, "diastolic": 80, "heart_rate": 72, "spo2": 98},
        )  # fmt: skip
        if self.patient.sex_at_birth != "male":
            self.test_pregnancy(at)

    def test_pregnancy(self, at: datetime) -> None:
        """A negative test of the day."""
        facts.record_pregnancy(
            episode=self.episode, actor=self.nurse, now=at,
            values={"status": "not-pregnant", "breastfeeding": "no", "note": "", "contraception": ""},
        )  # fmt: skip
        facts.record_pregnancy_test(
            episode=self.episode, actor=self.nurse, now=at,
            values={"result": "negative", "tested_on": self.day(at), "note": ""},
        )  # fmt: skip

    def day(self, at: datetime) -> date:
        """The clinic's calendar day of `at`."""
        return at.astimezone(self.clinic.zone).date()

    def assess_risk(self, at: datetime, *, outcome: str = "passive") -> None:
        """The open suicide-risk assessment, by the prescriber."""
        if open_risk(self.episode) is not None:
            record_risk_assessment(
                episode=self.episode, outcome=outcome, method="Structured interview",
                protective_plan="Safety plan with the support person; crisis line known.",
                disposition="continue", actor=self.prescriber, now=at,
            )  # fmt: skip

    def decide(self, at: datetime, *, outcome: str = "eligible") -> None:
        """The prescriber answers every relative finding and signs the decision."""
        answers = [
            AnswerInput(
                code=found.code, evidence_hash=found.evidence_hash, outcome="accept",
                rationale="Weighed against the severity of the illness and discussed with the patient.",
            )
            for found in standing_findings(self.episode)
            if found.severity == SeverityChoice.RELATIVE
        ]  # fmt: skip
        self.decided_until = self.day(at) + timedelta(days=_DECISION_DAYS)
        decide_eligibility(
            episode=self.episode, outcome=outcome, rationale="The expected benefit outweighs the risk.",
            conditions="", valid_until=self.decided_until, answers=answers, actor=self.prescriber, now=at,
        )  # fmt: skip

    def consent(self, at: datetime) -> None:
        """Treatment consent, and sharing consent where the protocol shares content, signed on paper."""
        signed = {
            "text_version": "demo-1", "signed_on": self.day(at),
            "signed_by_name": f"{self.patient.given_name} {self.patient.family_name}",
            "expires_on": self.day(at) + timedelta(days=365),
        }  # fmt: skip
        spine.record_consent(
            episode=self.episode, actor=self.coordinator, now=at,
            details={**signed, "kind": ConsentKind.TREATMENT, "names_off_label": True},
        )  # fmt: skip
        if self.episode.protocol.shares_content:
            self._consent_to_sharing(at, signed)
        spine.set_goal(episode=self.episode, text=self.script.goal, actor=self.therapist, now=at)

    def _consent_to_sharing(self, at: datetime, signed: dict[str, Any]) -> None:
        spine.record_consent(
            episode=self.episode, actor=self.coordinator, now=at,
            details={
                **signed, "kind": ConsentKind.SHARING, "discloser": self.clinic.name, "recipient": "The care team",
                "recipient_parts": ["prescriber", "nurse", "therapist"], "states_right_to_revoke": True,
                "states_conditions": True, "states_redisclosure": True,
                "purpose": "Coordination of care",
                "categories": ["dose", "adverse-events", "themes", "medication", "scores"],
            },
        )  # fmt: skip

    def prepare(self, held: datetime) -> None:
        """A preparation session, written and signed an hour later."""
        at = held + timedelta(hours=1)
        sign_preparation(note=self.draft_preparation(held), actor=self.therapist, now=at)

    def draft_preparation(self, held: datetime) -> PreparationSession:
        """A preparation session, written an hour later."""
        at = held + timedelta(hours=1)
        parts = {part.key: {"covered": True, "note": ""} for part in self.episode.protocol.preparation_parts}
        return save_preparation(
            episode=self.episode, actor=self.therapist, now=at,
            details={
                "held_from": held, "held_until": held + timedelta(minutes=50), "parts": parts,
                "intention": "To meet what comes with curiosity.",
                "safety_plan": "Support person on call; the clinic's number is on the fridge.",
                "instructions": ["fasting", "escort"],
            },
        )  # fmt: skip
