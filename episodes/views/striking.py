"""Striking an entry as "entered in error"."""

from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from episodes.access import episode_of, row_for
from episodes.forms import StrikeForm
from episodes.readers import eyes_of
from episodes.services.striking import can_be_struck, strike_entry
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.refusals import Refused


def _entry_for(actor: Actor, label: str, pk: UUID) -> Any:
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError) as error:
        raise Http404 from error
    if not can_be_struck(model):
        raise Http404
    return row_for(model)(actor, pk=pk)


@page("entry.strike", fetch=_entry_for)
def strike(request: ActorRequest, entry: Any) -> HttpResponse:
    """Asks what was wrong, strikes the entry and goes back to where the person came from."""
    back = request.POST.get("back") or request.GET.get("back", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = ""
    form = StrikeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            strike_entry(entry=entry, reason=form.cleaned_data["reason"], actor=request.actor.user)
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, "The entry is struck through.")
            return HttpResponseRedirect(back) if back else redirect("desk:today")
    episode = episode_of(entry)
    sees = episode is None or eyes_of(request.actor, episode, now=timezone.now()).reads_row(entry)
    return render(
        request,
        "episodes/strike.html",
        {
            "form": form,
            "entry": entry if sees else "withheld",
            "what": entry._meta.verbose_name,
            "back": back,
        },
        status=422 if form.errors else 200,
    )
