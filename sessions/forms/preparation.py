"""The form of a preparation session."""

from typing import Any

from django import forms

from episodes.models import Episode
from kapclinic.scheduling.models import MeetingPlace
from sessions.forms.base import KeyedForm, Moment, Ticks, area
from sessions.models import PreparationSession
from sessions.wording import INSTRUCTIONS


class PreparationForm(KeyedForm):
    """The protocol's parts with a tick and a note each, then intention, safety plan, instructions, escort."""

    held_from = Moment(label="Began")
    held_until = Moment(label="Ended")
    place = forms.ChoiceField(choices=MeetingPlace)
    intention = forms.CharField(
        widget=area(3), required=False, help_text="In the patient's words, tied to the goals of the episode."
    )
    safety_plan = forms.CharField(
        widget=area(4),
        required=False,
        help_text="Warning signs, what helps, whom to ring, by day and by night.",
    )
    instructions = Ticks(INSTRUCTIONS, label="Instructions given")
    escort_name = forms.CharField(max_length=150, required=False)
    escort_phone = forms.CharField(max_length=40, required=False)
    escort_relation = forms.CharField(max_length=60, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self, *args: Any, episode: Episode, note: PreparationSession | None = None, **kwargs: Any
    ) -> None:
        self.parts = episode.protocol.preparation_parts
        if note is not None:
            kwargs["initial"] = {**_initial(note), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        for part in self.parts:
            self.fields[f"covered-{part.key}"] = forms.BooleanField(required=False, label=part.label)
            self.fields[f"note-{part.key}"] = forms.CharField(
                required=False,
                label=f"{part.label}: note",
                widget=forms.Textarea(attrs={"rows": 2, "placeholder": part.prompt, "class": "form-control"}),
            )

    def part_rows(self) -> list[dict[str, Any]]:
        """Each part with its two bound fields."""
        return [
            {"part": part, "covered": self[f"covered-{part.key}"], "note": self[f"note-{part.key}"]}
            for part in self.parts
        ]

    def for_service(self) -> dict[str, Any]:
        """The details as the verb takes them."""
        names = {f"{kind}-{part.key}" for part in self.parts for kind in ("covered", "note")}
        details = self.details("version", *names)
        details["parts"] = {
            part.key: {
                "covered": self.cleaned_data[f"covered-{part.key}"],
                "note": self.cleaned_data[f"note-{part.key}"],
            }
            for part in self.parts
        }
        return details


def _initial(note: PreparationSession) -> dict[str, Any]:
    initial: dict[str, Any] = {
        name: getattr(note, name)
        for name in (
            "held_from",
            "held_until",
            "place",
            "intention",
            "safety_plan",
            "instructions",
            "escort_name",
            "escort_phone",
            "escort_relation",
            "version",
        )
    }
    for key, entry in note.body.get("parts", {}).items():
        initial[f"covered-{key}"] = entry.get("covered", False)
        initial[f"note-{key}"] = entry.get("note", "")
    return initial


class AddendumForm(forms.Form):
    """Text added to a signed note."""

    text = forms.CharField(label="Addendum", widget=area(4))
