"""Forms of the calendar. Days and times are typed on the clinic's clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from crispy_forms.helper import FormHelper
from django import forms
from django.forms.utils import from_current_timezone
from django.utils import timezone

from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic, Room
from kapclinic.clinics.plausible import NOT_PLAUSIBLE, is_plausible
from kapclinic.scheduling.limits import LONGEST_BUFFER_MINUTES, MOST_SESSIONS_OF_A_DAY, Limits
from kapclinic.scheduling.models import (
    NEUTRAL_TITLE,
    AppointmentKind,
    HoursPlace,
    MeetingPlace,
    TimeOff,
    ToldHow,
    Weekday,
    Wish,
    new_request_key,
)
from kapclinic.scheduling.public_holidays import STATES


def day_input(**attributes: Any) -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", **attributes})


def time_input(**attributes: Any) -> forms.TimeInput:
    return forms.TimeInput(format="%H:%M", attrs={"type": "time", **attributes})


class ClinicForm(forms.Form):
    """A form without a tag of its own; the page draws it."""

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        return helper

    def moment(self, day: str, clock: str) -> datetime | None:
        """Day and time together as an instant; an hour that the clock skips is an error at its field."""
        on, at = self.cleaned_data.get(day), self.cleaned_data.get(clock)
        if on is None or at is None:
            return None
        if not is_plausible(on):
            self.add_error(day, NOT_PLAUSIBLE)
            return None
        try:
            moment: datetime = from_current_timezone(datetime.combine(on, at))
        except forms.ValidationError:
            self.add_error(clock, "The clock skips or repeats this time that day. Choose another.")
            return None
        return moment


class TimesForm(ClinicForm):
    """Day, start and length."""

    day = forms.DateField(widget=day_input())
    starts = forms.TimeField(label="Starts", widget=time_input())
    minutes = forms.IntegerField(label="Minutes", min_value=5, max_value=600, initial=60)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        starts_at = self.moment("day", "starts")
        if starts_at is not None and data.get("minutes"):
            data["starts_at"] = starts_at
            data["ends_at"] = starts_at + timedelta(minutes=data["minutes"])
        return data


def staff_of(clinic: Clinic) -> Any:
    """People with a clinical role at the clinic, by name."""
    return User.objects.filter(
        is_active=True,
        memberships__clinic=clinic,
        memberships__ended_at__isnull=True,
        memberships__role__in=[Role.NURSE, Role.THERAPIST, Role.PRESCRIBER],
    ).distinct()


def _offer_rooms(form: forms.Form, clinic: Clinic) -> None:
    field = cast("forms.ModelChoiceField[Room]", form.fields["room"])
    field.queryset = Room.objects.filter(clinic=clinic, is_active=True)


class BookingForm(TimesForm):
    """Books or moves a session of one patient."""

    kind = forms.ChoiceField(label="For")
    person = forms.ModelChoiceField(label="With", queryset=User.objects.none())
    place = forms.ChoiceField(choices=MeetingPlace.choices)
    room = forms.ModelChoiceField(queryset=Room.objects.none(), required=False)
    reason = forms.CharField(
        label="Why all the same",
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Gets past what yields to a written reason: outside the window, outside hours, time off.",
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput, initial=new_request_key)
    sequence = forms.IntegerField(widget=forms.HiddenInput, required=False)

    field_order = ["kind", "person", "day", "starts", "minutes", "place", "room", "reason"]

    def __init__(self, *args: Any, clinic: Clinic, kinds: Sequence[str], **kwargs: Any):
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["kind"]).choices = [
            (kind, AppointmentKind(kind).label) for kind in kinds
        ]
        cast("forms.ModelChoiceField[User]", self.fields["person"]).queryset = staff_of(clinic)
        _offer_rooms(self, clinic)
        # Pages name fields by what services call them.
        self.fields["starts_at"] = forms.CharField(required=False, widget=forms.HiddenInput)


class MeetingForm(TimesForm):
    """Books a team meeting."""

    title = forms.CharField(label="About", max_length=120)
    people = forms.ModelMultipleChoiceField(
        label="Who", queryset=User.objects.none(), widget=forms.CheckboxSelectMultiple
    )
    place = forms.ChoiceField(choices=MeetingPlace.choices)
    room = forms.ModelChoiceField(queryset=Room.objects.none(), required=False)
    reason = forms.CharField(label="Why all the same", required=False, max_length=500)
    request_key = forms.UUIDField(widget=forms.HiddenInput, initial=new_request_key)

    field_order = ["title", "day", "starts", "minutes", "people", "place", "room", "reason"]

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any):
        super().__init__(*args, **kwargs)
        cast("forms.ModelMultipleChoiceField[User]", self.fields["people"]).queryset = staff_of(clinic)
        _offer_rooms(self, clinic)


class PatientSearchForm(ClinicForm):
    """Whom a time is for."""

    q = forms.CharField(
        label="Name or number",
        min_length=2,
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class TellForm(ClinicForm):
    """How the patient was told, and whether they were reached."""

    how = forms.ChoiceField(choices=ToldHow.choices, widget=forms.RadioSelect, initial=ToldHow.PHONE)
    reached = forms.ChoiceField(
        label="Reached",
        choices=[("yes", "Yes, the patient knows"), ("no", "No, not reached")],
        widget=forms.RadioSelect,
    )


class ReasonForm(ClinicForm):
    """A written reason."""

    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class HeldForm(ClinicForm):
    """The real start and end of a session."""

    day = forms.DateField(widget=day_input())
    began = forms.TimeField(label="Began", widget=time_input())
    ended = forms.TimeField(label="Ended", widget=time_input())

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        began, ended = self.moment("day", "began"), self.moment("day", "ended")
        if began is not None and ended is not None:
            # A session over midnight ends on the next day.
            data["held_from"] = began
            data["held_until"] = ended if ended > began else ended + timedelta(days=1)
        return data


class WeeklyForm(ClinicForm):
    """The same time on one or several weekdays."""

    weekdays = forms.TypedMultipleChoiceField(
        choices=Weekday.choices, coerce=int, widget=forms.CheckboxSelectMultiple
    )
    starts_at = forms.TimeField(label="From", widget=time_input())
    ends_at = forms.TimeField(label="Until", widget=time_input(), help_text="00:00 is midnight.")
    valid_from = forms.DateField(label="In force from", widget=day_input(), initial=timezone.localdate)
    valid_until = forms.DateField(label="Until and including", widget=day_input(), required=False)


class HoursForm(WeeklyForm):
    """Weekly hours."""

    place = forms.ChoiceField(choices=HoursPlace.choices)


class PatientTimesForm(WeeklyForm):
    """Weekly times in which a patient cannot come, or would rather come."""

    wish = forms.ChoiceField(label="The patient", choices=Wish.choices, widget=forms.RadioSelect)
    field_order = ["wish"]


class PatientPlaceForm(ClinicForm):
    """How a patient can come."""

    place = forms.ChoiceField(label="Comes", choices=HoursPlace.choices)


class LimitsForm(ClinicForm):
    """A clinician's own limits; empty fields stand for the clinic's settings."""

    most_sessions_per_day = forms.IntegerField(
        label="Most sessions a day", min_value=1, max_value=MOST_SESSIONS_OF_A_DAY, required=False
    )
    buffer_minutes = forms.IntegerField(
        label="Minutes between two sessions", min_value=0, max_value=LONGEST_BUFFER_MINUTES, required=False
    )

    def __init__(self, *args: Any, house: Limits, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["most_sessions_per_day"].help_text = f"Empty: the clinic's {house.most_sessions_per_day}."
        self.fields["buffer_minutes"].help_text = f"Empty: the clinic's {house.buffer_minutes}."


class SpanForm(ClinicForm):
    """A stretch of days and times."""

    from_day = forms.DateField(label="From", widget=day_input())
    from_time = forms.TimeField(label="Time", widget=time_input())
    to_day = forms.DateField(label="Until", widget=day_input())
    to_time = forms.TimeField(label="Time", widget=time_input())

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["starts_at"] = self.moment("from_day", "from_time")
        data["ends_at"] = self.moment("to_day", "to_time")
        return data


class TimeOffForm(SpanForm):
    """Time off."""

    kind = forms.ChoiceField(choices=TimeOff.Kind.choices)


class ClosureForm(SpanForm):
    """Time in which a room is closed."""

    reason = forms.CharField(label="Why it is closed", max_length=120)


class FeedForm(ClinicForm):
    """What every appointment is called in the person's own calendar."""

    title = forms.CharField(
        label="Appointments are called",
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": NEUTRAL_TITLE, "autocomplete": "off"}),
        help_text=f'Empty: "{NEUTRAL_TITLE}". Choose a word that says nothing about patients or treatment.',
    )


class ExtraHoursForm(SpanForm):
    """Extra hours."""

    place = forms.ChoiceField(choices=HoursPlace.choices)


class HolidayForm(ClinicForm):
    """A day on which the clinic is closed."""

    on = forms.DateField(label="Day", widget=day_input())
    name = forms.CharField(max_length=80)


class HolidaysForm(ClinicForm):
    """Whose public holidays are suggested."""

    state = forms.ChoiceField(label="Public holidays of", required=False)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["state"]).choices = [
            ("", "United States (federal)"),
            *STATES.items(),
        ]
