"""Opening, moving and closing episodes; goals; striking."""

from typing import Any, cast

from crispy_forms.helper import FormHelper
from django import forms

from episodes.models import Goal, Indication, ProtocolVersion
from episodes.stages import CloseReason, Stage
from kapclinic.clinics.models import Clinic


def latest_versions(clinic: Clinic) -> list[ProtocolVersion]:
    """The newest version of each active protocol, with one query."""
    return list(
        ProtocolVersion.objects.filter(clinic=clinic, protocol__is_active=True)
        .select_related("protocol")
        .order_by("protocol__name", "protocol_id", "-number")
        .distinct("protocol__name", "protocol_id")
    )


class OpenEpisodeForm(forms.Form):
    """Why the patient comes, and how they will be treated."""

    indication = forms.ChoiceField(choices=Indication.choices)
    indication_detail = forms.CharField(max_length=300, required=False, label="In the referrer's words")
    referral_source = forms.CharField(max_length=200, required=False, label="Referred by")
    protocol_version = forms.ChoiceField(
        label="Model of care",
        widget=forms.RadioSelect,
        help_text="The episode keeps the version it begins with.",
    )

    def __init__(self, *args: Any, clinic: Clinic, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._versions = {str(version.pk): version for version in latest_versions(clinic)}
        cast(forms.ChoiceField, self.fields["protocol_version"]).choices = [
            (key, f"{version.protocol.name}: {version.protocol.summary}")
            for key, version in self._versions.items()
        ]
        self.helper = FormHelper()
        self.helper.form_tag = False

    def clean_protocol_version(self) -> ProtocolVersion:
        return self._versions[self.cleaned_data["protocol_version"]]


class MoveStageForm(forms.Form):
    """The next step, with reasons for what a person may get past."""

    target = forms.ChoiceField(choices=Stage.choices, widget=forms.HiddenInput)


class CloseEpisodeForm(forms.Form):
    """The end of an episode."""

    reason = forms.ChoiceField(choices=[("", "Choose a reason"), *CloseReason.choices], label="Why it ends")
    insights = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}), required=False, label="Insights that stay",
        help_text="What did the patient learn that should not be lost?",
    )  # fmt: skip
    next_steps = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}), required=False, label="Practical next steps",
        help_text="What happens now, with whom, and what to do when it gets worse again.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False


class GoalForm(forms.ModelForm):
    """A goal in the patient's words."""

    class Meta:
        model = Goal
        fields = ["text", "is_functional"]
        labels = {
            "text": "Goal, in the patient's words",
            "is_functional": "It is about daily function (work, home, people)",
        }
        widgets = {"text": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False


class StrikeForm(forms.Form):
    """Why an entry is struck."""

    reason = forms.CharField(
        max_length=500, widget=forms.Textarea(attrs={"rows": 3}), label="What was wrong",
        help_text="The entry stays visible, struck through, with your name and this reason.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
