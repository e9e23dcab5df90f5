"""Inviting people."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from kapclinic.accounts.models import Invitation
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.administration import services
from kapclinic.administration.fetch import own_row
from kapclinic.administration.forms import InviteForm
from kapclinic.clinics.refusals import Refused


@page("staff.manage", confirm=("POST",))
def create(request: ActorRequest) -> HttpResponse:
    """Whom to invite; the e-mail goes out by itself."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            invitation = services.invite(
                clinic=request.actor.clinic, actor=request.actor.user, **form.cleaned_data
            )
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, f"The invitation to {invitation.email} is on its way.")
            return redirect("administration:staff")
    return render(request, "administration/invite.html", {"form": form}, status=422 if form.errors else 200)


@page("staff.manage", fetch=own_row(Invitation), methods=("POST",), confirm=("POST",))
def resend(request: ActorRequest, invitation: Invitation) -> HttpResponse:
    """Send a new link."""
    try:
        services.resend_invitation(invitation=invitation)
    except Refused as refusal:
        for reason in refusal.reasons:
            messages.error(request, reason.text)
    else:
        messages.success(
            request, f"A new link to {invitation.email} is on its way; the old one dies with it."
        )
    return redirect("administration:staff")


@page("staff.manage", fetch=own_row(Invitation), methods=("POST",))
def revoke(request: ActorRequest, invitation: Invitation) -> HttpResponse:
    """Take an invitation back."""
    services.revoke_invitation(invitation=invitation)
    messages.success(request, f"The invitation to {invitation.email} is withdrawn.")
    return redirect("administration:staff")
