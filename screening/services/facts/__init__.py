"""Recording what is known about a patient's health. A newer fact supersedes; nothing is edited."""

from screening.services.facts.correcting import correct_allergy, refuse_to_clear_absolutes, retract_fact
from screening.services.facts.history import answer_history, record_condition
from screening.services.facts.measured import (
    record_monitoring_check,
    record_pregnancy,
    record_pregnancy_test,
    record_rems_enrolment,
    record_result,
    record_vitals,
)
from screening.services.facts.medications import classify_medication, record_medication, review_medications

__all__ = [
    "answer_history",
    "classify_medication",
    "correct_allergy",
    "record_condition",
    "record_medication",
    "record_monitoring_check",
    "record_pregnancy",
    "record_pregnancy_test",
    "record_rems_enrolment",
    "record_result",
    "record_vitals",
    "refuse_to_clear_absolutes",
    "retract_fact",
    "review_medications",
]
