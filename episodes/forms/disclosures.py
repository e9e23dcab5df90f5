"""Giving copies out, and emergencies."""

import uuid
from typing import Any, cast

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Layout, Row
from django import forms

from episodes.models import Episode, OutsideClinician
from episodes.selectors import outside_clinicians_of
from kapclinic.documents.models import Medium

PATIENT = "patient"
_WAYS_OUT = [
    (medium.value, medium.label)
    for medium in (Medium.PAPER, Medium.FAX, Medium.LETTER, Medium.SECURE_MAIL, Medium.SPOKEN)
]


class GiveOutForm(forms.Form):
    """To whom, how and for what a copy goes out."""

    receiver = forms.ChoiceField(
        label="To whom",
        widget=forms.RadioSelect,
        help_text="Clinicians outside who are on the care team. What their consent does not cover is withheld in the copy.",
    )
    medium = forms.ChoiceField(label="How", choices=_WAYS_OUT)
    purpose = forms.CharField(
        label="For what",
        max_length=300,
        required=False,
        help_text="For the patient's own copy it may stay empty.",
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput, required=False, initial=uuid.uuid4)

    def __init__(self, *args: Any, episode: Episode, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._outside = {str(each.pk): each for each in outside_clinicians_of(episode)}
        receiver = cast(forms.ChoiceField, self.fields["receiver"])
        receiver.choices = [
            (PATIENT, "The patient"),
            *(
                (key, ", ".join(filter(None, (each.name, each.practice))))
                for key, each in self._outside.items()
            ),
        ]
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout("receiver", Row(Column("medium"), Column("purpose")), "request_key")

    def outside(self) -> OutsideClinician | None:
        """The chosen clinician; None for the patient."""
        return self._outside.get(self.cleaned_data["receiver"])


class EmergencyForm(forms.Form):
    """Who needs it now, and what the emergency is."""

    WHO = [
        ("me", "Me: show me what is withheld"),
        ("outside", "Somebody outside who treats the patient now"),
    ]
    who = forms.ChoiceField(label="Who needs it", choices=WHO, widget=forms.RadioSelect)
    receiver_name = forms.CharField(label="Name", max_length=150, required=False)
    affiliation = forms.CharField(label="Hospital or service", max_length=149, required=False)
    medium = forms.ChoiceField(label="How", choices=_WAYS_OUT, required=False)
    reason = forms.CharField(
        label="What is the emergency",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        help_text="It goes on the patient's list of disclosures, and a manager reviews it.",
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput, required=False, initial=uuid.uuid4)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(
            "who",
            Row(Column("receiver_name"), Column("affiliation"), Column("medium")),
            "reason",
            "request_key",
        )

    def clean(self) -> dict[str, Any]:
        """Everything that is missing is said at once: time is short here."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("who") == "outside":
            for name, words in (
                ("receiver_name", "Name who receives it."),
                ("affiliation", "Name the hospital or service."),
            ):
                if not cleaned.get(name):
                    self.add_error(name, words)
        return cleaned
