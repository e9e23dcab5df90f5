"""Checking in."""

from django.http import HttpResponse

from kapclinic.accounts.pages import ActorRequest, page
from sessions import services
from sessions.forms.session import CheckInForm
from sessions.models import DosingSession
from sessions.views.common import fetch_session
from sessions.views.entries.shapes import form_from, values_of, write_page


@page("dose.check-in", fetch=fetch_session)
def check_in(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """At the door: what was told before is filled in for confirmation."""
    initial = {}
    before = session.checkins.current().first()
    if before is not None:
        initial = values_of(before, CheckInForm, "at")
    else:
        named = session.episode.preparations.standing().exclude(escort_name="").first()
        if named is not None:
            initial = {"escort_name": named.escort_name, "escort_phone": named.escort_phone}
    return write_page(
        request,
        session,
        form_from(CheckInForm, request, session, "at", initial=initial),
        services.check_in,
        title="Check in" if before is None else "Check-in, again",
        done="Checked in.",
        action="Check in",
        anchor="door",
        template="dosing/check_in.html",
    )
