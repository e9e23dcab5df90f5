"""Consents: elements, validity, revocation, and the guard before a dose."""

import uuid
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from episodes import guards, services
from episodes.guards import GuardContext
from episodes.models import Consent, ConsentKind
from kapclinic.clinics.refusals import Refused
from tests import factories

DAY = date(2026, 6, 15)


@pytest.mark.parametrize(
    ("signed", "expires", "revoked", "valid"),
    [
        (DAY, None, False, True),
        (DAY + timedelta(days=1), None, False, False),
        (DAY - timedelta(days=9), DAY - timedelta(days=1), False, False),
        (DAY - timedelta(days=9), DAY, False, True),
        (DAY - timedelta(days=9), DAY + timedelta(days=1), False, True),
        (DAY - timedelta(days=9), None, True, False),
    ],
)
def test_validity_by_day(signed, expires, revoked, valid: bool) -> None:
    consent = Consent(signed_on=signed, expires_on=expires, revoked_at=timezone.now() if revoked else None)
    assert consent.is_valid_on(DAY) is valid


def _refused_fields(episode, actor, **details) -> set[str | None]:
    with pytest.raises(Refused) as refusal:
        factories.make_consent(episode, actor, **details)
    return {reason.field for reason in refusal.value.reasons}


def test_treatment_consent_names_the_off_label_use(episode, nurse) -> None:
    assert _refused_fields(episode, nurse, kind=ConsentKind.TREATMENT) == {"names_off_label"}


def test_sharing_consent_names_every_element_at_once(episode, nurse) -> None:
    assert _refused_fields(episode, nurse, kind=ConsentKind.SHARING) == {
        "categories", "discloser", "recipient", "recipient_parts", "purpose", "expires_on",
        "states_right_to_revoke", "states_conditions", "states_redisclosure",
    }  # fmt: skip


def test_dates_and_representative_are_checked(episode, nurse) -> None:
    ahead = timezone.localdate() + timedelta(days=3)
    assert _refused_fields(
        episode, nurse, kind=ConsentKind.TRAUMA, signed_on=ahead, expires_on=ahead - timedelta(days=1),
        signer_is_representative=True,
    ) == {"signed_on", "expires_on", "representative_authority"}  # fmt: skip


def test_same_request_key_records_once(episode, nurse) -> None:
    key = uuid.uuid4()
    details = {
        "kind": ConsentKind.TRAUMA,
        "text_version": "1",
        "signed_on": date(2026, 1, 5),
        "signed_by_name": "Mei Demo",
    }
    for _ in range(2):
        services.record_consent(episode=episode, details=details, actor=nurse, request_key=key)
    assert Consent.objects.filter(episode=episode).count() == 1


def _dose_codes(episode) -> set[str]:
    return {
        reason.code
        for reason in guards.reasons(GuardContext(action="dose.order", episode=episode, now=timezone.now()))
    }


def test_dose_is_refused_without_a_valid_treatment_consent(episode, nurse) -> None:
    assert "consent-missing" in _dose_codes(episode)
    consent = factories.make_treatment_consent(episode, nurse)
    assert "consent-missing" not in _dose_codes(episode)
    services.revoke_consent(consent=consent, how="In writing", actor=nurse)
    assert "consent-missing" in _dose_codes(episode)


def test_struck_consent_does_not_count(episode, nurse) -> None:
    consent = factories.make_treatment_consent(episode, nurse)
    services.strike_entry(entry=consent, reason="Wrong patient", actor=nurse)
    assert "consent-missing" in _dose_codes(episode)


def test_revoking_asks_how_and_twice_is_once(episode, nurse) -> None:
    consent = factories.make_treatment_consent(episode, nurse)
    with pytest.raises(Refused):
        services.revoke_consent(consent=consent, how="  ", actor=nurse)
    first = services.revoke_consent(consent=consent, how="In writing", actor=nurse)
    second = services.revoke_consent(consent=consent, how="By phone", actor=nurse)
    assert (first.revoked_at, second.revoked_how) == (second.revoked_at, "In writing")


def test_database_refuses_a_treatment_consent_without_off_label(episode) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Consent.objects.create(
            clinic=episode.clinic, episode=episode, kind=ConsentKind.TREATMENT, text_version="1",
            signed_on=date(2026, 1, 5), signed_by_name="x",
        )  # fmt: skip
