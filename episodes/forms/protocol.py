"""A new version of a protocol: its numbers and switches. Parts and phases are kept from the version before."""

import copy
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Fieldset, Layout, Row
from django import forms

from episodes.protocols import HANDOFF_DUE
from episodes.reading_times import GIVEN_WORDS, parse_offsets


class ReadingsField(forms.CharField):
    """Minutes after the start of the dose, "15, 30, 45": in addition to the clinic's own times."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=100, **kwargs)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not text:
            return ""
        try:
            return ", ".join(str(minute) for minute in parse_offsets(text))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class ProtocolVersionForm(forms.Form):
    """What clinics change in a protocol."""

    integration_opens_h = forms.FloatField(min_value=0, max_value=336, label="Opens, hours after T0")
    integration_preferred_until_h = forms.FloatField(
        min_value=0, max_value=336, label="Preferred start until, hours"
    )
    integration_closes_h = forms.FloatField(min_value=1, max_value=336, label="Closes, hours after T0")
    integration_minutes = forms.IntegerField(min_value=10, max_value=480, label="Session, minutes")
    preparation_from_h = forms.FloatField(min_value=1, max_value=720, label="From, hours before the dose")
    preparation_until_h = forms.FloatField(min_value=0, max_value=720, label="Until, hours before the dose")
    preparation_minutes = forms.IntegerField(min_value=10, max_value=480, label="Session, minutes")
    first_dose_minutes = forms.IntegerField(min_value=10, max_value=480, label="First dose, minutes")
    later_dose_minutes = forms.IntegerField(min_value=10, max_value=480, label="Later doses, minutes")
    planned_doses = forms.IntegerField(min_value=1, max_value=52, label="Planned doses")
    doses_per_week = forms.FloatField(min_value=0.1, max_value=3, label="Doses a week")
    induction_every_nth = forms.IntegerField(
        min_value=1, max_value=10, label="In induction, after every n-th dose"
    )
    maintenance_every_nth = forms.IntegerField(
        min_value=1, max_value=10, label="In maintenance, after every n-th dose"
    )
    plans_integration = forms.BooleanField(required=False, label="Integration is placed by the program")
    shares_content = forms.BooleanField(required=False, label="Prescriber and therapist coordinate content")
    handoff_before_working_days = forms.IntegerField(
        min_value=0,
        max_value=5,
        required=False,
        label="Before a dose: by the end of which working day before it",
    )
    handoff_after_days = forms.IntegerField(
        min_value=0, max_value=2, required=False, label="After a dose: by the end of which day after it"
    )
    change_note = forms.CharField(max_length=300, label="What changed, and why")

    _PATHS = {
        "integration_opens_h": ("integration", "opens_h"),
        "integration_preferred_until_h": ("integration", "preferred_until_h"),
        "integration_closes_h": ("integration", "closes_h"),
        "integration_minutes": ("integration_minutes",),
        "preparation_minutes": ("preparation_minutes",),
        "first_dose_minutes": ("first_dose_minutes",),
        "later_dose_minutes": ("later_dose_minutes",),
        "planned_doses": ("induction", "planned_doses"),
        "doses_per_week": ("induction", "doses_per_week"),
        "induction_every_nth": ("induction", "integration_every_nth"),
        "maintenance_every_nth": ("maintenance", "integration_every_nth"),
        "plans_integration": ("plans_integration",),
        "shares_content": ("shares_content",),
    }

    def __init__(self, *args: Any, latest: dict[str, Any], **kwargs: Any) -> None:
        self._latest = latest
        initial = {name: _at(latest, path) for name, path in self._PATHS.items()}
        initial["preparation_from_h"] = -latest["preparation"]["opens_h"]
        initial["preparation_until_h"] = -latest["preparation"]["closes_h"]
        named = latest.get("readings") or {}
        initial |= {_reading_field(key): text for key, text in named.items()}
        stated = latest.get("handoffs") or {}
        initial |= {f"handoff_{key}": days for key, days in stated.items()}
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        for key, words in GIVEN_WORDS.items():
            self.fields[_reading_field(key)] = ReadingsField(label=words.capitalize())
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(
            Fieldset(
                "Integration window",
                Row(
                    Column("integration_opens_h"), Column("integration_preferred_until_h"),
                    Column("integration_closes_h"), Column("integration_minutes"),
                ),
                Row(Column("induction_every_nth"), Column("maintenance_every_nth")),
                "plans_integration",
                "shares_content",
            ),
            Fieldset(
                "Preparation",
                Row(Column("preparation_from_h"), Column("preparation_until_h"), Column("preparation_minutes")),
            ),
            Fieldset(
                "Doses",
                Row(
                    Column("planned_doses"), Column("doses_per_week"),
                    Column("first_dose_minutes"), Column("later_dose_minutes"),
                ),
            ),
            Fieldset(
                "Readings, minutes after the start, besides those of the clinic's settings",
                *(_reading_field(key) for key in GIVEN_WORDS),
            ),
            Fieldset(
                "Handoffs are due; empty: as in the clinic's settings",
                Row(*(Column(f"handoff_{key}") for key in HANDOFF_DUE)),
            ),
            "change_note",
        )  # fmt: skip

    def data_of_version(self) -> dict[str, Any]:
        """The protocol's data with the changes applied."""
        data = copy.deepcopy(self._latest)
        for name, path in self._PATHS.items():
            _put(data, path, self.cleaned_data[name])
        data["preparation"]["opens_h"] = -self.cleaned_data["preparation_from_h"]
        data["preparation"]["closes_h"] = -self.cleaned_data["preparation_until_h"]
        named = {key: self.cleaned_data[_reading_field(key)] for key in GIVEN_WORDS}
        data.pop("readings", None)
        if any(named.values()):
            data["readings"] = {key: text for key, text in named.items() if text}
        stated = {key: self.cleaned_data[f"handoff_{key}"] for key in HANDOFF_DUE}
        data.pop("handoffs", None)
        if any(days is not None for days in stated.values()):
            data["handoffs"] = {key: days for key, days in stated.items() if days is not None}
        return data


def _reading_field(key: str) -> str:
    return f"readings_{key}"


def _at(data: dict[str, Any], path: tuple[str, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def _put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        data = data[key]
    data[path[-1]] = value
