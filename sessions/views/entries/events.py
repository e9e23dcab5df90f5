"""Challenging experiences, adverse events and incidents, and the answers to them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.http import Http404, HttpResponse

from kapclinic.accounts.pages import ActorRequest, page
from sessions import services
from sessions.forms.base import AnswerForm
from sessions.forms.record import (
    AdverseEventForm,
    AdverseEventUpdateForm,
    ChallengeAnswerForm,
    ChallengeForm,
)
from sessions.models import AdverseEvent, ChallengeKind, ChallengingExperience, DosingSession, Incident
from sessions.views.common import entry_page, fetch_in_session, fetch_session, withheld_of_session
from sessions.views.entries.shapes import form_from, values_of, write_page


def _session_of_kind(actor: Any, pk: Any, kind: str) -> DosingSession:
    if kind not in ChallengeKind.values:
        raise Http404
    session = fetch_session(actor, pk)
    session.challenge_kind = ChallengeKind(kind)
    return session


@page("dose.log", fetch=_session_of_kind)
def challenge(request: ActorRequest, session: Any) -> HttpResponse:
    """A challenging experience of one class, with what practice guide G0 names for it."""
    kind = session.challenge_kind
    form = form_from(ChallengeForm, request, session, "began_at", kind=kind.value)
    return write_page(
        request,
        session,
        form,
        services.record_challenge,
        details=lambda: {**form.details(), "kind": kind.value},
        title=f"Challenging experience: {kind.label.lower()}",
        done="Recorded. The therapist answers it before the next dose.",
        action="Record",
        anchor="challenges",
        lead="Material, not pathology." if kind is ChallengeKind.EXISTENTIAL else "",
    )


@page("dose.adverse-event", fetch=fetch_session)
def adverse_event(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """An adverse event."""
    return write_page(
        request,
        session,
        form_from(AdverseEventForm, request, session, "began_at"),
        services.report_adverse_event,
        title="Adverse event",
        done="Recorded.",
        action="Record",
        anchor="events",
        lead="Sedation and dissociation that pass are expected: write them with the vital signs. Here belongs what is severe,"
        " lasts more than two hours, or needed treatment.",
    )


@page("dose.adverse-event", fetch=fetch_in_session(AdverseEvent))
def adverse_event_update(request: ActorRequest, row: AdverseEvent) -> HttpResponse:
    """News of an adverse event, as a new row."""
    if (kept_back := withheld_of_session(request, row)) is not None:
        return kept_back
    return write_page(
        request,
        row.session,
        AdverseEventUpdateForm(request.POST or None, initial=values_of(row, AdverseEventForm)),
        services.report_adverse_event,
        supersedes=row,
        title="Bring an adverse event up to date",
        done="Brought up to date.",
        action="Save",
        anchor="events",
    )


def _answer_page(
    request: ActorRequest,
    row: Any,
    form: forms.Form,
    verb: Callable[..., Any],
    *,
    title: str,
    anchor: str,
    **names: str,
) -> HttpResponse:
    """A page on which somebody answers `row`: `verb(actor, roles)` with the form's values, by the names that it gives them."""

    def save() -> Any:
        values = {names.get(name, name): value for name, value in form.cleaned_data.items()}
        return verb(actor=request.actor.user, roles=request.actor.roles, **values)

    return entry_page(
        request, row.session, form, save, title=title, done="Answered.", action="Answer", anchor=anchor
    )


@page("dose.log", fetch=fetch_in_session(ChallengingExperience))
def challenge_answer(request: ActorRequest, row: ChallengingExperience) -> HttpResponse:
    """What a challenging experience means for the next dose."""
    return _answer_page(
        request,
        row,
        ChallengeAnswerForm(request.POST or None),
        partial(services.answer_challenge, challenge=row),
        title=f"{row.get_kind_display()}: what it means for the next dose",
        anchor="challenges",
    )


@page("dose.override", fetch=fetch_in_session(AdverseEvent))
def adverse_event_review(request: ActorRequest, row: AdverseEvent) -> HttpResponse:
    """A prescriber reviews an adverse event."""
    return _answer_page(
        request,
        row,
        AnswerForm(request.POST or None),
        partial(services.review_adverse_event, event=row),
        title=f"Review: {row.term}",
        anchor="events",
        answer="review",
    )


@page("dose.override", fetch=fetch_in_session(Incident))
def incident_answer(request: ActorRequest, row: Incident) -> HttpResponse:
    """A prescriber answers an incident."""
    return _answer_page(
        request,
        row,
        AnswerForm(request.POST or None),
        partial(services.answer_incident, incident=row),
        title=f"Answer: {row.get_kind_display().lower()}",
        anchor="events",
    )
