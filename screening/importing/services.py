"""Uploading, starting, running and giving up imports in the browser; one import by command."""

import hashlib
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify

from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused
from kapclinic.jobs.models import JobQueue
from kapclinic.jobs.services import enqueue
from kapclinic.notices.services import notify
from screening.importing.mappings import ColumnMapping, MappingInvalid, Population, mapping_from
from screening.importing.placing import Importer
from screening.importing.rows import FileRefused, excerpt
from screening.importing.tally import Tally
from screening.models import ImportBatch, ImportChunk, ImportDestination, ImportState

JOB_KIND = "screening.import-responses"
MAX_UPLOAD_BYTES = 50 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024


def job_key(batch: ImportBatch) -> str:
    """The key of the job that runs an import."""
    return f"{JOB_KIND}:{batch.pk}"


def receive_upload(
    *,
    clinic: Clinic,
    upload: UploadedFile,
    actor: User,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> ImportBatch:
    """Keep an uploaded file until its import is over. The same `request_key` again keeps it once.

    Raises Refused when the file is empty or larger than 50 MiB.
    """
    now = now or timezone.now()
    size = upload.size or 0
    if size == 0:
        raise Refused(Reason("empty", "The file is empty.", field="file"))
    if size > MAX_UPLOAD_BYTES:
        most = MAX_UPLOAD_BYTES // (1024 * 1024)
        raise Refused(
            Reason(
                "too-large",
                f"The file is larger than {most} MB. Split it and import the parts.",
                field="file",
            )
        )
    with transaction.atomic():
        if request_key is not None:
            made = ImportBatch.objects.filter(request_key=request_key, clinic=clinic).first()
            if made is not None:
                return made
        digest = hashlib.sha256()
        for piece in upload.chunks(CHUNK_BYTES):
            digest.update(piece)
        batch = ImportBatch.objects.create(
            clinic=clinic,
            file_name=excerpt(Path(upload.name or "file").name)[:200],
            file_sha256=digest.hexdigest(),
            file_size=size,
            request_key=request_key,
            created_at=now,
            created_by=actor,
        )
        for number, piece in enumerate(upload.chunks(CHUNK_BYTES)):
            ImportChunk.objects.create(batch=batch, number=number, content=piece)
        return batch


@contextmanager
def opened(batch: ImportBatch) -> Iterator[BinaryIO]:
    """The uploaded file as a seekable stream on disk, one piece in memory at a time."""
    with tempfile.TemporaryFile() as stream:
        for number in batch.chunks.order_by("number").values_list("number", flat=True):
            stream.write(bytes(batch.chunks.get(number=number).content))
        stream.seek(0)
        yield stream


def named_population(file_name: str, title: str = "", source: str = "", licence: str = "") -> Population:
    """A population as a person named it; without a name, the file's."""
    title = title.strip() or Path(file_name).stem
    return Population(
        key=slugify(title)[:80] or "sample",
        title=title[:200],
        description="",
        source=source.strip()[:300] or f"File {Path(file_name).name}"[:300],
        licence=licence.strip()[:200] or "not stated",
    )


def start_import(
    *, batch: ImportBatch, mapping: ColumnMapping, destination: str, actor: User, now: datetime | None = None
) -> ImportBatch:
    """Queue an uploaded file; pressing twice queues it once. Raises Refused when it was given up or does not fit."""
    now = now or timezone.now()
    with transaction.atomic():
        batch = ImportBatch.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=batch.pk)
        if batch.state == ImportState.ABANDONED:
            raise Refused(Reason("abandoned", "This import was given up. Upload the file again."))
        if batch.state != ImportState.UPLOADED:
            return batch
        try:
            Importer(mapping, destination, batch.clinic, now, batch=batch).check()
        except FileRefused as refusal:
            raise Refused([Reason("mapping", reason) for reason in refusal.reasons]) from refusal
        batch.state = ImportState.QUEUED
        batch.destination = destination
        batch.mapping_name = mapping.name
        batch.mapping = mapping.as_json()
        batch.save(update_fields=["state", "destination", "mapping_name", "mapping"])
        enqueue(
            kind=JOB_KIND,
            key=job_key(batch),
            payload={"batch": str(batch.pk)},
            clinic=batch.clinic,
            queue=JobQueue.DEFAULT,
            once=True,
            now=now,
        )
        return batch


def abandon_import(*, batch: ImportBatch, actor: User, now: datetime | None = None) -> ImportBatch:
    """Give up an upload that was not started; its file is dropped."""
    now = now or timezone.now()
    with transaction.atomic():
        batch = ImportBatch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
        if batch.state == ImportState.UPLOADED:
            _end(batch, ImportState.ABANDONED, now)
        return batch


