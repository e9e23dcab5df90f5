"""The questionnaires as data, and their arithmetic.

Pure: definitions come from ``data/instruments.json`` (wording, codes, bands, cut-offs, each with its
source), answers go in as numbers or ``None``, a :class:`Score` comes out. Nothing here knows a patient, a
clock or a database.

One rule runs through it: a scored item without an answer means no total, no band and no outcome (POLICY; a
decimal or prorated PHQ-9 total "invalidates the tool", helpdesk.mncm.org).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

DATA_FILE = Path(__file__).parent / "data" / "instruments.json"


class UnknownInstrument(LookupError):
    """Raised when no instrument has that id, or not in that version."""


class InvalidAnswer(ValueError):
    """Raised when an answer is not one of the item's options; ``item`` is the item's number, 0 the
    functional item.
    """

    def __init__(self, item: int, value: object) -> None:
        self.item = item
        self.value = value
        where = f"item {item}" if item else "the functional item"
        super().__init__(f"{value!r} is not an answer to {where}")


@dataclass(frozen=True, slots=True)
class Option:
    """One answer: its points, its exact wording, its LOINC answer code (``None`` where LOINC has none)."""

    value: int
    text: str
    loinc_answer: str | None = None
    is_code_verified: bool = True


@dataclass(frozen=True, slots=True)
class SkipRule:
    """The item need not be asked when ``item`` was answered with ``value``; it then counts as
    ``counts_as``.
    """

    item: int
    value: int
    counts_as: int


@dataclass(frozen=True, slots=True)
class Item:
    """One scored question in its exact wording."""

    number: int
    link_id: str
    loinc: str | None
    text: str
    options: tuple[Option, ...]
    skip: SkipRule | None = None

    def option(self, value: int | None) -> Option | None:
        """The option worth ``value`` points, or ``None`` when there is none."""
        return next((option for option in self.options if option.value == value), None)


@dataclass(frozen=True, slots=True)
class FunctionalItem:
    """How difficult the problems make life: shown and stored, never part of the total."""

    link_id: str
    loinc: str
    text: str
    options: tuple[Option, ...]
    note: str

    def option(self, value: int | None) -> Option | None:
        """The option at place ``value`` (0 is the mildest), or ``None`` when there is none."""
        return next((option for option in self.options if option.value == value), None)


@dataclass(frozen=True, slots=True)
class Band:
    """A range of totals with its label, both ends included."""

    minimum: int
    maximum: int
    code: str
    label: str


@dataclass(frozen=True, slots=True)
class CutOff:
    """The total from which a screen is positive, by sex at birth (points)."""

    male: int
    female: int
    other: int
    source: str

    def for_sex(self, sex: str | None) -> int:
        """The cut-off for "male" or "female"; any other value, or none, gets the lower one."""
        return {"male": self.male, "female": self.female}.get(sex or "", self.other)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A group of items, with how many must be endorsed for the group to count."""

    code: str
    label: str
    items: tuple[int, ...]
    needed: int


@dataclass(frozen=True, slots=True)
class Clusters:
    """The clusters of an instrument without bands, and the total worth a closer look (points)."""

    endorsed_from: int
    cut_point: int
    cut_point_range: tuple[int, int]
    groups: tuple[Cluster, ...]
    source: str


@dataclass(frozen=True, slots=True)
class ChangeRule:
    """How much change counts (points); ``None`` where the instrument has no such rule.

    ``response`` is "halved" (``2 * follow-up <= baseline``) or "points" (at least ``response_points`` lower).
    """

    response: str
    response_points: int | None
    response_from_baseline: int
    remission_below: int | None
    remission_from_baseline: int | None
    meaningful_points: int
    reliable_points: int | None
    deterioration_points: int
    source: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """One questionnaire in one version of its wording."""

    id: str
    version: str
    short_title: str
    title: str
    licence: str
    licence_source: str
    attribution: str
    recall: str
    recall_days: int | None
    stem: str
    loinc_panel: str
    loinc_total: str
    unit: str
    questionnaires: tuple[str, ...]
    segment: str | None
    items: tuple[Item, ...]
    minimum: int
    maximum: int
    bands: tuple[Band, ...]
    bands_source: str
    functional_item: FunctionalItem | None
    safety_item: int | None
    safety_source: str
    cut_off: CutOff | None
    clusters: Clusters | None
    change: ChangeRule | None

    def item(self, number: int) -> Item:
        """The item with that number; raises ``KeyError`` when there is none."""
        for item in self.items:
            if item.number == number:
                return item
        raise KeyError(number)

    def band(self, total: int | None) -> Band | None:
        """The band that ``total`` falls in; ``None`` without a total or where the instrument has no bands."""
        if total is None:
            return None
        return next((band for band in self.bands if band.minimum <= total <= band.maximum), None)

    def band_by_code(self, code: str) -> Band | None:
        """The band with that code, or ``None``."""
        return next((band for band in self.bands if band.code == code), None)


@dataclass(frozen=True, slots=True)
class NotIncluded:
    """An instrument that is not part of the program, why, and what to use instead."""

    title: str
    why: str
    instead: str
    source: str


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


class SafetyStatus(StrEnum):
    """What the safety item (PHQ-9 item 9) says. Zero is never an all-clear; a blank counts as not assessed."""

    ZERO = "zero"
    ONE = "one"
    TWO_OR_MORE = "two-or-more"
    MISSING = "missing"

    @property
    def needs_assessment(self) -> bool:
        """Whether a suicide-risk assessment is owed the same day (1 or more, or blank)."""
        return self is not SafetyStatus.ZERO

    @property
    def is_endorsed(self) -> bool:
        """Whether the patient answered anything but "Not at all"."""
        return self in (SafetyStatus.ONE, SafetyStatus.TWO_OR_MORE)

    @property
    def is_urgent(self) -> bool:
        """Whether the treating clinician must be told at once (2 or more)."""
        return self is SafetyStatus.TWO_OR_MORE


