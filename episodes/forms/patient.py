"""Patients and their allergies."""

import uuid
import zoneinfo
from datetime import date
from typing import Any, cast

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Fieldset, Layout, Row
from django import forms
from django.utils import timezone

from episodes.models import Allergy, Patient

_LANGUAGES = [
    ("en", "English"), ("es", "Spanish"), ("ar", "Arabic"), ("de", "German"), ("fr", "French"), ("he", "Hebrew"),
    ("hi", "Hindi"), ("ja", "Japanese"), ("ko", "Korean"), ("pt", "Portuguese"), ("ru", "Russian"), ("tl", "Tagalog"),
    ("vi", "Vietnamese"), ("zh", "Chinese"), ("asl", "American Sign Language"), ("other", "Another language"),
]  # fmt: skip
_OLDEST_YEARS = 125


def time_zone_choices() -> list[tuple[str, str]]:
    """Zones of the United States first, then every other of the IANA list."""
    everything = sorted(
        name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/")
    )
    near = [
        "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
        "America/Anchorage", "Pacific/Honolulu",
    ]  # fmt: skip
    return [
        (name, name.replace("_", " ")) for name in [*near, *(name for name in everything if name not in near)]
    ]


class PatientForm(forms.ModelForm):
    """Registering a patient, and changing the details later."""

    language = forms.ChoiceField(choices=_LANGUAGES, initial="en")
    time_zone = forms.ChoiceField(
        required=False, help_text="Leave empty where it is the clinic's. Reminders keep to it."
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput, required=False)
    duplicates_seen = forms.BooleanField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Patient
        fields = [
            "given_name", "family_name", "preferred_name", "pronouns", "date_of_birth", "sex_at_birth", "external_id",
            "phone", "email", "address", "state", "postal_code", "language", "time_zone", "emergency_name",
            "emergency_phone", "emergency_relation", "support_name", "support_phone", "support_relation",
        ]  # fmt: skip
        widgets = {
            "date_of_birth": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "address": forms.Textarea(attrs={"rows": 2}),
            "state": forms.TextInput(attrs={"size": 2, "maxlength": 2}),
            "phone": forms.TextInput(attrs={"type": "tel"}),
            "emergency_phone": forms.TextInput(attrs={"type": "tel"}),
            "support_phone": forms.TextInput(attrs={"type": "tel"}),
        }
        help_texts = {"pronouns": "As the patient says them: she/her, they/them."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["time_zone"]).choices = [
            ("", "The clinic's time zone"),
            *time_zone_choices(),
        ]
        self.fields["request_key"].initial = uuid.uuid4
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(
            Fieldset(
                "Who",
                Row(Column("given_name"), Column("family_name"), Column("preferred_name")),
                Row(Column("date_of_birth"), Column("sex_at_birth"), Column("pronouns")),
                Row(Column("external_id"), Column("language"), Column("time_zone")),
            ),
            Fieldset(
                "How to reach them",
                Row(Column("phone"), Column("email")),
                "address",
                Row(Column("state"), Column("postal_code")),
            ),
            Fieldset(
                "In an emergency",
                Row(Column("emergency_name"), Column("emergency_phone"), Column("emergency_relation")),
            ),
            Fieldset(
                "Support person",
                Row(Column("support_name"), Column("support_phone"), Column("support_relation")),
            ),
            "request_key",
            "duplicates_seen",
        )

    def clean_state(self) -> str:
        return self.cleaned_data["state"].upper()

    def clean_date_of_birth(self) -> date:
        born: date = self.cleaned_data["date_of_birth"]
        today = timezone.localdate()
        if born > today:
            raise forms.ValidationError("The date of birth lies in the future.")
        if today.year - born.year > _OLDEST_YEARS:
            raise forms.ValidationError(f"That is more than {_OLDEST_YEARS} years ago. Check the year.")
        return born

    def details(self) -> dict[str, Any]:
        """The patient's fields, as the service takes them."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}


class AllergyForm(forms.ModelForm):
    """One allergy or intolerance."""

    class Meta:
        model = Allergy
        fields = ["substance", "kind", "reaction"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(Row(Column("substance"), Column("kind")), "reaction")
