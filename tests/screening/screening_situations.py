"""Situations of screening: an episode with everything asked and nothing found, and ways to spoil it."""

import uuid
from datetime import date, datetime, timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from episodes.models import Episode
from kapclinic.accounts.models import User
from screening.models import EligibilityDecision
from screening.questions import QUESTIONS
from screening.services.decisions import decide_eligibility
from screening.services.facts import (
    answer_history,
    record_pregnancy,
    record_pregnancy_test,
    record_vitals,
    review_medications,
)
from screening.services.findings import AnswerInput, Evidence
from screening.services.responses import record_response

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


def paper(name: str = "letter.png") -> SimpleUploadedFile:
    """A small picture of a letter."""
    return SimpleUploadedFile(name, PNG, content_type="image/png")


def evidence(reason: str = "The letter shows that it is not so.") -> Evidence:
    """A reason and a paper."""
    return Evidence(reason=reason, upload=paper())


def local_today(episode: Episode, now: datetime | None = None) -> date:
    """Today in the clinic's zone."""
    return (now or timezone.now()).astimezone(episode.clinic.zone).date()


def answer_phq9(episode: Episode, actor: User, *, item_nine: int | None = 0, now: datetime | None = None):
    """A PHQ-9 with this item 9 and ones elsewhere."""
    return record_response(
        patient=episode.patient,
        episode=episode,
        instrument_id="phq-9",
        answers=[1, 1, 1, 1, 1, 1, 1, 1, item_nine],
        actor=actor,
        request_key=uuid.uuid4(),
        now=now,
    )


def screen(
    episode: Episode, actor: User, *, item_nine: int | None = 0, now: datetime | None = None, **answers: str
) -> Episode:
    """Ask everything; nothing is found unless `answers` (question -> yes, no, unknown) or item 9 say otherwise."""
    now = now or timezone.now()
    answer_history(
        episode=episode,
        answers={**{question.key: "no" for question in QUESTIONS}, **answers},
        actor=actor,
        now=now,
    )
    review_medications(
        episode=episode, takes_none=True, reviewed_on=local_today(episode, now), actor=actor, now=now
    )
    record_pregnancy(
        episode=episode,
        values={"status": "not-pregnant", "breastfeeding": "no", "note": "", "contraception": ""},
        actor=actor,
        now=now,
    )
    record_pregnancy_test(
        episode=episode,
        values={"result": "negative", "tested_on": local_today(episode, now), "note": ""},
        actor=actor,
        now=now,
    )
    record_vitals(
        episode=episode,
        values={
            "taken_at": now - timedelta(hours=1),
            "systolic": 122,
            "diastolic": 78,
            "heart_rate": 70,
            "spo2": 98,
        },
        actor=actor,
        now=now,
    )
    answer_phq9(episode, actor, item_nine=item_nine, now=now)
    record_response(
        patient=episode.patient,
        episode=episode,
        instrument_id="audit-c",
        answers=[0, 0, 0],
        actor=actor,
        request_key=uuid.uuid4(),
        now=now,
    )
    return episode


def accept(code: str, evidence_hash: str, **changes: str) -> AnswerInput:
    """An acceptance of a finding."""
    return AnswerInput(
        **{
            "code": code,
            "evidence_hash": evidence_hash,
            "outcome": "accept",
            "rationale": "Weighed and discussed.",
            **changes,
        }
    )


def decide(
    episode: Episode, prescriber: User, *, outcome: str = "eligible", answers=(), now=None, **changes
) -> EligibilityDecision:
    """A signed decision for 30 days."""
    now = now or timezone.now()
    return decide_eligibility(
        **{
            "episode": episode,
            "outcome": outcome,
            "rationale": "Benefit outweighs risk.",
            "conditions": "",
            "valid_until": local_today(episode, now) + timedelta(days=30),
            "answers": answers,
            "actor": prescriber,
            "now": now,
            **changes,
        }
    )
