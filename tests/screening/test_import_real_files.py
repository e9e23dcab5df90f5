"""The real files give the figures that an independent reader got from them."""

import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from screening.importing.mappings import mappings
from screening.importing.reading import read_rows
from screening.importing.rows import ParsedRow, RefusedRow, SkippedRow
from screening.importing.tally import Outcome, Tally

DATA = Path(__file__).parent.parent / "data"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def tally_of(file, mapping):
    """Every row of a file counted as new."""
    tally = Tally()
    with (DATA / file).open("rb") as stream:
        for row in read_rows(stream, mappings()[mapping], now=NOW, file_name=file):
            if isinstance(row, ParsedRow):
                tally.taken(row, Outcome.NEW)
            elif isinstance(row, RefusedRow):
                tally.refuse(row)
            else:
                tally.skip(row)
    return tally.as_json()


def test_national_survey_gives_the_published_figures_when_read():
    report = tally_of("nhanes_2015_2016_phq9.csv", "nhanes-2015-2016-phq9")
    assert report["rows_read"] == 5735
    assert report["refused"] == 0
    assert (report["complete"], report["incomplete"], report["sum"]) == (5134, 601, 16641)
    assert report["mean"] == 3.241
    assert list(report["bands"].values()) == [3825, 894, 258, 102, 55]
    assert (report["instruments"][0]["minimum"], report["instruments"][0]["maximum"]) == (0, 27)
    assert report["safety_item"]["endorsed"] == 193
    assert report["safety_item"]["endorsed_with_total_below_10"] == 64
    assert sum(report["safety_item"][key] for key in ("zero", "one", "two-or-more", "missing")) == 5735


def test_anxiety_file_gives_the_published_figures_when_read():
    report = tally_of("gad7_items_sciops.csv", "sciops-gad7")
    assert (report["rows_read"], report["complete"], report["refused"]) == (406, 406, 0)
    assert report["mean"] == 6.325
    assert list(report["bands"].values()) == [186, 101, 72, 47]
    assert report["notes"] == []


def test_us_core_example_is_twelve_when_read():
    report = tally_of("uscore_phq9/QuestionnaireResponse-phq-9-example.json", "fhir-r4")
    assert (report["rows_read"], report["complete"], report["sum"]) == (1, 1, 12)
    with (DATA / "uscore_phq9/QuestionnaireResponse-phq-9-example.json").open("rb") as stream:
        (row,) = read_rows(stream, mappings()["fhir-r4"], now=NOW)
    assert row.answers == (2, 2, 2, 2, 1, 1, 2, 0, 0)
    assert row.functional == 1
    assert row.external_id == "example"
    assert row.completed_at == datetime(2022, 11, 29, 20, 50, 32, tzinfo=UTC)
    assert not row.is_day_only


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("uscore_phq9/Questionnaire-phq-9-example.json", "Questionnaire"),
        ("uscore_phq9/Observation-PHQ9-panel-example-44249-1.json", "Observation"),
    ],
)
def test_other_resources_are_refused_when_read_as_responses(file, kind):
    report = tally_of(file, "fhir-r4")
    assert report["refused"] == 1
    assert report["refusals"][0]["reasons"][0]["text"] == f"this is a {kind}, not a QuestionnaireResponse"


def test_memory_does_not_grow_with_the_file_when_rows_are_many(tmp_path):
    header, *rows = (DATA / "nhanes_2015_2016_phq9.csv").read_text().splitlines()
    path = tmp_path / "many.csv"
    with path.open("w") as target:
        target.write(header + "\n")
        for copy in range(4):
            target.writelines(f"{copy}{row}\n" for row in rows)
    tracemalloc.start()
    with path.open("rb") as stream:
        count = sum(1 for _ in read_rows(stream, mappings()["nhanes-2015-2016-phq9"], now=NOW))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 4 * 5735
    assert peak < 20 * 1024 * 1024


def test_bundle_larger_than_its_entries_is_read_in_little_memory(tmp_path):
    resource = (DATA / "uscore_phq9/QuestionnaireResponse-phq-9-example.json").read_text()
    path = tmp_path / "bundle.json"
    with path.open("w") as target:
        target.write('{"resourceType": "Bundle", "type": "collection", "entry": [')
        for number in range(400):
            one = resource.replace("Patient/example", f"Patient/p{number}")
            target.write(("," if number else "") + '{"resource": ' + one + "}")
        target.write(', {"resource": {"resourceType": "Patient", "id": "p1"}}]}')
    tracemalloc.start()
    with path.open("rb") as stream:
        rows = [type(row) for row in read_rows(stream, mappings()["fhir-r4"], now=NOW)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows.count(ParsedRow) == 400
    assert rows.count(SkippedRow) == 1
    assert path.stat().st_size > 1_000_000
    assert peak < 20 * 1024 * 1024
