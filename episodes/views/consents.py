"""Consents of an episode."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes import services
from episodes.access import episode_for, row_for
from episodes.forms import ConsentForm, RevokeConsentForm
from episodes.models import SHAREABLE, Consent, ConsentKind, Episode, RecipientPart
from episodes.services.watching import ending_consents, last_day_to_warn
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import can
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.services import store_attachment

_CATEGORY_LABELS = {category.value: category.label for category in SHAREABLE}


def consent_rows(consents: list[Consent], today: date) -> list[dict[str, Any]]:
    """Consents with their state in a word and its colour, and the labels of what they share."""
    return [
        {
            "consent": consent,
            "state": state,
            "tone": tone,
            "categories": _labels(consent),
            "receivers": _receivers(consent),
        }
        for consent in consents
        for state, tone in [_state(consent, today)]
    ]


def _labels(consent: Consent) -> list[str]:
    return [_CATEGORY_LABELS.get(value, value) for value in consent.categories]


def _receivers(consent: Consent) -> list[str]:
    found = [RecipientPart(part).label for part in consent.recipient_parts]
    if consent.recipient_outside is not None:
        found.append("Outside clinician")
    return found


def _state(consent: Consent, today: date) -> tuple[str, str]:
    if consent.is_struck:
        return "entered in error", "outline"
    if consent.revoked_at is not None:
        return "revoked", "red"
    if consent.kind == ConsentKind.SHARING and not consent.has_every_element:
        return "incomplete: shares nothing", "amber"
    if consent.is_valid_on(today):
        return "in force", "green"
    return ("expired", "amber") if consent.signed_on <= today else ("not yet", "outline")


@page("consent.record", fetch=episode_for)
def show(request: ActorRequest, episode: Episode) -> HttpResponse:
    """What the patient consented to; recording a signed consent."""
    initial = {
        "kind": ConsentKind.TREATMENT,
        "signed_on": timezone.localdate(),
        "signed_by_name": f"{episode.patient.given_name} {episode.patient.family_name}",
        "discloser": episode.clinic.name,
        "recipient_parts": RecipientPart.values,
    }
    form = ConsentForm(request.POST or None, request.FILES or None, initial=initial, episode=episode)
    if request.method == "POST" and form.is_valid():
        try:
            consent = _record(request, episode, form)
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, f"On file: {consent.get_kind_display()}.")
            if not can(request.actor, "consent.record", episode):
                return redirect("desk:today")
            return redirect("episodes:consents", public_id=episode.public_id)
    consents = list(
        Consent.objects.filter(episode=episode).select_related(
            "attachment", "recipient_outside", "created_by", "revoked_by", "entered_in_error_by"
        )
    )
    now = timezone.now()
    until = last_day_to_warn(episode.clinic, now=now)
    return render(
        request,
        "episodes/consents.html",
        {
            "episode": episode,
            "form": form,
            "rows": consent_rows(consents, now.astimezone(episode.clinic.zone).date()),
            "ending": {
                consent.pk for consent in ending_consents(consents, episode.clinic, now=now, until=until)
            },
            "has_scope": can(request.actor, "episode.view", episode),
            "may_list": can(request.actor, "disclosure.list", episode),
        },
        status=422 if form.errors else 200,
    )


def _record(request: ActorRequest, episode: Episode, form: ConsentForm) -> Consent:
    """File the paper and the consent together: neither is kept without the other."""
    details = form.details()
    paper = form.cleaned_data["paper"]
    with transaction.atomic():
        if paper is not None:
            details["attachment"] = store_attachment(
                clinic=episode.clinic, subject_id=episode.pk, upload=paper, title="Signed consent",
                actor=request.actor.user, dated_on=details["signed_on"], field="paper",
            )  # fmt: skip
        return services.record_consent(
            episode=episode,
            details=details,
            actor=request.actor.user,
            request_key=form.cleaned_data["request_key"],
        )


@page("consent.record", fetch=row_for(Consent, "episode__patient", "episode__protocol_version__protocol"))
def revoke(request: ActorRequest, consent: Consent) -> HttpResponse:
    """The patient revokes a consent: it works from now on."""
    form = RevokeConsentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.revoke_consent(consent=consent, how=form.cleaned_data["how"], actor=request.actor.user)
        except Refused as refusal:
            refusal.add_to(form)
        else:
            messages.success(request, "The consent is revoked from now on.")
            return redirect("episodes:consents", public_id=consent.episode.public_id)
    return render(
        request,
        "episodes/consent_revoke.html",
        {"form": form, "consent": consent, "episode": consent.episode},
        status=422 if form.errors else 200,
    )
