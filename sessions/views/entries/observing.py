"""Vital signs and the log."""

from django.http import HttpResponse

from kapclinic.accounts.pages import ActorRequest, page
from sessions import services
from sessions.forms.record import CorrectVitalsForm, LogForm, VitalsForm
from sessions.models import DosingSession, VitalsReading
from sessions.views.common import entry_page, fetch_in_session, fetch_session, withheld_of_session
from sessions.views.entries.shapes import form_from, values_of, write_page


@page("dose.vitals", fetch=fetch_session)
def vitals(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """A set of vital signs."""
    return write_page(
        request,
        session,
        form_from(VitalsForm, request, session, "taken_at"),
        services.record_vitals,
        title="Vital signs",
        done="Reading saved.",
        action="Save",
        anchor="vitals",
        template="dosing/vitals_form.html",
    )


@page("dose.vitals", fetch=fetch_in_session(VitalsReading))
def correct_vitals(request: ActorRequest, row: VitalsReading) -> HttpResponse:
    """A right reading in place of a wrong one."""
    if (kept_back := withheld_of_session(request, row)) is not None:
        return kept_back
    return write_page(
        request,
        row.session,
        CorrectVitalsForm(request.POST or None, initial=values_of(row, VitalsForm)),
        services.record_vitals,
        supersedes=row,
        title="Correct a reading",
        done="Corrected. The earlier reading stays visible.",
        action="Correct",
        anchor="vitals",
        template="dosing/vitals_form.html",
    )


@page("dose.log", fetch=fetch_session)
def log(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """A line of the log."""
    form = form_from(LogForm, request, session, "at")
    return entry_page(
        request,
        session,
        form,
        lambda: services.write_log(session=session, actor=request.actor.user, **form.cleaned_data),
        title="Log",
        done="Written.",
        action="Write",
        anchor="log",
    )
