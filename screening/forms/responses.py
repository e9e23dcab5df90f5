"""The form of one questionnaire, made from its definition, and the forms around imports."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils import timezone

from kapclinic.clinics.models import Clinic
from screening.importing.mappings import mappings
from screening.importing.rows import DATE_FORMATS
from screening.instruments import FunctionalItem, Instrument, Item, instruments
from screening.models import ImportDestination, Response, ResponseMode, ResponsePhase


def _answers(item: Item | FunctionalItem, label: str) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        choices=[(option.value, option.text) for option in item.options],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose one of the answers."},
    )


class QuestionnaireForm(forms.Form):
    """One field an item, in the exact wording; blanks are allowed and are not zero."""

    completed_at = forms.DateTimeField(
        label="Answered at",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    )
    phase = forms.ChoiceField(label="Belongs to", choices=ResponsePhase.choices)
    dose_number = forms.IntegerField(
        label="Dose number",
        min_value=1,
        max_value=500,
        required=False,
        help_text="Where it belongs to one dose.",
    )
    mode = forms.ChoiceField(
        label="How it was answered",
        choices=[choice for choice in ResponseMode.choices if choice[0] != ResponseMode.IMPORTED],
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, definition: Instrument, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.definition = definition
        for item in definition.items:
            self.fields[f"item_{item.number}"] = _answers(item, item.text)
        if definition.functional_item is not None:
            self.fields["functional"] = _answers(definition.functional_item, definition.functional_item.text)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        phase, number = cleaned.get("phase"), cleaned.get("dose_number")
        if number is not None and phase not in (ResponsePhase.BEFORE_DOSE, ResponsePhase.INTEGRATION):
            self.add_error("dose_number", "A dose number goes with “Before a dose” or “Integration”.")
        return cleaned

    def questions(self) -> list[dict[str, Any]]:
        """Each item with its bound field, for the page."""
        return [{"item": item, "field": self[f"item_{item.number}"]} for item in self.definition.items]

    def functional_question(self) -> forms.BoundField | None:
        """The functional item's bound field, where there is one."""
        return self["functional"] if "functional" in self.fields else None

    @property
    def answers(self) -> list[int | None]:
        """The answers in the items' order, `None` for a blank."""
        return [self.cleaned_data.get(f"item_{item.number}") for item in self.definition.items]

    @property
    def functional(self) -> int | None:
        """The functional item's answer."""
        return self.cleaned_data.get("functional")


class CorrectionForm(QuestionnaireForm):
    """A questionnaire with the stored answers, and why they are corrected."""

    reason = forms.CharField(label="What is corrected, and why", max_length=300)

    def __init__(self, *args: Any, response: Response, **kwargs: Any) -> None:
        stored = {f"item_{number}": value for number, value in response.answers.items()}
        initial = {
            **stored,
            "functional": response.functional,
            "completed_at": timezone.localtime(response.completed_at),
            **kwargs.pop("initial", {}),
        }
        super().__init__(*args, definition=response.instrument, initial=initial, **kwargs)
        for name in ("phase", "dose_number", "mode"):
            del self.fields[name]

    def clean(self) -> dict[str, Any]:
        return forms.Form.clean(self) or {}


class UploadForm(forms.Form):
    """A file of answered questionnaires."""

    file = forms.FileField(
        label="File", help_text="CSV (UTF-8) or FHIR R4 QuestionnaireResponse JSON, at most 50 MB."
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput, required=False)


class ImportForm(forms.Form):
    """How to read an uploaded file and where its rows go."""

    destination = forms.ChoiceField(
        label="Where the answers go", choices=ImportDestination.choices, widget=forms.RadioSelect
    )
    mapping = forms.ChoiceField(label="How the file is laid out")
    population = forms.CharField(
        label="Name of the population",
        max_length=80,
        required=False,
        help_text="For a reference sample that has no name yet.",
    )
    source = forms.CharField(label="Where the sample comes from", max_length=300, required=False)
    licence = forms.CharField(label="Licence of the sample", max_length=200, required=False)

    OWN = "own"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(name, mapping.title) for name, mapping in mappings().items()]
        self.fields["mapping"].choices = [*known, (self.OWN, "Another CSV: I choose the columns")]  # type: ignore[attr-defined]


class ColumnsForm(forms.Form):
    """Which column is which, for a CSV that no mapping knows."""

    instrument = forms.ChoiceField(
        label="Questionnaire", choices=[(each.id, each.title) for each in instruments()]
    )
    external_id = forms.ChoiceField(label="Column with the person's identifier", required=False)
    completed_at = forms.ChoiceField(label="Column with the date", required=False)
    date_format = forms.ChoiceField(label="Dates are written like", choices=list(DATE_FORMATS.items()))
    functional = forms.ChoiceField(label="Column with the difficulty item", required=False)
    missing_codes = forms.CharField(
        label="Codes that mean “no answer”",
        required=False,
        help_text="Separated by spaces, such as 7 9. A blank always does.",
    )

    def __init__(self, *args: Any, columns: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "Not in the file"), *((column, column) for column in columns)]
        for name in ("external_id", "completed_at", "functional"):
            self.fields[name].choices = choices  # type: ignore[attr-defined]
        most = max(len(each.items) for each in instruments())
        for number in range(1, most + 1):
            self.fields[f"column_{number}"] = forms.ChoiceField(
                label=f"Column of item {number}", choices=choices, required=False
            )

    def as_mapping(self, clinic: Clinic) -> dict[str, Any]:
        """The choices as the data of a mapping; `clinic`'s zone is that of days without one."""
        data = self.cleaned_data
        definition = next(each for each in instruments() if each.id == data["instrument"])
        return {
            "title": "Columns chosen by hand",
            "format": "csv",
            "instrument": definition.id,
            "items": {str(item.number): data[f"column_{item.number}"] for item in definition.items},
            "functional": data["functional"] if definition.functional_item else "",
            "missing_codes": data["missing_codes"].replace(",", " ").split(),
            "external_id": data["external_id"],
            "completed_at": data["completed_at"],
            "date_format": data["date_format"],
            "zone": "clinic",
        }
