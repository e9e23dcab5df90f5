"""Forms of an emergency access."""

from typing import Any

from crispy_forms.helper import FormHelper
from django import forms

from episodes.models import Patient
from kapclinic.accounts.forms import plain_helper
from kapclinic.breakglass.models import Verdict
from kapclinic.clinics.models import Clinic


class _PlainForm(forms.Form):
    """Without a form tag: the page writes its own."""

    @property
    def helper(self) -> FormHelper:
        return plain_helper()


class BreakGlassForm(_PlainForm):
    """Which one patient, and why. Nothing is listed: the person in front of one is named exactly."""

    public_id = forms.CharField(
        label="Patient's id",
        max_length=12,
        required=False,
        help_text="As it stands on letters and wristbands; or:",
    )
    family_name = forms.CharField(label="Legal family name", max_length=100, required=False)
    date_of_birth = forms.DateField(
        required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    reason = forms.CharField(
        label="Why you need to see this record now",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The managers read it today.",
    )

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._clinic = clinic

    def clean(self) -> dict[str, Any]:
        """Adds the patient under `patient`; errors stand where something is missing or nobody is found."""
        cleaned: dict[str, Any] = super().clean() or {}
        public_id = cleaned.get("public_id", "").strip().upper()
        name, born = cleaned.get("family_name", "").strip(), cleaned.get("date_of_birth")
        patients = Patient.objects.select_related("clinic").of_clinic(self._clinic)
        if public_id:
            found = list(patients.filter(public_id__iexact=public_id)[:2])
        elif name and born:
            found = list(patients.filter(family_name__iexact=name, date_of_birth=born)[:2])
        else:
            if not self.errors:
                self.add_error("public_id", "Enter the id, or family name and date of birth.")
            return cleaned
        if len(found) > 1:
            self.add_error("public_id", "Several patients have this name and date of birth: enter the id.")
        elif not found:
            at = "public_id" if public_id else "family_name"
            self.add_error(at, "Nobody here is registered like this.")
        else:
            cleaned["patient"] = found[0]
        return cleaned


class ReviewForm(_PlainForm):
    """A manager's verdict."""

    verdict = forms.ChoiceField(label="It was", choices=Verdict.choices, widget=forms.RadioSelect)
    comment = forms.CharField(
        label="What you found",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="With whom you spoke, and what follows from it. The person reads it.",
    )