def _end(batch: ImportBatch, state: ImportState, now: datetime) -> None:
    batch.state = state
    batch.finished_at = now
    batch.save(update_fields=["state", "finished_at", "report", "reasons", "rows_total", "rows_done"])
    batch.chunks.all().delete()


def run_import(*, batch_id: uuid.UUID, now: datetime) -> None:
    """Do one queued import; doing it again after it is over changes nothing, after a crash it goes on."""
    batch = ImportBatch.objects.select_related("clinic", "created_by").get(pk=batch_id)
    if batch.is_over or batch.state == ImportState.UPLOADED:
        return
    ImportBatch.objects.filter(pk=batch.pk).update(
        state=ImportState.CHECKING, started_at=batch.started_at or now, rows_done=0
    )
    with opened(batch) as stream:
        finish_import(
            batch=batch,
            mapping=mapping_from(batch.mapping_name, batch.mapping),
            stream=stream,
            actor=batch.created_by,
            now=now,
        )
    if batch.created_by is not None:
        words = {ImportState.DONE: "An import is done", ImportState.REFUSED: "An import's file was refused"}
        notify(
            clinic=batch.clinic,
            receivers=[batch.created_by],
            key=f"import:{batch.pk}",
            title=words[ImportState(batch.state)],
            url=reverse("screening:import-detail", args=[batch.pk]),
            now=now,
        )


def finish_import(
    *, batch: ImportBatch, mapping: ColumnMapping, stream: BinaryIO, actor: User | None, now: datetime
) -> None:
    """Import `stream` under `batch` and write its report; a refused file is recorded with its reasons."""

    def on_progress(done: int, total: int) -> None:
        before = batch.percent_done
        batch.state, batch.rows_total, batch.rows_done = ImportState.RUNNING, total, done
        if batch.percent_done != before or done == 0:
            ImportBatch.objects.filter(pk=batch.pk).update(
                state=batch.state, rows_total=total, rows_done=done
            )

    importer = Importer(
        mapping, batch.destination, batch.clinic, now, batch=batch, actor=actor, file_name=batch.file_name
    )
    try:
        tally = importer.run(stream, on_progress=on_progress)
    except FileRefused as refusal:
        batch.reasons = list(refusal.reasons)
        with transaction.atomic():
            _end(batch, ImportState.REFUSED, timezone.now())
        return
    batch.report = tally.as_json()
    batch.rows_done = tally.rows_read
    with transaction.atomic():
        _end(batch, ImportState.DONE, timezone.now())


def import_file(
    *,
    path: Path,
    mapping: ColumnMapping,
    destination: str,
    clinic: Clinic | None,
    is_dry_run: bool,
    population: Population | None = None,
    now: datetime | None = None,
) -> Tally:
    """Import a file of this machine, as the command does; raises FileRefused.

    A history's rows belong to an :class:`ImportBatch` as in the browser; a reference sample without a clinic is shared.
    """
    now = now or timezone.now()
    if destination == ImportDestination.REFERENCE and (population or mapping.population is None):
        mapping = replace(mapping, population=population or named_population(path.name))
    with path.open("rb") as stream:
        importer = Importer(mapping, destination, clinic, now, file_name=path.name, is_dry_run=is_dry_run)
        if is_dry_run or clinic is None:
            return importer.run(stream)
        batch = ImportBatch(
            clinic=clinic,
            destination=destination,
            file_name=excerpt(path.name)[:200],
            file_sha256=hashlib.file_digest(stream, "sha256").hexdigest(),
            file_size=path.stat().st_size,
            mapping_name=mapping.name,
            mapping=mapping.as_json(),
            state=ImportState.RUNNING,
            created_at=now,
            started_at=now,
        )
        importer.batch = batch
        importer.check()
        batch.save()
        try:
            tally = importer.run(stream)
        except FileRefused as refusal:
            batch.reasons = list(refusal.reasons)
            _end(batch, ImportState.REFUSED, timezone.now())
            raise
        batch.report = tally.as_json()
        batch.rows_total = batch.rows_done = tally.rows_read
        _end(batch, ImportState.DONE, timezone.now())
        return tally


def mapping_of_form(name: str, raw: dict[str, object]) -> ColumnMapping:
    """A mapping that a person put together in the browser; raises Refused with every reason."""
    try:
        return mapping_from(name, raw)
    except MappingInvalid as invalid:
        raise Refused([Reason("mapping", reason) for reason in invalid.reasons]) from invalid
