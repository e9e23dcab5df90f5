"""Questionnaires, facts, findings, risk assessments and the eligibility decision."""

from screening.models.clinical import (
    Answer,
    Classification,
    Condition,
    Fact,
    HistoryAnswer,
    Medication,
    MedicationReview,
)
from screening.models.decisions import DecisionLapse, DecisionOutcome, EligibilityDecision
from screening.models.findings import AnswerOutcome, Correction, Finding, FindingAnswer
from screening.models.imports import (
    ImportBatch,
    ImportChunk,
    ImportDestination,
    ImportState,
    ReferenceCount,
    ReferenceSample,
)
from screening.models.measured import (
    MonitoringCheck,
    PregnancyRecord,
    PregnancyStatus,
    PregnancyTest,
    RemsEnrolment,
    ScreeningVitals,
    StudyResult,
    TestResult,
)
from screening.models.responses import (
    Response,
    ResponseMode,
    ResponsePhase,
    ResponseStatus,
    SafetyReview,
    SafetyRoute,
)
from screening.models.risk import Disposition, RiskAssessment, RiskOutcome, RiskState

FACT_MODELS: tuple[type[Fact], ...] = (
    HistoryAnswer,
    Condition,
    Medication,
    MedicationReview,
    PregnancyRecord,
    PregnancyTest,
    ScreeningVitals,
    StudyResult,
    MonitoringCheck,
    RemsEnrolment,
)

__all__ = [
    "FACT_MODELS",
    "Answer",
    "AnswerOutcome",
    "Classification",
    "Condition",
    "Correction",
    "DecisionLapse",
    "DecisionOutcome",
    "Disposition",
    "EligibilityDecision",
    "Fact",
    "Finding",
    "FindingAnswer",
    "HistoryAnswer",
    "ImportBatch",
    "ImportChunk",
    "ImportDestination",
    "ImportState",
    "Medication",
    "MedicationReview",
    "MonitoringCheck",
    "PregnancyRecord",
    "PregnancyStatus",
    "PregnancyTest",
    "ReferenceCount",
    "ReferenceSample",
    "RemsEnrolment",
    "Response",
    "ResponseMode",
    "ResponsePhase",
    "ResponseStatus",
    "RiskAssessment",
    "RiskOutcome",
    "RiskState",
    "SafetyReview",
    "SafetyRoute",
    "ScreeningVitals",
    "StudyResult",
    "TestResult",
]
