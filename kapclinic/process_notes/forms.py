"""Forms of process notes."""

from typing import Any, cast

from django import forms
from django.utils import timezone

from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.process_notes.models import OpeningGround, ProcessNote
from kapclinic.process_notes.services import MOST_CHARACTERS, authors_of, custodians_of
from kapclinic.scheduling.forms import ClinicForm, day_input, staff_of
from kapclinic.scheduling.models import new_request_key

WHAT_STAYS_OUT = (
    "No scores, doses, vital signs or times here alone: they belong in the record. So do medication, diagnosis, plan, "
    "symptoms, prognosis and progress (45 CFR 164.501)."
)


class _LongText(forms.CharField):
    """Text that the browser does not cut: a paste that is too long is refused in words, and nothing of it is lost."""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {}


def _text_field(label: str, rows: int) -> forms.CharField:
    return _LongText(
        label=label,
        max_length=MOST_CHARACTERS,
        # What was typed is kept letter by letter.
        strip=False,
        help_text=WHAT_STAYS_OUT,
        widget=forms.Textarea(attrs={"rows": rows, "autocomplete": "off"}),
    )


def _people(form: forms.BaseForm, name: str) -> "forms.ModelChoiceField[User]":
    return cast("forms.ModelChoiceField[User]", form.fields[name])


class ProcessNoteForm(ClinicForm):
    """A draft."""

    about_on = forms.DateField(label="About the session of", widget=day_input())
    text = _text_field("Process note", 18)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)
    request_key = forms.UUIDField(widget=forms.HiddenInput, required=False, initial=new_request_key)

    def __init__(self, *args: Any, note: ProcessNote | None = None, **kwargs: Any):
        if note is None:
            kwargs["initial"] = {"about_on": timezone.localdate()}
        else:
            kwargs["initial"] = {"about_on": note.about_on, "text": note.text, "version": note.version}
        super().__init__(*args, **kwargs)


class ProcessAddendumForm(ClinicForm):
    """Text added to a signed note."""

    text = _text_field("Addendum", 5)
    addendum_id = forms.UUIDField(widget=forms.HiddenInput, initial=new_request_key)


class ReleaseForm(ClinicForm):
    """The patient's authorization for one note: to whom, for what, until when (45 CFR 164.508(c)(1))."""

    receiver = forms.ModelChoiceField(
        queryset=User.objects.none(), label="Released to", help_text="A clinician of this clinic, by name."
    )
    purpose = forms.CharField(max_length=300, help_text="As the authorization names it; no word of the note.")
    authorized_by_name = forms.CharField(label="Authorization signed by", max_length=150)
    representative_authority = forms.CharField(
        label="Representative's authority",
        max_length=150,
        required=False,
        help_text="Only if a representative signed.",
    )
    authorized_on = forms.DateField(label="Signed on", widget=day_input())
    expires_on = forms.DateField(
        label="Expires on", widget=day_input(), help_text="The last day on which it may be read."
    )
    is_separate = forms.BooleanField(
        label="The authorization is for psychotherapy notes alone",
        help_text="It cannot be part of another one (45 CFR 164.508(b)(3)(ii)).",
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput, required=False, initial=new_request_key)

    def __init__(self, *args: Any, note: ProcessNote, **kwargs: Any):
        super().__init__(*args, **kwargs)
        receivers = staff_of(note.clinic).exclude(pk__in=[note.created_by_id, note.holder_id])
        _people(self, "receiver").queryset = receivers

    def details(self) -> dict[str, Any]:
        """What the service takes beside the receiver."""
        names = (
            "purpose",
            "authorized_by_name",
            "representative_authority",
            "authorized_on",
            "expires_on",
            "is_separate",
        )
        return {name: self.cleaned_data[name] for name in names}


class RevokeReleaseForm(ClinicForm):
    """How the patient revoked the authorization."""

    how = forms.CharField(label="How it was revoked", max_length=300)


class OpenForm(ClinicForm):
    """On what ground a custodian opens a note."""

    ground = forms.ChoiceField(choices=OpeningGround.choices, widget=forms.RadioSelect)
    detail = forms.CharField(
        label="Paper or order that it stands on",
        max_length=300,
        help_text="This line is on record; no word of the note.",
    )


class TransferForm(ClinicForm):
    """Whose notes go to whom."""

    author = forms.ModelChoiceField(queryset=User.objects.none(), label="Who left")
    custodian = forms.ModelChoiceField(queryset=User.objects.none(), label="Custodian")
    reason = forms.CharField(max_length=300)

    def __init__(self, *args: Any, clinic: Clinic, starter: User, **kwargs: Any):
        super().__init__(*args, **kwargs)
        _people(self, "author").queryset = authors_of(clinic)
        _people(self, "custodian").queryset = custodians_of(clinic, starter=starter)
