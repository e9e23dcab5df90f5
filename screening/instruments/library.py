"""The questionnaires of ``data/instruments.json``: wording, codes, bands, cut-offs, each with its source."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from screening.instruments.definitions import (
    Band,
    ChangeRule,
    Cluster,
    Clusters,
    CutOff,
    FunctionalItem,
    Instrument,
    Item,
    NotIncluded,
    Option,
    SkipRule,
)

DATA_FILE = Path(__file__).parent.parent / "data" / "instruments.json"


class UnknownInstrument(LookupError):
    """Raised when no instrument has that id, or not in that version."""


def _options(rows: Sequence[Mapping[str, Any]]) -> tuple[Option, ...]:
    return tuple(
        Option(
            value=row["value"],
            text=row["text"],
            loinc_answer=row.get("loinc_answer"),
            is_code_verified=row.get("loinc_answer_mark") != "UNVERIFIED",
        )
        for row in rows
    )


def _item(row: Mapping[str, Any], shared: tuple[Option, ...]) -> Item:
    skip = row.get("skipped_when")
    return Item(
        number=row["number"],
        link_id=row["link_id"],
        loinc=row["loinc"],
        text=row["text"],
        options=_options(row["options"]) if "options" in row else shared,
        skip=SkipRule(**skip) if skip else None,
    )


def _clusters(row: Mapping[str, Any]) -> Clusters:
    low, high = row["cut_point_range"]
    return Clusters(
        endorsed_from=row["endorsed_from"],
        cut_point=row["cut_point"],
        cut_point_range=(low, high),
        groups=tuple(
            Cluster(
                code=g["code"],
                label=g["label"],
                items=tuple(g["items"]),
                needed=g["needed"],
            )
            for g in row["groups"]
        ),
        source=row["source"],
    )


def _instrument(row: Mapping[str, Any]) -> Instrument:
    functional, safety, change = (
        row["functional_item"],
        row["safety_item"],
        row["change"],
    )
    shared = _options(row["options"])
    minimum, maximum = row["range"]
    return Instrument(
        id=row["id"],
        version=row["version"],
        short_title=row["short_title"],
        title=row["title"],
        licence=row["licence"],
        licence_source=row["licence_source"],
        attribution=row["attribution"],
        recall=row["recall"],
        recall_days=row["recall_days"],
        stem=row["stem"],
        loinc_panel=row["loinc_panel"],
        loinc_total=row["loinc_total"],
        unit=row["unit"],
        segment=row["segment"],
        bands_source=row["bands_source"],
        questionnaires=tuple(row["questionnaires"]),
        items=tuple(_item(item, shared) for item in row["items"]),
        minimum=minimum,
        maximum=maximum,
        bands=tuple(Band(b["min"], b["max"], b["code"], b["label"]) for b in row["bands"]),
        functional_item=FunctionalItem(
            link_id=functional["link_id"],
            loinc=functional["loinc"],
            text=functional["text"],
            options=_options(functional["options"]),
            note=functional["note"],
        )
        if functional
        else None,
        safety_item=safety["item"] if safety else None,
        safety_source=safety["source"] if safety else "",
        cut_off=CutOff(**row["cut_off"]) if row["cut_off"] else None,
        clusters=_clusters(row["clusters"]) if row["clusters"] else None,
        change=ChangeRule(**{"response_points": None, **change}) if change else None,
    )


@cache
def _library() -> tuple[tuple[Instrument, ...], tuple[NotIncluded, ...], str]:
    raw = json.loads(DATA_FILE.read_text(encoding="utf-8"))
    return (
        tuple(_instrument(row) for row in raw["instruments"]),
        tuple(NotIncluded(**row) for row in raw["not_included"]),
        raw["loinc_notice"],
    )


def instruments() -> tuple[Instrument, ...]:
    """Every instrument in its current version, in the order in which the data file lists them."""
    current: dict[str, Instrument] = {}
    for each in _library()[0]:
        current[each.id] = each
    return tuple(current.values())


def instrument(instrument_id: str, version: str | None = None) -> Instrument:
    """The instrument with that id, in that version or the current one; raises :class:`UnknownInstrument`."""
    found = [each for each in _library()[0] if each.id == instrument_id and version in (None, each.version)]
    if not found:
        raise UnknownInstrument(f"{instrument_id} {version or ''}".strip())
    return found[-1]


def not_included() -> tuple[NotIncluded, ...]:
    """Well-known instruments that are not part of the program, with the reason."""
    return _library()[1]


def loinc_notice() -> str:
    """The notice that LOINC's licence asks for wherever its codes are used."""
    return _library()[2]
