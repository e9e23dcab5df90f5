"""The shapes that these pages share: a form that begins at a sensible moment, and one that makes a row once."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.http import HttpResponse
from django.utils import timezone

from kapclinic.accounts.pages import ActorRequest
from sessions.forms.base import KeyedForm
from sessions.forms.record import first_moment
from sessions.models import DosingSession
from sessions.views.common import entry_page

Form = TypeVar("Form", bound=forms.Form)


def form_from(
    form_class: type[Form], request: ActorRequest, session: DosingSession, moment: str, **options: Any
) -> Form:
    """The form with its field `moment` at a sensible time; `initial` among `options` comes on top."""
    initial = {moment: first_moment(session, timezone.now())} | options.pop("initial", {})
    return form_class(request.POST or None, initial=initial, **options)


def values_of(row: Any, form_class: type[KeyedForm], *without: str) -> dict[str, Any]:
    """What a row says in the fields of a form, but for its key and `without`."""
    names = [name for name in form_class.base_fields if name not in ("request_key", *without)]
    return {name: getattr(row, name) for name in names}


def write_page(
    request: ActorRequest,
    session: DosingSession,
    form: KeyedForm,
    verb: Callable[..., Any],
    *,
    details: Callable[[], Any] | None = None,
    supersedes: Any = None,
    **words: Any,
) -> HttpResponse:
    """A page whose form makes one row, however often it is sent: `verb(session, details, request_key, actor)`.

    `details` says what was entered where the form's own values will not do. With `supersedes` the row takes the place of
    another, and the form says why.
    """

    def save() -> Any:
        change = {}
        if supersedes is not None:
            change = {"supersedes": supersedes, "correction_reason": form.cleaned_data["correction_reason"]}
        return verb(
            session=session,
            details=details() if details is not None else form.details("correction_reason"),
            request_key=form.cleaned_data["request_key"],
            actor=request.actor.user,
            **change,
        )

    return entry_page(request, session, form, save, **words)
