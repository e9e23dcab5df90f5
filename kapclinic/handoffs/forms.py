"""Forms of handoffs: shape only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms

from kapclinic.handoffs.fields import FIELDS

MAX_TEXT = 20_000


class HandoffForm(forms.Form):
    """The fields of one kind. A draft may have gaps; signing asks for the rest."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(
        self, kind: str, *args: Any, sources: Mapping[str, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for field in FIELDS[kind]:
            source = (sources or {}).get(field.key, "")
            prompt = f"{field.prompt} Prefilled from: {source}." if source else field.prompt
            self.fields[field.key] = forms.CharField(
                label=field.title if field.is_required else f"{field.title} (if any)",
                help_text=prompt,
                required=False,
                max_length=MAX_TEXT,
                widget=forms.Textarea(attrs={"rows": 4}),
            )
        self.kind = kind
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True

    def body(self) -> dict[str, str]:
        """What was written, by field."""
        return {field.key: self.cleaned_data[field.key] for field in FIELDS[self.kind]}


class AmendForm(forms.Form):
    """Why a signed handoff is amended."""

    reason = forms.CharField(label="Why it is amended", max_length=300)


class AcknowledgeForm(forms.Form):
    """That it was read, with a reply where one is needed."""

    reply = forms.CharField(
        label="Reply (if needed)",
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
