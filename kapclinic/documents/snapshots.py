"""What a document says, frozen: a JSON snapshot in sections that each carry their consent category. Pure.

A snapshot holds every word and number that its pages show, charts included, so that a rendition depends on nothing
else. Apps build one from these parts; `documents.services.issue_document` checks and stores it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from kapclinic.documents.categories import ConsentCategory
from kapclinic.documents.charts import (
    Band,
    Chart,
    DoseMark,
    Given,
    Limit,
    ScoreLine,
    ScorePoint,
    VitalsPoint,
    score_trend,
    vitals_chart,
)
from kapclinic.documents.text import printable

SCHEMA = 1
Block = dict[str, Any]


class BadSnapshot(ValueError):
    """A snapshot that the templates could not show whole. Programming error of the app that built it."""


@dataclass(frozen=True, slots=True)
class PatientBlock:
    """Who the document is about, as printed on every page."""

    name: str
    born: str
    public_id: str
    pronouns: str = ""
    legal_name: str = ""


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who issues it."""

    clinic: str
    address: str
    phone: str
    after_hours_phone: str = ""
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """Who stands for it: shown name with letters, role, and the local time of signing with its zone."""

    name: str
    role: str
    signed_at: str
    version: int
    content_hash: str = ""


# Parts of a section


def prose(text: str, heading: str = "") -> Block:
    """Free text; line breaks stay."""
    return {"type": "prose", "heading": heading, "text": text}


def facts(rows: Iterable[tuple[str, str]], heading: str = "") -> Block:
    """Labels with their values, in two columns."""
    return {"type": "facts", "heading": heading, "rows": [[str(label), str(value)] for label, value in rows]}


def items(entries: Iterable[str], heading: str = "", numbered: bool = False) -> Block:
    """A list."""
    return {
        "type": "items",
        "heading": heading,
        "numbered": numbered,
        "entries": [str(entry) for entry in entries],
    }


def notice(text: str) -> Block:
    """A framed sentence that must not be overlooked."""
    return {"type": "notice", "text": text}


def absent(text: str = "Not recorded.") -> Block:
    """What stands where the record has nothing."""
    return {"type": "absent", "text": text}


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Block:
    """A table whose first column is the heading of its row."""
    return {
        "type": "table",
        "caption": caption,
        "columns": [str(column) for column in columns],
        "rows": [[str(cell) for cell in row] for row in rows],
    }


def scores(lines: Sequence[ScoreLine], doses: Sequence[DoseMark], zone: ZoneInfo, title: str) -> Block:
    """The data of a score trend; the picture is drawn from it at every rendering."""
    return {
        "type": "scores",
        "title": title,
        "zone": zone.key,
        "lines": [
            {
                "label": line.label,
                "maximum": line.maximum,
                "bands": [asdict(band) for band in line.bands],
                "points": [{**asdict(point), "at": point.at.isoformat()} for point in line.points],
            }
            for line in lines
        ],
        "doses": [{"number": dose.number, "at": dose.at.isoformat()} for dose in doses],
    }


def vitals(
    readings: Sequence[VitalsPoint],
    given: Sequence[Given],
    limits: Sequence[Limit],
    zone: ZoneInfo,
    title: str,
) -> Block:
    """The data of a vitals chart; the picture is drawn from it at every rendering."""
    return {
        "type": "vitals",
        "title": title,
        "zone": zone.key,
        "readings": [{**asdict(reading), "at": reading.at.isoformat()} for reading in readings],
        "given": [
            {
                **asdict(dose),
                "start": dose.start.isoformat(),
                "stop": dose.stop.isoformat() if dose.stop else None,
            }
            for dose in given
        ],
        "limits": [asdict(limit) for limit in limits],
    }


def section(
    key: str, title: str, category: ConsentCategory, blocks: Iterable[Block], source: str = ""
) -> dict[str, Any]:
    """One section. `source` says in words where in the record it was taken from."""
    return {
        "key": key,
        "title": title,
        "category": ConsentCategory(category).value,
        "source": source,
        "blocks": list(blocks) or [absent()],
    }


