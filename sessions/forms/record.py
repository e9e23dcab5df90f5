"""Forms of what is given, measured, seen and written down during a dose, and of leaving."""

from datetime import datetime
from typing import Any

from django import forms

from sessions.discharge import FIRM_ITEMS, Gate, Item
from sessions.dose import Drug, Route
from sessions.forms.base import Day, KeyedForm, Moment, SeenField, StepField, Ticks, area
from sessions.models import (
    ChallengeKind,
    Continuation,
    DosingSession,
    Grade,
    LogKind,
    Outcome,
    SeriousCriterion,
)
from sessions.models.leaving import ENDING_CHOICES
from sessions.models.monitoring import SEDATION_CHOICES, STEP_CHOICES
from sessions.models.orders import DRUG_CHOICES, ROUTE_CHOICES
from sessions.services import GivenDetails
from sessions.vitals import SIGN_LABELS
from sessions.wording import CHALLENGE_FOLLOW_UP, CHALLENGE_SIGNS, CHALLENGE_STEPS


class GivenForm(KeyedForm):
    """One administration."""

    drug = forms.ChoiceField(choices=DRUG_CHOICES)
    route = forms.ChoiceField(choices=ROUTE_CHOICES)
    started_at = Moment(label="Start")
    ended_at = Moment(label="Stop", required=False, help_text="Infusions. Anything else ends when it starts.")
    amount_mg = forms.DecimalField(label="Given, mg of base", max_digits=7, decimal_places=1, required=False)
    volume_ml = forms.DecimalField(label="Volume, mL", max_digits=6, decimal_places=2, required=False)
    site = forms.CharField(label="Site or device", max_length=80, required=False)
    lot = forms.CharField(max_length=40, required=False)
    expires_on = Day(label="Expiry", required=False)
    stopped_early = forms.BooleanField(required=False)
    stop_reason = forms.CharField(label="Why it was stopped", max_length=300, required=False)
    deviation_note = forms.CharField(
        label="What happened, if it was not as ordered", max_length=500, required=False, widget=area(2)
    )

    def given(self) -> GivenDetails:
        """The details as the verb takes them."""
        data = self.details("correction_reason")
        return GivenDetails(**{**data, "drug": Drug(data["drug"]), "route": Route(data["route"])})