@dataclass(frozen=True, slots=True)
class Screen:
    """A total against a cut-off (AUDIT-C). ``is_first_item_alone``: every point comes from the first item,
    which is compatible with drinking inside recommended limits.
    """

    is_positive: bool
    cut_off: int
    is_first_item_alone: bool


@dataclass(frozen=True, slots=True)
class ClusterCount:
    """How many items of a cluster are endorsed, of how many, and how many would be needed."""

    cluster: Cluster
    endorsed: int

    @property
    def is_reached(self) -> bool:
        return self.endorsed >= self.cluster.needed


@dataclass(frozen=True, slots=True)
class ClusterResult:
    """The total against the cut-point and the count by cluster (PCL-5). Numbers for a clinician, not a
    diagnosis.
    """

    cut_point: int
    is_at_cut_point: bool
    counts: tuple[ClusterCount, ...]

    @property
    def is_pattern_reached(self) -> bool:
        """Whether every cluster has the items it needs."""
        return all(count.is_reached for count in self.counts)


@dataclass(frozen=True, slots=True)
class Score:
    """What the answers add up to. ``given`` and ``values`` have one entry per item: as answered, and with
    skipped items as what they count as."""

    instrument: Instrument
    given: tuple[int | None, ...]
    values: tuple[int | None, ...]
    functional: int | None
    total: int | None
    band: Band | None
    missing: tuple[int, ...]
    skipped: tuple[int, ...]
    contradictions: tuple[int, ...]
    is_functional_owed: bool
    safety: SafetyStatus | None
    screen: Screen | None
    clusters: ClusterResult | None

    @property
    def is_complete(self) -> bool:
        return not self.missing

    @property
    def answered(self) -> int:
        """How many scored items have a value."""
        return len(self.values) - len(self.missing)


def safety_status(value: int | None) -> SafetyStatus:
    """What an answer to the safety item means; ``None`` is a blank."""
    if value is None:
        return SafetyStatus.MISSING
    if value == 0:
        return SafetyStatus.ZERO
    return SafetyStatus.ONE if value == 1 else SafetyStatus.TWO_OR_MORE


def _checked(item: Item, value: object) -> int | None:
    if value is None:
        return None
    # bool is an int in Python, and True must not count as one point
    if isinstance(value, bool) or not isinstance(value, int) or item.option(value) is None:
        raise InvalidAnswer(item.number, value)
    return value


def _clusters_reached(
    definition: Clusters, values: Mapping[int, int], total: int, cut_point: int | None
) -> ClusterResult:
    point = definition.cut_point if cut_point is None else cut_point
    return ClusterResult(
        cut_point=point,
        is_at_cut_point=total >= point,
        counts=tuple(
            ClusterCount(
                group,
                sum(values[number] >= definition.endorsed_from for number in group.items),
            )
            for group in definition.groups
        ),
    )


def score(
    definition: Instrument,
    answers: Sequence[int | None],
    *,
    functional: int | None = None,
    sex: str | None = None,
    cut_point: int | None = None,
) -> Score:
    """Score one questionnaire.

    In: one answer per item in the items' order (``None`` for a blank), the functional item's answer, the
    patient's sex at birth (for a cut-off that depends on it) and the clinic's cut-point where the
    instrument has a range of them. Out: a :class:`Score`. Raises :class:`InvalidAnswer` for anything that
    is not an option, ``ValueError`` for the wrong number of answers.
    """
    if len(answers) != len(definition.items):
        raise ValueError(f"{definition.short_title} has {len(definition.items)} items, got {len(answers)}")
    given = {
        item.number: _checked(item, value) for item, value in zip(definition.items, answers, strict=True)
    }
    if functional is not None and (
        definition.functional_item is None
        or isinstance(functional, bool)
        or definition.functional_item.option(functional) is None
    ):
        raise InvalidAnswer(0, functional)

    values: dict[int, int | None] = {}
    skipped, contradictions = [], []
    for item in definition.items:
        value = given[item.number]
        if item.skip is not None and given[item.skip.item] == item.skip.value:
            if value is None:
                value = item.skip.counts_as
                skipped.append(item.number)
            elif value != item.skip.counts_as:
                contradictions.append(item.number)
        values[item.number] = value

    missing = tuple(number for number, value in values.items() if value is None)
    known = {number: value for number, value in values.items() if value is not None}
    total = None if missing else sum(known.values())
    screen = clusters = None
    if total is not None and definition.cut_off is not None:
        cut_off = definition.cut_off.for_sex(sex)
        first = definition.items[0].number
        screen = Screen(
            is_positive=total >= cut_off,
            cut_off=cut_off,
            is_first_item_alone=total > 0 and known[first] == total,
        )
    if total is not None and definition.clusters is not None:
        clusters = _clusters_reached(definition.clusters, known, total, cut_point)
    return Score(
        instrument=definition,
        given=tuple(given.values()),
        values=tuple(values.values()),
        functional=functional,
        total=total,
        band=definition.band(total),
        missing=missing,
        skipped=tuple(skipped),
        contradictions=tuple(contradictions),
        is_functional_owed=(
            definition.functional_item is not None
            and functional is None
            and any(value > 0 for value in known.values())
        ),
        safety=None if definition.safety_item is None else safety_status(values[definition.safety_item]),
        screen=screen,
        clusters=clusters,
    )
