"""What is asked for a whole course, and what a person changes of it."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any, cast

from django import forms

from episodes.models import Episode
from integration.coursing import Preparing
from integration.forms import MOST_DAYS_AHEAD
from integration.services.coursing import CourseAsk
from kapclinic.accounts.models import Role, User, current_members
from kapclinic.clinics.models import Room, RoomKind
from kapclinic.clinics.services import setting
from kapclinic.scheduling.clinical_settings import GRID
from kapclinic.scheduling.forms import ClinicForm, day_input, time_input
from kapclinic.scheduling.models import Weekday, new_request_key

# What the form begins with; daytime.
_DAY_BEGINS, _DAY_ENDS = time(9), time(17)
_PREPARING = (
    (Preparing.SHARED, "Before every dose; an integration session in time for it counts"),
    (Preparing.EVERY, "Before every dose, each a session of its own"),
    (Preparing.FIRST, "Before the first dose only"),
)


class CourseForm(ClinicForm):
    """How many doses, from when, on which days, and with whom."""

    doses = forms.IntegerField(label="Doses", min_value=1)
    first = forms.DateField(label="First dose from", widget=day_input())
    weekdays = forms.TypedMultipleChoiceField(
        label="On",
        coerce=int,
        choices=Weekday.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: any day.",
    )
    earliest = forms.TimeField(label="Not before", widget=time_input(), initial=_DAY_BEGINS)
    wanted = forms.TimeField(label="Best at", widget=time_input(), initial=_DAY_BEGINS)
    latest = forms.TimeField(label="Over by", widget=time_input(), initial=_DAY_ENDS)
    preparing = forms.ChoiceField(
        label="Preparation", choices=_PREPARING, initial=Preparing.SHARED, widget=forms.RadioSelect
    )
    therapist = forms.ModelChoiceField(
        User.objects.none(), help_text="Others of the care team take a session where this person cannot."
    )
    at_doses = forms.BooleanField(label="The therapist is there during the doses", required=False)
    nurse = forms.ModelChoiceField(User.objects.none(), required=False)
    prescriber = forms.ModelChoiceField(
        User.objects.none(), required=False, help_text="Within reach during the doses."
    )
    room = forms.ModelChoiceField(
        Room.objects.none(), label="Dosing room", required=False, empty_label="Any dosing room"
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput, initial=new_request_key)

    def __init__(self, *args: Any, episode: Episode, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today, clinic = today, episode.clinic
        self._grid = setting(clinic, GRID)
        most = episode.protocol.induction.most_doses
        self.fields["doses"] = forms.IntegerField(label="Doses", min_value=1, max_value=most)
        rooms = Room.objects.filter(clinic=clinic, is_active=True, kind=RoomKind.DOSING)
        for name, queryset in (
            ("therapist", current_members(clinic, Role.THERAPIST)),
            ("nurse", current_members(clinic, Role.NURSE)),
            ("prescriber", current_members(clinic, Role.PRESCRIBER)),
            ("room", rooms),
        ):
            cast("forms.ModelChoiceField[Any]", self.fields[name]).queryset = queryset

    def clean_first(self) -> date:
        """A day ahead, within the calendar."""
        day: date = self.cleaned_data["first"]
        if day < self._today:
            raise forms.ValidationError("That day is over.")
        if day > self._today + timedelta(days=MOST_DAYS_AHEAD):
            raise forms.ValidationError("Choose a day within the next year.")
        return day

    def clean_wanted(self) -> time:
        """A beginning on the clinic's grid."""
        clock: time = self.cleaned_data["wanted"]
        if clock.minute % self._grid:
            raise forms.ValidationError(f"Sessions start every {self._grid} min: choose such a time.")
        return clock

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        earliest, wanted, latest = (data.get(name) for name in ("earliest", "wanted", "latest"))
        if earliest and latest and latest <= earliest:
            self.add_error("latest", "It is over after it begins.")
        elif earliest and wanted and latest and not earliest <= wanted < latest:
            self.add_error("wanted", "This lies between the two other times.")
        if "nurse" in data and "prescriber" in data and not (data["nurse"] or data["prescriber"]):
            self.add_error("nurse", "Choose a nurse or a prescriber: somebody gives the dose.")
        return data

    def ask(self) -> CourseAsk:
        """What the service takes."""
        data = self.cleaned_data
        keys = {
            name: None if data[name] is None else str(data[name].pk)
            for name in ("nurse", "prescriber", "room")
        }
        return CourseAsk(
            doses=data["doses"],
            first=data["first"],
            weekdays=tuple(data["weekdays"]),
            earliest=data["earliest"],
            wanted=data["wanted"],
            latest=data["latest"],
            preparing=Preparing(data["preparing"]),
            therapist=str(data["therapist"].pk),
            at_doses=data["at_doses"],
            **keys,
        )


class ChangesForm(forms.Form):
    """What stands on the page of a proposed course: ticks, beginnings, and which version the person saw.

    Fields are made of the proposal's own lines, so that only what was offered can be chosen.
    """

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, doses: list[dict[str, Any]], lines: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._doses = doses
        for dose in doses:
            number = dose["number"]
            self.fields[f"dose-{number}"] = forms.BooleanField(required=False)
            offered = [start for start in (dose["starts_at"], *dose["others"]) if start]
            self.fields[f"start-{number}"] = forms.ChoiceField(
                choices=[(start, start) for start in offered], required=False
            )
        self._lines = lines
        for line in lines:
            self.fields[f"line-{line}"] = forms.BooleanField(required=False)

    def ticked(self) -> set[int]:
        """Numbers of the doses that are wanted."""
        return {dose["number"] for dose in self._doses if self.cleaned_data[f"dose-{dose['number']}"]}

    def starts(self) -> dict[int, str]:
        """Beginnings as chosen, ISO, of the doses that have one."""
        chosen = ((dose["number"], self.cleaned_data[f"start-{dose['number']}"]) for dose in self._doses)
        return {number: start for number, start in chosen if start}

    def unticked_lines(self) -> set[str]:
        """Sessions that are not to be booked."""
        return {line for line in self._lines if not self.cleaned_data[f"line-{line}"]}
