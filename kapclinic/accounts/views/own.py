"""A person's own account: profile, credentials on file, the clinic at which they work now."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from kapclinic.accounts import second_step, sign_ins
from kapclinic.accounts.forms import ProfileForm
from kapclinic.accounts.middleware import CLINIC_SESSION_KEY
from kapclinic.accounts.models import Membership, SignIn
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.staff import credentials_of

_ENDED_SHOWN = 5


@page("account.self")
def show(request: ActorRequest) -> HttpResponse:
    """Name, letters, phone; roles, licences and training as the clinic has them."""
    user, clinic, now = request.actor.user, request.actor.clinic, timezone.now()
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile is saved.")
        return redirect("accounts:self")
    if form.errors:
        # The frame around the page names the person as they are, not as they were mistyped.
        user.refresh_from_db()
    memberships = list(
        Membership.objects.current()
        .filter(user=user)
        .select_related("clinic")
        .order_by("clinic__name", "role")
    )
    return render(
        request,
        "accounts/self.html",
        {
            "form": form,
            "credentials": credentials_of(user, clinic, now=now),
            "memberships": [m for m in memberships if m.clinic_id == clinic.pk],
            "clinics": sorted({m.clinic for m in memberships}, key=lambda other: other.name),
            "sign_ins": SignIn.objects.open_at(now).filter(user=user),
            "ended": SignIn.objects.filter(user=user, ended_at__isnull=False)[:_ENDED_SHOWN],
            "has_second_step": second_step.has_step(user),
        },
        status=422 if form.errors else 200,
    )


@page("account.self", methods=("POST",))
def switch_clinic(request: ActorRequest) -> HttpResponse:
    """Work at another clinic of one's own from now on."""
    chosen = request.POST.get("clinic", "")
    mine = Membership.objects.current().filter(user=request.actor.user).values_list("clinic_id", flat=True)
    if chosen not in {str(pk) for pk in mine}:
        raise Http404
    request.session[CLINIC_SESSION_KEY] = chosen
    return redirect("desk:today")


@page("account.self", methods=("POST",), confirm=("POST",))
def end_sign_in(request: ActorRequest, pk: uuid.UUID) -> HttpResponse:
    """End one of one's own sign-ins, on whatever device; the one in use is ended by signing out."""
    sign_in = SignIn.objects.filter(pk=pk, user=request.actor.user).first()
    if sign_in is None:
        raise Http404
    sign_ins.end(sign_in)
    messages.success(request, "That sign-in is ended.")
    return redirect("accounts:self")


@page("account.self", methods=("POST",), confirm=("POST",))
def end_other_sign_ins(request: ActorRequest) -> HttpResponse:
    """End every other sign-in of one's own."""
    count = sign_ins.end_others(user=request.actor.user, but=request.sign_in)
    messages.success(request, f"{count} other sign-in{'' if count == 1 else 's'} ended.")
    return redirect("accounts:self")
