"""Tags of every page: rail, icons, quick search, window bar, and what stands above a patient's pages."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.template.context import Context
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from episodes.readers import eyes_of
from kapclinic.accounts.policy import Actor, can
from kapclinic.desk import icons
from kapclinic.desk.banner import build_banner, build_journey, tabs_of
from kapclinic.desk.links import link
from kapclinic.desk.rail import rail_for, roles_in_words
from kapclinic.desk.window_bar import Booking, WindowBar, WindowInput, build_window_bar
from kapclinic.handoffs.since import since_last_time as build_since

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """The named line icon."""
    return icons.icon(name)


@register.simple_tag
def link_to(name: str, **kwargs: object) -> str:
    """The address of the named page, to be kept under a name with `as`."""
    return link(name, **kwargs)


@register.inclusion_tag("partials/_rail.html", takes_context=True)
def rail(context: Context) -> dict[str, Any]:
    """The rail of the person at work; without one (an error page) there is none."""
    request = context["request"]
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None:
        return {"entries": [], "actor": None}
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "actor": actor,
        "roles": roles_in_words(actor),
        "entries": rail_for(request, actor),
        "account_url": link("accounts:self"),
    }


@register.inclusion_tag("partials/_quick_search.html", takes_context=True)
def quick_search(context: Context) -> dict[str, Any]:
    """The search box, for people who may list patients."""
    actor: Actor | None = getattr(context["request"], "actor", None)
    return {
        "csrf_token": context.get("csrf_token"),
        "is_open": actor is not None and can(actor, "patient.list"),
    }


@register.simple_tag
def shell_attributes() -> SafeString:
    """Attributes of `body` that the scripts read: minutes until the screen locks, and where to say so."""
    return format_html(
        'data-idle-minutes="{}" data-lock-url="{}" data-touch-url="{}"',
        settings.IDLE_LOCK_MINUTES,
        link("accounts:lock"),
        link("accounts:touch"),
    )


@register.simple_tag(takes_context=True)
def window_bar_for(
    context: Context,
    *,
    t0: datetime,
    opens_at: datetime,
    closes_at: datetime,
    preferred_until: datetime | None = None,
    booked_from: datetime | None = None,
    booked_until: datetime | None = None,
    booked_with: object = "",
    told: bool = False,
    satisfied_at: datetime | None = None,
    unplaced_reason: str = "",
    provisional: bool = False,
) -> WindowBar:
    """A window bar from plain instants (UTC), as of now, in the clinic's zone."""
    booking = None
    if booked_from is not None and booked_until is not None:
        booking = Booking(
            starts_at=booked_from,
            ends_at=booked_until,
            with_whom=str(booked_with or ""),
            told=bool(told),
            held=satisfied_at is not None,
        )
    window = WindowInput(
        t0=t0,
        opens_at=opens_at,
        closes_at=closes_at,
        preferred_until=preferred_until,
        booking=booking,
        unplaced_reason=unplaced_reason or "",
        provisional=provisional,
    )
    return build_window_bar(window, now=timezone.now(), zone=_zone(context))


@register.inclusion_tag("partials/_window_bar.html")
def window_bar(*, window: WindowBar, show_sentence: bool = True) -> dict[str, Any]:
    """Draws a window bar; the sentence under it says the same in words."""
    return {"bar": window, "show_sentence": show_sentence}


def _zone(context: Context) -> ZoneInfo:
    actor: Actor | None = getattr(context.get("request"), "actor", None)
    return actor.zone if actor is not None else ZoneInfo(settings.TIME_ZONE)


@register.inclusion_tag("episodes/_banner.html", takes_context=True)
def patient_banner(context: Context) -> dict[str, Any]:
    """Who the patient is and what is dangerous; needs `episode` in the context."""
    return {"banner": build_banner(context["episode"], context["request"].actor, now=timezone.now())}


@register.inclusion_tag("episodes/_journey_bar.html", takes_context=True)
def journey_bar(context: Context) -> dict[str, Any]:
    """The stages, where we are, what blocks the next; needs `episode` in the context."""
    return {"journey": build_journey(context["episode"], context["request"].actor, now=timezone.now())}


@register.inclusion_tag("episodes/_tabs.html", takes_context=True)
def episode_tabs(context: Context) -> dict[str, Any]:
    """The pages of the episode that this person may open; needs `episode` in the context."""
    request = context["request"]
    return {"tabs": tabs_of(context["episode"], request.actor, view_name=request.resolver_match.view_name)}


@register.inclusion_tag("handoffs/_since_last_time.html", takes_context=True)
def since_last_time(context: Context, before: datetime | None = None) -> dict[str, Any]:
    """What has happened since the session before the one of `before` (now when left out); needs `episode` in the context."""
    actor, episode = context["request"].actor, context["episode"]
    if not can(actor, "handoff.read", episode):
        return {"since": None}
    now = timezone.now()
    eyes = eyes_of(actor, episode, now=now)
    return {"since": build_since(episode, before=before or now, eyes=eyes)}
