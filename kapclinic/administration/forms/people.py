"""Forms about people: invitations, roles, credentials."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms

from kapclinic.accounts.forms import plain_helper
from kapclinic.accounts.models import CompetencyKind, LicenceKind, Role, TrainingKind
from kapclinic.accounts.states import STATES


class _PlainForm(forms.Form):
    """A crispy form whose page writes the form tag."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.helper = plain_helper()


def _date(label: str, help_text: str = "") -> forms.DateField:
    return forms.DateField(
        label=label, help_text=help_text, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class InviteForm(_PlainForm):
    """Whom to invite, and to which roles."""

    name = forms.CharField(max_length=150)
    email = forms.EmailField(
        label="E-mail address", max_length=254, help_text="The link goes there, and they sign in with it."
    )
    roles = forms.MultipleChoiceField(choices=Role.choices, widget=forms.CheckboxSelectMultiple)


class GrantRoleForm(_PlainForm):
    """A further role for a person."""

    role = forms.ChoiceField(choices=())

    def __init__(self, *args: Any, held: Iterable[str], **kwargs: Any):
        super().__init__(*args, **kwargs)
        held = set(held)
        self.fields["role"].choices = [choice for choice in Role.choices if choice[0] not in held]  # type: ignore[attr-defined]  # a ChoiceField


class LicenceForm(_PlainForm):
    """A licence to put on file."""

    kind = forms.ChoiceField(choices=[("", "Choose"), *LicenceKind.choices])
    number = forms.CharField(max_length=60)
    state = forms.ChoiceField(label="Issuing state", choices=[("", "Choose"), *STATES])
    expires_on = _date("Expires on", "It counts up to and including this day.")


class RenewLicenceForm(_PlainForm):
    """The new day of expiry."""

    expires_on = _date("Renewed until")


class TrainingForm(_PlainForm):
    """Hours of training."""

    kind = forms.ChoiceField(choices=[("", "Choose"), *TrainingKind.choices])
    hours = forms.DecimalField(
        min_value=Decimal("0.5"), max_value=Decimal(5000), decimal_places=1, help_text="Hours."
    )
    provider = forms.CharField(label="Where, with whom", max_length=200, required=False)
    completed_on = _date("Completed on")


class StrikeForm(_PlainForm):
    """Why an entry is struck."""

    reason = forms.CharField(label="What was wrong", max_length=400, widget=forms.Textarea(attrs={"rows": 2}))


class CompetencyForm(_PlainForm):
    """A competency and what it rests on."""

    kind = forms.ChoiceField(label="Competency", choices=[("", "Choose"), *CompetencyKind.choices])
    basis = forms.CharField(
        label="Rests on", max_length=200, help_text="Certificate, supervision or experience."
    )
    since = _date("Since")
