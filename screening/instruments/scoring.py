"""The arithmetic of the questionnaires: answers go in as numbers or ``None``, a :class:`Score` comes out.

One rule runs through it: a scored item without an answer means no total, no band and no outcome (POLICY; a
decimal or prorated PHQ-9 total "invalidates the tool", helpdesk.mncm.org).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from screening.instruments.definitions import Band, Cluster, Clusters, Instrument, Item


class InvalidAnswer(ValueError):
    """Raised when an answer is not one of the item's options; ``item`` is the item's number, 0 the
    functional item.
    """

    def __init__(self, item: int, value: object) -> None:
        self.item = item
        self.value = value
        where = f"item {item}" if item else "the functional item"
        super().__init__(f"{value!r} is not an answer to {where}")


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
