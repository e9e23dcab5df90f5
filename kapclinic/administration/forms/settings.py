"""Forms of the clinical settings."""

from typing import Any

from django import forms

from kapclinic.accounts.forms import plain_helper
from kapclinic.clinics.settings_registry import SettingSpec


def _as_bool(text: str) -> bool:
    return text == "yes"


class ProposalForm(forms.Form):
    """Another value for one declared setting, and why."""

    value = forms.CharField()
    reason = forms.CharField(
        label="Why",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="It stays beside the value for good.",
    )

    def __init__(self, *args: Any, spec: SettingSpec, current: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()
        self.fields["value"] = self._value_field(spec, current)
        self.order_fields(["value", "reason"])

    @staticmethod
    def _value_field(spec: SettingSpec, current: Any) -> forms.Field:
        label = f"Proposed value, in {spec.unit}" if spec.unit else "Proposed value"
        if spec.kind is bool:
            return forms.TypedChoiceField(
                label=label,
                choices=[("yes", "Yes"), ("no", "No")],
                coerce=_as_bool,
                initial="yes" if current else "no",
            )
        if spec.kind is str:
            return forms.CharField(label=label, max_length=400, initial=current)
        # What is allowed is said here and decided by the declaration.
        bounds = [
            f"not below {spec.least:g}" if spec.least is not None else "",
            f"not above {spec.most:g}" if spec.most is not None else "",
        ]
        said = " and ".join(bound for bound in bounds if bound)
        numbers: dict[str, Any] = {
            "label": label,
            "initial": current,
            "help_text": f"{said.capitalize()}." if said else "",
        }
        return forms.IntegerField(**numbers) if spec.kind is int else forms.FloatField(**numbers)


class DecisionForm(forms.Form):
    """A note beside the decision."""

    note = forms.CharField(
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Needed when you decline.",
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()
