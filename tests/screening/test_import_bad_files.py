"""Bad files: each a clear message with the row's number, and never a row lost beside it."""

import io
import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.importing.csv_rows import MAX_LINE_BYTES
from screening.importing.mappings import MappingInvalid, mapping_from, mappings
from screening.importing.reading import read_rows
from screening.importing.rows import FileRefused, ParsedRow, RefusedRow

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DENVER = ZoneInfo("America/Denver")
GAD7 = mapping_from(
    "made-up",
    {
        "format": "csv",
        "instrument": "gad-7",
        "items": {str(n): f"q{n}" for n in range(1, 8)},
        "external_id": "who",
    },
)
HEADER = "who,q1,q2,q3,q4,q5,q6,q7\n"
GOOD = "p1,0,1,2,3,0,1,2\n"


def read(content, mapping=GAD7, **details):
    """The rows of a file given as text or bytes."""
    raw = content.encode() if isinstance(content, str) else content
    return list(read_rows(io.BytesIO(raw), mapping, now=NOW, clinic_zone=DENVER, **details))


def reasons(row):
    assert isinstance(row, RefusedRow)
    return "; ".join(str(problem) for problem in row.problems)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("2.0", "is a decimal"),
        (" 2", "has a space beside the number; write 2"),
        ("٢", "not written with the digits 0-9; write 2"),
        ("4", "expected a whole number from 0 to 3"),
        ("-1", "is not an answer"),
        ("two", "is not an answer"),
        ("1e0", "is not an answer"),
        ("²", "not written with the digits"),
    ],
)
def test_row_is_refused_with_its_number_when_a_value_is_wrong(cell, words):
    good, bad = read(HEADER + GOOD + f"p2,0,{cell},2,3,0,1,2\n")
    assert isinstance(good, ParsedRow)
    assert bad.row == 3
    assert words in reasons(bad)
    assert reasons(bad).startswith("q2")


def test_row_names_every_problem_when_there_are_several():
    (row,) = read(HEADER + ",0,9,2,3,0,1,x\n")
    assert [problem.field for problem in row.problems] == ["q2", "q7", "who"]


@pytest.mark.parametrize("cell", ["", " "])
def test_blank_is_no_answer_and_not_zero_when_read(cell):
    (row,) = read(HEADER + f"p1,{cell},1,2,3,0,1,2\n")
    assert row.answers[0] is None


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_file_is_read_when_it_has_a_mark_other_line_ends_or_delimiters(start, end, delimiter):
    text = (HEADER + GOOD).replace("\n", end).replace(",", delimiter)
    (row,) = read(start + text.encode())
    assert row.answers == (0, 1, 2, 3, 0, 1, 2)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (HEADER, "no row"),
        ("who,q1,q2\n1,2,3\n", "lacks 5 column"),
        ("who,q1,q1,q2,q3,q4,q5,q6,q7\n", "names a column twice: q1"),
        (b"PK\x03\x04....", "Excel workbook"),
        ((HEADER + GOOD).encode("utf-16"), "UTF-16"),
        ("wé".encode("latin-1") + b",q1\n1,2\n", "not UTF-8"),
        (HEADER.replace("\n", "\r") + GOOD.replace("\n", "\r"), "line ends"),
    ],
)
def test_file_is_refused_with_a_sentence_when_nothing_of_it_can_be_used(content, words):
    with pytest.raises(FileRefused, match=words):
        read(content)


