"""Documents are frozen when issued; their PDFs are made by a job, once, visibly."""

import io
from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.utils import DatabaseError

from episodes.models import Episode
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Refused
from kapclinic.documents import rendering, selectors, services
from kapclinic.documents.models import Attachment, Blob, Document, Rendition, RenditionState
from kapclinic.documents.services import (
    Print,
    issue_document,
    job_key,
    make_pdf,
    retry_rendition,
    store_attachment,
)
from kapclinic.documents.snapshots import BadSnapshot
from kapclinic.jobs.models import Job, JobQueue, JobState
from kapclinic.jobs.services import run_due
from tests.documents.situations import NOW, make_snapshot
from tests.documents.test_files import a_pdf, a_picture
from tests.documents.test_rendering import HOSTILE_NAMES


def pages_of(data: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]


def the_rendition(document: Document) -> Rendition:
    """The PDF for the author's own side: nothing is withheld from it."""
    return document.renditions.get(audience="Therapist")


def test_issuing_writes_snapshot_hash_and_job_when_called(document: Document) -> None:
    rendition = the_rendition(document)
    job = Job.objects.get(key=job_key(rendition))
    assert document.hash_now() == document.content_hash
    assert rendition.state == RenditionState.QUEUED
    assert job.queue == JobQueue.DOCUMENTS
    # Jobs carry ids, never health data.
    assert job.payload == {"rendition_id": str(rendition.pk)}


def test_job_stores_the_pdf_with_its_hash_when_it_runs(document: Document) -> None:
    run_due(queue=JobQueue.DOCUMENTS)
    rendition = the_rendition(document)
    assert rendition.state == RenditionState.READY
    assert rendition.blob is not None
    data = bytes(rendition.blob.content)
    assert data.startswith(b"%PDF-")
    assert rendition.sha256 == rendition.blob.sha256
    assert rendition.pages == len(pages_of(data))
    text = " ".join(pages_of(data))
    for words in (
        "Test handoff",
        "Demo, Mei",
        "14 Mar 1987",
        "KC-7Q4M",
        "She asked for help.",
        "Not recorded.",
        "Page 1 of",
    ):
        assert words in text


def test_job_makes_one_file_when_it_runs_twice(document: Document) -> None:
    rendition = the_rendition(document)
    services.render_rendition(rendition_id=rendition.pk, now=NOW)
    services.render_rendition(rendition_id=rendition.pk, now=NOW)
    assert Blob.objects.filter(sha256=the_rendition(document).sha256).count() == 1


def test_identity_and_page_number_stand_on_every_page_when_there_are_many(
    issue: Callable[..., Document],
) -> None:
    document = issue(snapshot=make_snapshot(text="A long line of words.\n" * 180))
    pages = pages_of(make_pdf(document).data)
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert "Demo, Mei" in page
        assert "KC-7Q4M" in page
        assert f"Page {number} of {len(pages)}" in page


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_pdf_says_the_name_whole_when_it_is_unusual(issue: Callable[..., Document], name: str) -> None:
    document = issue(snapshot=make_snapshot(name=name, text="words " * 700))
    pages = pages_of(make_pdf(document).data)
    assert len(pages) >= 2
    plain = "".join(character for character in rendering.printable(name) if character not in "\u202e\u202c")
    for page in pages:
        # Line breaks in a long name, and the order in which a reader gives right-to-left letters, do not matter.
        assert sorted(set("".join(plain.split()))) == sorted(set("".join(plain.split())) & set(page))
    if plain.isascii() and plain == rendering.printable(name):
        assert all("".join(plain.split()) in "".join(page.split()) for page in pages)


def test_withheld_section_says_so_when_consent_does_not_cover_it(document: Document) -> None:
    text = " ".join(pages_of(make_pdf(document, Print(withheld=("trauma",))).data))
    assert "Hidden words." not in text
    assert "Withheld" in text
    # Another section stays.
    assert "latex" in text


def test_file_title_holds_no_name_when_printed(document: Document) -> None:
    metadata = pypdf.PdfReader(io.BytesIO(make_pdf(document).data)).metadata
    assert metadata is not None
    assert metadata.title == f"Test document, document {document.number}"


