"""Imported rows where they belong: histories, reference samples, the command and the browser."""

import io
import json
from datetime import date
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from kapclinic.jobs.services import run_due
from screening.models import (
    ImportBatch,
    ImportChunk,
    ReferenceCount,
    ReferenceSample,
    Response,
    RiskAssessment,
    SafetyRoute,
)
from tests import factories

DATA = Path(__file__).parent.parent / "data"
SURVEY, EXAMPLE = "nhanes_2015_2016_phq9.csv", "uscore_phq9/QuestionnaireResponse-phq-9-example.json"
HEADER = "patient_id,completed_at," + ",".join(f"q{n}" for n in range(1, 10)) + ",difficulty\n"
pytestmark = pytest.mark.django_db


def run(path, *options):
    """The command's report as data."""
    out = io.StringIO()
    call_command("import_responses", str(path), *options, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def known(clinic, coordinator):
    """A patient with an identifier elsewhere."""
    return factories.make_patient(clinic, coordinator, external_id="A-1", date_of_birth=date(1990, 5, 1))


@pytest.fixture
def history(tmp_path):
    """Writes a history file from rows."""

    def write(*rows):
        path = tmp_path / "history.csv"
        path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
        return path

    return write


def test_survey_fills_a_sample_without_persons_and_adds_nothing_when_run_twice():
    first = run(DATA / SURVEY, "--mapping", "nhanes-2015-2016-phq9", "--reference")
    second = run(DATA / SURVEY, "--mapping", "nhanes-2015-2016-phq9", "--reference")
    assert (first["new"], first["already_there"]) == (5735, 0)
    assert (second["new"], second["already_there"]) == (0, 5735)
    assert first["sum"] == second["sum"] == 16641
    sample = ReferenceSample.objects.get()
    assert (sample.people, sample.complete, sample.total_sum) == (5735, 5134, 16641)
    totals = ReferenceCount.objects.filter(sample=sample, item=0, value__isnull=False)
    assert sum(row.value * row.people for row in totals) == 16641
    assert Response.objects.count() == 0


def test_dry_run_stores_nothing_and_example_gives_twelve():
    report = run(DATA / EXAMPLE, "--mapping", "fhir-r4", "--reference", "--dry-run")
    assert (report["rows_read"], report["sum"]) == (1, 12)
    assert ReferenceSample.objects.count() == 0


def test_sample_is_refused_when_its_name_is_taken_by_other_answers(tmp_path):
    run(DATA / SURVEY, "--mapping", "nhanes-2015-2016-phq9", "--reference")
    shorter = tmp_path / "shorter.csv"
    shorter.write_text("\n".join((DATA / SURVEY).read_text().splitlines()[:50]))
    with pytest.raises(CommandError, match="another name"):
        run(shorter, "--mapping", "nhanes-2015-2016-phq9", "--reference")


def test_survey_is_refused_when_meant_for_histories(clinic):
    with pytest.raises(CommandError, match="can only fill a reference sample"):
        run(DATA / SURVEY, "--mapping", "nhanes-2015-2016-phq9")


def test_example_reaches_the_patient_when_the_identifier_is_known(clinic, coordinator):
    factories.make_patient(clinic, coordinator, external_id="example")
    assert run(DATA / EXAMPLE, "--mapping", "fhir-r4")["new"] == 1
    assert run(DATA / EXAMPLE, "--mapping", "fhir-r4")["already_there"] == 1
    response = Response.objects.get()
    assert (response.total, response.phase, response.functional) == (12, "history", 1)


def test_history_refuses_each_bad_row_and_takes_the_others(known, history):
    path = history(
        "A-1,2024-03-01,0,0,0,0,0,0,0,0,0,",
        "NOBODY,2024-03-01,0,0,0,0,0,0,0,0,0,",
        "A-1,,0,0,0,0,0,0,0,0,0,",
        "A-1,1980-01-01,0,0,0,0,0,0,0,0,0,",
        "A-1,2024-04-01,,,,,,,,,,",
        "A-1,2999-01-01,0,0,0,0,0,0,0,0,0,",
    )
    report = run(path, "--mapping", "history-phq9")
    assert (report["new"], report["refused"]) == (1, 5)
    reasons = {row["row"]: row["reasons"][0]["text"] for row in report["refusals"]}
    assert "nobody here" in reasons[3]
    assert "no date" in reasons[4]
    assert "before the patient's birth" in reasons[5]
    assert "no question" in reasons[6]
    assert "future" in reasons[7]


def test_history_refuses_a_row_when_that_time_has_other_answers(known, history):
    run(history("A-1,2024-03-01,0,0,0,0,0,0,0,0,0,"), "--mapping", "history-phq9")
    report = run(history("A-1,2024-03-01,1,0,0,0,0,0,0,0,0,"), "--mapping", "history-phq9")
    assert "other answers" in report["refusals"][0]["reasons"][0]["text"]


def test_imported_item_nine_alarms_nobody_even_when_recent(clinic, known, history, prescriber):
    factories.make_episode(known, prescriber=prescriber)
    day = timezone.localtime(timezone=clinic.zone).date().isoformat()
    run(history(f"A-1,{day},0,0,0,0,0,0,0,0,3,0"), "--mapping", "history-phq9")
    assert Response.objects.get().safety_route == SafetyRoute.REVIEW
    assert not RiskAssessment.objects.exists()
    assert Response.objects.awaiting_review().count() == 1


def test_browser_import_previews_runs_as_a_job_and_reports(client, clinic, manager, known, history):
    client.force_login(manager)
    factories.prove(client, manager)
    path = history("A-1,2024-03-01,0,0,0,0,0,0,0,0,0,", '=cmd(),2024-03-01,"2.0",0,0,0,0,0,0,0,0,')
    upload = SimpleUploadedFile("old answers.csv", path.read_bytes())
    answer = client.post(reverse("screening:import"), {"file": upload})
    batch = ImportBatch.objects.get()
    assert answer.url == reverse("screening:import-prepare", args=[batch.pk])
    choices = {
        "destination": "history",
        "mapping": "history-phq9",
        "instrument": "phq-9",
        "date_format": "iso",
    }
    page = client.post(answer.url, {**choices, "preview": "1"}).content.decode()
    assert "is a decimal" in page
    assert Response.objects.count() == 0
    client.post(answer.url, {**choices, "start": "1"})
    run_due()
    batch.refresh_from_db()
    assert (batch.state, batch.report["new"], batch.report["refused"]) == ("done", 1, 1)
    assert not ImportChunk.objects.exists()
    page = client.get(reverse("screening:import-detail", args=[batch.pk])).content.decode()
    assert "Refused rows" in page
    bands = ["None-minimal", "Mild", "Moderate", "Moderately severe", "Severe"]
    assert sorted(bands, key=lambda band: page.index(f"<dt>{band}</dt>")) == bands
    text = client.get(reverse("screening:import-refused", args=[batch.pk])).content.decode("utf-8-sig")
    assert "'=cmd()" in text
    assert client.get(reverse("screening:import-progress", args=[batch.pk]))["HX-Refresh"] == "true"


def test_browser_maps_columns_by_hand_when_no_mapping_fits(client, clinic, manager):
    client.force_login(manager)
    rows = "who,a,b,c,d,e,f,g\n" + "p1,1,1,1,1,1,0,0\np2,9,1,1,1,1,0,0\n"
    client.post(reverse("screening:import"), {"file": SimpleUploadedFile("x.csv", rows.encode())})
    batch = ImportBatch.objects.get()
    choices = {
        "destination": "reference", "mapping": "own", "population": "Made-up people", "instrument": "gad-7",
        "date_format": "iso", "external_id": "who", "missing_codes": "9",
        **{f"column_{n}": letter for n, letter in enumerate("abcdefg", start=1)},
    }  # fmt: skip
    client.post(reverse("screening:import-prepare", args=[batch.pk]), {**choices, "start": "1"})
    run_due()
    sample = ReferenceSample.objects.get()
    assert (sample.title, sample.people, sample.complete, sample.total_sum) == ("Made-up people", 2, 1, 5)


@pytest.mark.parametrize("role", ["coordinator", "nurse", "therapist", "prescriber"])
def test_import_is_forbidden_when_not_a_manager(client, request, role):
    client.force_login(request.getfixturevalue(role))
    assert client.get(reverse("screening:import")).status_code == 403
