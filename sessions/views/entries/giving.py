"""Starting, stopping, recording and correcting what is given."""

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from episodes import guards
from episodes.guards import GuardContext
from episodes.readers import eyes_of
from kapclinic.accounts.pages import ActorRequest, page
from sessions import selectors, services
from sessions.dose import RUNNING_ROUTES
from sessions.forms.record import CorrectGivenForm, GivenForm, MedicineForm, PassForm, StartForm, StopForm
from sessions.models import Administration, DosingSession
from sessions.views.common import entry_page, fetch_in_session, fetch_session
from sessions.views.entries.shapes import form_from, write_page

_administration = fetch_in_session(Administration)


@page("dose.give", fetch=fetch_session)
def start(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """Start the dose when every rule allows; what yields to a reason asks for one."""
    now = timezone.now()
    order = selectors.active_order(session)
    initial: dict[str, Any] = {"started_at": now}
    if order is not None:
        initial |= {"drug": order.drug, "route": order.route, "volume_ml": order.volume_ml}
        if order.route_value not in RUNNING_ROUTES:
            initial["amount_mg"] = order.dose_mg if order.drug != "esketamine" else 28
    is_further_part = session.administrations.current().exists()
    reasons = (
        ()
        if is_further_part
        else guards.reasons(
            GuardContext("dose.start", session.episode, now, request.actor.roles, subject=session)
        )
    )
    passable = [reason for reason in reasons if reason.passable_by & request.actor.roles]
    form = StartForm(request.POST or None, initial=initial)
    passing = PassForm(request.POST or None, reasons=passable)

    def begin(**values: Any) -> Administration:
        passing.is_valid()
        return services.start_administration(passing=passing.passing(), roles=request.actor.roles, **values)

    return write_page(
        request,
        session,
        form,
        begin,
        details=form.given,
        title="Give a further part" if is_further_part else "Start the dose",
        done="Started.",
        action="Start now",
        anchor="given",
        template="dosing/start.html",
        holding=eyes_of(request.actor, session.episode, now=now).said(reasons),
        passing=passing,
        order=order,
    )


@page("dose.give", fetch=fetch_session)
def given(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """Write down what was given, whatever it was."""
    order = selectors.active_order(session)
    ordered = {} if order is None else {"drug": order.drug, "route": order.route, "amount_mg": order.dose_mg}
    form = form_from(GivenForm, request, session, "started_at", initial=ordered)
    return write_page(
        request,
        session,
        form,
        partial(services.record_administration, roles=request.actor.roles),
        details=form.given,
        title="Record what was given",
        done="Recorded.",
        action="Record",
        anchor="given",
        lead="What was given is always recorded. Where it departs from the order or a rule it is marked, an incident"
        " opens, and the prescriber is told.",
    )


@page("dose.give", fetch=_administration)
def stop(request: ActorRequest, row: Administration) -> HttpResponse:
    """The end of an infusion: the real stop."""
    initial = {"ended_at": timezone.now(), "amount_mg": row.order.dose_mg if row.order is not None else None}
    form = StopForm(request.POST or None, initial=initial)
    return entry_page(
        request,
        row.session,
        form,
        lambda: services.stop_administration(
            administration=row, actor=request.actor.user, **form.cleaned_data
        ),
        title="Stop the infusion",
        done="Stopped. T0 is set.",
        action="Record the stop",
        anchor="given",
        lead="Enter the real time of the stop, also when it was stopped early: the integration window counts from it.",
    )


@page("dose.give", fetch=_administration)
def correct_given(request: ActorRequest, row: Administration) -> HttpResponse:
    """A right record in place of a wrong one."""
    form = CorrectGivenForm(request.POST or None, initial=vars(services.details_of(row)))
    return entry_page(
        request,
        row.session,
        form,
        lambda: services.correct_administration(
            administration=row,
            details=form.given(),
            reason=form.cleaned_data["correction_reason"],
            request_key=form.cleaned_data["request_key"],
            actor=request.actor.user,
        ),
        title="Correct an administration",
        done="Corrected. The earlier record stays visible.",
        action="Correct",
        anchor="given",
        lead="The new record takes the place of the old one. When the end moves, T0 and the integration window move with it.",
    )


@page("dose.give", fetch=fetch_session)
def medicine(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """Another medicine that was given."""
    return write_page(
        request,
        session,
        form_from(MedicineForm, request, session, "given_at"),
        services.record_medicine,
        title="Other medicine given",
        done="Recorded.",
        action="Record",
        anchor="given",
    )
