"""Consents."""

import uuid
from typing import Any, cast

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Column, Fieldset, Layout, Row
from django import forms

from episodes.models import (
    SHAREABLE,
    Consent,
    ConsentKind,
    Episode,
    OutsideClinician,
    RecipientPart,
)
from episodes.selectors import outside_clinicians_of


class ConsentForm(forms.ModelForm):
    """A consent that the patient signed, with its paper where there is one."""

    categories = forms.MultipleChoiceField(
        choices=[(category.value, category.label) for category in SHAREABLE],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="What may be shared",
        help_text="The safety core (medication, allergies, findings, risk, adverse events, doses) is always seen by the "
        "treating prescriber and nurse.",
    )
    recipient_parts = forms.MultipleChoiceField(
        choices=RecipientPart.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        initial=RecipientPart.values,
        label="To whom on the care team",
        help_text="The program shows it to these alone.",
    )
    recipient_outside = forms.ModelChoiceField(
        OutsideClinician.objects.none(),
        required=False,
        label="Or to a clinician outside",
        empty_label="Nobody outside",
    )
    paper = forms.FileField(
        required=False, label="Signed paper", help_text="PDF, PNG or JPEG, at most 10 MB.",
        widget=forms.ClearableFileInput(attrs={"accept": "application/pdf,image/png,image/jpeg"}),
    )  # fmt: skip
    request_key = forms.UUIDField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Consent
        fields = [
            "kind", "text_version", "signed_on", "signed_by_name", "signer_is_representative", "representative_authority",
            "expires_on", "names_off_label", "categories", "discloser", "recipient", "recipient_parts",
            "recipient_outside", "purpose", "states_right_to_revoke", "states_conditions", "states_redisclosure",
        ]  # fmt: skip
        widgets = {
            "kind": forms.RadioSelect,
            "signed_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "expires_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }
        labels = {
            "names_off_label": "The text names that ketamine is used off-label",
            "signer_is_representative": "Signed by a representative",
            "states_right_to_revoke": "The text states the right to revoke it in writing, and how",
            "states_conditions": "The text states that treatment does not depend on signing it",
            "states_redisclosure": "The text states that a receiver may pass on what is shared",
        }
        help_texts = {"text_version": "The version printed on the form, such as 2026-1."}

    def __init__(self, *args: Any, episode: Episode, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        outside = cast(forms.ModelChoiceField, self.fields["recipient_outside"])
        outside.queryset = outside_clinicians_of(episode)
        cast(forms.ChoiceField, self.fields["kind"]).choices = ConsentKind.choices
        self.fields["request_key"].initial = uuid.uuid4
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(
            "kind",
            Row(Column("text_version"), Column("signed_on"), Column("expires_on")),
            Row(Column("signed_by_name"), Column("representative_authority")),
            "signer_is_representative",
            "names_off_label",
            Fieldset(
                "For a sharing consent",
                HTML('<p class="muted">The elements that 45 CFR 164.508(c) asks for.</p>'),
                "categories",
                Row(Column("discloser"), Column("recipient")),
                Row(Column("recipient_parts"), Column("recipient_outside")),
                "purpose",
                "states_right_to_revoke",
                "states_conditions",
                "states_redisclosure",
            ),
            "paper",
            "request_key",
        )

    def details(self) -> dict[str, Any]:
        """The consent's fields, as the service takes them."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}

    def _post_clean(self) -> None:
        # The service checks across fields; the model's own constraints would speak in its place.
        pass


class RevokeConsentForm(forms.Form):
    """How the patient revoked."""

    how = forms.CharField(
        max_length=300,
        label="How it was revoked",
        help_text="In writing on 3 May, by phone to the coordinator …",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
