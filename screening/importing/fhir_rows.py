"""Reading FHIR R4 QuestionnaireResponse resources: one, a Bundle of them, or NDJSON.

Pure. Each resource is validated against the R4 model, then its answers are found by linkId (with or without
a leading slash or group path) and by LOINC answer code. Texts are not compared: senders reword them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from screening.importing.json_stream import Piece, read_pieces
from screening.importing.mappings import ColumnMapping
from screening.importing.rows import (
    MAX_ROWS,
    FileRefused,
    ImportRow,
    ParsedRow,
    Problem,
    RefusedRow,
    SkippedRow,
    check_external_id,
    excerpt,
    read_moment,
)
from screening.instruments import FunctionalItem, Instrument, Item, instruments, score

LOINC = "http://loinc.org"
RESOURCE = "QuestionnaireResponse"
# A response that was stopped is kept with what was answered; one entered in error is not taken.
STATUSES = {"completed", "amended", "in-progress", "stopped"}


class _RowProblems(Exception):
    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("; ".join(str(problem) for problem in problems))


@dataclass(frozen=True, slots=True)
class _LinkIds:
    """Which normalised linkId is which item of one instrument."""

    definition: Instrument
    items: Mapping[str, Item]

    @classmethod
    def of(cls, definition: Instrument, mapping: ColumnMapping) -> "_LinkIds":
        if mapping.items:
            return cls(
                definition,
                {_link_id(link): definition.item(number) for number, link in mapping.items},
            )
        return cls(definition, {item.link_id: item for item in definition.items})


def _link_id(raw: object) -> str:
    return str(raw).strip().rstrip("/").rsplit("/", 1)[-1]


def _flatten(resource: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """(linkId, answers) of every item, groups and follow-up items included, in order."""
    stack = list(reversed(resource.get("item") or []))
    while stack:
        item = stack.pop()
        answers = item.get("answer") or []
        yield _link_id(item.get("linkId")), answers
        nested = list(item.get("item") or [])
        for answer in answers:
            nested += answer.get("item") or []
        stack.extend(reversed(nested))


def _canonical(resource: Mapping[str, Any]) -> str:
    return str(resource.get("questionnaire") or "").split("|", 1)[0].rstrip("/")


def _named_instrument(canonical: str) -> Instrument | None:
    """The instrument that a canonical address names by its panel code or by an address known to hold it."""
    tail = canonical.rsplit("/", 1)[-1]
    for each in instruments():
        if each.loinc_panel == tail or canonical in each.questionnaires:
            return each
    return None


def _coded(answer: Mapping[str, Any], item: Item | FunctionalItem, field: str) -> int:
    coding = answer["valueCoding"]
    code, system = coding.get("code"), coding.get("system")
    if system not in (None, LOINC):
        raise _RowProblems(Problem(field, excerpt(code), f"the code system {excerpt(system)} is not LOINC"))
    option = next(
        (each for each in item.options if each.loinc_answer and each.loinc_answer == code),
        None,
    )
    if option is None:
        raise _RowProblems(
            Problem(
                field,
                excerpt(code),
                f"“{excerpt(code)}” is not one of the item's answer codes",
            )
        )
    if not option.is_code_verified:
        display = str(coding.get("display") or "").strip().casefold()
        if display != option.text.casefold():
            raise _RowProblems(
                Problem(
                    field,
                    excerpt(code),
                    f"the meaning of “{excerpt(code)}” is not confirmed, and its display is not “{option.text}”",
                )
            )
    return option.value


def _answer(answers: list[Any], item: Item | FunctionalItem, field: str) -> int | None:
    given = [answer for answer in answers if any(key.startswith("value") for key in answer)]
    if not given:
        return None
    if len(given) > 1:
        raise _RowProblems(Problem(field, "", f"the item has {len(given)} answers"))
    answer = given[0]
    if "valueCoding" in answer:
        return _coded(answer, item, field)
    if "valueInteger" in answer:
        value = answer["valueInteger"]
        if item.option(value) is not None and not isinstance(value, bool):
            return int(value)
        raise _RowProblems(
            Problem(
                field,
                excerpt(value),
                f"“{excerpt(value)}” is not an answer to this item",
            )
        )
    kind = next(key for key in answer if key.startswith("value"))
    raise _RowProblems(
        Problem(
            field,
            excerpt(answer[kind]),
            f"the answer is a {kind}; a LOINC coding or an integer is expected",
        )
    )


def _validate(resource: Mapping[str, Any]) -> None:
    # Loaded with the first resource: the models cost half a second, and hardly any process reads one.
    from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse
    from pydantic import ValidationError

    try:
        QuestionnaireResponse.model_validate(resource)
    except ValidationError as error:
        problems = []
        for each in error.errors()[:5]:
            where = ".".join(str(part) for part in each["loc"]) or RESOURCE
            problems.append(
                Problem(
                    where,
                    excerpt(each.get("input")),
                    f"not valid FHIR R4: {each['msg']}",
                )
            )
        raise _RowProblems(*problems) from error
    except RecursionError as error:
        raise _RowProblems(Problem("", "", "not valid FHIR R4: nested too deep")) from error


def _subject(resource: Mapping[str, Any]) -> str:
    subject = resource.get("subject") or {}
    identifier = (subject.get("identifier") or {}).get("value")
    if identifier:
        return str(identifier).strip()
    match = re.search(r"(?:^|/)Patient/([^/|#]+)", str(subject.get("reference") or ""))
    return match.group(1) if match else ""


class _ResourceReader:
    def __init__(self, mapping: ColumnMapping, zone: ZoneInfo | None, now: datetime) -> None:
        definition = mapping.instrument
        known = (definition,) if definition else instruments()
        self.link_ids = [_LinkIds.of(each, mapping) for each in known]
        self.zone, self.now = zone, now

    def read(self, row: int, resource: object) -> ParsedRow | RefusedRow:
        external_id = ""
        try:
            if not isinstance(resource, dict):
                raise _RowProblems(Problem("", "", "an object is expected"))
            kind = resource.get("resourceType")
            if kind != RESOURCE:
                what = f"a {excerpt(kind)}" if kind else "a resource without resourceType"
                raise _RowProblems(
                    Problem(
                        "resourceType",
                        excerpt(kind or ""),
                        f"this is {what}, not a {RESOURCE}",
                    )
                )
            _validate(resource)
            external_id = _subject(resource)
            return self._read(row, resource, external_id)
        except _RowProblems as refusal:
            return RefusedRow(row, refusal.problems, excerpt(external_id))

    def _read(self, row: int, resource: dict[str, Any], external_id: str) -> ParsedRow:
        problems: list[Problem] = []
        status = resource.get("status")
        if status not in STATUSES:
            problems.append(
                Problem(
                    "status",
                    excerpt(status),
                    f"a response that is “{excerpt(status)}” is not taken",
                )
            )
        links = self._links(resource)
        definition = links.definition
        answers: dict[int, int | None] = {}
        functional: int | None = None
        stated: float | None = None
        others: list[str] = []
        seen: set[str] = set()
        for link, given in _flatten(resource):
            target = self._target(link, links)
            if target is None:
                if given:
                    others.append(link)
                continue
            if link in seen:
                problems.append(Problem(link, "", "the item stands twice"))
                continue
            seen.add(link)
            try:
                if isinstance(target, str):
                    stated = self._stated_total(given)
                elif isinstance(target, FunctionalItem):
                    functional = _answer(given, target, link)
                else:
                    answers[target.number] = _answer(given, target, f"item {target.number} ({link})")
            except _RowProblems as refusal:
                problems.extend(refusal.problems)
        completed_at, day = None, ""
        if authored := resource.get("authored"):
            try:
                completed_at, day = read_moment(
                    str(authored), date_format="iso", zone=self.zone, now=self.now
                )
            except ValueError as error:
                problems.append(Problem("authored", excerpt(authored), str(error)))
        if external_id and (problem := check_external_id(external_id, "subject")):
            problems.append(problem)
        if problems:
            raise _RowProblems(*problems)
        values = tuple(answers.get(item.number) for item in definition.items)
        notes = self._notes(definition, values, stated, others)
        return ParsedRow(row, definition, values, functional, external_id, completed_at, day, notes)

    def _links(self, resource: Mapping[str, Any]) -> _LinkIds:
        present = {link for link, _ in _flatten(resource)}
        found = [each for each in self.link_ids if present & set(each.items)]
        canonical = _canonical(resource)
        if not found:
            where = f" ({excerpt(canonical)})" if canonical else ""
            raise _RowProblems(
                Problem(
                    "item",
                    "",
                    f"its items belong to no questionnaire that is known here{where}",
                )
            )
        if len(found) > 1:
            titles = " and ".join(each.definition.short_title for each in found)
            raise _RowProblems(
                Problem(
                    "item",
                    "",
                    f"it holds items of {titles}; one questionnaire is expected",
                )
            )
        named = _named_instrument(canonical)
        if named is not None and named.id != found[0].definition.id:
            what = (
                f"it says that it is {named.short_title} and holds items of {found[0].definition.short_title}"
            )
            raise _RowProblems(Problem("questionnaire", excerpt(canonical), what))
        return found[0]

    @staticmethod
    def _target(link: str, links: _LinkIds) -> Item | FunctionalItem | str | None:
        definition = links.definition
        if link in links.items:
            return links.items[link]
        if definition.functional_item is not None and link == definition.functional_item.link_id:
            return definition.functional_item
        return "total" if link == definition.loinc_total else None

    @staticmethod
    def _stated_total(answers: list[Any]) -> float | None:
        for answer in answers:
            for key in ("valueDecimal", "valueInteger"):
                if key in answer:
                    return float(answer[key])
            if "valueQuantity" in answer and "value" in answer["valueQuantity"]:
                return float(answer["valueQuantity"]["value"])
        return None

    @staticmethod
    def _notes(
        definition: Instrument,
        values: tuple[int | None, ...],
        stated: float | None,
        others: list[str],
    ) -> tuple[str, ...]:
        notes = []
        total = score(definition, values).total
        if stated is not None and total is None:
            notes.append("its stated total was not used: an answer is missing")
        elif stated is not None and stated != total:
            problem = f"it states a total of {stated:g}, its answers add up to {total}"
            raise _RowProblems(Problem(definition.loinc_total, f"{stated:g}", problem))
        if others:
            notes.append(
                f"left out, not part of {definition.short_title}: {', '.join(excerpt(o) for o in others[:5])}"
            )
        return tuple(notes)


def read_fhir(
    stream: BinaryIO,
    mapping: ColumnMapping,
    *,
    now: datetime,
    clinic_zone: ZoneInfo | None = None,
    is_ndjson: bool = False,
) -> Iterator[ImportRow]:
    """Read QuestionnaireResponses one by one.

    In: a seekable binary stream, a FHIR mapping (own linkIds, or none for the usual codes), ``now`` (aware)
    and the clinic's zone for days without a time. Out: rows and refused rows; other resources of a Bundle
    come as :class:`SkippedRow`. Raises :class:`FileRefused` when the file is no FHIR JSON or holds no
    response.
    """
    reader = _ResourceReader(mapping, mapping.resolve_zone(clinic_zone) or clinic_zone, now)
    seen: dict[tuple[str, str, str], int] = {}
    count = 0
    skipped: set[str] = set()
    for piece in read_pieces(stream, is_ndjson=is_ndjson):
        kind = piece.value.get("resourceType") if isinstance(piece.value, dict) else None
        if piece.is_entry and isinstance(kind, str) and kind != RESOURCE:
            skipped.add(excerpt(kind))
            yield SkippedRow(piece.row, excerpt(kind))
            continue
        count += 1
        if count > MAX_ROWS:
            raise FileRefused(
                f"The file has more than {MAX_ROWS:,} resources. Split it and import the parts."
            )
        yield _unless_repeated(_parsed(reader, piece), seen)
    if count == 0:
        rest = f" It holds {', '.join(sorted(skipped))}." if skipped else ""
        raise FileRefused(f"The file holds no {RESOURCE}.{rest}")


def _parsed(reader: _ResourceReader, piece: Piece) -> ParsedRow | RefusedRow:
    if piece.problem:
        return RefusedRow(piece.row, (Problem("", "", piece.problem),))
    return reader.read(piece.row, piece.value)


def _unless_repeated(
    parsed: ParsedRow | RefusedRow, seen: dict[tuple[str, str, str], int]
) -> ParsedRow | RefusedRow:
    if isinstance(parsed, RefusedRow) or not (parsed.external_id and parsed.moment):
        return parsed
    first = seen.setdefault((parsed.external_id, parsed.instrument.id, parsed.moment), parsed.row)
    if first == parsed.row:
        return parsed
    problem = Problem("subject", excerpt(parsed.external_id), f"repeats row {first}")
    return RefusedRow(parsed.row, (problem,), excerpt(parsed.external_id))
