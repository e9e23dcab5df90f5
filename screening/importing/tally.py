"""The figures of an import: what was read, what became of it, and what the totals look like.

Pure. Figures describe every row that could be read, whether it was new or already there, so that the second
run of a file prints the same sums as the first.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from screening.importing.rows import ParsedRow, RefusedRow, SkippedRow
from screening.instruments import Instrument, SafetyStatus, score

# The report in the database keeps this many refused rows; the count is always exact.
MAX_REFUSED_KEPT = 10_000
MAX_NOTES_KEPT = 100
LOW_TOTAL_BELOW = 10


class Outcome(StrEnum):
    """What became of a row that could be read."""

    NEW = "new"
    ALREADY_THERE = "already-there"


@dataclass
class InstrumentTally:
    """The figures of one questionnaire; totals in points."""

    definition: Instrument
    complete: int = 0
    incomplete: int = 0
    total_sum: int = 0
    endorsed_below_ten: int = 0
    totals: Counter[int] = field(default_factory=Counter)
    safety: Counter[SafetyStatus] = field(default_factory=Counter)
    answers: list[Counter[int | None]] = field(default_factory=list)

    def add(self, row: ParsedRow) -> None:
        result = score(self.definition, row.answers, functional=row.functional)
        if not self.answers:
            self.answers = [Counter() for _ in self.definition.items]
        for counter, value in zip(self.answers, row.answers, strict=True):
            counter[value] += 1
        if result.total is None:
            self.incomplete += 1
        else:
            self.complete += 1
            self.total_sum += result.total
            self.totals[result.total] += 1
        if result.safety is not None:
            self.safety[result.safety] += 1
            if result.safety.is_endorsed and result.total is not None and result.total < LOW_TOTAL_BELOW:
                self.endorsed_below_ten += 1

    @property
    def mean(self) -> float | None:
        """Mean total of the complete ones, in points; ``None`` without any."""
        return self.total_sum / self.complete if self.complete else None

    @property
    def bands(self) -> dict[str, int]:
        """How many complete totals lie in each band, by label, in the bands' order."""
        return {
            band.label: sum(
                count for total, count in self.totals.items() if band.minimum <= total <= band.maximum
            )
            for band in self.definition.bands
        }

    def as_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "instrument": self.definition.id,
            "complete": self.complete,
            "incomplete": self.incomplete,
            "sum": self.total_sum,
            "mean": None if self.mean is None else round(self.mean, 3),
            "minimum": min(self.totals, default=None),
            "maximum": max(self.totals, default=None),
            "bands": self.bands,
        }
        if self.definition.safety_item is not None:
            data["safety_item"] = {
                "item": self.definition.safety_item,
                **{status.value: self.safety[status] for status in SafetyStatus},
                "endorsed": self.safety[SafetyStatus.ONE] + self.safety[SafetyStatus.TWO_OR_MORE],
                "endorsed_with_total_below_10": self.endorsed_below_ten,
            }
        return data


@dataclass
class Tally:
    """The figures of one file."""

    rows_read: int = 0
    new: int = 0
    already_there: int = 0
    refused: int = 0
    refusals: list[RefusedRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    by_instrument: dict[str, InstrumentTally] = field(default_factory=dict)

    def taken(self, row: ParsedRow, outcome: Outcome) -> None:
        """Count a row that was read and is new or already there."""
        self.rows_read += 1
        if outcome is Outcome.NEW:
            self.new += 1
        else:
            self.already_there += 1
        self._figures(row)

    def refuse(self, row: RefusedRow, *, read: ParsedRow | None = None) -> None:
        """Count a refused row; the first ones are kept with their reasons. `read`: its answers, where readable."""
        self.rows_read += 1
        self.refused += 1
        if len(self.refusals) < MAX_REFUSED_KEPT:
            self.refusals.append(row)
        if read is not None:
            self._figures(read)

    def _figures(self, row: ParsedRow) -> None:
        key = row.instrument.id
        if key not in self.by_instrument:
            self.by_instrument[key] = InstrumentTally(row.instrument)
        self.by_instrument[key].add(row)
        for note in row.notes:
            self.note(f"Row {row.row}: {note}.")

    def all_were_there(self) -> None:
        """The whole file turned out to be known: nothing of it is new."""
        self.already_there, self.new = self.already_there + self.new, 0

    def skip(self, row: SkippedRow) -> None:
        """Count a resource of another kind."""
        self.skipped[row.kind] += 1

    def note(self, text: str) -> None:
        """Keep a remark that refuses nothing."""
        if len(self.notes) < MAX_NOTES_KEPT:
            self.notes.append(text)

    @property
    def complete(self) -> int:
        return sum(each.complete for each in self.by_instrument.values())

    @property
    def incomplete(self) -> int:
        return sum(each.incomplete for each in self.by_instrument.values())

    def as_json(self) -> dict[str, Any]:
        """The report as plain data: counts, figures by questionnaire, refused rows with their reasons."""
        figures = [each.as_json() for each in self.by_instrument.values()]
        data: dict[str, Any] = {
            "rows_read": self.rows_read,
            "new": self.new,
            "already_there": self.already_there,
            "refused": self.refused,
            "complete": self.complete,
            "incomplete": self.incomplete,
            "sum": sum(each.total_sum for each in self.by_instrument.values()),
            "bands": figures[0]["bands"] if len(figures) == 1 else {},
            "instruments": figures,
            "skipped": dict(self.skipped),
            "notes": self.notes,
            "refusals": [refusal_as_json(row) for row in self.refusals],
        }
        if len(figures) == 1:
            data["mean"] = figures[0]["mean"]
            if "safety_item" in figures[0]:
                data["safety_item"] = figures[0]["safety_item"]
        return data


def refusal_as_json(row: RefusedRow) -> dict[str, Any]:
    """A refused row as plain data."""
    return {
        "row": row.row,
        "external_id": row.external_id,
        "reasons": [
            {"field": problem.field, "value": problem.value, "text": problem.text} for problem in row.problems
        ],
    }
