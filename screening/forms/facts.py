"""Forms of facts: shape and plausible ranges, nothing across records."""

import uuid
from collections.abc import Collection, Iterable
from typing import Any, cast

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Column, Layout, Row
from django import forms

from screening.medications import OTHER_CLASS, medication_classes
from screening.models import (
    Condition,
    Medication,
    MonitoringCheck,
    PregnancyRecord,
    PregnancyTest,
    RemsEnrolment,
    ScreeningVitals,
    StudyResult,
)
from screening.models.clinical import Answer
from screening.questions import QUESTION_BY_KEY, SUBSTANCES, SYSTEMS, questions_of
from screening.services.findings import Evidence

ACCEPTED_FILES = {"accept": "application/pdf,image/png,image/jpeg"}


def day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _instant_input() -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


def _file_field(label: str) -> forms.FileField:
    return forms.FileField(
        required=False,
        label=label,
        help_text="PDF, PNG or JPEG, at most 10 MB.",
        widget=forms.ClearableFileInput(attrs=ACCEPTED_FILES),
    )


def _without_blank(field: forms.Field) -> None:
    """Radio buttons need no empty choice."""
    if isinstance(field, forms.ChoiceField):
        choices: list[Any] = list(cast("Iterable[Any]", field.choices))
        field.choices = [choice for choice in choices if choice[0]]


class EvidenceFields(forms.Form):
    """Why a fact changes, and the paper; asked for where an absolute finding would go."""

    change_reason = forms.CharField(
        max_length=500, required=False, label="Why it changes", widget=forms.Textarea(attrs={"rows": 2})
    )
    evidence_file = _file_field("The paper that shows it")

    def evidence(self) -> Evidence | None:
        """What was brought, if anything was."""
        reason = self.cleaned_data.get("change_reason", "")
        upload = self.cleaned_data.get("evidence_file")
        return Evidence(reason=reason, upload=upload) if reason or upload else None


class FactForm(forms.ModelForm):
    """Base of the forms of one fact; `details()` is what the service takes."""

    request_key = forms.UUIDField(widget=forms.HiddenInput, required=False)
    rows: tuple[tuple[str, ...], ...] = ()
    after_first = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["request_key"].initial = uuid.uuid4
        self.helper = FormHelper()
        self.helper.form_tag = False
        if self.rows:
            first, *rest = [
                Row(*(Column(name) for name in names)) if len(names) > 1 else names[0] for names in self.rows
            ]
            self.helper.layout = Layout(first, HTML(self.after_first), *rest, "request_key")

    def details(self) -> dict[str, Any]:
        """The fact's fields, as the service takes them."""
        return {name: self.cleaned_data[name] for name in self._meta.fields or ()}

    def _post_clean(self) -> None:
        # The service checks across fields; the model's own constraints would speak in its place.
        pass


