"""Forms about the clinic itself."""

from typing import Any

from django import forms

from kapclinic.accounts.forms import plain_helper
from kapclinic.clinics.models import Clinic, Room
from kapclinic.clinics.zones import zone_choices


class RoomForm(forms.ModelForm):
    """A room."""

    class Meta:
        model = Room
        fields = ["name", "kind", "is_active"]
        labels = {"kind": "Used for", "is_active": "In use"}

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()


class ClinicForm(forms.ModelForm):
    """The clinic as it stands on letters and documents."""

    time_zone = forms.ChoiceField(
        choices=zone_choices,
        help_text="Times are shown in it, and working hours follow it. Appointments keep their instant when it changes.",
    )

    class Meta:
        model = Clinic
        fields = [
            "name",
            "address",
            "phone",
            "after_hours_phone",
            "time_zone",
            "rems_site_id",
            "rems_certified_until",
        ]
        labels = {
            "after_hours_phone": "Phone after hours",
            "rems_certified_until": "REMS certification ends on",
        }
        widgets = {
            "address": forms.Textarea(attrs={"rows": 3}),
            "rems_certified_until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }
        help_texts = {
            "after_hours_phone": "Printed on the sheet that patients take home.",
            "rems_site_id": "Needed for esketamine alone.",
        }

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()