class StartForm(GivenForm):
    """Start now: nothing about an end yet."""

    field_order = ("drug", "route", "started_at", "amount_mg", "volume_ml", "site", "lot", "expires_on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("ended_at", "stopped_early", "stop_reason", "deviation_note"):
            del self.fields[name]
        self.fields["amount_mg"].help_text = "Not for an infusion: its amount is recorded at the stop."


class CorrectGivenForm(GivenForm):
    """A right record in place of a wrong one."""

    correction_reason = forms.CharField(label="What was wrong", max_length=300, required=False)


class StopForm(forms.Form):
    """The end of an infusion."""

    ended_at = Moment(label="Stopped at")
    amount_mg = forms.DecimalField(label="Given, mg of base", max_digits=7, decimal_places=1)
    stopped_early = forms.BooleanField(required=False)
    stop_reason = forms.CharField(label="Why", max_length=300, required=False)


class MedicineForm(KeyedForm):
    """Another medicine."""

    name = forms.CharField(max_length=120)
    amount = forms.CharField(label="Amount with unit", max_length=60)
    route = forms.CharField(max_length=40, required=False)
    given_at = Moment(label="Given at")
    reason = forms.CharField(max_length=200, required=False)
    ordered_by_name = forms.CharField(label="Ordered by", max_length=150, required=False)


class VitalsForm(KeyedForm):
    """One set of vital signs, quick to type."""

    taken_at = Moment(label="Taken at")
    systolic = forms.IntegerField(required=False)
    diastolic = forms.IntegerField(required=False)
    heart_rate = forms.IntegerField(label="Pulse", required=False)
    spo2 = forms.IntegerField(label="SpO₂ %", required=False)
    respiratory_rate = forms.IntegerField(label="Breaths", required=False)
    sedation = forms.TypedChoiceField(
        label="MOAA/S",
        choices=[("", "–"), *SEDATION_CHOICES],
        coerce=int,
        empty_value=None,
        required=False,
    )
    is_on_oxygen = forms.BooleanField(label="On oxygen", required=False)
    temperature_c = forms.DecimalField(
        label="Temperature, °C", max_digits=4, decimal_places=1, required=False
    )
    dissociation = StepField(STEP_CHOICES)
    nausea = StepField(STEP_CHOICES)
    signs = Ticks(
        {sign.value: words.capitalize() for sign, words in SIGN_LABELS.items()}, label="Emergency signs"
    )
    note = forms.CharField(max_length=300, required=False)

    PADS = ("systolic", "diastolic", "heart_rate", "spo2", "respiratory_rate", "sedation")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("systolic", "diastolic", "heart_rate", "spo2", "respiratory_rate"):
            self.fields[name].widget.attrs.update({"inputmode": "numeric", "autocomplete": "off"})

    def pads(self) -> list[forms.BoundField]:
        """The fields of the large entry pads."""
        return [self[name] for name in self.PADS]


class CorrectVitalsForm(VitalsForm):
    """A right reading in place of a wrong one."""

    correction_reason = forms.CharField(label="What was wrong", max_length=300, required=False)


class LogForm(KeyedForm):
    """A line of the log."""

    at = Moment(label="When")
    kind = forms.ChoiceField(choices=LogKind, initial=LogKind.NOTE)
    text = forms.CharField(required=False, widget=area(2))


class ChallengeForm(KeyedForm):
    """A challenging experience of one class."""

    kind = forms.ChoiceField(choices=ChallengeKind, widget=forms.HiddenInput)
    began_at = Moment(label="Began")
    eased_at = Moment(label="Eased", required=False)
    signs = Ticks({}, label="What was seen")
    steps_taken = Ticks({}, label="What was done")
    description = forms.CharField(required=False, widget=area(3))
    follow_up = Ticks({}, label="What should follow")

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].initial = kind
        for name, lists in (
            ("signs", CHALLENGE_SIGNS),
            ("steps_taken", CHALLENGE_STEPS),
            ("follow_up", CHALLENGE_FOLLOW_UP),
        ):
            field = self.fields[name]
            assert isinstance(field, Ticks)
            field.choices = list(lists[kind].items())


class ChallengeAnswerForm(forms.Form):
    """What it means for the next dose."""

    continuation = forms.ChoiceField(label="For the next dose", choices=Continuation)
    answer = forms.CharField(label="Why", widget=area(3))


class AdverseEventForm(KeyedForm):
    """An adverse event: grade and seriousness apart."""

    term = forms.CharField(label="What", max_length=120)
    description = forms.CharField(required=False, widget=area(3))
    began_at = Moment(label="Began")
    resolved_at = Moment(label="Resolved", required=False)
    grade = forms.TypedChoiceField(
        choices=Grade.choices,
        coerce=int,
        help_text="CTCAE v5. A passing, expected effect is not an adverse event.",
    )
    is_serious = forms.BooleanField(label="Serious", required=False)
    serious_criteria = Ticks(dict(SeriousCriterion.choices), label="Serious because of (21 CFR 312.32)")
    action_taken = forms.CharField(max_length=500, required=False, widget=area(2))
    outcome = forms.ChoiceField(choices=Outcome)


class AdverseEventUpdateForm(AdverseEventForm):
    """News of an adverse event."""

    correction_reason = forms.CharField(label="What is new, or was wrong", max_length=300, required=False)


