"""How a clinical number is written down once: default, unit, bounds and source beside it.

Rule modules keep their numbers in frozen dataclasses whose fields are `limit()`s. The same fields
are read when the clinic settings are registered, so that a number has one home.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, TypeVar


@dataclass(frozen=True)
class LimitNote:
    """What stands beside a number: `unit` as printed, `mark` as POLICY, V, G or UNVERIFIED."""

    name: str
    default: Any
    label: str
    unit: str
    source: str
    mark: str
    minimum: Decimal | int
    maximum: Decimal | int


def limit(
    default: Decimal | int,
    label: str,
    unit: str,
    source: str,
    *,
    mark: str = "POLICY",
    between: tuple[Decimal | int, Decimal | int],
) -> Any:
    """A dataclass field with unit and source; a clinic may set what lies `between`, both ends included."""
    minimum, maximum = between
    return field(
        default=default,
        metadata={
            "label": label,
            "unit": unit,
            "source": source,
            "mark": mark,
            "minimum": minimum,
            "maximum": maximum,
        },
    )


def notes(limits_class: type) -> Iterator[LimitNote]:
    """The numbers of a limits dataclass, in the order in which they are written."""
    for entry in fields(limits_class):
        yield LimitNote(name=entry.name, default=entry.default, **entry.metadata)


Limits = TypeVar("Limits")


def read(limits_class: type[Limits], prefix: str, value_of: Callable[[str], Any]) -> Limits:
    """Build `limits_class` from settings: `value_of("<prefix>.<field name>")` answers each number.

    Whole numbers stay whole; fields whose default is a Decimal come back as Decimal.
    """
    values: dict[str, Any] = {}
    for note in notes(limits_class):
        value = value_of(f"{prefix}.{note.name}")
        values[note.name] = Decimal(str(value)) if isinstance(note.default, Decimal) else value
    return limits_class(**values)
