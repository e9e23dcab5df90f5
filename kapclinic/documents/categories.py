"""The categories by which a sharing consent decides what a reader sees (45 CFR 164.508, 42 CFR Part 2)."""

from django.db import models


class ConsentCategory(models.TextChoices):
    """What a section tells of; every section of every document has exactly one.

    All but `ADMINISTRATIVE` and `SAFETY` carry the values that a sharing consent lists.
    """

    ADMINISTRATIVE = "administrative", "Administrative"
    SAFETY = "safety", "Safety core"
    DOSE = "dose", "Dose and response"
    ADVERSE_EVENTS = "adverse-events", "Adverse events"
    THEMES = "themes", "Themes of the therapy"
    TRAUMA = "trauma", "Trauma content"
    MEDICATION = "medication", "Medication"
    SCORES = "scores", "Outcome scores"
    SUBSTANCE_USE = "substance-use", "Substance use"