def snapshot(
    *,
    heading: str,
    subheading: str = "",
    letterhead: Letterhead,
    patient: PatientBlock | None,
    facts_on_top: Iterable[tuple[str, str]] = (),
    sections: Iterable[Mapping[str, Any]],
    signature: Signature | None = None,
    closing_note: str = "",
) -> dict[str, Any]:
    """The whole document. `patient` is None for documents about no single person.

    Raises:
        BadSnapshot: a section or block is not one of this module's, a key stands twice, or there is no section.
    """
    whole = {
        "schema": SCHEMA,
        "heading": heading,
        "subheading": subheading,
        "letterhead": asdict(letterhead),
        "patient": asdict(patient) if patient else None,
        "facts": [[str(label), str(value)] for label, value in facts_on_top],
        "sections": [dict(part) for part in sections],
        "signature": asdict(signature) if signature else None,
        "closing_note": closing_note,
    }
    cleaned = _printable(whole)
    check(cleaned)
    return cleaned


# Reading one


def check(whole: Mapping[str, Any]) -> None:
    """Raise BadSnapshot unless every part can be shown."""
    if whole.get("schema") != SCHEMA:
        raise BadSnapshot(f"snapshot schema {whole.get('schema')!r} is not known")
    parts = whole.get("sections")
    if not parts:
        raise BadSnapshot("a document has at least one section")
    keys = [part["key"] for part in parts]
    if len(set(keys)) != len(keys):
        raise BadSnapshot("a section key stands twice")
    for part in parts:
        if part["category"] not in ConsentCategory.values:
            raise BadSnapshot(f"section {part['key']} has no consent category of ours")
        for block in part["blocks"]:
            if block.get("type") not in BLOCK_TYPES:
                raise BadSnapshot(f"section {part['key']} has a block of unknown type")


BLOCK_TYPES = frozenset({"prose", "facts", "items", "notice", "absent", "table", "scores", "vitals"})


def shown_sections(
    whole: Mapping[str, Any], withheld: Iterable[str] = (), notices: Iterable[tuple[str, str]] = ()
) -> Iterator[dict[str, Any]]:
    """The sections as a reader may see them: a withheld one keeps its title and says that it is withheld.

    `withheld` holds consent categories, `notices` pairs of a category and the notice that its sections carry
    (documents.reading decides both). Charts are drawn here.
    """
    hidden = frozenset(withheld)
    carried = dict(notices)
    for index, part in enumerate(whole["sections"]):
        category = ConsentCategory(part["category"])
        shown = {**part, "category_label": category.label, "is_withheld": category.value in hidden}
        if shown["is_withheld"]:
            yield {**shown, "blocks": [], "source": ""}
            continue
        blocks = [_drawn(block, f"c{index}-{n}") for n, block in enumerate(part["blocks"])]
        if category.value in carried:
            blocks.append(notice(carried[category.value]))
        yield {**shown, "blocks": blocks}


def _drawn(block: Block, chart_id: str) -> Block:
    if block["type"] == "scores":
        return {**block, "type": "chart", "chart": _score_chart(block, chart_id)}
    if block["type"] == "vitals":
        return {**block, "type": "chart", "chart": _vitals_chart(block, chart_id)}
    return block


def _score_chart(block: Block, chart_id: str) -> Chart:
    lines = [
        ScoreLine(
            line["label"],
            line["maximum"],
            tuple(Band(**band) for band in line["bands"]),
            tuple(
                ScorePoint(**{**point, "at": datetime.fromisoformat(point["at"])}) for point in line["points"]
            ),
        )
        for line in block["lines"]
    ]
    doses = [DoseMark(dose["number"], datetime.fromisoformat(dose["at"])) for dose in block["doses"]]
    return score_trend(
        lines=lines, doses=doses, zone=ZoneInfo(block["zone"]), chart_id=chart_id, title=block["title"]
    )


def _vitals_chart(block: Block, chart_id: str) -> Chart:
    readings = [VitalsPoint(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in block["readings"]]
    given = [
        Given(
            datetime.fromisoformat(dose["start"]),
            datetime.fromisoformat(dose["stop"]) if dose["stop"] else None,
            dose["label"],
            dose["running"],
        )
        for dose in block["given"]
    ]
    return vitals_chart(
        readings=readings,
        given=given,
        limits=[Limit(**limit) for limit in block["limits"]],
        zone=ZoneInfo(block["zone"]),
        chart_id=chart_id,
        title=block["title"],
    )


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _printable(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_printable(entry) for entry in value]
    return value
