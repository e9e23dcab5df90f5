"""A person's own account: profile, credentials on file, the clinic at which they work now."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from kapclinic.accounts.forms import ProfileForm
from kapclinic.accounts.middleware import CLINIC_SESSION_KEY
from kapclinic.accounts.models import Membership, SignIn
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.staff import credentials_of

_SIGN_INS_SHOWN = 5


@page("account.self")
def show(request: ActorRequest) -> HttpResponse:
    """Name, letters, phone; roles, licences and training as the clinic has them."""
    user, clinic = request.actor.user, request.actor.clinic
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
            "credentials": credentials_of(user, clinic, now=timezone.now()),
            "memberships": [m for m in memberships if m.clinic_id == clinic.pk],
            "clinics": sorted({m.clinic for m in memberships}, key=lambda other: other.name),
            "sign_ins": SignIn.objects.filter(user=user)[:_SIGN_INS_SHOWN],
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
