"""Forms of integration."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, cast

from django import forms

from episodes.models import OutsideClinician, ProtocolVersion
from episodes.protocols import ProtocolSpec
from integration.models import ActionStep, IntegrationSession, MissReason, Modality, StepOutcome
from integration.services.planning import MOST_INDUCTIONS
from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.plausible import NOT_PLAUSIBLE, is_plausible
from kapclinic.scheduling.forms import ClinicForm, HeldForm, day_input
from kapclinic.scheduling.models import MeetingPlace, new_request_key

STEP_FIELDS = 3
# Calendars are not kept further.
MOST_DAYS_AHEAD = 366


class MissForm(ClinicForm):
    """Why a window was missed."""

    reason = forms.ChoiceField(choices=MissReason.choices, widget=forms.RadioSelect)
    note = forms.CharField(required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class ApplyForm(forms.Form):
    """The proposal that the person saw."""

    starts_at = forms.DateTimeField(input_formats=["%Y-%m-%dT%H:%M:%S%z"])
    person = forms.UUIDField()


class CapacityForm(ClinicForm):
    """How many inductions of which protocol, starting in which week."""

    version = forms.ModelChoiceField(
        label="Protocol", queryset=ProtocolVersion.objects.none(), empty_label=None
    )
    week = forms.DateField(label="Week of", widget=day_input(), help_text="Any day of it.")
    most = forms.IntegerField(label="How many at most", min_value=1, max_value=MOST_INDUCTIONS, initial=12)

    def __init__(self, *args: Any, clinic: Clinic, today: date, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._today = today
        cast("forms.ModelChoiceField[ProtocolVersion]", self.fields["version"]).queryset = (
            ProtocolVersion.objects.filter(clinic=clinic, protocol__is_active=True)
            .select_related("protocol")
            .order_by("protocol__name", "-number")
        )

    def clean_week(self) -> date:
        """The Monday of a week that is not over."""
        day: date = self.cleaned_data["week"]
        if not is_plausible(day):
            raise forms.ValidationError(NOT_PLAUSIBLE)
        monday = day - timedelta(days=day.weekday())
        if monday + timedelta(days=6) < self._today:
            raise forms.ValidationError("That week is over.")
        if monday > self._today + timedelta(days=MOST_DAYS_AHEAD):
            raise forms.ValidationError("Choose a week within the next year.")
        return monday


class RecordForm(HeldForm):
    """A session that was not booked here."""

    held_by = forms.ChoiceField(label="Held by")
    place = forms.ChoiceField(choices=MeetingPlace.choices)
    request_key = forms.UUIDField(widget=forms.HiddenInput, initial=new_request_key)

    field_order = ["held_by", "day", "began", "ended", "place"]

    def __init__(self, *args: Any, clinic: Clinic, therapists: list[User], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._people = {f"person:{user.pk}": user for user in therapists}
        self._outside = {f"outside:{one.pk}": one for one in OutsideClinician.objects.filter(clinic=clinic)}
        cast(forms.ChoiceField, self.fields["held_by"]).choices = [
            ("Here", [(key, str(user)) for key, user in self._people.items()]),
            ("Outside", [(key, str(one)) for key, one in self._outside.items()]),
        ]

    def who(self) -> dict[str, Any]:
        """The clinician as the service wants them."""
        key = self.cleaned_data["held_by"]
        if key in self._people:
            return {"therapist": self._people[key]}
        return {"outside": self._outside[key]}


class NoteForm(ClinicForm):
    """The note: the protocol's parts, modalities, what to share, steps that come back, new steps."""

    modalities = forms.MultipleChoiceField(
        label="How you worked", choices=Modality.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    themes = forms.CharField(
        label="Themes to share with the prescriber",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Goes into the handoff where the patient's consent covers it.",
    )
    plan = forms.CharField(label="Until next time", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        session: IntegrationSession,
        spec: ProtocolSpec,
        open_steps: list[ActionStep],
        **kwargs: Any,
    ):
        own = [step.text for step in session.action_steps.standing()]
        reviews = {review.step_id: review for review in session.step_reviews.standing()}
        kwargs["initial"] = _initial(session, spec)
        super().__init__(*args, **kwargs)
        self.parts = spec.integration_parts
        self.steps = [step for step in open_steps if step.session_id != session.pk]
        self.steps += [review.step for review in reviews.values() if review.step not in self.steps]
        for part in self.parts:
            self.fields[f"covered_{part.key}"] = forms.BooleanField(
                label=part.label,
                required=False,
                widget=forms.CheckboxInput(attrs={"aria-describedby": f"prompt-{part.key}"}),
            )
            self.fields[f"note_{part.key}"] = forms.CharField(
                label=part.label,
                required=False,
                help_text=part.prompt,
                widget=forms.Textarea(
                    attrs={"rows": 3, "class": "form-control", "aria-describedby": f"prompt-{part.key}"}
                ),
            )
        for step in self.steps:
            review = reviews.get(step.pk)
            self.fields[f"step_{step.pk}"] = forms.ChoiceField(
                label=step.text,
                required=False,
                choices=[("", "Not looked at"), *StepOutcome.choices],
                initial="" if review is None else review.outcome,
            )
            self.fields[f"step_note_{step.pk}"] = forms.CharField(
                label="Note", required=False, max_length=300, initial="" if review is None else review.note
            )
        for number in range(len(own) + STEP_FIELDS):
            self.fields[f"new_step_{number}"] = forms.CharField(
                label=f"Step {number + 1}",
                required=False,
                max_length=300,
                initial=own[number] if number < len(own) else "",
            )

    def part_rows(self) -> list[dict[str, Any]]:
        """Each part with its two fields, for the page."""
        return [
            {"part": part, "covered": self[f"covered_{part.key}"], "note": self[f"note_{part.key}"]}
            for part in self.parts
        ]

    def step_rows(self) -> list[dict[str, Any]]:
        """Each step that came back with its two fields."""
        return [
            {"step": step, "outcome": self[f"step_{step.pk}"], "note": self[f"step_note_{step.pk}"]}
            for step in self.steps
        ]

    def new_steps(self) -> list[Any]:
        """The fields for new steps."""
        return [self[name] for name in self.fields if name.startswith("new_step_")]

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        data = self.cleaned_data
        return {
            "version": data["version"],
            "parts": {
                part.key: {"covered": data[f"covered_{part.key}"], "note": data[f"note_{part.key}"]}
                for part in self.parts
            },
            "modalities": data["modalities"],
            "themes": data["themes"],
            "plan": data["plan"],
            "steps": [data[name] for name in self.fields if name.startswith("new_step_")],
            "reviews": {
                str(step.pk): (data[f"step_{step.pk}"], data[f"step_note_{step.pk}"])
                for step in self.steps
                if data[f"step_{step.pk}"]
            },
        }


def _initial(session: IntegrationSession, spec: ProtocolSpec) -> dict[str, Any]:
    parts = session.body.get("parts", {})
    found: dict[str, Any] = {
        "modalities": session.modalities,
        "themes": session.themes,
        "plan": session.plan,
        "version": session.version,
    }
    for part in spec.integration_parts:
        written = parts.get(part.key, {})
        found[f"covered_{part.key}"] = written.get("covered", False)
        found[f"note_{part.key}"] = written.get("note", "")
    return found


class AddendumForm(ClinicForm):
    """Text added to a signed note."""

    text = forms.CharField(label="Addendum", widget=forms.Textarea(attrs={"rows": 3}))
    addendum_id = forms.UUIDField(widget=forms.HiddenInput, initial=new_request_key)
