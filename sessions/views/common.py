"""What the pages of a dosing session share."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from episodes.access import row_for
from episodes.readers import eyes_of
from episodes.views.withholding import withheld_row
from kapclinic.accounts.pages import ActorRequest
from kapclinic.clinics.refusals import Refused
from kapclinic.scheduling.models import Appointment
from kapclinic.scheduling.views.undoing import say_done
from sessions.models import DosingSession

_EPISODE = ("episode__patient", "episode__clinic", "episode__protocol_version__protocol")
fetch_session = row_for(DosingSession, "room", "appointment", *_EPISODE)


def fetch_in_session(model: type[Any]) -> Callable[..., Any]:
    """A `fetch` for rows that hang on a session."""
    return row_for(model, "session__clinic", *(f"session__{name}" for name in _EPISODE))


def to_session(session: DosingSession, anchor: str = "") -> HttpResponse:
    """Back to the session's record."""
    response = redirect("dosing:session-detail", pk=session.pk)
    if anchor:
        response["Location"] += f"#{anchor}"
    return response


def withheld_of_session(request: ActorRequest, row: Any) -> HttpResponse | None:
    """The page in place of one row of a session that this person may not see now; None where they may."""
    return withheld_row(request, row, back=reverse("dosing:session-detail", args=[row.session_id]))


def entry_page(
    request: ActorRequest,
    session: DosingSession,
    form: forms.Form,
    save: Callable[[], Any],
    *,
    title: str,
    done: str,
    action: str,
    anchor: str = "",
    appointment: Appointment | None = None,
    template: str = "dosing/entry.html",
    **context: Any,
) -> HttpResponse:
    """Show a form about a session; on POST call `save`, turn refusals into errors, keep everything typed.

    `appointment` is what `save` changes in the calendar, which is then offered to be undone.
    """
    reasons: tuple[Any, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            save()
        except Refused as refused:
            eyes = eyes_of(request.actor, session.episode, now=timezone.now())
            heard = eyes.said(refused.reasons)
            reasons = tuple(reason for reason in heard if reason.field not in form.fields)
            for reason in heard:
                if reason.field in form.fields:
                    form.add_error(reason.field, reason.text)
        else:
            if appointment is None:
                messages.success(request, done)
            else:
                say_done(request, done, appointment)
            return to_session(session, anchor)
    status = 422 if request.method == "POST" else 200
    assert request.resolver_match is not None
    return render(
        request,
        template,
        {
            "episode": session.episode,
            "session": session,
            "form": form,
            "title": title,
            "action": action,
            "reasons": reasons,
            "draft_key": f"dosing-{request.resolver_match.url_name}:{session.pk}",
            **context,
        },
        status=status,
    )
