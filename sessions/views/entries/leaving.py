"""What is seen before the patient leaves, and how the visit ends."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from kapclinic.accounts.models import Role
from kapclinic.accounts.pages import ActorRequest, page
from sessions import selectors, services
from sessions.discharge import Ending
from sessions.forms.record import DischargeCheckForm, EndingForm
from sessions.models import DosingSession
from sessions.views.common import entry_page, fetch_session
from sessions.views.entries.shapes import form_from, values_of, write_page


@page("dose.discharge", fetch=fetch_session)
def leaving_check(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """What is seen before the patient leaves; what was seen before is filled in."""
    before = session.dischargechecks.standing().first()
    if before is not None:
        initial = values_of(before, DischargeCheckForm, "at")
    else:
        door = session.checkins.current().first()
        initial = {"escort_name": "" if door is None else door.escort_name}
    return write_page(
        request,
        session,
        form_from(DischargeCheckForm, request, session, "at", initial=initial),
        services.look_before_leaving,
        title="Before leaving",
        done="Saved.",
        action="Save",
        anchor="leaving",
    )


@page("dose.discharge", fetch=fetch_session)
def ending(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """How the visit ended."""
    opened = selectors.discharge_gate(session, now=timezone.now())
    before = session.sessionendings.current().first()
    dosed = session.anchors().d0 is not None
    form = form_from(
        EndingForm,
        request,
        session,
        "ended_at",
        gate=opened,
        may_override=request.actor.has(Role.PRESCRIBER),
        is_correction=before is not None,
        initial={"ending": Ending.DISCHARGED if dosed else Ending.NOT_DOSED},
    )

    def save() -> Any:
        data = form.cleaned_data
        return services.end_session(
            session=session,
            ending=Ending(data["ending"]),
            ended_at=data["ended_at"],
            reason=data["reason"],
            transport=data["transport"],
            destination=data["destination"],
            correction_reason=data.get("correction_reason", ""),
            overrides=form.overrides(),
            request_key=data["request_key"],
            actor=request.actor.user,
            roles=request.actor.roles,
        )

    return entry_page(
        request,
        session,
        form,
        save,
        title="How the visit ends" if before is None else "Correct how the visit ended",
        done="Recorded.",
        action="Record the ending",
        anchor="leaving",
        template="dosing/ending.html",
        gate=opened,
    )
