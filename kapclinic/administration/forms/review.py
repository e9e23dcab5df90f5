"""Forms of the review of the record."""

from datetime import date, timedelta
from typing import Any

from django import forms

from kapclinic.accounts.forms import plain_helper
from kapclinic.accounts.models import User
from kapclinic.accounts.policy import TABLE
from kapclinic.accounts.visits import SIGN_IN, UNLOCK
from kapclinic.audit.models import Outcome, Verdict
from kapclinic.clinics.models import Clinic

DAYS_SHOWN_FIRST = 7


class EventFilterForm(forms.Form):
    """What to look for among the access events; it travels in the request's body."""

    patient = forms.CharField(label="Patient's name or number", required=False, max_length=100)
    person = forms.ModelChoiceField(User.objects.none(), required=False, empty_label="Everybody")
    action = forms.ChoiceField(required=False)
    outcome = forms.ChoiceField(
        required=False, choices=[("", "Every outcome"), ("denied", "Everything denied"), *Outcome.choices]
    )
    since = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To, that day included", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()
        people: Any = self.fields["person"]
        people.queryset = User.objects.filter(memberships__clinic=clinic).distinct()
        actions: Any = self.fields["action"]
        names = sorted({*TABLE, SIGN_IN, UNLOCK, "calendar.feed"})
        actions.choices = [("", "Every action"), *((name, in_words(name)) for name in names)]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        since, until = values.get("since"), values.get("until")
        if since and until and until < since:
            self.add_error("until", "The period ends before it begins.")
        return values

    @staticmethod
    def first_values(today: date) -> dict[str, Any]:
        """The last week, everybody."""
        return {
            "since": (today - timedelta(days=DAYS_SHOWN_FIRST - 1)).isoformat(),
            "until": today.isoformat(),
        }


def in_words(action: str) -> str:
    """An action of the access table as people read it: "chart: view"."""
    room, _, verb = action.partition(".")
    return f"{room.replace('-', ' ')}: {verb.replace('-', ' ')}"


class ReadReviewForm(forms.Form):
    """A manager's answer to one unusual read."""

    verdict = forms.ChoiceField(choices=Verdict.choices, widget=forms.RadioSelect)
    comment = forms.CharField(
        label="What you found",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="It stays beside the answer for good. No health data.",
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()