def test_refusal_names_the_mapping_that_fits_when_another_one_does():
    text = "seqn," + ",".join(f"dpq0{n}0" for n in range(1, 10)) + "\n1" + ",0" * 9 + "\n"
    with pytest.raises(FileRefused, match="nhanes-2015-2016-phq9"):
        read(text)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'p2,"0,1,2,3,0,1,2\n', "never closed|not closed"),
        (b'p2,"0"x,1,2,3,0,1,2\n', "after a closing quotation mark"),
        (b"p2,0,1\n", "the row has 3 cells, the header 8"),
        (b"p2,0,1,2,3,0,1,2,9\n", "the row has 9 cells"),
        (b"p\xe9,0,1,2,3,0,1,2\n", "not UTF-8"),
        (b"p2," + b"0" * 10_000_000 + b",1,2,3,0,1,2\n", "longer than"),
        (b"p2," + b"0" * 140_000 + b",1,2,3,0,1,2\n", "longer than 131,072"),
    ],
)
def test_broken_row_is_refused_alone_when_others_follow(line, words):
    import re

    rows = read((HEADER + GOOD).encode() + line + b"p3,0,0,0,0,0,0,0\n" * 1 + b"p4,0,0,0,0,0,0,0\n")
    assert [row.row for row in rows] == [2, 3, 4, 5]
    assert re.search(words, reasons(rows[1]))
    assert all(isinstance(row, ParsedRow) for row in (rows[0], rows[2], rows[3]))
    assert MAX_LINE_BYTES < 10_000_000


def test_repeated_row_is_refused_with_the_first_ones_number():
    _, again = read(HEADER + GOOD + GOOD)
    assert reasons(again) == "who: repeats row 2"


HISTORY = mappings()["history-gad7"]


def dated(cell, mapping=HISTORY):
    header = "patient_id,completed_at,q1,q2,q3,q4,q5,q6,q7,difficulty\n"
    (row,) = read(header + f'p1,"{cell}",0,0,0,0,0,0,0,\n', mapping)
    return row


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("", "no date"),
        ("2027-01-01", "in the future"),
        ("2026-03-01T12:00:01Z", "in the future"),
        ("1899-12-31", "before 1900"),
        ("2024-02-30", "not an exact date"),
        ("2024-02", "not an exact date"),
        ("03/04/2024", "not an exact date"),
        ("2024-03-10 02:30", "does not exist in America/Denver"),
        ("٢٠٢٤-٠١-٠١", "not an exact date"),
    ],
)
def test_date_is_refused_when_it_is_no_exact_past_moment(cell, words):
    assert words in reasons(dated(cell))


def test_naive_time_is_refused_when_the_mapping_names_no_zone():
    bare = mapping_from("bare", {**HISTORY.as_json(), "zone": ""})
    assert "without a time zone" in reasons(dated("2024-03-01T10:00", bare))
    assert "without a time zone" in reasons(dated("2024-03-01", bare))


def test_date_is_read_in_the_clinics_zone_when_it_has_none():
    assert dated("2024-03-01 10:00").completed_at == datetime(2024, 3, 1, 17, 0, tzinfo=UTC)
    day = dated("2024-03-01")
    assert (day.is_day_only, day.day, day.completed_at) == (
        True,
        "2024-03-01",
        datetime(2024, 3, 1, 19, 0, tzinfo=UTC),
    )
    assert dated("2024-03-01T10:00+02:00").completed_at == datetime(2024, 3, 1, 8, 0, tzinfo=UTC)


FHIR = mappings()["fhir-r4"]
LINKS = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]


def resource(**changes):
    """A valid PHQ-9 response of nine zeros."""
    zero = {"valueCoding": {"system": "http://loinc.org", "code": "LA6568-5"}}
    made = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "subject": {"reference": "Patient/p1"},
        "authored": "2024-03-01T10:00:00Z",
        "item": [{"linkId": f"/{link}", "answer": [zero]} for link in LINKS],
    }
    return {**made, **changes}


def with_answer(answer, place=0):
    made = resource()
    made["item"][place]["answer"] = answer
    return made


