"""Column mappings: which column of a file is which item, what counts as missing, what is left out.

Pure. A mapping is a JSON file in ``data/mappings/`` or the choices of a person in the browser; both go
through :func:`mapping_from`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from screening.importing.rows import DATE_FORMATS
from screening.instruments import Instrument, UnknownInstrument, instrument

MAPPINGS_DIR = Path(__file__).parent.parent / "data" / "mappings"
CSV, FHIR = "csv", "fhir"
CLINIC_ZONE = "clinic"


class MappingInvalid(ValueError):
    """Raised when a mapping contradicts itself; ``reasons`` are sentences."""

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(" ".join(reasons))


@dataclass(frozen=True, slots=True)
class Population:
    """Whom a reference sample describes, where it comes from and under which licence."""

    key: str
    title: str
    description: str
    source: str
    licence: str


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """How to read one kind of file.

    ``items`` is (item number, column or FHIR linkId) in the items' order; ``missing_codes`` are cell texts
    that mean "no answer"; ``ignored`` are columns that are known and left out; ``zone`` ("clinic", an IANA
    name or "") says where a day or a time without a zone was written.
    """

    name: str
    title: str
    format: str
    instrument_id: str = ""
    version: str = ""
    items: tuple[tuple[int, str], ...] = ()
    functional: str = ""
    missing_codes: frozenset[str] = frozenset()
    external_id: str = ""
    completed_at: str = ""
    date_format: str = "iso"
    zone: str = ""
    ignored: frozenset[str] = frozenset()
    population: Population | None = None

    @property
    def instrument(self) -> Instrument | None:
        """The questionnaire that the file holds; ``None`` when each resource says so itself (FHIR)."""
        return instrument(self.instrument_id, self.version or None) if self.instrument_id else None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that must stand in the header; the functional item's may be absent."""
        wanted = [column for _, column in self.items]
        wanted += [column for column in (self.external_id, self.completed_at) if column]
        return tuple(wanted)

    @property
    def is_dated(self) -> bool:
        """Whether it can fill a patient's history: it names a person and a date."""
        return self.format == FHIR or bool(self.external_id and self.completed_at)

    def resolve_zone(self, clinic_zone: ZoneInfo | None) -> ZoneInfo | None:
        """The zone of days and times without one, or ``None`` when such dates are to be refused."""
        if self.zone == CLINIC_ZONE:
            return clinic_zone
        return ZoneInfo(self.zone) if self.zone else None

    def as_json(self) -> dict[str, Any]:
        """The mapping as plain data that :func:`mapping_from` reads again."""
        data = {
            "title": self.title,
            "format": self.format,
            "instrument": self.instrument_id,
            "version": self.version,
            "items": {str(number): column for number, column in self.items},
            "functional": self.functional,
            "missing_codes": sorted(self.missing_codes),
            "external_id": self.external_id,
            "completed_at": self.completed_at,
            "date_format": self.date_format,
            "zone": self.zone,
            "ignored": sorted(self.ignored),
        }
        if self.population:
            data["population"] = asdict(self.population)
        return data


@dataclass
class _Check:
    reasons: list[str] = field(default_factory=list)

    def that(self, holds: bool, reason: str) -> None:
        if not holds:
            self.reasons.append(reason)


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key) or ""
    return value if isinstance(value, str) else str(value)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def mapping_from(name: str, raw: Mapping[str, Any]) -> ColumnMapping:
    """Make a mapping from plain data; raises :class:`MappingInvalid` with everything that is wrong with it."""
    check = _Check()
    file_format = raw.get("format", CSV)
    check.that(file_format in (CSV, FHIR), f"The format is {CSV} or {FHIR}.")
    unknown = set(raw) - {
        *(
            "title",
            "format",
            "instrument",
            "version",
            "items",
            "functional",
            "missing_codes",
            "external_id",
        ),
        *("completed_at", "date_format", "zone", "ignored", "population"),
    }
    check.that(not unknown, f"Not known in a mapping: {', '.join(sorted(unknown))}.")

    definition, items = None, []
    instrument_id = _text(raw, "instrument")
    if instrument_id:
        try:
            definition = instrument(instrument_id, _text(raw, "version") or None)
        except UnknownInstrument:
            check.that(False, f"No questionnaire is called {instrument_id}.")
    else:
        check.that(file_format == FHIR, "Choose the questionnaire that the columns hold.")
    columns = dict(raw.get("items") or {})
    if definition is not None and (columns or file_format == CSV):
        for item in definition.items:
            column = str(columns.pop(str(item.number), "") or "")
            check.that(bool(column), f"Choose the column of item {item.number}.")
            items.append((item.number, column))
        check.that(
            not columns,
            f"{definition.short_title} has no item {', '.join(sorted(columns))}.",
        )
        check.that(
            not raw.get("functional") or definition.functional_item is not None,
            f"{definition.short_title} has no functional item.",
        )

    used = [column for _, column in items if column]
    used += [_text(raw, key) for key in ("functional", "external_id", "completed_at") if _text(raw, key)]
    twice = sorted({column for column in used if used.count(column) > 1})
    check.that(not twice, f"Chosen for two purposes: {', '.join(twice)}.")
    ignored = frozenset(str(column) for column in raw.get("ignored") or ())
    check.that(
        not ignored & set(used),
        f"Both used and left out: {', '.join(sorted(ignored & set(used)))}.",
    )

    missing_codes = frozenset(str(code) for code in raw.get("missing_codes") or ())
    if definition is not None:
        answers = {str(option.value) for item in definition.items for option in item.options}
        check.that(
            not missing_codes & answers,
            f"A code cannot mean both an answer and none: {', '.join(sorted(missing_codes & answers))}.",
        )
    date_format = _text(raw, "date_format") or "iso"
    check.that(
        date_format in DATE_FORMATS,
        f"Dates are written as one of: {', '.join(DATE_FORMATS)}.",
    )
    zone = _text(raw, "zone")
    check.that(zone in ("", CLINIC_ZONE) or _is_zone(zone), f"{zone} is not a time zone.")
    population = None
    if raw.get("population"):
        try:
            population = Population(**raw["population"])
        except TypeError:
            check.that(False, "A population has key, title, description, source and licence.")
    if check.reasons:
        raise MappingInvalid(check.reasons)
    return ColumnMapping(
        name=name,
        title=_text(raw, "title") or name,
        format=file_format,
        instrument_id=instrument_id,
        version=_text(raw, "version"),
        items=tuple(items),
        functional=_text(raw, "functional"),
        missing_codes=missing_codes,
        external_id=_text(raw, "external_id"),
        completed_at=_text(raw, "completed_at"),
        date_format=date_format,
        zone=zone,
        ignored=ignored,
        population=population,
    )


@cache
def mappings() -> dict[str, ColumnMapping]:
    """The mappings that come with the program, by name."""
    return {
        path.stem: mapping_from(path.stem, json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(MAPPINGS_DIR.glob("*.json"))
    }
