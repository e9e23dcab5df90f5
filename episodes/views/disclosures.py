"""Pages of disclosures: what reached whom, giving a copy out, emergencies."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes import services
from episodes.access import episode_for, row_for
from episodes.forms import EmergencyForm, GiveOutForm
from episodes.models import Episode
from episodes.services.disclosures import copy_to_serve, may_open_copy
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor, can
from kapclinic.clinics.refusals import Refused
from kapclinic.documents import kinds
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.models import Disclosure, Document, RenditionState
from kapclinic.documents.views import pdf_response, url_name

# The page shows the newest ones; the PDF for the patient has them all.
_SHOWN = 200


def _episode_of(actor: Actor, subject_id: uuid.UUID) -> Episode:
    found = Episode.objects.select_related("patient", "clinic", "protocol_version__protocol")
    episode = found.filter(clinic=actor.clinic, pk=subject_id).first()
    if episode is None:
        raise Http404
    return episode


def _paper(actor: Actor, pk: uuid.UUID) -> Document:
    """A document of an episode."""
    document: Document = row_for(Document, "supersedes")(actor, pk)
    _episode_of(actor, document.subject_id)
    return document


def _read_episode(request: ActorRequest, document: Document) -> Episode:
    """The document's episode; PermissionDenied when this person may not read the document itself."""
    episode = _episode_of(request.actor, document.subject_id)
    if not can(request.actor, kinds.kind_of(document.kind).action, episode):
        raise PermissionDenied
    return episode


@page("disclosure.list", fetch=episode_for)
def disclosures(request: ActorRequest, episode: Episode) -> HttpResponse:
    """What of this episode reached whom; posting makes the patient's list as a document."""
    if request.method == "POST":
        document = services.issue_disclosure_list(episode=episode, actor=request.actor.user)
        return redirect(url_name(document, "detail"), pk=document.pk)
    rows = Disclosure.objects.filter(subject_id=episode.pk).select_related("rendition", "created_by")
    shown = list(rows[: _SHOWN + 1])
    labels = {category.value: str(category.label).lower() for category in ConsentCategory}
    return render(
        request,
        "episodes/disclosures.html",
        {
            "episode": episode,
            "rows": [
                {
                    "row": row,
                    "shown": [labels.get(value, value) for value in row.shown],
                    "withheld": [labels.get(value, value) for value in row.withheld],
                    "is_copy": row.receiver_id is None and row.rendition_id is not None,
                }
                for row in shown[:_SHOWN]
            ],
            "has_more": len(shown) > _SHOWN,
            "may_open": can(request.actor, "document.give-out", episode),
        },
    )


@page("document.give-out", fetch=_paper, confirm=("POST",))
def give_out(request: ActorRequest, document: Document) -> HttpResponse:
    """Make a copy out to the patient or to a clinician outside."""
    episode = _read_episode(request, document)
    form = GiveOutForm(request.POST or None, episode=episode)
    if request.method == "POST" and form.is_valid():
        try:
            services.give_out(
                document=document,
                episode=episode,
                outside=form.outside(),
                medium=form.cleaned_data["medium"],
                purpose=form.cleaned_data["purpose"],
                request_key=form.cleaned_data["request_key"],
                actor=request.actor,
            )
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, "On the list of disclosures. The copy is being made.")
            return redirect("episodes:disclosures", public_id=episode.public_id)
    return _form_page(request, "episodes/give_out.html", document, episode, form)


@page("document.give-out", fetch=_paper, confirm=("POST",))
def emergency(request: ActorRequest, document: Document) -> HttpResponse:
    """In an emergency: show me what is withheld, or give it to somebody who treats the patient now."""
    episode = _read_episode(request, document)
    form = EmergencyForm(request.POST or None, initial={"who": "me"})
    if request.method == "POST" and form.is_valid():
        try:
            return _disclose(request, document, episode, form.cleaned_data)
        except Refused as refusal:
            refusal.add_to(form)
    return _form_page(request, "episodes/emergency.html", document, episode, form)


def _disclose(
    request: ActorRequest, document: Document, episode: Episode, given: dict[str, Any]
) -> HttpResponse:
    if given["who"] == "me":
        row = services.open_in_emergency(
            episode=episode, reason=given["reason"], request_key=given["request_key"], actor=request.actor
        )
        until: datetime = timezone.localtime(row.until)
        messages.warning(
            request, f"What was withheld is open to you until {until:%H:%M}. A manager reviews it."
        )
        return redirect(url_name(document, "detail"), pk=document.pk)
    services.disclose_in_emergency(
        document=document,
        episode=episode,
        receiver_name=given["receiver_name"],
        affiliation=given["affiliation"],
        medium=given["medium"],
        reason=given["reason"],
        request_key=given["request_key"],
        actor=request.actor,
    )
    messages.warning(request, "On the list of disclosures. The copy is being made; a manager reviews it.")
    return redirect("episodes:disclosures", public_id=episode.public_id)


def _form_page(
    request: ActorRequest, template: str, document: Document, episode: Episode, form: Any
) -> HttpResponse:
    context = {
        "episode": episode,
        "document": document,
        "form": form,
        "back": url_name(document, "detail"),
    }
    return render(request, template, context, status=422 if form.errors else 200)


@page(
    "document.give-out",
    fetch=row_for(Disclosure, "document", "rendition__blob"),
    methods=("GET", "HEAD"),
    confirm=("GET", "HEAD"),
)
def copy_file(request: ActorRequest, disclosure: Disclosure) -> HttpResponse:
    """The PDF of a copy as it was made out, while what it rests on still holds."""
    now = timezone.now()
    if disclosure.document is None or disclosure.rendition is None or disclosure.receiver_id is not None:
        raise Http404
    episode = _read_episode(request, disclosure.document)
    if not may_open_copy(disclosure, episode, actor=request.actor, now=now):
        messages.error(
            request, "The copy shows what is withheld from you: ask who made it out to print it again."
        )
        return redirect("episodes:disclosures", public_id=episode.public_id)
    current = copy_to_serve(disclosure, episode, now=now)
    if current is None:
        messages.error(
            request,
            "What this copy rests on does not hold any more: it stays listed, and is not given out again.",
        )
        return redirect("episodes:disclosures", public_id=episode.public_id)
    if current.state != RenditionState.READY:
        messages.info(request, "The copy is still being made. Try again in a moment.")
        return redirect("episodes:disclosures", public_id=episode.public_id)
    return pdf_response(request, current, disclosure.document)
