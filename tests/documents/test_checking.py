"""A dropped file is current, superseded, entered in error, altered or unknown; the check keeps nothing of it."""

import io
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pypdf
import pypdfium2
import pytest
import zxingcpp
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from episodes.models import Episode
from episodes.services import give_out
from kapclinic.accounts.models import Role, User
from kapclinic.documents.checking import Answer, check_document, check_file
from kapclinic.documents.checkmark import HASH_IN_CODE, check_mark, code_address
from kapclinic.documents.files import MAX_BYTES
from kapclinic.documents.models import Attachment, Blob, Document, Medium
from kapclinic.jobs.models import JobQueue
from kapclinic.jobs.services import run_due
from tests import factories
from tests.documents.situations import make_snapshot
from tests.documents.test_files import a_pdf, a_picture


def upload(data: bytes, name: str = "paper.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="application/pdf")


@pytest.fixture
def printed(document: Document) -> bytes:
    """The bytes of the document's PDF for its author's side."""
    run_due(queue=JobQueue.DOCUMENTS)
    blob = document.renditions.get(audience="Therapist").blob
    assert blob is not None
    return bytes(blob.content)


def with_metadata_removed(data: bytes) -> bytes:
    """The same pages written anew by another program."""
    writer = pypdf.PdfWriter()
    for page in pypdf.PdfReader(io.BytesIO(data)).pages:
        writer.add_page(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def test_every_file_is_answered_as_it_is_when_dropped(document: Document, printed: bytes) -> None:
    cases = [
        (printed, Answer.CURRENT),
        (printed + b"\n", Answer.ALTERED),
        (with_metadata_removed(printed), Answer.ALTERED),
        (a_pdf(), Answer.UNKNOWN),
        (a_picture("PNG"), Answer.UNKNOWN),
        (b"%PDF-1.7 nothing", Answer.UNKNOWN),
    ]
    before = Blob.objects.count(), Attachment.objects.count()
    for data, answer in cases:
        assert check_file(upload(data), clinic=document.clinic).answer is answer
    # A changed byte is never taken for the file, whether or not it can still be read.
    assert check_file(upload(flipped(printed)), clinic=document.clinic).answer in (
        Answer.ALTERED,
        Answer.UNKNOWN,
    )
    assert (Blob.objects.count(), Attachment.objects.count()) == before


def test_file_is_superseded_when_another_version_was_issued(
    issue: Callable[..., Document], document: Document, printed: bytes
) -> None:
    newer = issue(snapshot=make_snapshot(text="Corrected."), supersedes=document)
    checked = check_file(upload(printed), clinic=document.clinic)
    assert (checked.answer, checked.newer) == (Answer.SUPERSEDED, newer)
    assert check_document(newer).answer is Answer.CURRENT


def test_file_is_withdrawn_when_its_document_was_entered_in_error(
    document: Document, printed: bytes, nurse: User
) -> None:
    Document.objects.filter(pk=document.pk).update(
        entered_in_error_at=timezone.now(), entered_in_error_by=nurse, entered_in_error_reason="Wrong patient"
    )
    assert check_file(upload(printed), clinic=document.clinic).answer is Answer.WITHDRAWN


def test_record_is_altered_when_its_snapshot_does_not_carry_its_hash(document: Document) -> None:
    document.snapshot["heading"] = "Something else"
    assert check_document(document).answer is Answer.ALTERED


@pytest.mark.parametrize(
    ("content", "answer"), [("", "current"), ("right", "current"), ("0" * 16, "altered")]
)
def test_code_on_paper_is_compared_with_the_record(document: Document, content: str, answer: str) -> None:
    content = document.content_hash[:HASH_IN_CODE] if content == "right" else content
    assert check_document(document, content=content).answer == answer


def test_code_leads_to_the_document_and_names_nobody(document: Document) -> None:
    address = code_address(document)
    assert address.endswith(
        f"{reverse('documents:check-document', args=[document.pk])}?content={document.content_hash[:16]}"
    )
    assert "<svg" in check_mark(document)
    assert "Mei" not in check_mark(document)


def test_page_names_nobody_when_the_copy_was_made_out_to_the_patient(
    document: Document, therapist: User, manager: User
) -> None:
    episode = Episode.objects.get(pk=document.subject_id)
    row = give_out(
        document=document,
        episode=episode,
        outside=None,
        medium=Medium.PAPER,
        purpose="",
        actor=factories.make_actor(therapist, document.clinic),
    )
    run_due(queue=JobQueue.DOCUMENTS)
    row.refresh_from_db()
    assert row.rendition is not None
    assert row.rendition.blob is not None
    client = Client()
    client.force_login(manager)
    copy = upload(bytes(row.rendition.blob.content))
    page = client.post(reverse("documents:check"), {"file": copy}).content.decode()
    assert "for: patient" in page
    assert "Mei" not in page


def test_page_answers_everybody_of_the_clinic_and_nobody_else(
    document: Document, printed: bytes, request: pytest.FixtureRequest
) -> None:
    address = reverse("documents:check-document", args=[document.pk])
    for who in ("coordinator", "nurse", "therapist", "prescriber", "manager", "therapist_off_team"):
        client = Client()
        client.force_login(request.getfixturevalue(who))
        for url in (address, reverse("documents:check")):
            page = client.post(url, {"file": upload(printed)}).content.decode()
            assert "byte for byte" in page, who
            # Whoever holds a paper learns whether it stands, not what it says.
            assert "Mei" not in page
            assert "She asked for help." not in page
        assert client.post(address, {"file": upload(printed + b" ")}).content.decode().count("altered") == 1
    elsewhere = factories.make_clinic("Elsewhere Demo Clinic")
    client = Client()
    client.force_login(factories.make_member(elsewhere, Role.NURSE))
    assert client.get(address).status_code == 404
    page = client.post(reverse("documents:check"), {"file": upload(printed)}).content.decode()
    assert "was not made at this clinic" in page


@pytest.mark.parametrize("data", [b"", b"x" * (MAX_BYTES + 1)], ids=["empty", "too large"])
def test_file_is_refused_at_its_field_when_it_cannot_be_one(nurse: User, data: bytes) -> None:
    client = Client()
    client.force_login(nurse)
    response = client.post(reverse("documents:check"), {"file": upload(data)})
    assert response.status_code == 422
    assert "invalid-feedback" in response.content.decode()


def test_code_on_the_page_leads_to_the_check_of_this_document(document: Document, printed: bytes) -> None:
    page = pypdfium2.PdfDocument(printed)[0].render(scale=200 / 72).to_pil()
    (code,) = zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormat.QRCode)
    assert code.text == code_address(document)
    address = urlsplit(code.text)
    assert address.path == reverse("documents:check-document", args=[document.pk])
    (begun,) = parse_qs(address.query)["content"]
    assert document.content_hash.startswith(begun)
    assert len(begun) == HASH_IN_CODE
