"""Forms of risk, of answers to findings and of the decision."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms

from screening.contraindications import Rule
from screening.finding_selectors import FindingView
from screening.forms.facts import day_input
from screening.models import (
    AnswerOutcome,
    DecisionOutcome,
    Disposition,
    RiskAssessment,
    RiskOutcome,
)
from screening.models.findings import ScopeChoice
from screening.services.findings import AnswerInput


class RiskForm(forms.Form):
    """A clinician's suicide-risk assessment."""

    outcome = forms.ChoiceField(choices=RiskOutcome.choices, widget=forms.RadioSelect, label="Outcome")
    method = forms.CharField(
        max_length=200,
        label="How it was assessed",
        help_text="Interview, or the name of the instrument used.",
    )
    protective_plan = forms.CharField(
        required=False,
        label="What protects, and the plan",
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Reasons for living, people, means out of reach, whom to call and when you meet again.",
    )
    disposition = forms.ChoiceField(
        choices=Disposition.choices, widget=forms.RadioSelect, label="What follows"
    )
    unchanged = forms.BooleanField(
        required=False, label="Unchanged since the last assessment, confirmed today"
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, before: RiskAssessment | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.before = before
        self.fields["request_key"].initial = uuid.uuid4
        if before is None:
            del self.fields["unchanged"]
        self.helper = FormHelper()
        self.helper.form_tag = False


class AnswerForm(forms.Form):
    """A prescriber's answer to one relative finding."""

    evidence_hash = forms.CharField(widget=forms.HiddenInput)
    outcome = forms.ChoiceField(
        choices=AnswerOutcome.choices, widget=forms.RadioSelect, required=False, label="Your answer"
    )
    rationale = forms.CharField(
        required=False, label="Why", widget=forms.Textarea(attrs={"rows": 2}), max_length=2000
    )
    conditions = forms.CharField(
        required=False,
        label="Under which conditions",
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
    )
    scope = forms.ChoiceField(
        choices=ScopeChoice.choices, required=False, label="Holds for", initial=ScopeChoice.EPISODE
    )

    def __init__(self, data: Any = None, *, view: FindingView, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, prefix=view.rule.code, initial=initial)
        self.view = view
        self.fields["evidence_hash"].initial = view.evidence_hash
        if view.earlier is not None:
            self.fields["rationale"].initial = view.earlier.rationale
            self.fields["conditions"].initial = view.earlier.conditions
        if view.rule.scope == ScopeChoice.SESSION:
            del self.fields["scope"]

    @property
    def rule(self) -> Rule:
        """The rule that is answered."""
        return self.view.rule

    def answer(self) -> AnswerInput | None:
        """The answer as the service takes it; `None` when none was chosen and nothing written."""
        data = self.cleaned_data
        if not data["outcome"] and not data["rationale"].strip():
            return None
        return AnswerInput(
            code=self.view.rule.code,
            evidence_hash=data["evidence_hash"],
            outcome=data["outcome"],
            rationale=data["rationale"],
            conditions=data["conditions"],
            scope=data.get("scope") or ScopeChoice.EPISODE,
        )


class DecisionForm(forms.Form):
    """The eligibility decision."""

    outcome = forms.ChoiceField(choices=DecisionOutcome.choices, widget=forms.RadioSelect, label="Decision")
    rationale = forms.CharField(label="Why", widget=forms.Textarea(attrs={"rows": 4}), max_length=5000)
    conditions = forms.CharField(
        required=False,
        label="Conditions",
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=5000,
        help_text="For “eligible with conditions”: what must hold before or during treatment.",
    )
    valid_until = forms.DateField(label="Valid until", widget=day_input())
    request_key = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["request_key"].initial = uuid.uuid4
        self.helper = FormHelper()
        self.helper.form_tag = False


class SignAnswersForm(forms.Form):
    """The key that makes signing twice one signature."""

    request_key = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["request_key"].initial = uuid.uuid4


def add_refusal(refused_reasons: Iterable[Any], form: forms.Form, answer_forms: Sequence[AnswerForm]) -> None:
    """Put each reason at its field: of the decision, or of the finding that it names."""
    by_code = {answer.rule.code: answer for answer in answer_forms}
    for reason in refused_reasons:
        name, _, code = (reason.field or "").partition("-")
        if code in by_code and name in by_code[code].fields:
            by_code[code].add_error(name, reason.text)
        else:
            form.add_error(reason.field if reason.field in form.fields else None, reason.text)
