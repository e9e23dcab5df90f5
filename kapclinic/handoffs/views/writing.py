"""Writing a handoff."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes.access import episode_for
from episodes.models import Episode
from episodes.readers import eyes_of
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.versions import carry_on_from
from kapclinic.handoffs import prefill, selectors, services
from kapclinic.handoffs.fields import OTHER_PART, written
from kapclinic.handoffs.forms import HandoffForm
from kapclinic.handoffs.models import Handoff, HandoffKind
from kapclinic.handoffs.owing import WRITE_ACTION, write_address
from kapclinic.handoffs.views.pages import fetch_session
from sessions.models import DosingSession
from sessions.selectors import dose_number


@page(WRITE_ACTION[HandoffKind.COORDINATION], fetch=episode_for)
def write_coordination(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Either of the two writes what both agree on."""
    return _write(request, episode, None, HandoffKind.COORDINATION)


@page(WRITE_ACTION[HandoffKind.EMERGENCY], fetch=episode_for)
def write_emergency(request: ActorRequest, episode: Episode) -> HttpResponse:
    """Either of the two tells the other what happened."""
    return _write(request, episode, None, HandoffKind.EMERGENCY)


@page(WRITE_ACTION[HandoffKind.TO_PRESCRIBER], fetch=fetch_session)
def write_to_prescriber(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """The therapist writes before a dose."""
    return _write(request, session.episode, session, HandoffKind.TO_PRESCRIBER)


@page(WRITE_ACTION[HandoffKind.TO_THERAPIST], fetch=fetch_session)
def write_to_therapist(request: ActorRequest, session: DosingSession) -> HttpResponse:
    """The prescriber writes after a dose."""
    return _write(request, session.episode, session, HandoffKind.TO_THERAPIST)


def _standing(episode: Episode, session: DosingSession | None, kind: HandoffKind) -> Handoff | None:
    """The draft, else the newest signed edition; each emergency is a handoff of its own, so only its draft."""
    found = Handoff.objects.standing().filter(episode=episode, session=session, kind=kind)
    if kind == HandoffKind.EMERGENCY:
        found = found.filter(state="draft")
    return found.select_related("author", "supersedes").order_by("-edition").first()


def _write(
    request: ActorRequest, episode: Episode, session: DosingSession | None, kind: HandoffKind
) -> HttpResponse:
    now = timezone.now()
    newest = _standing(episode, session, kind)
    if newest is not None and newest.is_signed and request.method != "POST":
        return redirect("handoffs:detail", pk=newest.pk)
    if newest is None:
        eyes = eyes_of(request.actor, episode, now=now)
        offered = prefill.suggestions(kind, episode=episode, session=session, now=now, eyes=eyes)
        sources = {key: suggestion.sources for key, suggestion in offered.items()}
        initial: dict[str, Any] = {key: suggestion.text for key, suggestion in offered.items()}
    else:
        sources, initial = prefill.from_stored(newest.sources), dict(newest.body)
    initial["version"] = newest.version if newest else 0
    form = HandoffForm(kind, request.POST or None, initial=initial, sources=sources)
    stored: list[tuple[str, str]] = []
    if request.method == "POST" and form.is_valid():
        wants_signature = request.POST.get("intent") == "sign"
        try:
            handoff = _save(request, episode, session, kind, form, sign=wants_signature)
        except Refused as refusal:
            refusal.add_to(form)
            current = _standing(episode, session, kind)
            if current is not None and {"changed-meanwhile", "signed"} & {
                reason.code for reason in refusal.reasons
            }:
                newest, stored = current, [(field.title, text) for field, text in written(kind, current.body)]
                carry_on_from(form, current.version)
        else:
            if handoff.is_signed:
                messages.success(
                    request, "Signed. The PDF is being made, and the receiver is asked to read it."
                )
                return redirect("handoffs:detail", pk=handoff.pk)
            messages.success(request, "Draft kept.")
            return redirect(write_address(kind, episode, session.pk if session else None))
    part = selectors.part_of(episode, request.actor.user, now)
    reader = newest.reader_part if newest and newest.reader_part else OTHER_PART[part]
    if session is not None:
        reader = Handoff(kind=kind).reader_part
    context = {
        "episode": episode,
        "session": session,
        "kind": kind,
        "number": dose_number(session) if session else None,
        "form": form,
        "draft": newest,
        "stored": stored,
        "sections": services.preview_sections(kind, episode, session),
        "receiver": selectors.receiver_name(episode, reader, now),
    }
    return render(request, "handoffs/write.html", context, status=422 if form.errors else 200)


def _save(
    request: ActorRequest,
    episode: Episode,
    session: DosingSession | None,
    kind: HandoffKind,
    form: HandoffForm,
    *,
    sign: bool,
) -> Handoff:
    """Keep the text; sign it too where asked. What cannot be signed stays as a draft."""
    actor, now = request.actor.user, timezone.now()
    draft = services.save_draft(
        session=session,
        episode=episode,
        kind=kind,
        body=form.body(),
        version=form.cleaned_data["version"],
        actor=actor,
        now=now,
    )
    if not sign:
        return draft
    # The text is kept even when signing is refused, so the form must carry on from what is stored.
    shown = request.POST.copy()
    shown["version"] = str(draft.version)
    form.data = shown
    return services.sign_handoff(handoff=draft, version=draft.version, actor=actor, now=now)
