"""Copies that go out, emergencies, and the patient's list: services and pages."""

import io
import uuid
from datetime import timedelta
from typing import Any

import pypdf
import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from episodes.models import Consent, Episode, OutsideClinician, TeamPart
from episodes.services import (
    add_team_member,
    disclose_in_emergency,
    give_out,
    issue_disclosure_list,
    open_in_emergency,
    revoke_consent,
)
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Refused
from kapclinic.documents.models import Disclosure, DisclosureBasis, Document, Medium
from kapclinic.documents.services import make_pdf
from kapclinic.jobs.models import JobQueue
from kapclinic.jobs.services import run_due
from kapclinic.notices.models import Task
from tests import factories
from tests.documents.situations import issuer, kinds_of_every_shelf


@pytest.fixture(autouse=True)
def known_kinds() -> Any:
    yield from kinds_of_every_shelf()


@pytest.fixture
def document(episode: Episode, therapist: User) -> Document:
    """A paper that the therapy side wrote: themes, trauma, safety, medication."""
    return issuer(episode, therapist)(now=timezone.now())


@pytest.fixture
def outside(episode: Episode, therapist: User) -> OutsideClinician:
    """A prescriber of another practice who is on the team."""
    found = OutsideClinician.objects.create(
        clinic=episode.clinic, name="Dr Demo Outside", practice="Other Practice", acknowledges_by="fax"
    )
    add_team_member(episode=episode, part=TeamPart.COVER_PRESCRIBER, actor=therapist, outside=found)
    return found


def consent_for(outside: OutsideClinician, episode: Episode, actor: User, categories: list[str]) -> Consent:
    return factories.make_sharing_consent(
        episode, actor, categories, recipient_parts=[], recipient_outside=outside, recipient=outside.name
    )


def given(
    document: Document, episode: Episode, actor: User, outside: OutsideClinician | None, **changes: Any
) -> Disclosure:
    fields: dict[str, Any] = {"medium": Medium.FAX, "purpose": "Joint care", **changes}
    return give_out(
        document=document,
        episode=episode,
        outside=outside,
        actor=factories.make_actor(actor, episode.clinic),
        **fields,
    )


def text_of(row: Disclosure) -> str:
    run_due(queue=JobQueue.DOCUMENTS)
    row.refresh_from_db()
    assert row.rendition is not None
    assert row.rendition.blob is not None
    pages = pypdf.PdfReader(io.BytesIO(bytes(row.rendition.blob.content))).pages
    return " ".join(page.extract_text() for page in pages)


def codes(refusal: pytest.ExceptionInfo[Refused]) -> set[str]:
    return {reason.code for reason in refusal.value.reasons}


