"""Clinical settings as declared data: key, unit, default, source and how far the source was confirmed.

The room that owns a rule declares its settings at import of its `clinical_settings.py` (from `AppConfig.ready`); a clinic's own
values are `ClinicalSetting` rows, proposed by a manager and approved by a prescriber marked as medical director.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Mark(StrEnum):
    """How far the default is backed."""

    GUIDE = "practice guide"
    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    POLICY = "policy"


@dataclass(frozen=True)
class SettingSpec:
    """One clinical setting. `kind` is int, float, bool or str; `least` and `most` bound numbers, both included."""

    key: str
    label: str
    kind: type
    default: Any
    unit: str
    group: str
    source: str
    mark: Mark
    least: float | None = None
    most: float | None = None
    help_text: str = ""

    def parse(self, raw: Any) -> Any:
        """The typed value of `raw` (as stored in JSON); raises ValueError with a sentence for people."""
        if self.kind is bool:
            if isinstance(raw, bool):
                return raw
            raise ValueError(f"{self.label}: choose yes or no.")
        if self.kind is str:
            return str(raw)
        if isinstance(raw, bool):
            raise ValueError(f"{self.label}: enter a number.")
        try:
            value = self.kind(raw)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self.label}: enter a number.") from error
        if self.least is not None and value < self.least:
            raise ValueError(f"{self.label}: not below {self.least:g} {self.unit}.")
        if self.most is not None and value > self.most:
            raise ValueError(f"{self.label}: not above {self.most:g} {self.unit}.")
        return value


_specs: dict[str, SettingSpec] = {}


def register(*specs: SettingSpec) -> None:
    """Declare settings; the same key twice with another meaning is a programming error."""
    for spec in specs:
        known = _specs.get(spec.key)
        if known is not None and known != spec:
            raise ValueError(f"clinical setting {spec.key} is declared twice")
        spec.parse(spec.default)
        _specs[spec.key] = spec


def all_specs() -> list[SettingSpec]:
    """Every declared setting, by group and label."""
    return sorted(_specs.values(), key=lambda spec: (spec.group, spec.label))


def spec_of(key: str) -> SettingSpec:
    """The declaration of `key`; KeyError when no room declared it."""
    return _specs[key]
