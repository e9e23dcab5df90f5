"""The sharing consent decides at each request what the other side sees: page, PDF, chart, notes, log, lists."""

import io
from datetime import timedelta
from typing import Any

import pypdf
import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from episodes.models import Consent
from episodes.services import record_event, revoke_consent
from episodes.sharing import span_of_days
from integration.models import IntegrationSession, Modality
from kapclinic.accounts.models import User
from kapclinic.clinics.models import ClinicalSetting, SettingState
from kapclinic.documents.models import Disclosure, Document, Rendition
from kapclinic.handoffs.models import Handoff
from kapclinic.handoffs.services import amend_handoff, sign_handoff
from kapclinic.jobs.models import JobQueue
from kapclinic.jobs.services import run_due
from tests import factories
from tests.handoffs.situations import TO_PRESCRIBER, TO_THERAPIST, signed
from tests.screening.screening_situations import answer_phq9

SECOND = timedelta(seconds=1)


def as_person(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(user: User, name: str, *args: Any) -> str:
    response = as_person(user).get(reverse(name, args=args))
    assert response.status_code == 200
    return response.content.decode()


def pdf_of(user: User, document: Document) -> str:
    """The text of the PDF that this person is served now, made first where it must be."""
    client, address = as_person(user), reverse("documents:handoffs-file", args=[document.pk])
    response = client.get(address)
    if response.status_code == 302:
        run_due(queue=JobQueue.DOCUMENTS)
        response = client.get(address)
    assert response["Content-Type"] == "application/pdf"
    return " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(response.content)).pages)


def consent_over(room: Any, *categories: str, **details: Any) -> Consent:
    return factories.make_sharing_consent(room.episode, room.nurse, list(categories), **details)


def both(room: Any, user: User) -> tuple[str, str]:
    """Page and PDF of a handoff for this person."""
    handoff = room.handoff
    return page_of(user, "handoffs:detail", handoff.pk), pdf_of(user, handoff.document)


@pytest.fixture
def handed(planned: Any) -> Any:
    """The therapist has written to the prescriber."""
    planned.handoff = signed(
        planned,
        TO_PRESCRIBER,
        themes="Grief for her father.",
        trauma="The accident.",
        substance_use="Wine daily.",
    )
    return planned


def test_reader_gets_what_the_consent_covers_on_page_and_pdf_alike(handed: Any) -> None:
    consent_over(handed, "themes")
    for text in both(handed, handed.prescriber):
        assert "Grief for her father." in text
        assert "The accident." not in text
        assert "Withheld" in text
    for text in both(handed, handed.therapist):
        assert "The accident." in text
        assert "Withheld" not in text


def test_revocation_works_at_the_next_request_and_the_old_file_is_not_served(handed: Any) -> None:
    consent = consent_over(handed, "themes")
    client = as_person(handed.prescriber)
    address = reverse("documents:handoffs-file", args=[handed.handoff.document_id])
    assert "Grief for her father." in pdf_of(handed.prescriber, handed.handoff.document)
    etag = client.get(address)["ETag"]
    revoke_consent(consent=consent, how="By phone", actor=handed.nurse)
    assert "Grief for her father." not in page_of(handed.prescriber, "handoffs:detail", handed.handoff.pk)
    # A browser that still has the file is not told that it is unchanged.
    assert client.get(address, headers={"If-None-Match": etag}).status_code != 304
    assert "Grief for her father." not in pdf_of(handed.prescriber, handed.handoff.document)
    # What was disclosed before stays listed, and its file stays known to the check.
    assert Disclosure.objects.filter(receiver=handed.prescriber, shown__contains="themes").exists()
    assert Rendition.objects.filter(sha256=etag.strip('"')).exists()


def test_expiry_works_at_its_second_on_page_and_pdf(handed: Any) -> None:
    consent = consent_over(handed, "themes", expires_on=timezone.localdate() + timedelta(days=1))
    assert consent.expires_on is not None
    ends = span_of_days(consent.signed_on, consent.expires_on, handed.clinic.zone)[1]
    for moment, is_shown in ((ends - SECOND, True), (ends, False), (ends + SECOND, False)):
        with time_machine.travel(moment, tick=False):
            page = page_of(handed.prescriber, "handoffs:detail", handed.handoff.pk)
            assert ("Grief for her father." in page) is is_shown
    with time_machine.travel(ends, tick=False):
        assert "Grief for her father." not in pdf_of(handed.prescriber, handed.handoff.document)


def test_superseded_pdf_is_made_anew_and_says_so(handed: Any) -> None:
    first = handed.handoff.document
    assert "Superseded" not in pdf_of(handed.prescriber, first)
    amend_handoff(handoff=handed.handoff, reason="Corrected", actor=handed.therapist)
    newer = signed_again(handed)
    assert "Superseded by version 2" in pdf_of(handed.prescriber, first)
    assert f"replaces version 1 (document {first.number})" in pdf_of(handed.prescriber, newer)


def signed_again(room: Any) -> Document:
    draft = Handoff.objects.get(session=room.session, state="draft")
    document = sign_handoff(handoff=draft, version=draft.version, actor=room.therapist).document
    assert document is not None
    return document


def test_substance_use_carries_its_notice_and_is_withheld_at_a_part_2_clinic(handed: Any) -> None:
    for text in both(handed, handed.prescriber):
        assert "Wine daily." in text
        assert "42 CFR part 2 prohibits" in text
    ClinicalSetting.objects.create(
        clinic=handed.clinic, key="sharing.part2_program", value=True, reason="Made up", state=SettingState.APPROVED,
        decided_at=timezone.now(), decided_by=handed.prescriber,
    )  # fmt: skip
    reading = "handoffs:detail", handed.handoff.pk
    assert "Wine daily." not in page_of(handed.prescriber, *reading)
    consent_over(handed, "substance-use")
    assert "Wine daily." in page_of(handed.prescriber, *reading)


def test_therapist_sees_the_dose_and_scores_by_consent_and_the_safety_core_stays(dosed: Any) -> None:
    answer_phq9(dosed.episode, dosed.nurse)
    handoff = signed(dosed, TO_THERAPIST, response="She wept.", mental_status="Calm.")
    chart = reverse("desk:chart", args=[dosed.episode.public_id])
    reading = reverse("handoffs:detail", args=[handoff.pk])
    therapist, nurse = as_person(dosed.therapist), as_person(dosed.nurse)
    page = therapist.get(chart).content.decode()
    assert page.count("sharing consent does not cover") == 2
    assert "156/94" not in page
    page = therapist.get(reading).content.decode()
    assert "She wept." not in page
    assert "Calm." in page
    # Those who treat with medicines see it all the same.
    assert "156/94" in nurse.get(chart).content.decode()
    consent = consent_over(dosed, "dose", "scores", "adverse-events")
    page = therapist.get(chart).content.decode()
    assert "156/94" in page
    assert "sharing consent does not cover" not in page
    assert "She wept." in therapist.get(reading).content.decode()
    revoke_consent(consent=consent, how="In writing", actor=dosed.nurse)
    assert "156/94" not in therapist.get(chart).content.decode()
    assert "She wept." not in therapist.get(reading).content.decode()


def test_integration_note_is_withheld_from_the_medical_side_without_consent(dosed: Any) -> None:
    note = IntegrationSession.objects.create(
        clinic=dosed.clinic, episode=dosed.episode, therapist=dosed.therapist, themes="The old house.",
        held_from=dosed.start + timedelta(hours=30), held_until=dosed.start + timedelta(hours=31),
        created_by=dosed.therapist,
    )  # fmt: skip
    for user in (dosed.nurse, dosed.prescriber):
        page = page_of(user, "integration:session-detail", note.pk)
        assert "The old house." not in page
        assert "Withheld" in page
    assert "The old house." in page_of(dosed.therapist, "integration:session-detail", note.pk)
    consent_over(dosed, "themes")
    assert "The old house." in page_of(dosed.nurse, "integration:session-detail", note.pk)
    IntegrationSession.objects.filter(pk=note.pk).update(modalities=[Modality.TRAUMA])
    page = page_of(dosed.nurse, "integration:session-detail", note.pk)
    assert "The old house." not in page
    assert "trauma content" in page


def test_preparation_is_withheld_but_for_its_safety_plan_without_consent(planned: Any) -> None:
    note = planned.episode.preparations.get()
    page = page_of(planned.nurse, "dosing:preparation-detail", note.pk)
    assert note.intention not in page
    assert escape(note.safety_plan) in page
    assert note.intention not in page_of(planned.nurse, "dosing:preparation-list", planned.episode.public_id)
    consent_over(planned, "themes")
    assert note.intention in page_of(planned.nurse, "dosing:preparation-detail", note.pk)


def test_log_names_no_clinical_thing_to_the_front_desk(dosed: Any, coordinator: User) -> None:
    record_event(
        episode=dosed.episode, kind="finding.found", summary="Finding: made-up psychosis", actor=dosed.nurse
    )
    page = page_of(coordinator, "episodes:episode-detail", dosed.episode.public_id)
    assert "made-up psychosis" not in page
    assert "Withheld: safety core" in page
    assert "made-up psychosis" in page_of(
        dosed.prescriber, "episodes:episode-detail", dosed.episode.public_id
    )


def test_search_and_lists_hold_no_text_that_a_consent_covers(handed: Any, coordinator: User) -> None:
    for user in (coordinator, handed.prescriber):
        client = as_person(user)
        for term in ("Grief", "accident", "Wine"):
            page = client.post(reverse("desk:search"), {"q": term}).content.decode()
            assert handed.episode.public_id not in page
        for name in ("desk:patients", "desk:today", "handoffs:list"):
            page = client.get(reverse(name)).content.decode()
            assert "Grief for her father." not in page
            assert "The accident." not in page
