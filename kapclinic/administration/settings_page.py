"""Every declared clinical setting with its value at one clinic, in two queries."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from kapclinic.clinics.models import Clinic, ClinicalSetting, SettingState
from kapclinic.clinics.settings_registry import Mark, SettingSpec, all_specs

_MARK_PILLS = {
    Mark.GUIDE: "pill-accent",
    Mark.VERIFIED: "pill-green",
    Mark.UNVERIFIED: "pill-amber",
    Mark.POLICY: "pill-outline",
}


def in_words(spec: SettingSpec, value: Any) -> str:
    """A value with its unit, as people say it."""
    if spec.kind is bool:
        return "Yes" if value else "No"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{text} {spec.unit}".strip()


@dataclass(frozen=True)
class SettingLine:
    """One setting at one clinic. `own` is the clinic's approved row, `proposal` the one that waits."""

    spec: SettingSpec
    own: ClinicalSetting | None
    proposal: ClinicalSetting | None

    @property
    def value(self) -> Any:
        """The value in force."""
        return self.spec.parse(self.own.value) if self.own is not None else self.spec.default

    @property
    def value_words(self) -> str:
        """The value in force with its unit."""
        return in_words(self.spec, self.value)

    @property
    def default_words(self) -> str:
        """The default with its unit."""
        return in_words(self.spec, self.spec.default)

    @property
    def proposal_words(self) -> str:
        """The proposed value with its unit."""
        return in_words(self.spec, self.proposal.value) if self.proposal is not None else ""

    @property
    def is_own(self) -> bool:
        """True when the clinic's value differs from the default."""
        return bool(self.value != self.spec.default)

    @property
    def mark_pill(self) -> str:
        """Class of the pill that says how far the default is backed."""
        return _MARK_PILLS[self.spec.mark]


def lines_for(clinic: Clinic) -> list[SettingLine]:
    """Every setting at `clinic`, by group and label."""
    rows = ClinicalSetting.objects.filter(
        clinic=clinic, state__in=[SettingState.APPROVED, SettingState.PROPOSED]
    ).select_related("created_by", "decided_by")
    by_key = {(row.key, row.state): row for row in rows}
    return [
        SettingLine(
            spec, by_key.get((spec.key, SettingState.APPROVED)), by_key.get((spec.key, SettingState.PROPOSED))
        )
        for spec in all_specs()
    ]


def groups_for(clinic: Clinic) -> list[tuple[str, list[SettingLine]]]:
    """The same, group by group."""
    return [
        (name, list(lines)) for name, lines in groupby(lines_for(clinic), key=lambda line: line.spec.group)
    ]