def test_document_is_refused_by_the_database_when_changed(document: Document) -> None:
    for change in ({"title": "Other"}, {"snapshot": {}}, {"content_hash": "0" * 64}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Document.objects.filter(pk=document.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        Document.objects.filter(pk=document.pk).delete()


def test_nothing_is_printed_when_the_snapshot_was_altered(document: Document) -> None:
    document.snapshot["sections"][0]["blocks"][0]["text"] = "Something else."
    with pytest.raises(services.SnapshotAltered):
        make_pdf(document)


@pytest.mark.parametrize(
    "sections",
    [
        [],
        [{"key": "a", "title": "A", "category": "gossip", "blocks": []}],
        [{"key": "a", "title": "A", "category": "themes", "blocks": [{"type": "video"}]}],
        [{"key": "a", "title": "A", "category": "themes", "blocks": []}] * 2,
    ],
)
def test_snapshot_is_refused_when_it_could_not_be_shown(sections: list[dict[str, object]]) -> None:
    with pytest.raises(BadSnapshot):
        make_snapshot(sections=sections)


def test_new_version_replaces_the_old_when_something_changed(issue: Callable[..., Document]) -> None:
    first = issue()
    second = issue(snapshot=make_snapshot(text="Corrected."), supersedes=first)
    assert (second.version, second.supersedes_id) == (2, first.pk)
    assert f"Supersedes version 1, document {first.pk}" in " ".join(pages_of(make_pdf(second).data))
    current = selectors.current_document(clinic=first.clinic, subject_id=first.subject_id, kind=first.kind)
    assert current == second
    with pytest.raises(Refused):
        issue(snapshot=make_snapshot(text="Corrected again."), supersedes=first)


def test_same_version_is_given_when_nothing_changed(issue: Callable[..., Document]) -> None:
    first = issue()
    assert issue(supersedes=first) == first


def test_failure_is_visible_and_retried_when_rendering_breaks(
    document: Document, therapist: User, settings: object, tmp_path: Path
) -> None:
    rendition = the_rendition(document)
    rendering._engine.cache_clear()
    base = settings.BASE_DIR  # type: ignore[attr-defined]  # pytest-django's settings wrapper
    settings.BASE_DIR = tmp_path  # type: ignore[attr-defined]  # no style sheet there
    try:
        run_due(queue=JobQueue.DOCUMENTS)
    finally:
        settings.BASE_DIR = base  # type: ignore[attr-defined]
    rendition.refresh_from_db()
    job = Job.objects.get(key=job_key(rendition))
    assert (rendition.state, rendition.error_class) == (RenditionState.FAILED, "FileNotFoundError")
    assert (job.state, job.attempts) == (JobState.PENDING, 1)
    retry_rendition(rendition=rendition, actor=therapist)
    retry_rendition(rendition=rendition, actor=therapist)
    run_due(queue=JobQueue.DOCUMENTS)
    rendition.refresh_from_db()
    assert (rendition.state, rendition.error_class) == (RenditionState.READY, "")


def test_retry_starts_anew_when_the_job_gave_up(document: Document, therapist: User) -> None:
    rendition = the_rendition(document)
    Rendition.objects.filter(pk=rendition.pk).update(state=RenditionState.FAILED, error_class="RenderFailed")
    Job.objects.filter(key=job_key(rendition)).update(state=JobState.FAILED, attempts=8)
    retry_rendition(rendition=rendition, actor=therapist)
    assert Job.objects.get(key=job_key(rendition)).state == JobState.PENDING
    run_due(queue=JobQueue.DOCUMENTS)
    assert the_rendition(document).state == RenditionState.READY


def test_retry_changes_nothing_when_the_pdf_is_there(document: Document, therapist: User) -> None:
    run_due(queue=JobQueue.DOCUMENTS)
    made_at = the_rendition(document).rendered_at
    retry_rendition(rendition=the_rendition(document), actor=therapist)
    run_due(queue=JobQueue.DOCUMENTS)
    assert the_rendition(document).rendered_at == made_at


def an_upload(content: bytes, name: str = "ecg.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_attachment_is_kept_once_when_uploaded_twice(episode: Episode, nurse: User) -> None:
    kept = [
        store_attachment(
            clinic=episode.clinic,
            subject_id=episode.pk,
            title=title,
            upload=an_upload(a_picture("PNG")),
            actor=nurse,
        )
        for title in ("ECG", "ECG again")
    ]
    assert kept[0].blob_id == kept[1].blob_id
    assert kept[0].media_type == "image/png"
    assert Attachment.objects.count() == 2


def test_attachment_is_refused_at_its_field_when_it_is_no_such_file(episode: Episode, nurse: User) -> None:
    with pytest.raises(Refused) as refusal:
        store_attachment(
            clinic=episode.clinic,
            subject_id=episode.pk,
            title="x",
            upload=an_upload(b"<svg onload=x>"),
            actor=nurse,
            field="paper",
        )
    assert refusal.value.reasons[0].field == "paper"
    assert not Blob.objects.exists()


def test_bytes_are_final_when_stored(episode: Episode, nurse: User) -> None:
    attachment = store_attachment(
        clinic=episode.clinic,
        subject_id=episode.pk,
        title="x",
        upload=an_upload(a_pdf(), "x.pdf"),
        actor=nurse,
    )
    with pytest.raises(DatabaseError), transaction.atomic():
        Blob.objects.filter(pk=attachment.blob_id).update(content=b"other")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'documents_blobhistory'"
        )
        assert ("content",) not in cursor.fetchall()


def test_unknown_kind_is_refused_when_issuing(episode: Episode, therapist: User) -> None:
    with pytest.raises(KeyError):
        issue_document(
            clinic=episode.clinic,
            kind="gossip",
            subject_id=episode.pk,
            title="x",
            snapshot=make_snapshot(),
            actor=therapist,
        )
