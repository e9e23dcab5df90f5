"""What a rule says about an order or an administration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    BLOCK = "block"
    WARN = "warn"


@dataclass(frozen=True)
class DoseFinding:
    """One thing that a rule says about an order or a start. `field` is the form field that it belongs to."""

    code: str
    level: Level
    text: str
    source: str
    field: str | None = None

    @property
    def is_block(self) -> bool:
        return self.level is Level.BLOCK


def ordered(found: Iterable[DoseFinding]) -> tuple[DoseFinding, ...]:
    """Blocks before warnings, each code and field once, otherwise as found."""
    once: dict[tuple[str, str | None], DoseFinding] = {}
    for finding in found:
        once.setdefault((finding.code, finding.field), finding)
    return tuple(sorted(once.values(), key=lambda finding: not finding.is_block))
