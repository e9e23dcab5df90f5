"""Who opens which document and file, and with which headers."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from episodes.models import Episode
from kapclinic.accounts.models import Role, User
from kapclinic.documents import snapshots
from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.models import Attachment, Document, Rendition, RenditionState
from kapclinic.documents.services import job_key, store_attachment
from kapclinic.documents.views import SHELVES
from kapclinic.jobs.models import Job, JobQueue, JobState
from kapclinic.jobs.services import run_due
from tests import factories
from tests.documents.situations import make_snapshot
from tests.documents.test_files import a_picture


def as_person(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def attachment(episode: Episode, nurse: User) -> Attachment:
    """An ECG on paper."""
    return store_attachment(
        clinic=episode.clinic,
        subject_id=episode.pk,
        title="ECG",
        upload=SimpleUploadedFile("ECG مريم.png", a_picture("PNG")),
        actor=nurse,
    )


def test_attachment_is_a_download_and_nothing_else_when_opened(attachment: Attachment, nurse: User) -> None:
    response = as_person(nurse).get(reverse("documents:attachment", args=[attachment.pk]))
    assert response.status_code == 200
    assert response.content == a_picture("PNG")
    assert response["Content-Type"] == "image/png"
    assert response["Content-Disposition"].startswith("attachment;")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "no-store" in response["Cache-Control"]


def test_attachment_is_unknown_when_the_person_is_a_stranger(attachment: Attachment) -> None:
    elsewhere = factories.make_clinic("Elsewhere Demo Clinic")
    stranger = factories.make_member(elsewhere, Role.NURSE)
    assert as_person(stranger).get(reverse("documents:attachment", args=[attachment.pk])).status_code == 404


@pytest.mark.parametrize(
    ("action", "opens", "refused"),
    [
        ("document.read", ["nurse", "therapist", "prescriber"], ["coordinator"]),
        ("handoff.read", ["nurse", "therapist", "prescriber"], ["coordinator"]),
        ("document.instructions", ["coordinator", "nurse", "therapist", "prescriber"], []),
    ],
)
def test_document_opens_for_those_who_may_when_asked(
    issue: Callable[..., Document],
    request: pytest.FixtureRequest,
    action: str,
    opens: list[str],
    refused: list[str],
) -> None:
    organisation = snapshots.section(
        "today", "Today", ConsentCategory.ADMINISTRATIVE, [snapshots.prose("Rest today.")]
    )
    document = issue(action, snapshot=make_snapshot(sections=[organisation]))
    shelf = next(shelf for shelf, owner in SHELVES.items() if owner == action)
    address = reverse(f"documents:{shelf}-detail", args=[document.pk])
    for who in opens:
        response = as_person(request.getfixturevalue(who)).get(address)
        assert response.status_code == 200, who
        assert "Rest today." in response.content.decode()
    for who in refused:
        assert as_person(request.getfixturevalue(who)).get(address).status_code == 403, who
    for who in ("manager", "therapist_off_team"):
        assert as_person(request.getfixturevalue(who)).get(address).status_code in (403, 404), who


def test_document_is_unknown_on_another_shelf_when_its_action_differs(
    issue: Callable[..., Document], coordinator: User
) -> None:
    document = issue("handoff.read")
    assert (
        as_person(coordinator).get(reverse("documents:sheets-detail", args=[document.pk])).status_code == 404
    )


def test_file_opens_with_a_harmless_name_when_it_is_ready(document: Document, nurse: User) -> None:
    client = as_person(nurse)
    address = reverse("documents:records-file", args=[document.pk])
    waiting = client.get(address)
    assert waiting["Location"] == reverse("documents:records-detail", args=[document.pk])
    run_due(queue=JobQueue.DOCUMENTS)
    response = client.get(address)
    assert response.status_code == 200
    assert response.content.startswith(b"%PDF-")
    assert response["Content-Disposition"] == f'inline; filename="test-document-{document.number}-v1.pdf"'
    assert "Mei" not in response["Content-Disposition"]
    assert client.get(address, {"download": "1"}).url.startswith(reverse("account_reauthenticate"))
    factories.prove(client, nurse)
    assert client.get(address, {"download": "1"})["Content-Disposition"].startswith("attachment;")
    again = client.get(address, headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304


def test_status_asks_again_by_itself_when_the_pdf_is_being_made(document: Document, nurse: User) -> None:
    client = as_person(nurse)
    address = reverse("documents:records-status", args=[document.pk])
    assert 'hx-trigger="every 2s"' in client.get(address).content.decode()
    run_due(queue=JobQueue.DOCUMENTS)
    page = client.get(address).content.decode()
    assert "hx-trigger" not in page
    assert "Open the PDF" in page


def test_retry_is_offered_and_works_when_the_job_gave_up(document: Document, prescriber: User) -> None:
    rendition = document.renditions.get(audience="Prescriber")
    Rendition.objects.filter(pk=rendition.pk).update(state=RenditionState.FAILED, error_class="RenderFailed")
    Job.objects.filter(key=job_key(rendition)).update(state=JobState.FAILED)
    client = as_person(prescriber)
    page = client.get(reverse("documents:records-detail", args=[document.pk])).content.decode()
    assert "The PDF could not be made." in page
    assert "RenderFailed" in page
    address = reverse("documents:records-retry", args=[document.pk])
    assert client.get(address).status_code == 405
    assert client.post(address).status_code == 302
    run_due(queue=JobQueue.DOCUMENTS)
    rendition.refresh_from_db()
    assert rendition.state == RenditionState.READY
