"""Imports in the browser: upload, choose how to read, preview, run with progress, report."""

import io
import uuid
from dataclasses import replace
from typing import Any

from defusedcsv import csv
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from episodes.access import row_for
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Refused
from kapclinic.jobs.models import Job, JobState
from screening.forms.responses import ColumnsForm, ImportForm, UploadForm
from screening.importing.csv_rows import read_header
from screening.importing.mappings import ColumnMapping, mappings
from screening.importing.placing import Importer
from screening.importing.rows import FileRefused
from screening.importing.services import (
    abandon_import,
    job_key,
    mapping_of_form,
    named_population,
    opened,
    receive_upload,
    start_import,
)
from screening.instruments import instrument
from screening.models import ImportBatch, ImportDestination, ImportState, ReferenceSample

PREVIEW_ROWS = 20
_REFUSED_SHOWN = 50


@page("import.run")
def home(request: ActorRequest) -> HttpResponse:
    """Upload a file; the imports so far and the reference samples."""
    form = UploadForm(request.POST or None, request.FILES or None, initial={"request_key": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        try:
            batch = receive_upload(
                clinic=request.actor.clinic,
                upload=form.cleaned_data["file"],
                actor=request.actor.user,
                request_key=form.cleaned_data["request_key"],
            )
        except Refused as refusal:
            refusal.add_to(form)
        else:
            return redirect("screening:import-prepare", pk=batch.pk)
    clinic = request.actor.clinic
    context = {
        "form": form,
        "batches": ImportBatch.objects.of_clinic(clinic).select_related("created_by")[:30],
        "samples": ReferenceSample.objects.filter(clinic=clinic)
        | ReferenceSample.objects.filter(clinic=None),
    }
    return render(request, "screening/import_home.html", context, status=422 if form.errors else 200)


def _likely(columns: list[str]) -> str:
    """The mapping that the header fits, else the one for columns chosen by hand."""
    if not columns:
        return "fhir-r4"
    fitting = [
        name for name, each in mappings().items() if each.columns and set(each.columns) <= set(columns)
    ]
    return fitting[0] if fitting else ImportForm.OWN


def _columns_of(batch: ImportBatch) -> list[str]:
    with opened(batch) as stream:
        head = stream.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
        stream.seek(0)
        return [] if head.startswith((b"{", b"[")) else read_header(stream)


def _mapping(form: ImportForm, columns_form: ColumnsForm, clinic: Clinic, file_name: str) -> ColumnMapping:
    """The mapping that the two forms describe; raises Refused."""
    data = form.cleaned_data
    if data["mapping"] == ImportForm.OWN:
        mapping = mapping_of_form("columns-by-hand", columns_form.as_mapping(clinic))
    else:
        mapping = mappings()[data["mapping"]]
    wants_name = data["destination"] == ImportDestination.REFERENCE
    if wants_name and (data["population"] or mapping.population is None):
        population = named_population(file_name, data["population"], data["source"], data["licence"])
        mapping = replace(mapping, population=population)
    return mapping


@page("import.run", fetch=row_for(ImportBatch))
def prepare(request: ActorRequest, batch: ImportBatch) -> HttpResponse:
    """Say how the file is laid out and where it goes; preview its first rows; start."""
    if batch.state != ImportState.UPLOADED:
        return redirect("screening:import-detail", pk=batch.pk)
    reasons: list[str] = []
    try:
        columns = _columns_of(batch)
    except FileRefused as refusal:
        columns, reasons = [], list(refusal.reasons)
    likely = _likely(columns) if not reasons else ImportForm.OWN
    is_dated = likely in mappings() and mappings()[likely].is_dated
    initial = {
        "mapping": likely,
        "destination": ImportDestination.HISTORY if is_dated else ImportDestination.REFERENCE,
    }
    form = ImportForm(request.POST or None, initial=initial)
    columns_form = ColumnsForm(request.POST or None, columns=columns)
    placements: list[Any] = []
    if request.method == "POST" and form.is_valid() and columns_form.is_valid():
        try:
            mapping = _mapping(form, columns_form, batch.clinic, batch.file_name)
            if "start" in request.POST:
                start_import(
                    batch=batch,
                    mapping=mapping,
                    destination=form.cleaned_data["destination"],
                    actor=request.actor.user,
                )
                return redirect("screening:import-detail", pk=batch.pk)
            importer = Importer(
                mapping,
                form.cleaned_data["destination"],
                batch.clinic,
                timezone.now(),
                file_name=batch.file_name,
                is_dry_run=True,
            )
            with opened(batch) as stream:
                placements = importer.preview(stream, most=PREVIEW_ROWS)
        except Refused as refusal:
            reasons = [reason.text for reason in refusal.reasons]
        except FileRefused as refusal:
            reasons = list(refusal.reasons)
    context = {
        "batch": batch,
        "form": form,
        "columns_form": columns_form,
        "columns": columns,
        "placements": placements,
        "file_reasons": reasons,
    }
    return render(request, "screening/import_prepare.html", context)


@page("import.run", fetch=row_for(ImportBatch), methods=("POST",))
def abandon(request: ActorRequest, batch: ImportBatch) -> HttpResponse:
    """Give an upload up; its file is dropped."""
    abandon_import(batch=batch, actor=request.actor.user)
    messages.success(request, "The upload was given up and its file dropped.")
    return redirect("screening:import")


def _in_order(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures of one questionnaire with its bands from mild to severe: JSON in Postgres keeps no order."""
    labels = [band.label for band in instrument(figures["instrument"]).bands]
    return {**figures, "bands": [(label, figures["bands"].get(label, 0)) for label in labels]}


def _progress(batch: ImportBatch) -> dict[str, Any]:
    job = Job.objects.filter(key=job_key(batch)).first() if not batch.is_over else None
    return {"batch": batch, "has_failed": job is not None and job.state == JobState.FAILED}


@page("import.run", fetch=row_for(ImportBatch, "created_by"), methods=("GET", "HEAD"))
def detail(request: ActorRequest, batch: ImportBatch) -> HttpResponse:
    """How an import goes, then what became of its rows."""
    if batch.state == ImportState.UPLOADED:
        return redirect("screening:import-prepare", pk=batch.pk)
    context = {
        **_progress(batch),
        "instruments": [_in_order(figures) for figures in batch.report.get("instruments", [])],
        "refusals": batch.report.get("refusals", [])[:_REFUSED_SHOWN],
        "shown": _REFUSED_SHOWN,
    }
    return render(request, "screening/import_detail.html", context)


@page("import.run", fetch=row_for(ImportBatch), methods=("GET", "HEAD"))
def progress(request: ActorRequest, batch: ImportBatch) -> HttpResponse:
    """The progress bar alone, asked for every second; reloads the page once the import is over."""
    response = render(request, "screening/_import_progress.html", _progress(batch))
    if batch.is_over:
        response["HX-Refresh"] = "true"
    return response


@page("import.run", fetch=row_for(ImportBatch), methods=("GET", "HEAD"), confirm=("GET", "HEAD"))
def refused_csv(request: ActorRequest, batch: ImportBatch) -> HttpResponse:
    """The refused rows as CSV, one line a reason; cells that a spreadsheet would run are made harmless."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["row", "identifier", "column", "value", "reason"])
    for refusal in batch.report.get("refusals", []):
        for reason in refusal["reasons"]:
            writer.writerow(
                [refusal["row"], refusal["external_id"], reason["field"], reason["value"], reason["text"]]
            )
    response = HttpResponse(text.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="refused-rows-{batch.pk.hex[:8]}.csv"'
    return response
