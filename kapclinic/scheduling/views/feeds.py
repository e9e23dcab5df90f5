"""The calendar feed: a person makes and takes back its address; their calendar program reads it without signing in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from kapclinic.accounts.pages import ActorRequest, page, public_page
from kapclinic.audit.access import record_access
from kapclinic.audit.models import Outcome
from kapclinic.clinics.refusals import Refused
from kapclinic.scheduling import services
from kapclinic.scheduling.feeds import calendar_of
from kapclinic.scheduling.forms import FeedForm
from kapclinic.scheduling.models import CalendarFeed


@page("account.self", confirm=("POST",))
def own(request: ActorRequest) -> HttpResponse:
    """Whether the person has a feed and when it was read; a new address is shown once, in the answer that makes it."""
    actor = request.actor
    form = FeedForm(request.POST if request.method == "POST" else None)
    address = ""
    if form.is_valid():
        try:
            _, secret = services.make_feed(
                person=actor.user, clinic=actor.clinic, title=form.cleaned_data["title"]
            )
        except Refused as refused:
            refused.add_to(form)
        else:
            address = request.build_absolute_uri(reverse("scheduling:feed-calendar", args=[secret]))
    return render(
        request,
        "scheduling/feed.html",
        {
            "form": form,
            "address": address,
            "feed": CalendarFeed.objects.standing().filter(clinic=actor.clinic, person=actor.user).first(),
        },
        status=422 if form.errors else 200,
    )


@page("account.self", methods=("POST",))
def revoke(request: ActorRequest) -> HttpResponse:
    """The address answers nothing any more."""
    services.revoke_feed(person=request.actor.user, clinic=request.actor.clinic)
    messages.success(request, "The address is revoked. Calendars that had it get nothing new.")
    return redirect("scheduling:feed")


@public_page
@require_safe
def calendar(request: HttpRequest, secret: str) -> HttpResponse:
    """The feed behind a secret as iCalendar, else 404. The secret in the address is the right: no sign-in, no cookie."""
    now = timezone.now()
    feed = services.open_feed(secret=secret, now=now)
    if feed is None:
        # A page would set cookies.
        response = HttpResponse("Not found\n", content_type="text/plain; charset=utf-8", status=404)
    else:
        record_access(
            request,
            action="calendar.feed",
            outcome=Outcome.ALLOWED,
            user_id=feed.person_id,
            clinic_id=feed.clinic_id,
        )
        response = HttpResponse(calendar_of(feed, now=now), content_type="text/calendar; charset=utf-8")
        response["Content-Disposition"] = 'inline; filename="calendar.ics"'
    patch_cache_control(response, private=True, no_store=True)
    return response
