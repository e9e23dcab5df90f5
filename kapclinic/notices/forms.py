"""What a person chooses about e-mail."""

from typing import Any

from django import forms

from kapclinic.accounts.forms import plain_helper
from kapclinic.clinics.zones import zone_choices
from kapclinic.notices.models import EmailChoice


class EmailForm(forms.ModelForm):
    """Whether e-mail comes, and on whose clock its quiet hours run."""

    time_zone = forms.ChoiceField(
        label="My time zone",
        required=False,
        choices=lambda: [("", "As the clinic"), *zone_choices()],
        help_text="For quiet hours and for the time in the e-mail.",
    )

    class Meta:
        model = EmailChoice
        fields = ["is_on", "time_zone"]
        help_texts = {"is_on": "How many things wait and a link: no name, nothing about a patient."}

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()
