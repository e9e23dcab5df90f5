"""Verbs of preparation and dosing."""

from sessions.services import striking as striking  # registers what striking takes back
from sessions.services.events import (
    answer_challenge,
    answer_incident,
    record_challenge,
    report_adverse_event,
    review_adverse_event,
)
from sessions.services.giving import (
    GivenDetails,
    correct_administration,
    details_of,
    judge_administration,
    record_administration,
    record_medicine,
    start_administration,
    stop_administration,
)
from sessions.services.leaving import complete_session, end_session, look_before_leaving
from sessions.services.monitoring import check_in, record_vitals, write_log
from sessions.services.ordering import (
    OrderJudgement,
    cancel_order,
    countersign_order,
    judge_order,
    order_dose,
)
from sessions.services.planning import (
    ask_for_readiness,
    call_off_session,
    describe_setting,
    follow_appointment,
    plan_session,
    put_on_duty,
)
from sessions.services.preparation import (
    add_preparation_addendum,
    save_preparation,
    sign_preparation,
)

__all__ = [
    "GivenDetails",
    "OrderJudgement",
    "add_preparation_addendum",
    "answer_challenge",
    "answer_incident",
    "ask_for_readiness",
    "call_off_session",
    "cancel_order",
    "check_in",
    "complete_session",
    "correct_administration",
    "countersign_order",
    "describe_setting",
    "details_of",
    "end_session",
    "follow_appointment",
    "judge_administration",
    "judge_order",
    "look_before_leaving",
    "order_dose",
    "plan_session",
    "put_on_duty",
    "record_administration",
    "record_challenge",
    "record_medicine",
    "record_vitals",
    "report_adverse_event",
    "review_adverse_event",
    "save_preparation",
    "sign_preparation",
    "start_administration",
    "stop_administration",
    "write_log",
]
