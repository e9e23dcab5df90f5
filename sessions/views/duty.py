"""Who is on duty for the doses of a day."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.clinics.refusals import Refused
from sessions.clinical_settings import duty_days
from sessions.forms.session import DutyForm
from sessions.models import DutyShift
from sessions.services import put_on_duty


@page("dose.duty")
def duty_list(request: ActorRequest) -> HttpResponse:
    """Shifts that still open charts or will, and a form for one more."""
    actor = request.actor
    today = timezone.now().astimezone(actor.zone).date()
    days = duty_days(actor.clinic)
    form = DutyForm(request.POST or None, clinic=actor.clinic, initial={"on": today})
    if request.method == "POST" and form.is_valid():
        try:
            put_on_duty(clinic=actor.clinic, actor=actor.user, **form.cleaned_data)
        except Refused as refused:
            refused.add_to(form)
        else:
            messages.success(request, "On duty.")
            return redirect("dosing:duty-list")
    shifts = (
        DutyShift.objects.standing()
        .of_clinic(actor.clinic)
        .filter(on__gte=today - timedelta(days=days.after))
        .select_related("person")
    )
    status = 422 if request.method == "POST" else 200
    return render(
        request,
        "dosing/duty.html",
        {"form": form, "shifts": shifts, "today": today, "days": days},
        status=status,
    )
