"""Recording and revoking consents."""

import uuid
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from episodes.models import Consent, ConsentKind, Episode
from episodes.services.episode import record_event
from episodes.services.locking import lock_episode
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if


def _incomplete(details: dict[str, Any], today: date) -> list[Reason]:
    found: list[Reason] = []
    if details["signed_on"] > today:
        found.append(Reason("signed-later", "The date of signing lies in the future.", field="signed_on"))
    expires_on = details.get("expires_on")
    if expires_on is not None and expires_on < details["signed_on"]:
        found.append(Reason("expires-before", "It cannot expire before it was signed.", field="expires_on"))
    if details["kind"] == ConsentKind.TREATMENT and not details.get("names_off_label"):
        found.append(
            Reason(
                "off-label",
                "A treatment consent names the off-label use of ketamine.",
                field="names_off_label",
            )
        )
    if details["kind"] == ConsentKind.SHARING:
        # Core elements of an authorization: 45 CFR 164.508(c)(1).
        for field, text in (
            ("categories", "Name what may be shared."),
            ("discloser", "Name who may disclose."),
            ("recipient", "Name who may receive."),
            ("purpose", "Name the purpose."),
            ("expires_on", "A sharing consent needs an expiry date."),
            # The statements of 45 CFR 164.508(c)(2).
            ("states_right_to_revoke", "The text must state the right to revoke it, and how."),
            ("states_conditions", "The text must state that treatment does not depend on signing it."),
            ("states_redisclosure", "The text must state that a receiver may pass on what is shared."),
        ):
            if not details.get(field):
                found.append(Reason(f"no-{field}", text, field=field))
        if not details.get("recipient_parts") and not details.get("recipient_outside"):
            found.append(
                Reason(
                    "no-receiver",
                    "Tick who of the care team receives, or choose the clinician outside.",
                    field="recipient_parts",
                )
            )
    if details.get("signer_is_representative") and not details.get("representative_authority"):
        found.append(
            Reason("no-authority", "Name the representative's authority.", field="representative_authority")
        )
    return found


def record_consent(
    *,
    episode: Episode,
    details: dict[str, Any],
    actor: User,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Consent:
    """Put a signed consent on file; raises Refused when an element is missing. The same `request_key` again makes no second."""
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        if request_key is not None:
            made = Consent.objects.filter(episode=episode, request_key=request_key).first()
            if made is not None:
                return made
        refuse_if(_incomplete(details, now.astimezone(episode.clinic.zone).date()))
        consent = Consent.objects.create(
            clinic=episode.clinic,
            episode=episode,
            created_at=now,
            created_by=actor,
            request_key=request_key,
            **details,
        )
        record_event(
            episode=episode, kind="consent.signed", summary=f"Consent signed: {consent.get_kind_display()}", actor=actor,
            now=now, subject=consent, data={"kind": consent.kind, "version": consent.text_version},
        )  # fmt: skip
        return consent


def revoke_consent(*, consent: Consent, how: str, actor: User, now: datetime | None = None) -> Consent:
    """The patient revokes; it works from now on, and what was done before stays (45 CFR 164.508(b)(5))."""
    now = now or timezone.now()
    if not how.strip():
        raise Refused(Reason("no-how", "Say how the patient revoked it.", field="how"))
    with transaction.atomic():
        episode = lock_episode(consent.episode)
        consent = Consent.objects.select_for_update(of=("self",)).get(pk=consent.pk)
        if consent.revoked_at is None:
            consent.revoked_at = now
            consent.revoked_by = actor
            consent.revoked_how = how.strip()
            consent.save(update_fields=["revoked_at", "revoked_by", "revoked_how"])
            record_event(
                episode=episode, kind="consent.revoked", summary=f"Consent revoked: {consent.get_kind_display()}",
                actor=actor, now=now, subject=consent, data={"kind": consent.kind},
            )  # fmt: skip
        return consent
