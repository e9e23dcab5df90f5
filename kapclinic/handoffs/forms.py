"""Forms of handoffs: shape only."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from kapclinic.handoffs.fields import FIELDS
from kapclinic.handoffs.models import HeardHow, MessageTopic
from kapclinic.handoffs.prefill import Source
from kapclinic.handoffs.services.messaging import MOST_CHARACTERS
from sessions.forms.base import Moment

MAX_TEXT = 20_000


def source_links(sources: Iterable[Source]) -> SafeString:
    """The places in the record, each a link to its page where it has one."""
    return format_html_join(
        ", ",
        "{}",
        (
            (format_html('<a href="{}">{}</a>', each.url, each.words) if each.url else each.words,)
            for each in sources
        ),
    )


class HandoffForm(forms.Form):
    """The fields of one kind. A draft may have gaps; signing asks for the rest."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(
        self, kind: str, *args: Any, sources: Mapping[str, Iterable[Source]] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for field in FIELDS[kind]:
            found = tuple((sources or {}).get(field.key, ()))
            prompt: str = field.prompt
            if found:
                prompt = format_html("{} Prefilled from: {}.", field.prompt, source_links(found))
            if field.choices:
                self.fields[field.key] = forms.ChoiceField(
                    label=field.title,
                    help_text=prompt,
                    required=False,
                    choices=[("", "Not said"), *field.choices],
                )
                continue
            self.fields[field.key] = forms.CharField(
                label=field.title if field.is_required else f"{field.title} (if any)",
                help_text=prompt,
                required=False,
                max_length=MAX_TEXT,
                widget=forms.Textarea(attrs={"rows": 4}),
            )
        self.kind = kind
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True

    def body(self) -> dict[str, str]:
        """What was written, by field."""
        return {field.key: self.cleaned_data[field.key] for field in FIELDS[self.kind]}


class AmendForm(forms.Form):
    """Why a signed handoff is amended."""

    reason = forms.CharField(label="Why it is amended", max_length=300)


class ReplyForm(forms.Form):
    """A reply where one is needed."""

    reply = forms.CharField(
        label="Reply (if needed)",
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class AcknowledgeForm(ReplyForm):
    """That it was read."""


class HeardForm(ReplyForm):
    """Who outside heard it, by what way, when."""

    heard_by = forms.CharField(label="Who heard it", max_length=150)
    how = forms.ChoiceField(label="How", choices=HeardHow)
    heard_at = Moment(label="When")

    field_order = ("heard_by", "how", "heard_at", "reply")


def _new_key() -> forms.UUIDField:
    return forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class MessageForm(forms.Form):
    """A short message; who may not write about care writes about the schedule."""

    request_key = _new_key()
    topic = forms.ChoiceField(label="About", choices=MessageTopic)
    text = forms.CharField(
        label="Message", max_length=MOST_CHARACTERS, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, is_clinical: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_clinical:
            topic = self.fields["topic"]
            assert isinstance(topic, forms.ChoiceField), "declared above"
            topic.choices = [(MessageTopic.SCHEDULE.value, MessageTopic.SCHEDULE.label)]


class DecisionForm(forms.Form):
    """What the team decided about one patient."""

    request_key = _new_key()
    text = forms.CharField(label="Decided", max_length=2_000, widget=forms.Textarea(attrs={"rows": 2}))
