"""Forms around a dosing session: planning, check-in, order, setting."""

from decimal import Decimal
from typing import Any

from django import forms

from episodes.models import Episode
from kapclinic.accounts.models import Role, User, current_members
from kapclinic.clinics.models import Clinic, Room, RoomKind
from sessions.dose import DoseRequest, Drug, Route, Salt, Unit
from sessions.forms.base import Day, KeyedForm, Moment, Ticks, YesNoField, area
from sessions.models import Approach, DosingSession, Place
from sessions.models.orders import DRUG_CHOICES, ROUTE_CHOICES, SALT_CHOICES, UNIT_CHOICES
from sessions.models.session import DUTY_ROLES
from sessions.vitals import HoldParameters
from sessions.wording import ENVIRONMENT, HOME_ENVIRONMENT


def _people(clinic: Clinic, role: Role) -> Any:
    return User.objects.filter(pk__in=[user.pk for user in current_members(clinic, role)])


class PlanForm(KeyedForm):
    """Book a dose, or record one that has been."""

    planned_at = Moment(label="From")
    planned_until = Moment(label="Until")
    place = forms.ChoiceField(choices=Place)
    place_note = forms.CharField(
        label="Address, and who is there", max_length=300, required=False, help_text="Outside the clinic."
    )
    room = forms.ModelChoiceField(Room.objects.none(), required=False)
    therapist = forms.ModelChoiceField(User.objects.none(), required=False)
    nurse = forms.ModelChoiceField(User.objects.none(), required=False)
    prescriber = forms.ModelChoiceField(
        User.objects.none(), required=False, help_text="Within reach during the dose."
    )
    reason = forms.CharField(
        max_length=300,
        required=False,
        label="Reason, where something speaks against it",
    )

    def __init__(self, *args: Any, episode: Episode, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        clinic = episode.clinic
        rooms = Room.objects.filter(clinic=clinic, is_active=True, kind=RoomKind.DOSING)
        for name, queryset in (
            ("room", rooms),
            ("therapist", _people(clinic, Role.THERAPIST)),
            ("nurse", _people(clinic, Role.NURSE)),
            ("prescriber", _people(clinic, Role.PRESCRIBER)),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = queryset


class CheckInForm(KeyedForm):
    """What is asked at the door."""

    at = Moment(label="Checked in at")
    weight_kg = forms.DecimalField(label="Weight, kg", max_digits=5, decimal_places=1, required=False)
    escort_confirmed = YesNoField(label="Escort confirmed")
    escort_name = forms.CharField(max_length=150, required=False)
    escort_phone = forms.CharField(max_length=40, required=False)
    nothing_eaten = forms.BooleanField(label="Nothing eaten today", required=False)
    last_food_at = Moment(label="Last ate", required=False)
    nothing_drunk = forms.BooleanField(label="Nothing drunk today", required=False)
    last_drink_at = Moment(label="Last drank", required=False)
    nasal_medicine_at = Moment(
        label="Nasal steroid or decongestant used",
        required=False,
        help_text="The last time today. It matters before esketamine.",
    )
    intoxication_suspected = YesNoField(label="Intoxication suspected")
    medicines_changed = YesNoField(label="Medicines changed since the last visit")
    pregnancy_possible = YesNoField(label="Could be pregnant")
    new_complaints = forms.CharField(max_length=500, required=False, widget=area(2))
    intention = forms.CharField(label="Intention for today", max_length=500, required=False, widget=area(2))


class OrderForm(KeyedForm):
    """An order with the arithmetic beside it."""

    drug = forms.ChoiceField(choices=DRUG_CHOICES, initial=Drug.KETAMINE)
    route = forms.ChoiceField(choices=ROUTE_CHOICES)
    amount = forms.DecimalField(max_digits=8, decimal_places=3)
    unit = forms.ChoiceField(choices=[("", "Choose"), *UNIT_CHOICES], required=False)
    salt = forms.ChoiceField(
        label="The amount counts", choices=SALT_CHOICES, initial=Salt.BASE, required=False
    )
    infusion_minutes = forms.IntegerField(label="Over, min", min_value=1, max_value=600, required=False)
    concentration_mg_per_ml = forms.DecimalField(
        label="Vial, mg/mL", max_digits=7, decimal_places=3, min_value=Decimal("0.001"), required=False
    )
    diluted_to_ml = forms.DecimalField(
        label="Diluted to, mL", max_digits=6, decimal_places=1, min_value=Decimal("0.1"), required=False
    )
    is_supplemental = forms.BooleanField(label="Supplemental dose in the same session", required=False)
    hold_systolic = forms.IntegerField(label="Systolic up to", min_value=60, max_value=300, required=False)
    hold_diastolic = forms.IntegerField(label="Diastolic up to", min_value=30, max_value=200, required=False)
    hold_spo2 = forms.IntegerField(label="SpO₂ from", min_value=50, max_value=100, required=False)
    hold_heart_low = forms.IntegerField(label="Heart rate from", min_value=20, max_value=120, required=False)
    hold_heart_high = forms.IntegerField(
        label="Heart rate up to", min_value=60, max_value=250, required=False
    )
    note = forms.CharField(label="Instructions", max_length=500, required=False, widget=area(2))
    warnings_reason = forms.CharField(
        label="Why it is right all the same",
        max_length=300,
        required=False,
        help_text="Asked when a rule warns.",
    )
    change_reason = forms.CharField(
        label="Why the order changes",
        max_length=300,
        required=False,
        help_text="Asked when another is active.",
    )

    def request(self) -> DoseRequest:
        """What was ordered, as the rules know it; missing parts stay None."""
        data = self.cleaned_data
        unit, drug, route = data.get("unit"), data.get("drug"), data.get("route")
        return DoseRequest(
            drug=Drug(drug) if drug else None,
            route=Route(route) if route else None,
            amount=data.get("amount"),
            unit=Unit(unit) if unit else None,
            salt=Salt(data.get("salt") or Salt.BASE),
            concentration_mg_per_ml=data.get("concentration_mg_per_ml"),
            diluted_to_ml=data.get("diluted_to_ml"),
            infusion_minutes=data.get("infusion_minutes") if route == Route.INTRAVENOUS else None,
            is_supplemental=bool(data.get("is_supplemental")),
        )

    def hold(self) -> HoldParameters:
        """The order's own limits."""
        data = self.cleaned_data
        return HoldParameters(
            max_systolic=data.get("hold_systolic"),
            max_diastolic=data.get("hold_diastolic"),
            min_spo2=data.get("hold_spo2"),
            max_heart_rate=data.get("hold_heart_high"),
            min_heart_rate=data.get("hold_heart_low"),
        )


class TelephoneOrderForm(OrderForm):
    """An order given by telephone, written down and read back by a nurse."""

    telephone_from = forms.ModelChoiceField(User.objects.none(), label="Ordered by")
    read_back = forms.BooleanField(label="Read back and confirmed", required=False)

    def __init__(self, *args: Any, session: DosingSession, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["telephone_from"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = _people(session.clinic, Role.PRESCRIBER)


class SettingForm(forms.Form):
    """The room, the music, the way of working."""

    approach = forms.ChoiceField(choices=[("", "Not recorded"), *Approach.choices], required=False)
    playlist = forms.CharField(max_length=200, required=False)
    environment = Ticks(ENVIRONMENT, label="Environment")
    environment_note = forms.CharField(label="Set and setting", max_length=300, required=False)
    place_note = forms.CharField(label="Address, and who is there", max_length=300, required=False)
    homework = forms.CharField(
        label="Journal prompt or activity until integration", max_length=500, required=False, widget=area(2)
    )

    def __init__(self, *args: Any, session: DosingSession, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if session.place != Place.CLINIC:
            field = self.fields["environment"]
            assert isinstance(field, Ticks)
            field.choices = list({**HOME_ENVIRONMENT, **ENVIRONMENT}.items())
        else:
            del self.fields["place_note"]


class CallOffForm(forms.Form):
    """The visit does not take place."""

    no_show = forms.BooleanField(label="The patient did not come", required=False)
    reason = forms.CharField(max_length=300, required=False, widget=area(2))


class DutyForm(forms.Form):
    """Put somebody on duty for one day's doses."""

    on = Day(label="Day")
    role = forms.ChoiceField(choices=DUTY_ROLES)
    person = forms.ModelChoiceField(User.objects.none())

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["person"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = _people(clinic, Role.NURSE) | _people(clinic, Role.PRESCRIBER)