def as_person(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_nothing_goes_outside_when_no_consent_names_the_receiver(
    document: Document, episode: Episode, therapist: User, outside: OutsideClinician
) -> None:
    factories.make_sharing_consent(episode, therapist, ["themes", "trauma"])
    with pytest.raises(Refused) as refusal:
        given(document, episode, therapist, outside, purpose=" ")
    assert codes(refusal) == {"no-consent", "no-purpose"}
    assert not Disclosure.objects.filter(receiver__isnull=True).exists()


def test_copy_holds_what_its_receivers_consent_covers_and_says_what_it_withholds(
    document: Document, episode: Episode, therapist: User, outside: OutsideClinician
) -> None:
    consent = consent_for(outside, episode, therapist, ["themes"])
    key = uuid.uuid4()
    row = given(document, episode, therapist, outside, request_key=key)
    assert given(document, episode, therapist, outside, request_key=key) == row
    text = text_of(row)
    assert "She asked for help." in text
    assert "Hidden words." not in text
    assert text.count("Withheld.") == 2
    assert "Copy for Dr Demo Outside, Other Practice" in text
    assert (row.basis, row.consents) == (DisclosureBasis.CONSENT, [str(consent.pk)])
    assert row.shown == ["safety", "themes"]
    assert row.withheld == ["medication", "trauma"]


def test_copy_is_not_served_again_when_its_consent_was_revoked_but_stays_listed(
    document: Document, episode: Episode, therapist: User, outside: OutsideClinician
) -> None:
    consent = consent_for(outside, episode, therapist, ["themes"])
    row = given(document, episode, therapist, outside)
    run_due(queue=JobQueue.DOCUMENTS)
    client = as_person(therapist)
    factories.prove(client, therapist)
    address = reverse("episodes:disclosure-copy", args=[row.pk])
    assert client.get(address)["Content-Type"] == "application/pdf"
    revoke_consent(consent=consent, how="In writing", actor=therapist)
    assert client.get(address).status_code == 302
    page = client.get(reverse("episodes:disclosures", args=[episode.public_id])).content.decode()
    assert "Dr Demo Outside, Other Practice" in page
    assert "does not hold any more" in page


def test_nobody_makes_out_a_copy_of_what_they_may_not_see(
    document: Document, episode: Episode, prescriber: User, therapist: User
) -> None:
    with pytest.raises(Refused) as refusal:
        given(document, episode, prescriber, None)
    assert codes(refusal) == {"unseen"}
    row = given(document, episode, therapist, None, purpose="")
    assert "Hidden words." in text_of(row)
    assert (row.basis, row.purpose) == (DisclosureBasis.PATIENT, "At the request of the individual")


def test_nobody_opens_a_copy_of_what_they_may_not_see(
    document: Document, episode: Episode, prescriber: User, nurse: User, therapist: User
) -> None:
    """A copy that the therapist made out to the patient is no way around the consent; nor is one made in an emergency."""
    to_patient = given(document, episode, therapist, None, purpose="")
    in_emergency = disclose_in_emergency(
        document=document, episode=episode, medium=Medium.FAX, receiver_name="Dr Made Up", affiliation="Demo Hospital",
        reason="Unresponsive at home", actor=factories.make_actor(nurse, episode.clinic),
    )  # fmt: skip
    run_due(queue=JobQueue.DOCUMENTS)
    for row, person, is_served in (
        (to_patient, therapist, True),
        (to_patient, prescriber, False),
        (in_emergency, nurse, True),
        (in_emergency, prescriber, False),
    ):
        client = as_person(person)
        factories.prove(client, person)
        answer = client.get(reverse("episodes:disclosure-copy", args=[row.pk]))
        assert (answer["Content-Type"] == "application/pdf") is is_served, (row, person)


def test_emergency_gives_all_of_it_and_asks_for_a_review(
    document: Document, episode: Episode, nurse: User
) -> None:
    actor = factories.make_actor(nurse, episode.clinic)
    fields: dict[str, Any] = {
        "document": document,
        "episode": episode,
        "medium": Medium.SPOKEN,
        "actor": actor,
    }
    with pytest.raises(Refused) as refusal:
        disclose_in_emergency(receiver_name="", affiliation=" ", reason="", **fields)
    assert codes(refusal) == {"no-receiver_name", "no-affiliation", "no-reason"}
    row = disclose_in_emergency(
        receiver_name="Dr Made Up", affiliation="Demo Hospital", reason="Unresponsive at home", **fields
    )
    assert "Hidden words." in text_of(row)
    assert row.receiver_name == "Dr Made Up, Demo Hospital"
    task = Task.objects.get(kind="emergency-disclosure")
    # The task is read by managers, who know no patient.
    assert "Unresponsive" not in task.title + task.detail
    assert "Mei" not in task.title + task.detail


def test_emergency_opens_what_is_withheld_for_its_time_and_for_its_person(
    document: Document, episode: Episode, nurse: User, prescriber: User
) -> None:
    address = reverse("documents:records-detail", args=[document.pk])
    emergency = reverse("episodes:emergency", args=[document.pk])
    client = as_person(nurse)
    factories.prove(client, nurse)
    before = client.get(address).content.decode()
    assert "Hidden words." not in before
    assert emergency in before
    refused = client.post(emergency, {"who": "me", "reason": ""})
    assert refused.status_code == 422
    refused = client.post(emergency, {"who": "outside", "reason": ""})
    for words in ("Name who receives it.", "Name the hospital or service.", "This field is required."):
        assert words in refused.content.decode()
    assert client.post(emergency, {"who": "me", "reason": "Says she will not live on"}).status_code == 302
    opened = Disclosure.objects.get(basis=DisclosureBasis.EMERGENCY, until__isnull=False)
    assert opened.until == opened.at + timedelta(minutes=60)
    assert "Hidden words." in client.get(address).content.decode()
    assert "Hidden words." not in as_person(prescriber).get(address).content.decode()
    for seconds, is_open in ((-1, True), (0, False), (1, False)):
        with time_machine.travel(opened.until + timedelta(seconds=seconds), tick=False):
            page = as_person(nurse).get(address).content.decode()
        assert ("Hidden words." in page) is is_open


def test_reading_is_listed_once_for_each_consent_state_and_own_words_never(
    document: Document, episode: Episode, nurse: User, therapist: User
) -> None:
    address = reverse("documents:records-detail", args=[document.pk])
    for _ in range(2):
        as_person(nurse).get(address)
        as_person(therapist).get(address)
    assert [row.receiver for row in Disclosure.objects.all()] == [nurse]
    consent = factories.make_sharing_consent(episode, nurse, ["themes"])
    as_person(nurse).get(address)
    newest = Disclosure.objects.latest("created_at")
    assert (newest.basis, newest.consents) == (DisclosureBasis.CONSENT, [str(consent.pk)])
    assert Disclosure.objects.count() == 2


def test_disclosure_is_refused_by_the_database_when_changed(
    document: Document, episode: Episode, nurse: User
) -> None:
    row = open_in_emergency(
        episode=episode, reason="Made up", actor=factories.make_actor(nurse, episode.clinic)
    )
    with pytest.raises(DatabaseError), transaction.atomic():
        Disclosure.objects.filter(pk=row.pk).update(reason="Another")
    with pytest.raises(DatabaseError), transaction.atomic():
        row.delete()


def test_list_for_the_patient_names_everything_and_is_the_same_when_nothing_is_new(
    document: Document, episode: Episode, therapist: User, coordinator: User, outside: OutsideClinician
) -> None:
    consent = consent_for(outside, episode, therapist, ["themes"])
    given(document, episode, therapist, outside)
    revoke_consent(consent=consent, how="In writing", actor=therapist)
    listed = issue_disclosure_list(episode=episode, actor=coordinator)
    pages = pypdf.PdfReader(io.BytesIO(make_pdf(listed).data)).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    for words in (
        "Dr Demo Outside",
        "themes of the therapy",
        "Joint care",
        "faxed",
        "Sharing consent",
        "revoked",
    ):
        assert words in text
    assert issue_disclosure_list(episode=episode, actor=coordinator) == listed
    response = as_person(coordinator).post(reverse("episodes:disclosures", args=[episode.public_id]))
    assert response["Location"] == reverse("documents:disclosures-detail", args=[listed.pk])


def test_coordinator_sees_the_list_but_gives_nothing_out(
    document: Document, coordinator: User, nurse: User
) -> None:
    for name in ("episodes:give-out", "episodes:emergency"):
        address = reverse(name, args=[document.pk])
        assert as_person(coordinator).get(address).status_code in (403, 404)
        assert as_person(nurse).get(address).status_code == 200
