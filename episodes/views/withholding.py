"""The page in place of one row of the record that the sharing consent keeps from this person now."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from episodes.models import Episode
from episodes.readers import Eyes, eyes_of
from kapclinic.accounts.pages import ActorRequest


def withheld_row(request: ActorRequest, row: Any, *, back: str) -> HttpResponse | None:
    """The page in place of a row with an `episode` and a `consent_category`; None where the person may see it."""
    eyes = eyes_of(request.actor, row.episode, now=timezone.now())
    return None if eyes.reads_row(row) else withheld_page(request, row, eyes, episode=row.episode, back=back)


def withheld_page(
    request: ActorRequest,
    row: Any,
    eyes: Eyes,
    *,
    episode: Episode | None,
    back: str,
    title: str = "Withheld",
) -> HttpResponse:
    """Says what is withheld; `back` is where to go on, empty for nowhere."""
    context = {
        "title": title,
        "episode": episode,
        "withheld": eyes.withheld(row.consent_category),
        "back": back,
    }
    return render(request, "episodes/withheld.html", context)
