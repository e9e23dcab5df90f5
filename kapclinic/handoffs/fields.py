"""What a handoff says, by kind: the fields that people write, each with the consent category that it belongs to.

The fields are those of practice guide G0 (structured communication between prescriber and therapist); trauma content
and substance use stand apart, because a sharing consent may leave them out. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kapclinic.documents.categories import ConsentCategory

TO_PRESCRIBER, TO_THERAPIST = "to-prescriber", "to-therapist"


@dataclass(frozen=True, slots=True)
class HandoffField:
    """One field: key, words on form and paper, category, and whether signing needs it."""

    key: str
    title: str
    prompt: str
    category: ConsentCategory
    is_required: bool = True


FIELDS: Mapping[str, tuple[HandoffField, ...]] = {
    TO_PRESCRIBER: (
        HandoffField("themes", "Themes", "What the therapy is about now.", ConsentCategory.THEMES),
        HandoffField(
            "mental_status",
            "Mental status",
            "Mood, thought, orientation, risk as last seen.",
            ConsentCategory.SAFETY,
        ),
        HandoffField(
            "readiness",
            "Readiness concerns",
            "What speaks against the dose now, or for changing it. Write “none” when there are none.",
            ConsentCategory.SAFETY,
        ),
        HandoffField("stressors", "Stressors", "What weighs on the patient outside.", ConsentCategory.THEMES),
        HandoffField(
            "adherence",
            "Medication adherence",
            "Taken as prescribed, missed, changed.",
            ConsentCategory.MEDICATION,
        ),
        HandoffField(
            "trauma",
            "Trauma content",
            "Only what the prescriber must know; shown only where the sharing consent covers it.",
            ConsentCategory.TRAUMA,
            is_required=False,
        ),
        HandoffField(
            "substance_use",
            "Substance use",
            "Alcohol and other substances since the last dose.",
            ConsentCategory.SUBSTANCE_USE,
            is_required=False,
        ),
    ),
    TO_THERAPIST: (
        HandoffField(
            "dose",
            "Dose and route",
            "How the dose went; figures are printed from the record.",
            ConsentCategory.DOSE,
        ),
        HandoffField(
            "response",
            "Response and experience",
            "What the patient felt, said and did.",
            ConsentCategory.DOSE,
        ),
        HandoffField(
            "adverse_events",
            "Adverse events",
            "What went wrong and what was done. Write “none” when there were none.",
            ConsentCategory.ADVERSE_EVENTS,
        ),
        HandoffField(
            "mental_status", "Mental status at discharge", "As seen when leaving.", ConsentCategory.SAFETY
        ),
        HandoffField(
            "focus",
            "Recommended integration focus",
            "Where integration should begin.",
            ConsentCategory.THEMES,
        ),
        HandoffField(
            "trauma",
            "Trauma content",
            "What emerged; shown only where the sharing consent covers it.",
            ConsentCategory.TRAUMA,
            is_required=False,
        ),
        HandoffField(
            "medication",
            "Medication changes",
            "Changes that the therapist should know of.",
            ConsentCategory.MEDICATION,
            is_required=False,
        ),
    ),
}


def missing(kind: str, body: Mapping[str, str]) -> list[HandoffField]:
    """The fields that still need text before signing."""
    return [field for field in FIELDS[kind] if field.is_required and not body.get(field.key, "").strip()]


def cleaned(kind: str, body: Mapping[str, str]) -> dict[str, str]:
    """`body` with the fields of this kind only, each as text with plain line ends."""
    return {field.key: str(body.get(field.key, "")).replace("\r\n", "\n").strip() for field in FIELDS[kind]}
