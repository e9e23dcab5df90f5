"""What a handoff says, by kind: the fields that people write, each with the consent category that it belongs to.

The fields are those of practice guide G0 (structured communication between prescriber and therapist): the six topics of the
first meeting, what is told before and after a dose, and what an emergency asks. Trauma content and substance use stand apart,
because a sharing consent may leave them out. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kapclinic.documents.categories import ConsentCategory

COORDINATION, TO_PRESCRIBER, TO_THERAPIST, EMERGENCY = (
    "coordination",
    "to-prescriber",
    "to-therapist",
    "emergency",
)
# The two disciplines between which handoffs go.
THERAPIST, PRESCRIBER = "therapist", "prescriber"
OTHER_PART: Mapping[str, str] = {THERAPIST: PRESCRIBER, PRESCRIBER: THERAPIST}
# Who writes the kinds that have one direction; the others are written by either, and read by the other.
AUTHOR_PART: Mapping[str, str] = {TO_PRESCRIBER: THERAPIST, TO_THERAPIST: PRESCRIBER}

Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HandoffField:
    """One field: key, words on form and paper, category, and whether signing needs it.

    With `choices` (value and words) it is one word out of a list, which the program can compare; else it is text.
    """

    key: str
    title: str
    prompt: str
    category: ConsentCategory
    is_required: bool = True
    choices: Choices = ()

    def in_words(self, value: str) -> str:
        """What is printed for a stored value."""
        return dict(self.choices).get(value, value) if self.choices else value


READY, WITH_CONCERNS, NOT_READY = "ready", "with-concerns", "not-ready"
AS_LISTED, CHANGED = "as-listed", "changed"
NO_RISK, SOME_RISK, ACUTE_RISK = "none-known", "watched", "acute"
UNCHANGED = "unchanged"

# What both disciplines answer in the same words, so that two different answers can be told.
READINESS = HandoffField(
    "readiness_view",
    "Ready for the next dose",
    "In one word; what speaks against it is said in its own field.",
    ConsentCategory.SAFETY,
    is_required=False,
    choices=((READY, "Ready"), (WITH_CONCERNS, "Ready, with concerns"), (NOT_READY, "Not ready")),
)
MEDICATION = HandoffField(
    "medication_view",
    "Medication",
    "As you know it today, against the medication list.",
    ConsentCategory.SAFETY,
    is_required=False,
    choices=((AS_LISTED, "Taken as listed"), (CHANGED, "Not as listed: missed, changed or added")),
)
RISK = HandoffField(
    "risk_view",
    "Risk of self-harm",
    "As you last saw it. It replaces no assessment.",
    ConsentCategory.SAFETY,
    is_required=False,
    choices=((NO_RISK, "None known"), (SOME_RISK, "Present, watched"), (ACUTE_RISK, "Acute")),
)
GOALS = HandoffField(
    "goals_view",
    "Goals",
    "Against the goals of the episode.",
    ConsentCategory.THEMES,
    is_required=False,
    choices=((UNCHANGED, "As recorded"), (CHANGED, "Changed")),
)

FIELDS: Mapping[str, tuple[HandoffField, ...]] = {
    COORDINATION: (
        HandoffField(
            "presentation",
            "Patient presentation",
            "Why the patient comes, history, what was tried.",
            ConsentCategory.SAFETY,
        ),
        HandoffField(
            "goals",
            "Treatment goals",
            "In the patient's words, and how both will know that they are met.",
            ConsentCategory.THEMES,
        ),
        HandoffField(
            "roles",
            "Role definitions",
            "Who decides on dose and medication, who on the therapy, who the patient calls for what.",
            ConsentCategory.SAFETY,
        ),
        HandoffField(
            "communication",
            "Communication plan",
            "What is written when, scheduled calls, how each is reached.",
            ConsentCategory.SAFETY,
        ),
        HandoffField(
            "escalation",
            "Safety protocols and escalation",
            "Warning signs, who acts first, who is called next.",
            ConsentCategory.SAFETY,
        ),
        HandoffField(
            "consent",
            "Consent",
            "What the patient agreed may be shared, and what not.",
            ConsentCategory.SAFETY,
        ),
        MEDICATION,
        RISK,
        GOALS,
    ),
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
        READINESS,
        MEDICATION,
        RISK,
        GOALS,
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
        READINESS,
        MEDICATION,
        RISK,
        GOALS,
    ),
    EMERGENCY: (
        HandoffField(
            "happened",
            "What happened",
            "What was seen, when, and how the patient is now.",
            ConsentCategory.SAFETY,
        ),
        HandoffField(
            "acted",
            "Who acted",
            "Who did what, who was told, who is responsible now.",
            ConsentCategory.SAFETY,
        ),
        HandoffField(
            "after_hours",
            "Contact after hours",
            "Whom the patient and the other clinician reach at night and at weekends.",
            ConsentCategory.SAFETY,
        ),
        HandoffField(
            "hospital",
            "Criteria for hospital",
            "When the patient goes to hospital, which one, and who arranges it.",
            ConsentCategory.SAFETY,
        ),
        HandoffField(
            "substance_use",
            "Substance use",
            "Only where it bears on the emergency.",
            ConsentCategory.SUBSTANCE_USE,
            is_required=False,
        ),
        READINESS,
        RISK,
    ),
}


def field_of(kind: str, key: str) -> HandoffField | None:
    """The field `key` of a kind, where the kind has it."""
    return next((field for field in FIELDS[kind] if field.key == key), None)


def written(kind: str, body: Mapping[str, str]) -> Iterator[tuple[HandoffField, str]]:
    """Every field with its text in words, in order; empty ones included."""
    for field in FIELDS[kind]:
        yield field, field.in_words(body.get(field.key, ""))


def missing(kind: str, body: Mapping[str, str]) -> list[HandoffField]:
    """The fields that still need text before signing."""
    return [field for field in FIELDS[kind] if field.is_required and not body.get(field.key, "").strip()]


def cleaned(kind: str, body: Mapping[str, str]) -> dict[str, str]:
    """`body` with the fields of this kind only, each as text with plain line ends; a word that no list has is left out."""
    found = {field.key: str(body.get(field.key, "")).replace("\r\n", "\n").strip() for field in FIELDS[kind]}
    for field in FIELDS[kind]:
        if field.choices and found[field.key] not in dict(field.choices):
            found[field.key] = ""
    return found
