"""Verbs over handoffs: keep a draft, sign it, amend it, acknowledge it; messages and decisions of the team; the watch."""

from kapclinic.handoffs.services.issuing import KINDS, preview_sections
from kapclinic.handoffs.services.reading import acknowledge_handoff, record_heard
from kapclinic.handoffs.services.writing import amend_handoff, save_draft, sign_handoff

__all__ = [
    "KINDS",
    "acknowledge_handoff",
    "amend_handoff",
    "preview_sections",
    "record_heard",
    "save_draft",
    "sign_handoff",
]
