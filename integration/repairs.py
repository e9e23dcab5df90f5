"""What a repair asks for, as the value that stands on a page, comes back in a form and is kept in a plan. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kapclinic.scheduling.planner import RepairKind
from kapclinic.scheduling.spans import Span, require_utc


@dataclass(frozen=True, slots=True)
class Offer:
    """An extra hour (`person` works in `span`), a cover (`person` takes it), or another time of the dose (`dose_at`, UTC)."""

    kind: RepairKind
    person: str | None = None
    span: Span | None = None
    dose_at: datetime | None = None

    def as_dict(self) -> dict[str, str]:
        """Its fields as texts, instants in ISO form; `offer_from` reads them."""
        found = {"kind": self.kind.value}
        if self.person is not None:
            found["person"] = self.person
        if self.span is not None:
            found |= {"starts_at": self.span.starts_at.isoformat(), "ends_at": self.span.ends_at.isoformat()}
        if self.dose_at is not None:
            found["dose_at"] = self.dose_at.isoformat()
        return found


def offer_from(fields: Mapping[str, str]) -> Offer:
    """The offer of `as_dict`. Raises ValueError or KeyError for fields that make none."""
    kind = RepairKind(fields["kind"])
    if kind is RepairKind.DOSE_TIME:
        return Offer(kind, dose_at=_instant(fields["dose_at"]))
    if kind is RepairKind.COVER:
        return Offer(kind, person=str(UUID(fields["person"])))
    span = Span(_instant(fields["starts_at"]), _instant(fields["ends_at"]))
    return Offer(kind, person=str(UUID(fields["person"])), span=span)


def _instant(text: str) -> datetime:
    return require_utc(datetime.fromisoformat(text))
