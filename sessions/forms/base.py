"""What the forms of dosing share: times of the clinic's wall clock, lists of ticks, the key against sending twice."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from kapclinic.clinics.plausible import NOT_PLAUSIBLE, is_plausible


class Moment(forms.DateTimeField):
    """Date and time on the clinic's wall clock, to the second; comes out aware."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is not None and not is_plausible(value):
            raise forms.ValidationError(NOT_PLAUSIBLE)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, datetime) and timezone.is_aware(value):
            return timezone.localtime(value).replace(tzinfo=None, microsecond=0)
        return super().prepare_value(value)


class Day(forms.DateField):
    """A calendar day."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class Ticks(forms.MultipleChoiceField):
    """A list of tick boxes; none is an answer."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, words: Mapping[str, str], **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        super().__init__(choices=list(words.items()), **kwargs)


class YesNoField(forms.ChoiceField):
    """Yes, no, or not asked."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        super().__init__(choices=[("", "Not asked"), ("yes", "Yes"), ("no", "No")], **kwargs)


class SeenField(forms.TypedChoiceField):
    """Seen, not so, or not looked at yet: True, False, None."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            choices=[("", "Not looked at"), ("yes", "Yes"), ("no", "No")],
            coerce=lambda value: value == "yes",
            empty_value=None,
            required=False,
            **kwargs,
        )

    def prepare_value(self, value: Any) -> Any:
        return {True: "yes", False: "no", None: ""}.get(value, value)


class StepField(forms.TypedChoiceField):
    """None, mild, moderate, marked; empty when nobody looked."""

    def __init__(self, choices: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(
            choices=[("", "Not looked at"), *choices], coerce=int, empty_value=None, required=False, **kwargs
        )


def area(rows: int = 3) -> forms.Textarea:
    """A text box of `rows` lines."""
    return forms.Textarea(attrs={"rows": rows})


class KeyedForm(forms.Form):
    """A form that makes something once, however often it is sent."""

    request_key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["request_key"].initial = uuid.uuid4

    def details(self, *without: str) -> dict[str, Any]:
        """What was entered, without the key and `without`."""
        return {
            name: value for name, value in self.cleaned_data.items() if name not in ("request_key", *without)
        }


class ReasonForm(forms.Form):
    """One reason in words."""

    reason = forms.CharField(max_length=300, widget=area(2))


class AnswerForm(forms.Form):
    """One answer in words."""

    answer = forms.CharField(widget=area(4))
