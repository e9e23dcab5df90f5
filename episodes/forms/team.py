"""The care team."""

from typing import Any, cast

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Layout, Row
from django import forms

from episodes.models import OutsideClinician, TeamPart
from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic


class TeamMemberForm(forms.Form):
    """Puts a person of the clinic, or an outside clinician, on the team."""

    part = forms.ChoiceField(choices=TeamPart.choices)
    user = forms.ModelChoiceField(
        queryset=User.objects.none(),
        required=False,
        label="Person of this clinic",
        empty_label="Choose a person",
    )
    outside = forms.ModelChoiceField(
        queryset=OutsideClinician.objects.none(),
        required=False,
        label="or a clinician outside",
        empty_label="None",
    )

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[User]", self.fields["user"]).queryset = (
            User.objects.filter(
                is_active=True, memberships__clinic=clinic, memberships__ended_at__isnull=True
            )
            .exclude(
                memberships__clinic=clinic, memberships__role="manager", memberships__ended_at__isnull=True
            )
            .distinct()
        )
        outside = cast("forms.ModelChoiceField[OutsideClinician]", self.fields["outside"])
        outside.queryset = OutsideClinician.objects.filter(clinic=clinic)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout("part", Row(Column("user"), Column("outside")))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and (data.get("user") is None) == (data.get("outside") is None):
            self.add_error("user", "Choose one person: of this clinic, or outside.")
        return data


class OutsideClinicianForm(forms.ModelForm):
    """A clinician without an account here."""

    class Meta:
        model = OutsideClinician
        fields = ["name", "practice", "phone", "fax", "acknowledges_by"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(
            Row(Column("name"), Column("practice")),
            Row(Column("phone"), Column("fax"), Column("acknowledges_by")),
        )
