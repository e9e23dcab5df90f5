"""Two texts of one note: what is saved now beside what somebody else is about to send."""

from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.http import QueryDict


@dataclass(frozen=True)
class Difference:
    """One field in which the saved note says something else."""

    label: str
    saved: str


def differences(sent: forms.Form, saved: forms.Form) -> list[Difference]:
    """The fields in which `sent` (bound) differs from `saved` (unbound, holding the note as it is now), hidden ones apart."""
    return [
        Difference(str(bound.label), _in_words(bound.field, bound.value()))
        for bound in saved.visible_fields()
        if bound.field.has_changed(bound.initial, _data_of(sent, bound.name, bound.field))
    ]


def carry_on_from(form: forms.Form, version: int) -> None:
    """Let the form, sent once more, take the place of `version`: its sender has seen that one."""
    data = cast(QueryDict, form.data).copy()
    data[form.add_prefix("version")] = str(version)
    form.data = data


def _data_of(form: forms.Form, name: str, field: forms.Field) -> Any:
    return field.widget.value_from_datadict(form.data, form.files, form.add_prefix(name))


def _in_words(field: forms.Field, value: Any) -> str:
    if isinstance(field, forms.BooleanField):
        return "yes" if value else "no"
    if isinstance(field, forms.ChoiceField):
        offered: list[tuple[Any, Any]] = list(cast(Any, field.choices))
        labels = {str(key): str(label) for key, label in offered if not isinstance(label, list | tuple)}
        chosen = value if isinstance(value, list | tuple) else [value]
        return ", ".join(labels.get(str(key), str(key)) for key in chosen if key not in (None, ""))
    return str(field.widget.format_value(value) or "")
