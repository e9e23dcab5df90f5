"""Verbs of integration."""

from integration.services.needs import follow_anchors, record_miss
from integration.services.notes import (
    add_addendum,
    hold_session,
    record_session,
    save_note,
    sign_note,
)
from integration.services.placing import apply_choice, propose
from integration.services.planning import plan_need, plan_waiting

__all__ = [
    "add_addendum",
    "apply_choice",
    "follow_anchors",
    "hold_session",
    "plan_need",
    "plan_waiting",
    "propose",
    "record_miss",
    "record_session",
    "save_note",
    "sign_note",
]
