"""What a questionnaire is made of: items, options, bands, cut-offs, clusters, what change counts. Pure data."""

from dataclasses import dataclass


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
