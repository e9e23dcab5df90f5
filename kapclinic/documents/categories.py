"""The categories by which a sharing consent decides what a reader sees (45 CFR 164.508, 42 CFR Part 2, POLICY)."""

from django.db import models


class ConsentCategory(models.TextChoices):
    """What a section tells of. Every section of every document has exactly one."""

    ADMINISTRATIVE = "administrative", "Administrative"
    SAFETY_CORE = "safety_core", "Safety core"
    DOSE_AND_RESPONSE = "dose_and_response", "Dose and response"
    ADVERSE_EVENTS = "adverse_events", "Adverse events"
    THEMES = "themes", "Themes"
    TRAUMA_CONTENT = "trauma_content", "Trauma content"
    MEDICATION = "medication", "Medication"
    OUTCOME_SCORES = "outcome_scores", "Outcome scores"
    SUBSTANCE_USE = "substance_use", "Substance use"
