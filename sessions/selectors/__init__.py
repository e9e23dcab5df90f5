"""What others ask about doses: numbers, D0 and T0, vitals, what is due, what is missing."""

from sessions.selectors.doses import (
    DoseFacts,
    DoseReport,
    completed_preparations,
    dose_number,
    dose_report,
    doses_of_episode,
    has_had_a_dose,
    latest_vitals,
)
from sessions.selectors.open_questions import (
    unanswered_challenges,
    undocumented_sessions,
    unreviewed_serious_events,
)
from sessions.selectors.ordering import (
    active_order,
    dose_count,
    hold_of,
    latest_weight,
    order_to_repeat,
    prior_doses,
    weight_at_last_order,
)
from sessions.selectors.record import (
    discharge_facts,
    discharge_gate,
    door_answers,
    drug_and_route,
    medicines_to_reconcile,
    missing_from_record,
    readings_due,
    session_readings,
    tested_negative_since_check_in,
    total_given_mg,
)
from sessions.selectors.today import (
    RoomRow,
    day_bounds,
    doses_of_day,
    phase_of,
)

__all__ = [
    "DoseFacts",
    "DoseReport",
    "RoomRow",
    "active_order",
    "completed_preparations",
    "day_bounds",
    "discharge_facts",
    "discharge_gate",
    "door_answers",
    "dose_count",
    "dose_number",
    "dose_report",
    "doses_of_day",
    "doses_of_episode",
    "drug_and_route",
    "has_had_a_dose",
    "hold_of",
    "latest_vitals",
    "latest_weight",
    "medicines_to_reconcile",
    "missing_from_record",
    "order_to_repeat",
    "phase_of",
    "prior_doses",
    "readings_due",
    "session_readings",
    "tested_negative_since_check_in",
    "total_given_mg",
    "unanswered_challenges",
    "undocumented_sessions",
    "unreviewed_serious_events",
    "weight_at_last_order",
]
