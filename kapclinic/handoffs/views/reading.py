"""Reading a signed handoff, acknowledging it, starting its next edition."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes.access import row_for
from kapclinic.accounts import policy
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.views import document_shown
from kapclinic.handoffs import selectors, services
from kapclinic.handoffs.forms import AcknowledgeForm, AmendForm, HeardForm
from kapclinic.handoffs.models import Handoff, HandoffKind
from kapclinic.handoffs.owing import WRITE_ACTION, write_address

_RELATED = ("episode__patient", "episode__clinic", "session__clinic", "signed_by", "document", "supersedes")


def _handoff(actor: Actor, pk: uuid.UUID) -> Handoff:
    handoff: Handoff = row_for(Handoff, *_RELATED)(actor, pk)
    if not handoff.is_signed:
        # A draft belongs to its writer's page; nobody reads it before it is signed.
        raise Http404
    return handoff


@page("handoff.read", fetch=_handoff, methods=("GET", "HEAD"))
def detail(request: ActorRequest, handoff: Handoff) -> HttpResponse:
    """One signed handoff: its text, its document, whether it was read."""
    return _detail(request, handoff)


def _detail(
    request: ActorRequest,
    handoff: Handoff,
    *,
    amend: AmendForm | None = None,
    acknowledge: AcknowledgeForm | None = None,
    heard: HeardForm | None = None,
) -> HttpResponse:
    now = timezone.now()
    if handoff.document is None:
        raise Http404
    shown = document_shown(request.actor, handoff.document, now=now)
    content = selectors.read_handoff(
        handoff, sections=shown["sections"], withheld=shown["reading"].withheld, now=now
    )
    editions = selectors.editions_of(handoff)
    newest = next((edition for edition in editions if not edition.is_struck), handoff)
    may_write = policy.can(request.actor, WRITE_ACTION[HandoffKind(handoff.kind)], handoff)
    is_open = not handoff.is_read and not handoff.is_struck and newest.pk == handoff.pk
    outside = is_open and selectors.is_outside(handoff.episode, handoff.reader_part, now)
    context = {
        **shown,
        "episode": handoff.episode,
        "handoff": handoff,
        "content": content,
        "editions": editions,
        "newer": newest if newest.pk != handoff.pk else None,
        "signature_holds": handoff.signature_holds(),
        # What was typed is shown again, also where it was refused.
        "may_acknowledge": selectors.may_acknowledge(request.actor, handoff) or acknowledge is not None,
        "may_record_heard": (outside and policy.can(request.actor, "handoff.record-heard", handoff))
        or heard is not None,
        "may_amend": may_write and newest.pk == handoff.pk and not handoff.is_struck,
        "may_strike": may_write
        and not handoff.is_struck
        and policy.can(request.actor, "entry.strike", handoff),
        "amend_form": amend or AmendForm(),
        "amend_url": f"handoffs:amend-{handoff.kind}",
        "acknowledge_form": acknowledge or AcknowledgeForm(),
        "heard_form": heard or HeardForm(initial={"heard_at": now}),
        "receiver": selectors.receiver_name(handoff.episode, handoff.reader_part, now),
    }
    failed = any(form is not None and form.errors for form in (amend, acknowledge, heard))
    return render(request, "handoffs/detail.html", context, status=422 if failed else 200)


def _amend(request: ActorRequest, handoff: Handoff) -> HttpResponse:
    form = AmendForm(request.POST)
    if not form.is_valid():
        return _detail(request, handoff, amend=form)
    try:
        services.amend_handoff(
            handoff=handoff, reason=form.cleaned_data["reason"], actor=request.actor.user, now=timezone.now()
        )
    except Refused as refusal:
        refusal.add_to(form)
        return _detail(request, handoff, amend=form)
    return redirect(write_address(handoff.kind, handoff.episode, handoff.session_id))


def _of_kind(kind: HandoffKind) -> Callable[[Actor, uuid.UUID], Handoff]:
    def fetch(actor: Actor, pk: uuid.UUID) -> Handoff:
        handoff = _handoff(actor, pk)
        if handoff.kind != kind:
            raise Http404
        return handoff

    return fetch


# One address for each kind, because each kind has a right of its own.
amending = {
    kind: page(action, fetch=_of_kind(kind), methods=("POST",))(_amend)
    for kind, action in WRITE_ACTION.items()
}


@page("handoff.acknowledge", fetch=_handoff, methods=("POST",))
def acknowledge(request: ActorRequest, handoff: Handoff) -> HttpResponse:
    """The receiver says that this edition was read; what was amended meanwhile is refused, and the reply stays in the form."""
    form = AcknowledgeForm(request.POST)
    if not handoff.is_read and not selectors.is_receiver(request.actor, handoff):
        form.add_error(None, "Only its receiver acknowledges a handoff.")
    if not form.is_valid():
        return _detail(request, handoff, acknowledge=form)
    try:
        services.acknowledge_handoff(
            handoff=handoff, reply=form.cleaned_data["reply"], actor=request.actor.user, now=timezone.now()
        )
    except Refused as refusal:
        refusal.add_to(form)
        return _detail(request, handoff, acknowledge=form)
    messages.success(request, "Agreed." if handoff.kind == HandoffKind.COORDINATION else "Marked as read.")
    return redirect("handoffs:detail", pk=handoff.pk)


@page("handoff.record-heard", fetch=_handoff, methods=("POST",))
def heard(request: ActorRequest, handoff: Handoff) -> HttpResponse:
    """Somebody without an account heard this edition."""
    now = timezone.now()
    form = HeardForm(request.POST)
    if not handoff.is_read and not selectors.is_outside(handoff.episode, handoff.reader_part, now):
        form.add_error(None, "Its receiver has an account here and acknowledges it there.")
    if not form.is_valid():
        return _detail(request, handoff, heard=form)
    try:
        services.record_heard(handoff=handoff, actor=request.actor.user, now=now, **form.cleaned_data)
    except Refused as refusal:
        refusal.add_to(form)
        return _detail(request, handoff, heard=form)
    messages.success(request, "Recorded.")
    return redirect("handoffs:detail", pk=handoff.pk)
