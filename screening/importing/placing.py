"""Putting rows that were read where they belong: a patient's history, or a named population's counts."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import BinaryIO
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from episodes.models import Patient
from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from screening.importing.mappings import ColumnMapping, Population
from screening.importing.reading import read_rows, remarks
from screening.importing.rows import (
    FileRefused,
    ImportRow,
    ParsedRow,
    Problem,
    RefusedRow,
    SkippedRow,
    excerpt,
    is_before_birth,
)
from screening.importing.tally import Outcome, Tally
from screening.instruments import score
from screening.models import (
    ImportBatch,
    ImportDestination,
    ReferenceCount,
    ReferenceSample,
    Response,
    ResponseMode,
    ResponsePhase,
    ResponseStatus,
    SafetyRoute,
)

ROWS_AT_ONCE = 500

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Placement:
    """What became of one row, for a preview."""

    row: ParsedRow | RefusedRow
    outcome: Outcome | None

    @property
    def total(self) -> int | None:
        """The total in points, `None` when refused or incomplete."""
        if isinstance(self.row, RefusedRow):
            return None
        return score(self.row.instrument, self.row.answers).total


@dataclass
class Importer:
    """One file on its way in.

    `clinic` may be None only for a reference sample that all clinics share. `batch` is the record of the import; rows of a
    patient's history carry it. A dry run writes nothing.
    """

    mapping: ColumnMapping
    destination: str
    clinic: Clinic | None
    now: datetime
    batch: ImportBatch | None = None
    actor: User | None = None
    file_name: str = ""
    is_dry_run: bool = False
    tally: Tally = field(default_factory=Tally)
    _digests: dict[str, int] = field(default_factory=dict)

    def check(self) -> None:
        """Raise FileRefused when the mapping cannot fill the destination."""
        if self.destination == ImportDestination.HISTORY:
            if not self.mapping.is_dated:
                raise FileRefused(
                    "This mapping names no person and no date: it can only fill a reference sample, not patients' histories."
                )
            if self.clinic is None:
                raise FileRefused("Say which clinic's patients the file tells of.")
            if self.batch is None and not self.is_dry_run:
                raise ValueError("rows of a history need the batch that they came with")
        elif self.mapping.population is None:
            raise FileRefused("A reference sample needs a name, a source and a licence.")

    def rows(self, stream: BinaryIO) -> Iterator[ImportRow]:
        """The file's rows, from its start."""
        stream.seek(0)
        zone = self.clinic.zone if self.clinic else ZoneInfo("UTC")
        return read_rows(stream, self.mapping, now=self.now, clinic_zone=zone, file_name=self.file_name)

    def preview(self, stream: BinaryIO, *, most: int) -> list[Placement]:
        """What would become of the first `most` rows; writes nothing. Raises FileRefused."""
        self.check()
        found: list[Placement] = []
        readable = (row for row in self.rows(stream) if not isinstance(row, SkippedRow))
        for row in islice(readable, most):
            if isinstance(row, ParsedRow) and self.destination == ImportDestination.HISTORY:
                found += self._place_history([row], is_dry_run=True)
            elif isinstance(row, ParsedRow):
                found.append(Placement(row, Outcome.NEW))
            else:
                found.append(Placement(row, None))
        return found

    def run(self, stream: BinaryIO, *, on_progress: Progress | None = None) -> Tally:
        """Import the whole file, or in a dry run only count what would happen.

        Reads the file twice: a file that breaks in the middle is refused before its first row is stored. Raises FileRefused.
        """
        self.check()
        stream.seek(0)
        for remark in remarks(stream, self.mapping):
            self.tally.note(remark)
        total = sum(1 for row in self.rows(stream) if not isinstance(row, SkippedRow))
        if on_progress:
            on_progress(0, total)
        rows = self.rows(stream)
        while chunk := list(islice(rows, ROWS_AT_ONCE)):
            self._take(chunk)
            if on_progress:
                on_progress(self.tally.rows_read, total)
        if self.destination == ImportDestination.REFERENCE:
            self._store_samples()
        return self.tally

    def _take(self, chunk: Iterable[ImportRow]) -> None:
        parsed: list[ParsedRow] = []
        for row in chunk:
            if isinstance(row, SkippedRow):
                self.tally.skip(row)
            elif isinstance(row, RefusedRow):
                self.tally.refuse(row)
            else:
                parsed.append(row)
        if self.destination == ImportDestination.REFERENCE:
            for row in parsed:
                self._add_to_digest(row)
                self.tally.taken(row, Outcome.NEW)
            return
        placements = self._place_history(parsed, is_dry_run=self.is_dry_run)
        for placement, row in zip(placements, parsed, strict=True):
            if placement.outcome is not None:
                self.tally.taken(row, placement.outcome)
            elif isinstance(placement.row, RefusedRow):
                self.tally.refuse(placement.row, read=row)

    # A patient's history

    def _place_history(self, rows: list[ParsedRow], *, is_dry_run: bool) -> list[Placement]:
        if self.clinic is None:
            raise FileRefused("Say which clinic's patients the file tells of.")
        with transaction.atomic():
            if not is_dry_run:
                self._wait_for_other_imports()
            wanted = {row.external_id for row in rows if row.external_id}
            patients = {
                patient.external_id: patient
                for patient in Patient.objects.filter(clinic=self.clinic, external_id__in=wanted)
            }
            keys = {
                row.row: content_key(patients[row.external_id], row)
                for row in rows
                if row.external_id in patients and row.completed_at is not None
            }
            there = Response.objects.filter(clinic=self.clinic, content_key__in=keys.values())
            known = dict(there.values_list("content_key", "import_batch_id"))
            moments = self._known_moments(rows, patients)
            placements = []
            new: list[Response] = []
            for row in rows:
                patient = patients.get(row.external_id)
                key = keys.get(row.row)
                problem = _history_problem(row, patient)
                if problem is None and key is not None and key in known:
                    # A retry after a crash finds this import's own rows: they are new.
                    own = self.batch is not None and known[key] == self.batch.pk
                    placements.append(Placement(row, Outcome.NEW if own else Outcome.ALREADY_THERE))
                    continue
                if problem is None and patient is not None:
                    if (patient.pk, row.instrument.id, row.completed_at) in moments:
                        problem = Problem(
                            "",
                            row.moment,
                            f"another {row.instrument.short_title} of that time has other answers",
                        )
                    elif not is_dry_run and self.batch is not None and key is not None:
                        new.append(_history_response(row, patient, self.batch, key, self.now, self.actor))
                if problem is not None:
                    refused = RefusedRow(row.row, (problem,), excerpt(row.external_id))
                    placements.append(Placement(refused, None))
                else:
                    placements.append(Placement(row, Outcome.NEW))
            Response.objects.bulk_create(new)
        return placements

    def _wait_for_other_imports(self) -> None:
        """Two imports of one clinic take turns, so that both see what the other stored."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtext('screening.import'), hashtext(%s))",
                [str(self.clinic.pk if self.clinic else "")],
            )

    def _known_moments(
        self, rows: list[ParsedRow], patients: dict[str, Patient]
    ) -> set[tuple[object, str, datetime]]:
        return set(
            Response.objects.filter(
                patient__in=list(patients.values()),
                mode=ResponseMode.IMPORTED,
                completed_at__in=[row.completed_at for row in rows if row.completed_at is not None],
                entered_in_error_at__isnull=True,
            ).values_list("patient_id", "instrument_id", "completed_at")
        )

    # A reference sample

    def _add_to_digest(self, row: ParsedRow) -> None:
        text = repr((row.external_id, row.answers, row.functional))
        number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
        # A sum does not depend on the order of the rows.
        self._digests[row.instrument.id] = (self._digests.get(row.instrument.id, 0) + number) % 2**256

    def _store_samples(self) -> None:
        population = self.mapping.population
        if population is None:
            raise FileRefused("A reference sample needs a name, a source and a licence.")
        with transaction.atomic():
            is_new = [self._store_sample(population, key) for key in self.tally.by_instrument]
        if is_new and not any(is_new):
            self.tally.all_were_there()

    def _store_sample(self, population: Population, instrument_id: str) -> bool:
        """Store one sample; False when it was there. Raises FileRefused when its name is taken by other content."""
        figures = self.tally.by_instrument[instrument_id]
        digest = f"{self._digests[instrument_id]:064x}"
        there = (
            ReferenceSample.objects.select_for_update()
            .filter(clinic=self.clinic, key=population.key, instrument_id=instrument_id)
            .first()
        )
        if there is not None:
            if there.content_digest == digest:
                return False
            raise FileRefused(
                f"A sample called {population.key} is already there with other answers ({there.people:,} people). "
                "Give this population another name."
            )
        if self.is_dry_run:
            return True
        sample = ReferenceSample.objects.create(
            clinic=self.clinic,
            key=population.key,
            title=population.title,
            description=population.description,
            source=population.source,
            licence=population.licence,
            instrument_id=instrument_id,
            instrument_version=figures.definition.version,
            people=figures.complete + figures.incomplete,
            complete=figures.complete,
            total_sum=figures.total_sum,
            content_digest=digest,
            created_at=self.now,
            created_by=self.actor,
        )
        counts = [
            ReferenceCount(sample=sample, value=value, people=people)
            for value, people in figures.totals.items()
        ]
        if figures.incomplete:
            counts.append(ReferenceCount(sample=sample, value=None, people=figures.incomplete))
        for item, answers in zip(figures.definition.items, figures.answers, strict=True):
            counts += [
                ReferenceCount(sample=sample, item=item.number, value=value, people=people)
                for value, people in answers.items()
            ]
        ReferenceCount.objects.bulk_create(counts)
        return True


def content_key(patient: Patient, row: ParsedRow) -> str:
    """What makes an imported questionnaire the same one: patient, questionnaire, date as written, answers."""
    text = repr((str(patient.pk), row.instrument.id, row.moment, row.answers, row.functional))
    return hashlib.sha256(text.encode()).hexdigest()


def _history_problem(row: ParsedRow, patient: Patient | None) -> Problem | None:
    if not row.external_id:
        return Problem("", "", "the row names nobody")
    if row.completed_at is None:
        return Problem("", "", "the row has no date")
    if patient is None:
        return Problem(
            "", excerpt(row.external_id), f"nobody here has the identifier “{excerpt(row.external_id)}”"
        )
    if all(answer is None for answer in row.answers):
        return Problem("", "", "no question is answered")
    if is_before_birth(row.completed_at, patient.date_of_birth):
        return Problem("", excerpt(row.moment), "the date lies before the patient's birth")
    return None


def _history_response(
    row: ParsedRow, patient: Patient, batch: ImportBatch, key: str, now: datetime, actor: User | None
) -> Response:
    result = score(row.instrument, row.answers, functional=row.functional)
    needs_review = result.safety is not None and result.safety.needs_assessment
    assert row.completed_at is not None
    return Response(
        clinic_id=patient.clinic_id,
        patient=patient,
        instrument_id=row.instrument.id,
        instrument_version=row.instrument.version,
        answers={
            str(item.number): value for item, value in zip(row.instrument.items, row.answers, strict=True)
        },
        functional=row.functional,
        total=result.total,
        band=result.band.code if result.band else "",
        status=ResponseStatus.COMPLETE if result.is_complete else ResponseStatus.INCOMPLETE,
        safety=result.safety or "",
        safety_route=SafetyRoute.REVIEW if needs_review else SafetyRoute.NONE,
        completed_at=row.completed_at,
        is_day_only=row.is_day_only,
        phase=ResponsePhase.HISTORY,
        mode=ResponseMode.IMPORTED,
        import_batch=batch,
        external_id=row.external_id,
        content_key=key,
        created_at=now,
        created_by=actor,
    )