class DischargeCheckForm(KeyedForm):
    """What is seen before the patient leaves."""

    at = Moment(label="Seen at")
    is_oriented = SeenField(label="Alert and oriented")
    walks_steadily = SeenField(label="Walks steadily")
    nausea = StepField(STEP_CHOICES)
    dissociation = StepField(STEP_CHOICES)
    escort_name = forms.CharField(label="Escort, by name", max_length=150, required=False)
    escort_seen_at = Moment(label="Escort seen at", required=False)
    instructions_given = forms.BooleanField(label="Written instructions given", required=False)
    phone_given = forms.BooleanField(label="Phone number to ring given", required=False)
    risk_rechecked = SeenField(label="Suicide risk asked again, safe to go")
    mental_status = forms.CharField(max_length=500, required=False, widget=area(2))


class EndingForm(KeyedForm):
    """How the visit ended; a prescriber may override what may be overridden."""

    ending = forms.ChoiceField(choices=ENDING_CHOICES)
    ended_at = Moment(label="Left at")
    reason = forms.CharField(
        required=False, widget=area(2), help_text="Needed for every ending but discharge with the escort."
    )
    transport = forms.CharField(max_length=200, required=False, help_text="Other transport.")
    destination = forms.CharField(max_length=200, required=False, help_text="Transferred.")
    correction_reason = forms.CharField(
        label="What was wrong with the ending recorded before", max_length=300, required=False
    )

    def __init__(
        self, *args: Any, gate: Gate, may_override: bool, is_correction: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if not is_correction:
            del self.fields["correction_reason"]
        self.override_items: list[Item] = []
        self.unmet = frozenset(entry.item for entry in gate.unmet)
        if may_override:
            for entry in gate.items:
                if entry.item not in FIRM_ITEMS:
                    self.override_items.append(entry.item)
                    self.fields[f"override-{entry.item.value}"] = forms.CharField(
                        required=False, max_length=300, label=f"Override “{entry.label}” because"
                    )

    def main_fields(self) -> list[forms.BoundField]:
        """How the visit ended, without the overrides."""
        return [self[name] for name in self.fields if not name.startswith("override-")]

    def open_overrides(self) -> list[forms.BoundField]:
        """Overrides of what is unmet now."""
        return [self[f"override-{item.value}"] for item in self.override_items if item in self.unmet]

    def other_overrides(self) -> list[forms.BoundField]:
        """Overrides of what is met now, and may not have been when the patient left."""
        return [self[f"override-{item.value}"] for item in self.override_items if item not in self.unmet]

    def overrides(self) -> dict[Item, str]:
        """What is overridden and why."""
        found = {item: self.cleaned_data.get(f"override-{item.value}", "") for item in self.override_items}
        return {item: why for item, why in found.items() if why.strip()}


class PassForm(forms.Form):
    """A written reason for each thing that yields to one; gaps in the papers take one together (rule book 0.11)."""

    PAPERWORK = "pass-paperwork"

    def __init__(self, *args: Any, reasons: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._paperwork = [reason for reason in reasons if reason.is_paperwork]
        for reason in reasons:
            if not reason.is_paperwork:
                self._ask(f"pass-{reason.code}", reason.text)
        if self._paperwork:
            self._ask(self.PAPERWORK, " ".join(reason.text for reason in self._paperwork))

    def _ask(self, name: str, text: str) -> None:
        self.fields[name] = forms.CharField(required=False, max_length=300, label=f"{text} Go on because")

    def passing(self) -> dict[str, str]:
        """Reason codes with what was written."""
        written = {name: value for name, value in self.cleaned_data.items() if value.strip()}
        paperwork = written.pop(self.PAPERWORK, "")
        found = {name.removeprefix("pass-"): value for name, value in written.items()}
        return found | ({reason.code: paperwork for reason in self._paperwork} if paperwork else {})


def first_moment(session: DosingSession, now: datetime) -> datetime:
    """A sensible time to begin with: now on the day of the session, its planned start when entered afterwards."""
    return now if session.planned_until >= now or session.is_open else session.planned_at