class HistoryForm(EvidenceFields):
    """Every history question, by body system; what is left open stays as it is.

    `kept_back` are questions with an answer that this reader may not see, and so cannot change unseen.
    """

    def __init__(
        self,
        *args: Any,
        known: dict[str, str] | None = None,
        kept_back: Collection[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.known = known or {}
        for key, question in QUESTION_BY_KEY.items():
            if key in kept_back:
                continue
            self.fields[f"q-{key}"] = forms.ChoiceField(
                choices=Answer.choices,
                required=False,
                label=question.text,
                initial=self.known.get(key, ""),
                widget=forms.RadioSelect,
                error_messages={"invalid_choice": "Choose yes, no or unknown."},
            )

    def systems(self) -> Iterable[dict[str, Any]]:
        """The systems with their questions, each with its bound field and the value to show."""
        for system in SYSTEMS:
            questions = [each for each in questions_of(system.key) if f"q-{each.key}" in self.fields]
            yield {
                "system": system,
                "is_substances": system.key == SUBSTANCES,
                "questions": [
                    {
                        "question": question,
                        "field": self[f"q-{question.key}"],
                        "value": self[f"q-{question.key}"].value() or "",
                    }
                    for question in questions
                ],
                "open": sum(1 for question in questions if not (self[f"q-{question.key}"].value() or "")),
            }

    def answers(self) -> dict[str, str]:
        """The answers that were given, by question."""
        return {
            name.removeprefix("q-"): value
            for name, value in self.cleaned_data.items()
            if name.startswith("q-") and value
        }


class ConditionForm(EvidenceFields, FactForm):
    """One condition: what, how it stands, when."""

    rows = (
        ("kind", "name"),
        ("status", "liver_grade"),
        ("event_on", "event_precision"),
        ("note",),
        ("change_reason", "evidence_file"),
    )

    class Meta:
        model = Condition
        fields = ["kind", "name", "status", "event_on", "event_precision", "liver_grade", "note"]
        widgets = {"event_on": day_input()}
        help_texts = {
            "event_on": "For a month or a year choose any day of it, and say how exactly it is known.",
            "liver_grade": "For liver disease only.",
            "name": "As the patient or the record names it.",
        }


class MedicationForm(EvidenceFields, FactForm):
    """One medication as the patient takes it."""

    after_first = (
        '<p class="cluster recognition" id="recognition" role="status" aria-live="polite">'
        '<span class="muted">The class is looked up while you type.</span></p>'
    )
    rows = (
        ("name",),
        ("dose", "frequency", "reason_taken"),
        ("started_on", "stopped_on", "last_taken_at"),
        ("is_nasal",),
        ("note",),
    )

    class Meta:
        model = Medication
        fields = [
            "name",
            "dose",
            "frequency",
            "is_nasal",
            "reason_taken",
            "started_on",
            "stopped_on",
            "last_taken_at",
            "note",
        ]
        widgets = {
            "started_on": day_input(),
            "stopped_on": day_input(),
            "last_taken_at": _instant_input(),
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
        }
        labels = {"stopped_on": "Last day taken"}
        help_texts = {"name": "Generic or brand name, as on the package."}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        started, stopped = data.get("started_on"), data.get("stopped_on")
        if started and stopped and stopped < started:
            self.add_error("stopped_on", "The last day lies before the first.")
        return data


class ClassifyForm(forms.Form):
    """A prescriber's word on an unclassified medication."""

    classes = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="It belongs to",
        help_text="Tick nothing when no rule concerns it.",
    )
    reason = forms.CharField(
        max_length=500, label="What it is, and where you looked", widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["classes"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [
            (entry.key, entry.label) for entry in medication_classes() if entry.key != OTHER_CLASS
        ]
        self.helper = FormHelper()
        self.helper.form_tag = False


class MedicationReviewForm(forms.Form):
    """The list was gone through."""

    reviewed_on = forms.DateField(label="Gone through on", widget=day_input())
    takes_none = forms.BooleanField(required=False, label="The patient takes no medication at all")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False


class PregnancyForm(EvidenceFields, FactForm):
    """Pregnancy and breastfeeding."""

    rows = (("status",), ("breastfeeding",), ("contraception", "note"), ("change_reason", "evidence_file"))

    class Meta:
        model = PregnancyRecord
        fields = ["status", "breastfeeding", "contraception", "note"]
        widgets = {"status": forms.RadioSelect, "breastfeeding": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("status", "breastfeeding"):
            _without_blank(self.fields[name])


class PregnancyTestForm(EvidenceFields, FactForm):
    """One pregnancy test."""

    rows = (("result", "tested_on", "method"), ("note",), ("change_reason", "evidence_file"))

    class Meta:
        model = PregnancyTest
        fields = ["result", "tested_on", "method", "note"]
        widgets = {"tested_on": day_input()}


class VitalsForm(FactForm):
    """Vital signs at screening."""

    rows = (
        ("taken_at",),
        ("systolic", "diastolic", "heart_rate", "respiratory_rate"),
        ("spo2", "on_room_air"),
        ("weight_kg", "height_cm"),
        ("note",),
    )

    class Meta:
        model = ScreeningVitals
        fields = [
            "taken_at",
            "systolic",
            "diastolic",
            "heart_rate",
            "respiratory_rate",
            "spo2",
            "on_room_air",
            "weight_kg",
            "height_cm",
            "note",
        ]
        widgets = {"taken_at": _instant_input()}
        labels = {
            "systolic": "Systolic (mmHg)",
            "diastolic": "Diastolic (mmHg)",
            "heart_rate": "Pulse (/min)",
            "respiratory_rate": "Breaths (/min)",
            "spo2": "SpO2 (%)",
            "on_room_air": "On room air",
            "weight_kg": "Weight (kg)",
            "height_cm": "Height (cm)",
        }


class ResultForm(FactForm):
    """A laboratory, ECG or other result with its paper."""

    evidence_file = _file_field("The paper")
    rows = (("kind", "title", "performed_on"), ("summary",), ("evidence_file",))

    class Meta:
        model = StudyResult
        fields = ["kind", "title", "performed_on", "summary"]
        widgets = {"performed_on": day_input(), "summary": forms.Textarea(attrs={"rows": 2})}


class MonitoringForm(FactForm):
    """A look into the prescription-monitoring programme."""

    rows = (("checked_on", "state"), ("outcome",), ("note",))

    class Meta:
        model = MonitoringCheck
        fields = ["checked_on", "state", "outcome", "note"]
        widgets = {"checked_on": day_input(), "outcome": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _without_blank(self.fields["outcome"])


class RemsForm(FactForm):
    """The patient's REMS enrolment."""

    rows = (("enrolment_number", "enrolled_on", "ended_on"), ("note",))

    class Meta:
        model = RemsEnrolment
        fields = ["enrolment_number", "enrolled_on", "ended_on", "note"]
        widgets = {"enrolled_on": day_input(), "ended_on": day_input()}


class RetractForm(EvidenceFields):
    """Striking a fact under an absolute finding."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["change_reason"].label = "What was wrong, and how you know"
        self.helper = FormHelper()
        self.helper.form_tag = False
