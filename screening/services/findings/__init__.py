"""Findings: keeping them in step with the facts, correcting facts with evidence, answering findings."""

from screening.services.findings.answering import AnswerInput, answer_findings, sign_answer
from screening.services.findings.correcting import Evidence, changing_facts, write_correction
from screening.services.findings.keeping import (
    current_evaluation,
    is_prescriber,
    refresh_findings,
    store_findings,
    team_member,
)

__all__ = [
    "AnswerInput",
    "Evidence",
    "answer_findings",
    "changing_facts",
    "current_evaluation",
    "is_prescriber",
    "refresh_findings",
    "sign_answer",
    "store_findings",
    "team_member",
    "write_correction",
]
