"""Shapes of what the desk's pages are asked for."""

from typing import Any

from django import forms

from episodes.stages import Stage
from kapclinic.accounts.policy import Actor
from kapclinic.desk.people import EpisodeFilter, clinicians_of


class EpisodeFilterForm(forms.Form):
    """Filters above the episode list. What does not fit is dropped, never an error page."""

    stage = forms.ChoiceField(required=False, choices=[("", "All open"), *Stage.choices])
    clinician = forms.ChoiceField(required=False)
    overdue = forms.BooleanField(required=False, label="Overdue only")

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        clinician = self.fields["clinician"]
        assert isinstance(clinician, forms.ChoiceField)
        clinician.choices = [
            ("", "Everyone"),
            *((str(person.pk), person.full_name) for person in clinicians_of(actor)),
        ]
        for field in ("stage", "clinician"):
            self.fields[field].widget.attrs["class"] = "form-select"
        self.fields["overdue"].widget.attrs["class"] = "form-check-input"

    def filter(self) -> EpisodeFilter:
        """The filters that are valid."""
        self.is_valid()
        data = self.cleaned_data
        return EpisodeFilter(
            stage=data.get("stage", ""),
            clinician=data.get("clinician", ""),
            overdue=bool(data.get("overdue")),
        )


class SearchForm(forms.Form):
    """The search box."""

    q = forms.CharField(max_length=100, required=False, strip=True)