def fhir(*resources, **details):
    return read("\n".join(json.dumps(each) for each in resources), FHIR, **details)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (resource(resourceType="Patient"), "this is a Patient"),
        (resource(status="entered-in-error"), "is not taken"),
        (resource(item=[{"linkId": "x", "answer": [{"valueInteger": 1}]}]), "no questionnaire that is known"),
        (
            resource(questionnaire="http://loinc.org/q/69737-5"),
            "says that it is GAD-7 and holds items of PHQ-9",
        ),
        (resource(authored="2999-01-01T00:00:00Z"), "in the future"),
        (resource(authored="2024-03"), "not an exact date"),
        (resource(item=[{"text": "no linkId"}]), "not valid FHIR R4"),
        (with_answer([{"valueCoding": {"system": "http://loinc.org", "code": "LA9999-9"}}]), "answer codes"),
        (
            with_answer([{"valueCoding": {"system": "http://snomed.info/sct", "code": "LA6568-5"}}]),
            "is not LOINC",
        ),
        (with_answer([{"valueDecimal": 1.0}]), "valueDecimal"),
        (with_answer([{"valueInteger": 4}]), "is not an answer"),
        (with_answer([{"valueInteger": 1}, {"valueInteger": 2}]), "2 answers"),
        (resource(item=[*resource()["item"], resource()["item"][0]]), "stands twice"),
        (
            resource(item=[*resource()["item"], {"linkId": "/44261-6", "answer": [{"valueDecimal": 13}]}]),
            "states a total of 13, its answers add up to 0",
        ),
        (
            resource(item=[*resource()["item"], {"linkId": "69725-0", "answer": [{"valueInteger": 1}]}]),
            "one questionnaire",
        ),
    ],
)
def test_resource_is_refused_when_it_cannot_be_trusted(made, words):
    (row,) = fhir(made)
    assert words in reasons(row)


def test_line_is_refused_alone_when_ndjson_is_broken_in_the_middle():
    text = (
        json.dumps(resource()) + "\n{broken\n\n" + json.dumps(resource(subject={"reference": "Patient/p2"}))
    )
    rows = read(text, FHIR)
    assert [row.row for row in rows] == [1, 2, 4]
    assert "not JSON" in reasons(rows[1])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        ("seqn,dpq010\n1,2\n", "not FHIR JSON"),
        ('{"resourceType": "QuestionnaireResponse"', "not JSON"),
        ('{"resourceType": "Bundle", "entry": []}', "holds no QuestionnaireResponse"),
        ('{"resourceType": "Patient", "entry": []}', "not a Bundle"),
        ("[1, 2]", "not FHIR JSON"),
        ('{"a": ' + "[" * 100_000, "not JSON"),
    ],
)
def test_fhir_file_is_refused_when_it_is_no_such_json(content, words):
    with pytest.raises(FileRefused, match=words):
        read(content, FHIR)


def test_functional_answer_keeps_its_order_when_coded():
    code = {"system": "http://loinc.org", "code": "LA6574-3"}
    made = resource(item=[*resource()["item"], {"linkId": "69722-7", "answer": [{"valueCoding": code}]}])
    (row,) = fhir(made)
    assert row.functional == 3


def test_unconfirmed_code_needs_its_display_when_read():
    items = ["68518-0", "68519-8", "68520-6"]
    never = {"system": "http://loinc.org", "code": "LA6270-8"}
    made = resource(item=[{"linkId": items[0], "answer": [{"valueCoding": never}]}])
    assert "not confirmed" in reasons(fhir(made)[0])
    made["item"][0]["answer"][0]["valueCoding"] = {**never, "display": "Never"}
    assert fhir(made)[0].answers == (0, None, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"instrument": "phq-2"}, "No questionnaire is called phq-2"),
        ({"items": {"1": "a"}}, "column of item 2"),
        ({"missing_codes": ["3"]}, "both an answer and none"),
        ({"ignored": ["q1"]}, "used and left out"),
        ({"external_id": "q1"}, "two purposes"),
        ({"zone": "Mars/Base"}, "not a time zone"),
        ({"colour": "red"}, "Not known in a mapping: colour"),
    ],
)
def test_mapping_is_refused_when_it_contradicts_itself(change, words):
    with pytest.raises(MappingInvalid, match=words):
        mapping_from("wrong", {**GAD7.as_json(), **change})


@given(st.binary(max_size=400))
def test_reader_never_breaks_whatever_the_bytes(content):
    for raw, mapping in ((HEADER.encode() + content, GAD7), (content, FHIR)):
        refused: FileRefused | None = None
        numbers: list[int] = []
        try:
            for row in read(raw, mapping):
                numbers.append(row.row)
        except FileRefused as refusal:
            refused = refusal
        assert all(number >= 1 for number in numbers)
        assert refused is None or refused.reasons
